"""What each package may import.

domain <- ledger <- {imports, statements <- reports, accounts}; accounts <- http; all of these <- the ways in.
"""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from webapp.config import ROOT

WEBAPP = ROOT / "webapp"
MODULES = sorted(WEBAPP.rglob("*.py"))
PYTHON = sorted(
    path
    for folder in ("webapp", "server", "tests", "scripts", "migrations")
    for path in (ROOT / folder).rglob("*.py")
)
MAX_LINES = 400

# What each package may import of ours. The top of webapp is where the three ways in are put together.
PACKAGES = {
    "domain": {"domain"},
    "ledger": {"domain", "ledger"},
    "imports": {"domain", "ledger", "imports"},
    "statements": {"domain", "ledger", "statements"},
    "reports": {"domain", "ledger", "statements", "reports"},
    "accounts": {"domain", "ledger", "accounts"},
    "http": {"domain", "ledger", "accounts", "http"},
    "web": {"domain", "ledger", "imports", "statements", "reports", "accounts", "http", "web"},
    "api": {"domain", "ledger", "imports", "reports", "accounts", "http", "api"},
    "cli": {"domain", "ledger", "imports", "accounts", "cli"},
}
# What the three ways in share between them, at the top of webapp.
SHARED = {"authorization", "config", "idempotency", "secret_key_file", "version"}
# The packages of the ledger, from the bottom up. What is in none of them stands beside `search` and `audit`.
LEDGER_PACKAGES = {
    "storage": {"storage"},
    "projections": {"storage", "projections"},
    "search": {"storage", "search"},
    "audit": {"storage", "projections", "transparency", "audit"},
    "background": {"storage", "background"},
    "transparency": {"storage", "projections", "background", "transparency"},
}
# Single modules at the top of the ledger that a package may use all the same.
LEDGER_TOP = {
    "audit": {"event_log", "group_commit"},
    "background": {"group_commit"},
    "projections": set(),
    "search": set(),
    "storage": set(),
    "transparency": {"group_commit"},
}
# What pages, API and commands use of the ledger: its facades, and never what is behind them.
FACADES = {
    "act_selection",
    "activity",
    "acts",
    "commands",
    "acts_on_many",
    "queries",
    "listing",
    "facets",
    "summaries",
    "as_of",
    "as_of_list",
    "recorded_sums",
    "retirements",
    "overview",
    "registries",
    "parties",
    "party_figures",
    "project_keys",
    "party_pairs",
    "projects",
    "act_lines",
    "present_words",
    "integrity",
    "transparency",
    "metrics",
    "readiness",
    "stored_gauges",
    "feed",
    "exports",
    "evidence",
    "digest_comparison",
    "views",
    "serial_conflicts",
    "clock",
}
FACADES_OF_CLI = FACADES | {"archive", "audit", "backup", "permissions", "storage"}
# Beside them: whether the schema is the one of this program, how long a key is kept, and the result of
# joining names.
SINGLE_NAMES = {
    ("storage", "schema_version", "ping"),
    ("idempotency_store", "RETENTION"),
    ("name_changes", "NameChange"),
}
# The types of what lists are asked for and give.
SEARCH_TYPES = {"credit_filter", "pagination", "selection"}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def imports_of(path: Path) -> tuple[str, ...]:
    """Return the full names of the modules that a file imports, and of the names imported from them."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(found)


def layer_of(path: Path) -> str:
    return path.relative_to(WEBAPP).parts[0]


def modules_of(*layers: str) -> list[Path]:
    found = [path for path in MODULES if layer_of(path) in layers]
    assert found
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_is_under_it(package: str) -> None:
    allowed = PACKAGES[package] | (SHARED if package in {"web", "api", "cli"} else set())
    wrong = [
        (name_of(path), name)
        for path in modules_of(package)
        for name in imports_of(path)
        if name.startswith("webapp.") and name.split(".")[1] not in allowed
    ]
    assert wrong == []


def of_ledger(path: Path) -> Iterator[tuple[str, ...]]:
    """Yield what a file imports of the ledger, by the parts of its name after `webapp.ledger`."""
    for name in imports_of(path):
        if name.startswith("webapp.ledger."):
            yield tuple(name.split(".")[2:])


@pytest.mark.parametrize("package", LEDGER_PACKAGES)
def test_a_package_of_the_ledger_imports_only_what_is_under_it(package: str) -> None:
    allowed = LEDGER_PACKAGES[package] | LEDGER_TOP[package] | {"clock"}
    found = sorted((WEBAPP / "ledger" / package).glob("*.py"))
    assert found
    assert [
        (name_of(path), name) for path in found for name in of_ledger(path) if name[0] not in allowed
    ] == []


@pytest.mark.parametrize(
    ("package", "facades"), [("web", FACADES), ("api", FACADES), ("cli", FACADES_OF_CLI)]
)
def test_the_ways_in_use_the_ledger_by_its_facades(package: str, facades: set[str]) -> None:
    wrong = [
        (name_of(path), name)
        for path in modules_of(package)
        for name in of_ledger(path)
        if name[0] not in facades
        and name not in SINGLE_NAMES
        and not (name[0] == "search" and name[1] in SEARCH_TYPES)
    ]
    assert wrong == []


def test_the_domain_imports_the_standard_library_and_itself() -> None:
    tops = {name.split(".")[0] for path in modules_of("domain") for name in imports_of(path)}
    assert tops <= sys.stdlib_module_names | {"webapp"}


@pytest.mark.parametrize("package", ["ledger", "imports", "statements", "reports", "accounts"])
def test_the_ledger_and_what_stands_on_it_know_no_request_and_no_template(package: str) -> None:
    edges = {"flask", "werkzeug", "jinja2", "wtforms", "flask_wtf", "flask_login"}
    names = {name for path in modules_of(package) for name in imports_of(path)}
    # The hashing of passwords needs no request.
    tops = {name.split(".")[0] for name in names if not name.startswith("werkzeug.security.")}
    assert tops & edges == set()


def test_the_edges_speak_no_sql() -> None:
    tops = {name.split(".")[0] for path in modules_of("web", "api") for name in imports_of(path)}
    assert tops & {"sqlalchemy", "psycopg", "sqlite3", "flask_sqlalchemy"} == set()


def test_the_only_insert_into_the_log_stands_in_one_module() -> None:
    log = r"(tables\.)?(credits|events|splits|feed)\b"
    sent = r"statements\.INSERT_(EVENT|SPLIT|POSITION)\b"
    inserting = rf"\b{log}\.insert\(|\binsert\({log}|\binsert_rows\(\s*connection,\s*{log}|\b{sent}"
    assert modules_with(inserting) == {"webapp.ledger.event_log"}
    # The triggers hold that by which a row of splits inserts its own events.
    spelled = r"\b(INSERT\s+(OR\s+\w+\s+)?INTO|COPY)\s+\"?(credits|events|splits|feed)\"?\s*\("
    triggers = {"webapp.ledger.storage.triggers_postgresql", "webapp.ledger.storage.triggers_sqlite"}
    assert modules_with(spelled) == {"webapp.ledger.storage.statements", *triggers}


def modules_with(pattern: str) -> set[str]:
    """Return the names of the modules of the program in whose text the pattern is."""
    found = re.compile(pattern, re.IGNORECASE)
    return {name_of(path) for path in MODULES if found.search(path.read_text(encoding="utf-8"))}


def test_what_is_derived_is_written_only_by_applying_events() -> None:
    defined, applying = "webapp.ledger.projections.apply", "webapp.ledger.event_log"
    assert modules_with(r"\bapply_events\(") == {defined, applying}


def test_the_rows_of_keys_are_written_in_one_module() -> None:
    writing = r"statements\.STORE_KEY\b|\b(insert|update|delete)\(idempotency_keys\)"
    assert modules_with(writing) == {"webapp.ledger.idempotency_store"}


def test_a_module_has_at_most_400_lines() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in PYTHON}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_a_module_is_named_by_a_noun_that_says_something() -> None:
    empty_words = "util utils helper helpers service manager managers common misc".split()
    assert [name_of(path) for path in PYTHON if path.stem in empty_words] == []


def test_a_module_of_the_program_says_what_lives_in_it() -> None:
    silent = [
        name_of(path)
        for path in MODULES
        if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []
