"""The migrated schema equals that of the models and triggers, also for a filled ledger."""

import re
import subprocess
import sys
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import upgrade
from sqlalchemy import create_engine

from tests.fixtures.credits import recorded
from tests.fixtures.empty_databases import EmptyDatabases
from tests.fixtures.ledger import MakeDatabase, RawClient, connected, opened
from tests.ledger.triggers.rows import (
    assert_insert_refused,
    assert_refused,
    event_row,
    log_of,
    next_event,
    record_history,
)
from webapp.accounts.actors import LOCAL
from webapp.config import ROOT
from webapp.domain.errors import SchemaOutdated
from webapp.ledger.audit import schema_check
from webapp.ledger.commands import retire_credit
from webapp.ledger.listing import list_credits
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.storage.engine import Base, NotUtf8, db, engine_options
from webapp.ledger.storage.schema_version import ping
from webapp.ledger.storage.triggers_postgresql import POSTGRESQL_TRIGGERS
from webapp.ledger.storage.triggers_sqlite import SQLITE_TRIGGERS


def schema_of(raw: RawClient) -> dict[str, list[tuple[Any, ...]]]:
    """Describe the schema in the database's own words, white space normalised."""
    if raw.dialect == "sqlite":
        queries = {"all": "SELECT type, name, tbl_name, sql FROM sqlite_master"}
    else:
        oids = "relnamespace = 'public'::regnamespace"
        queries = {
            "columns": "SELECT table_name, column_name, ordinal_position, data_type, is_nullable, "
            "column_default, collation_name, generation_expression FROM information_schema.columns "
            "WHERE table_schema = 'public'",
            "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(c.oid) "
            f"FROM pg_constraint c JOIN pg_class r ON r.oid = conrelid WHERE {oids}",
            "indexes": "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) "
            f"FROM pg_index JOIN pg_class r ON r.oid = indrelid WHERE {oids}",
            "triggers": "SELECT tgname, tgenabled, pg_get_triggerdef(t.oid) "
            f"FROM pg_trigger t JOIN pg_class r ON r.oid = tgrelid WHERE {oids} AND NOT tgisinternal",
            "functions": "SELECT proname, prosrc, proconfig::text, prosecdef, lanname "
            "FROM pg_proc JOIN pg_language l ON l.oid = prolang WHERE proname LIKE 'ledger%'",
        }
    return {
        name: sorted((tuple(_normalised(value) for value in row) for row in raw.execute(query)), key=repr)
        for name, query in queries.items()
    }


def _normalised(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = " ".join(value.replace('"', "").split())
    return re.sub(r" ?([(),]) ?", r"\1", text)


def without_alembic(schema: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    return {name: [r for r in rows if "alembic_version" not in repr(r)] for name, rows in schema.items()}


def test_the_migrated_schema_is_that_of_the_models_and_guards(
    raw: RawClient, dialect: str, empty: EmptyDatabases
) -> None:
    made_url = empty.make("from_models")
    engine = create_engine(made_url, **engine_options(made_url))
    with engine.begin() as connection:
        if dialect == "postgresql":
            connection.exec_driver_sql("CREATE EXTENSION pg_trgm")
            connection.exec_driver_sql("CREATE EXTENSION btree_gist")
        Base.metadata.create_all(connection)
        for statement in schema_check.trigger_statements(dialect):
            connection.exec_driver_sql(statement.replace("%", "%%") if dialect == "postgresql" else statement)
    engine.dispose()
    with connected(made_url) as made:
        expected = schema_of(made)
    found = without_alembic(schema_of(raw))
    assert sum(len(rows) for rows in found.values()) > 20
    assert found == expected


@pytest.mark.parametrize("dialect", ["postgresql"])
@pytest.mark.usefixtures("ledger_app")
def test_alembic_finds_nothing_left_to_migrate() -> None:
    with db.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_every_table_of_the_log_is_guarded(raw: RawClient, dialect: str) -> None:
    triggers = set(SQLITE_TRIGGERS if dialect == "sqlite" else POSTGRESQL_TRIGGERS)
    query = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'",
    }[dialect]
    assert {name for (name,) in raw.execute(query)} == triggers


def test_migrating_a_filled_ledger_again_keeps_it_and_every_refusal(database_url: str) -> None:
    for history in record_history(database_url):
        raw, ids = history.raw, history.ids
        before, schema = log_of(raw), schema_of(raw)
        with opened(database_url):
            upgrade()
        assert (log_of(raw), schema_of(raw)) == (before, schema)
        for table in ("credits", "events", "feed"):
            assert_refused(raw, f"DELETE FROM {table}")
        assert_refused(raw, "UPDATE events SET body = '{}'")
        assert_insert_refused(raw, "events", event_row(raw, next_event(raw, ids.retired, "RETIRED")))
        assert_insert_refused(raw, "events", event_row(raw, next_event(raw, ids.sold, "SOLD")))


def test_an_empty_database_is_migrated_whole(empty: EmptyDatabases, raw: RawClient) -> None:
    url = empty.make("migrated")
    with opened(url):
        upgrade()
        credit_id = recorded()
        retire_credit(credit_id, {}, LOCAL)
    with connected(url) as found:
        assert schema_of(found) == schema_of(raw)


@pytest.mark.slow
def test_two_servers_that_start_at_once_migrate_once(empty: EmptyDatabases) -> None:
    url = empty.make("twice")
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    environment = {"DATABASE_URL": url, "SECRET_KEY": "x" * 32, "PATH": ""}
    started = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outcomes = [(process.communicate()[1], process.returncode) for process in started]
    assert [code for _, code in outcomes] == [0, 0], outcomes
    with opened(url):
        assert recorded()


@pytest.mark.parametrize("act", ["read", "write", "ping"])
def test_an_unmigrated_database_is_refused_with_the_command(empty: EmptyDatabases, act: str) -> None:
    acts = {
        "read": lambda: list_credits(CreditFilter()),
        "write": lambda: retire_credit("0" * 64, {}, LOCAL),
        "ping": ping,
    }
    with opened(empty.make("unmigrated")), pytest.raises(SchemaOutdated, match="flask db upgrade"):
        acts[act]()


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_database_that_is_not_utf_8_is_refused(empty: EmptyDatabases) -> None:
    with opened(empty.make("encoded", "LATIN1")):
        with pytest.raises(NotUtf8, match="must be UTF-8, and this one is LATIN1"):
            ping()
        with pytest.raises(NotUtf8):
            upgrade()


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_ledger_in_a_schema_of_its_own_is_guarded_from_every_search_path(
    empty: EmptyDatabases,
) -> None:
    url = empty.make("own_schema")
    with connected(url) as raw:
        raw.execute("CREATE SCHEMA carbon")
        with opened(f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3Dcarbon"):
            upgrade()
            credit_id = recorded()
            retire_credit(credit_id, {}, LOCAL)
        row = event_row(_in(raw, "carbon"), next_event(raw, credit_id, "SOLD"))
        raw.execute("SET search_path = public")
        with pytest.raises(psycopg.Error, match="may not follow"):
            raw.execute(
                f"INSERT INTO carbon.events ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
                *row.values(),
            )


def _in(raw: RawClient, schema: str) -> RawClient:
    raw.execute(f"SET search_path = {schema}")
    return raw


def test_sqlite_is_opened_as_production_needs_it(make_database: MakeDatabase) -> None:
    with opened(make_database("sqlite")), db.engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in (
                "journal_mode",
                "synchronous",
                "foreign_keys",
                "recursive_triggers",
                "temp_store",
            )
        }
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "temp_store": 2,
    }
