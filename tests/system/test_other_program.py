"""`make run` on a database of another program."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import make_url

from scripts import serve
from server.terminal import CommandError
from tests.fixtures.empty_databases import EmptyDatabases
from tests.fixtures.ledger import SECRET_KEY, connected, opened

# Schemas that the programs before this one leave behind, one of them with migrations of its own.
SCHEMAS = {
    "records": ["CREATE TABLE records (id TEXT PRIMARY KEY)", "CREATE TABLE events (id TEXT PRIMARY KEY)"],
    "migrated": [
        "CREATE TABLE credits (id TEXT PRIMARY KEY)",
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
        "INSERT INTO alembic_version VALUES ('0001')",
    ],
    "many": [f"CREATE TABLE table_{number} (id INTEGER PRIMARY KEY)" for number in range(5)],
}
NAMED = {"records": "(events, records)", "migrated": "(alembic_version, credits)", "many": "table_2, …)"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    return monkeypatch


def filled(empty: EmptyDatabases, statements: Sequence[str]) -> str:
    database_url = empty.make("other")
    with connected(database_url) as other:
        for statement in statements:
            other.execute(statement)
    return database_url


def files_beside(database_url: str) -> dict[str, tuple[bytes, int]]:
    """Return the content and the mode of the SQLite file and of all files beside it."""
    folder = Path(make_url(database_url).database or "").parent
    return {path.name: (path.read_bytes(), path.stat().st_mode) for path in folder.glob("*.sqlite3*")}


def tables_of(database_url: str) -> set[str]:
    with connected(database_url) as other:
        query = {
            "sqlite": "SELECT name FROM sqlite_master",
            "postgresql": "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace",
        }[other.dialect]
        return {name for (name,) in other.execute(query)}


def test_it_is_refused_in_one_line_and_nothing_is_changed(
    empty: EmptyDatabases, environment: pytest.MonkeyPatch
) -> None:
    database_url = filled(empty, SCHEMAS["records"])
    environment.setenv("DATABASE_URL", database_url)
    before = files_beside(database_url), tables_of(database_url)
    with pytest.raises(CommandError) as refused:
        serve.migrate(Path(sys.executable))
    (line,) = str(refused.value).splitlines()
    assert "has tables of another program (events, records)" in line
    assert "Nothing was changed. Set DATABASE_URL to an empty database" in line
    assert (files_beside(database_url), tables_of(database_url)) == before


@pytest.mark.parametrize("schema", SCHEMAS)
def test_flask_db_upgrade_says_the_same_without_a_traceback(empty: EmptyDatabases, schema: str) -> None:
    database_url = filled(empty, SCHEMAS[schema])
    before = files_beside(database_url), tables_of(database_url)
    with opened(database_url) as app:
        done = app.test_cli_runner().invoke(args=["db", "upgrade"])
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: The database ")
    assert NAMED[schema] in line
    assert (files_beside(database_url), tables_of(database_url)) == before


def test_a_program_that_has_its_file_open_is_seen(
    empty: EmptyDatabases, environment: pytest.MonkeyPatch
) -> None:
    """With a write-ahead log, the tables may not be in the file itself yet."""
    database_url = empty.make("other")
    environment.setenv("DATABASE_URL", database_url)
    with connected(database_url) as other:
        if other.dialect == "sqlite":
            other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE records (id TEXT PRIMARY KEY)")
        with pytest.raises(CommandError, match=r"another program \(records\)"):
            serve.migrate(Path(sys.executable))


def test_an_empty_database_and_a_ledger_with_a_table_beside_it_are_prepared(
    empty: EmptyDatabases, environment: pytest.MonkeyPatch
) -> None:
    database_url = empty.make("ours")
    environment.setenv("DATABASE_URL", database_url)
    serve.migrate(Path(sys.executable))
    with connected(database_url) as other:
        other.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY)")
    serve.migrate(Path(sys.executable))
    assert {"credits", "feed", "notes"} <= tables_of(database_url)
