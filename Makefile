# `make` alone lists what there is. Every recipe can be typed by hand as it stands.
# HOST, PORT, DATABASE_URL and the like reach the programs from the command line and the environment alike.

SETUP  := sh scripts/find-python.sh -m scripts.environment
PYTHON_OF_VENV := .venv/bin/python
# The tests of the daily loop. A change elsewhere, such as in imports, accounts or the checks of
# `flask verify`, needs their tests too.
DAILY := $(addprefix tests/,domain ledger web api guardrails) --ignore-glob='*/test_*import*.py' \
	$(addprefix --ignore=tests/ledger/,audit storage transparency)

.DEFAULT_GOAL := help
.PHONY: help run setup demo check test lint development race fuzz bench screenshots lock release clean

help: ## this list
	@echo 'usage: make TARGET'
	@sed -n 's/^\([a-z]*\):[^#]*## /  \1 | /p' $(MAKEFILE_LIST) | awk -F' [|] ' '{ printf "%-12s %s\n", $$1, $$2 }'

run: ## set up, migrate and serve on http://127.0.0.1:8000; HOST, PORT, DATABASE_URL, WEB_CONCURRENCY change that
	@sh scripts/find-python.sh -m scripts.serve

setup: ## make .venv and install what running needs
	@$(SETUP) requirements.txt

demo: setup ## load the sample credits with some sales and retirements, through the program's own commands
	@$(PYTHON_OF_VENV) -m flask --app wsgi db upgrade
	@$(PYTHON_OF_VENV) -m flask --app wsgi demo

# Also where the environment forbids it: rewriting the asserts of all tests in each run takes five seconds.
check test: export PYTHONDONTWRITEBYTECODE =

check: lint ## the daily loop, in a minute: lint, and the quick tests of rules, ledger, pages and API on SQLite
	@$(PYTHON_OF_VENV) -m pytest --quiet --numprocesses=2 --dist=worksteal --databases=sqlite -m 'not slow' $(DAILY)

# Four processes for two cores: tests of servers and browsers wait for others much of their time.
test: lint ## everything: lint, then all tests, on SQLite, on a PostgreSQL of their own and in a browser
	@$(PYTHON_OF_VENV) -m scripts.machine
	@$(PYTHON_OF_VENV) -m pytest --numprocesses=4 --dist=worksteal

lint: development ## ruff, mypy and djlint
	@$(PYTHON_OF_VENV) -m ruff check
	@$(PYTHON_OF_VENV) -m ruff format --check
	@$(PYTHON_OF_VENV) -m mypy
	@$(PYTHON_OF_VENV) -m djlint --lint --quiet templates

development:
	@$(SETUP) requirements-dev.txt

bench: development ## measure the real server in one run; SCALE=1000000, ONLY=create,read, SECONDS=6, CREDITS=20000
	@$(PYTHON_OF_VENV) -m scripts.bench $(if $(SCALE),--scale $(SCALE)) $(if $(ONLY),--only $(ONLY)) \
		$(if $(SECONDS),--seconds $(SECONDS)) $(if $(CREDITS),--credits $(CREDITS))

race: development ## hundreds of rounds of 32 clients at once on each database; ROUNDS=300, DATABASE_URL for one that there is
	@$(PYTHON_OF_VENV) -m scripts.race --rounds $(or $(ROUNDS),300) $(if $(DATABASE_URL),--url "$(DATABASE_URL)")

fuzz: development ## ten thousand generated requests on each database, then the tests of random cases with ten times as many
	@$(PYTHON_OF_VENV) -m scripts.fuzz --requests $(or $(REQUESTS),10000) --seed $(or $(SEED),1)
	@TEST_ROUNDS=10 $(PYTHON_OF_VENV) -m pytest --quiet --numprocesses=2 --dist=worksteal -m random

screenshots: development ## take the pictures of README.md and docs/ from the running program, with real credits
	@$(PYTHON_OF_VENV) -m scripts.screenshots

lock: development ## write requirements*.txt from requirements*.in; UPGRADE=1 takes newer versions
	@$(PYTHON_OF_VENV) -m uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
		$(if $(UPGRADE),--upgrade) requirements.in --output-file requirements.txt
	@$(PYTHON_OF_VENV) -m uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
		$(if $(UPGRADE),--upgrade) requirements-dev.in --constraints requirements.txt --output-file requirements-dev.txt

# The checks come first, so that a refusal does not wait for the tests; `tag` repeats them.
release: development ## check that this version can be released, run lint and all tests, and make its tag
	@$(PYTHON_OF_VENV) -m scripts.release check
	@$(MAKE) --no-print-directory test
	@$(PYTHON_OF_VENV) -m scripts.release tag

clean: ## remove .venv and what the tools left; what the ledger recorded (instance/) stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
