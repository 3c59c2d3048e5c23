"""The arrow: domain <- ledger <- {web, api, cli}. And the few rules that nobody must forget."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from webapp.config import ROOT

WEBAPP = ROOT / "webapp"
MODULES = sorted(WEBAPP.rglob("*.py"))
PYTHON = sorted(
    path for folder in ("webapp", "tests", "scripts", "migrations") for path in (ROOT / folder).rglob("*.py")
)
MAX_LINES = 400

# What each layer may import of ours. The top of webapp is where the edges are put together.
LAYERS = {
    "domain": {"domain"},
    "ledger": {"domain", "ledger"},
    "web": {"domain", "ledger", "web"},
    "api": {"domain", "ledger", "api"},
}
# What the edges share between them, at the top of webapp.
SHARED_BY_EDGES = {"answers", "config"}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path) -> Iterator[str]:
    """Yield the full names of the modules, and of what is taken from them, that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer_of(path: Path) -> str:
    return path.relative_to(WEBAPP).parts[0]


@pytest.mark.parametrize("path", [p for p in MODULES if layer_of(p) in LAYERS], ids=name_of)
def test_a_layer_imports_only_what_is_under_it(path: Path) -> None:
    layer = layer_of(path)
    allowed = LAYERS[layer] | (SHARED_BY_EDGES if layer in {"web", "api"} else set())
    ours = {name.split(".")[1] for name in imports_of(path) if name.startswith("webapp.")}
    assert ours <= allowed


@pytest.mark.parametrize("path", [p for p in MODULES if layer_of(p) == "domain"], ids=name_of)
def test_the_domain_imports_the_standard_library_and_itself(path: Path) -> None:
    tops = {name.split(".")[0] for name in imports_of(path)}
    assert tops <= sys.stdlib_module_names | {"webapp"}


@pytest.mark.parametrize("path", [p for p in MODULES if layer_of(p) == "ledger"], ids=name_of)
def test_the_ledger_knows_no_request_and_no_template(path: Path) -> None:
    names = set(imports_of(path))
    forbidden = re.compile(r"^(flask|werkzeug|jinja2|wtforms|flask_wtf|flask_login)(\.|$)")
    assert [name for name in names if forbidden.match(name)] == []


@pytest.mark.parametrize("path", [p for p in MODULES if layer_of(p) in {"web", "api"}], ids=name_of)
def test_the_edges_speak_no_sql(path: Path) -> None:
    assert [name for name in imports_of(path) if name.startswith(("sqlalchemy", "psycopg", "sqlite3"))] == []


def test_the_only_insert_into_the_log_stands_in_one_module() -> None:
    inserting = re.compile(
        r"\b(credits|events|feed|Credit|Event|FeedEntry)(\.__table__)?\.insert\(|insert\((tables\.)?(credits|events|feed)\b"
        r"|INSERT\s+(OR\s+\w+\s+)?INTO\s+\"?(events|feed)\b|COPY\s+(events|feed)\b",
        re.IGNORECASE,
    )
    writers = {name_of(path) for path in MODULES if inserting.search(path.read_text(encoding="utf-8"))}
    assert writers == {"webapp.ledger.log"}


def test_what_is_derived_is_written_only_by_applying_events() -> None:
    callers = {
        name_of(path)
        for path in MODULES
        if re.search(r"\bprojections\.apply\(", path.read_text(encoding="utf-8"))
    }
    assert callers == {"webapp.ledger.log"}


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_a_module_has_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_a_module_is_named_by_a_noun_that_says_something(path: Path) -> None:
    assert not {"utils", "util", "helpers", "helper", "services", "service", "manager", "common", "misc"} & {
        path.stem
    }


@pytest.mark.parametrize("path", [p for p in MODULES if p.stat().st_size], ids=name_of)
def test_a_module_of_the_program_says_what_lives_in_it(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
