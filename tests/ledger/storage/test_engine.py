"""Errors of the databases are converted to LedgerError, and a request reads one snapshot."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from tests.fixtures.credits import recorded
from tests.fixtures.ledger import MakeDatabase, connected, opened
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import LedgerBusy, LedgerUnavailable
from webapp.ledger import group_commit, queries
from webapp.ledger.commands import retire_credit
from webapp.ledger.group_commit import transact
from webapp.ledger.listing import list_credits, list_events
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.storage import engine
from webapp.ledger.storage.engine import (
    begin_read_transaction,
    db,
    end_read_transaction,
    engine_options,
    reading,
    reading_once,
)
from webapp.ledger.storage.schema_version import ping
from webapp.ledger.storage.statements import fetch


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch, make_database: MakeDatabase) -> str:
    """Return a SQLite ledger with a short busy timeout."""
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.05)
    return make_database("sqlite")


def test_a_locked_sqlite_raises_ledger_busy_with_a_retry_time(
    hasty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(hasty), connected(hasty) as other:
        credit_id = recorded()
        other.execute("BEGIN IMMEDIATE")
        with monkeypatch.context() as impatient:
            impatient.setattr(group_commit, "WAIT_S", 0.2)
            with pytest.raises(LedgerBusy, match="locked by another writer") as refusal:
                retire_credit(credit_id, {}, LOCAL)
        other.execute("ROLLBACK")
        assert refusal.value.retry_after_s > 0
        retire_credit(credit_id, {}, LOCAL)


def test_a_locked_sqlite_can_be_read(hasty: str) -> None:
    with opened(hasty), connected(hasty) as other:
        credit_id = recorded()
        other.execute("BEGIN IMMEDIATE")
        assert queries.credit(credit_id).id == credit_id
        other.execute("ROLLBACK")


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_server_that_is_gone_is_unavailable(ledger_app: Flask, database_url: str) -> None:
    del ledger_app
    credit_id = recorded()
    admin_url = make_url(database_url).set(database="postgres").render_as_string(hide_password=False)
    name = make_url(database_url).database
    with psycopg.connect(admin_url, autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        for act in (lambda: queries.credit(credit_id), lambda: retire_credit(credit_id, {}, LOCAL), ping):
            with pytest.raises(LedgerUnavailable) as refusal:
                act()
            assert refusal.value.retry_after_s > 0
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    retire_credit(credit_id, {}, LOCAL)


def test_connections_to_a_host_that_vanished_end_within_half_a_minute() -> None:
    options = engine_options("postgresql://ledger@127.0.0.1/ledger")["connect_args"]
    assert options["keepalives_idle"] + options["keepalives_interval"] * options["keepalives_count"] < 30
    assert options["tcp_user_timeout"] < 30_000


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_connection_cut_while_idle_is_replaced_silently(ledger_app: Flask, database_url: str) -> None:
    del ledger_app
    credit_id = recorded()
    with connected(database_url) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        retire_credit(credit_id, {}, LOCAL)


def _read_twice(between: Callable[[int], object]) -> None:
    """Read with one connection, and again after `between` was called with its process id."""
    with reading_once() as connection:
        ((process,),) = fetch(connection, "SELECT pg_backend_pid()")
        between(int(process))
        fetch(connection, "SELECT pg_backend_pid()")


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_connection_lost_between_two_statements_is_no_error_in_the_log(
    ledger_app: Flask, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    del ledger_app
    with connected(database_url) as other, pytest.raises(LedgerUnavailable):
        _read_twice(lambda process: other.execute(f"SELECT pg_terminate_backend({process})"))
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("dialect", ["postgresql"])
@pytest.mark.parametrize("failure", [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure])
@pytest.mark.usefixtures("ledger_app")
def test_a_deadlock_is_run_again_whole(failure: type[psycopg.Error]) -> None:
    credit_id = recorded()
    sqlstate, tries = str(failure.sqlstate), []

    def act(connection: object) -> str:
        tries.append(connection)
        if len(tries) == 1:
            connection.execute(  # type: ignore[attr-defined]
                text(f"DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '{sqlstate}'; END $$")
            )
        return credit_id

    assert transact(act) == credit_id
    assert len(tries) == 2


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_the_isolation_level_does_not_depend_on_the_server_default(database_url: str) -> None:
    def isolation(connection: Connection) -> str:
        return str(connection.scalar(text("SHOW transaction_isolation")))

    with connected(database_url) as other:
        name = make_url(database_url).database
        other.execute(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'serializable'")
    with opened(database_url):
        assert transact(isolation) == "read committed"
        with reading() as connection:
            assert isolation(connection) == "repeatable read"
        assert transact(isolation) == "read committed"


def test_a_sqlite_file_that_cannot_be_opened_is_unavailable(tmp_path_factory: pytest.TempPathFactory) -> None:
    nowhere = tmp_path_factory.mktemp("nowhere") / "missing" / "ledger.sqlite3"
    with opened(f"sqlite:///{nowhere}"), pytest.raises(LedgerUnavailable):
        ping()


def test_a_file_that_is_no_database_is_unavailable(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("broken") / "ledger.sqlite3"
    path.write_text("this is no database" * 100)
    with opened(f"sqlite:///{path}"), pytest.raises(LedgerUnavailable):
        ping()


def test_when_every_connection_is_in_use_the_ledger_is_busy(ledger_app: Flask) -> None:
    del ledger_app
    pool = db.engine.pool
    pool._timeout = 0.05  # type: ignore[attr-defined]
    held = []
    with suppress(LedgerBusy):
        while True:
            held.append(reading())
            held[-1].__enter__()
    with pytest.raises(LedgerBusy, match="All connections"):
        list_credits(CreditFilter())
    for one in held[:-1]:
        one.__exit__(None, None, None)
    assert list_credits(CreditFilter()).items == []


@pytest.mark.usefixtures("ledger_app")
def test_a_programming_error_is_not_converted() -> None:
    with pytest.raises(Exception, match="nonsense"), reading() as connection:
        connection.execute(text("nonsense"))


@pytest.mark.usefixtures("ledger_app")
def test_an_error_that_is_logged_does_not_show_the_values_it_was_about() -> None:
    with pytest.raises(DBAPIError) as error, db.engine.connect() as connection:
        connection.execute(text("SELECT nonsense(:secret)"), {"secret": "hunter2"})
    assert "nonsense" in str(error.value)
    assert "hunter2" not in str(error.value)


# A request reads one snapshot


@pytest.fixture
def moment(ledger_app: Flask) -> Iterator[None]:
    """Let all reads of the test share one snapshot, as in a request."""
    del ledger_app
    begin_read_transaction()
    yield
    end_read_transaction()


def elsewhere(app: Flask, work: Callable[[], object]) -> object:
    """Do the work in another thread, as another request does."""

    def run() -> object:
        with app.app_context():
            return work()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(30)


@pytest.mark.usefixtures("moment")
def test_a_request_does_not_see_what_others_write_meanwhile(ledger_app: Flask) -> None:
    assert list_events().items == []
    elsewhere(ledger_app, recorded)
    assert list_events().items == []


@pytest.mark.usefixtures("moment")
def test_a_request_sees_what_it_wrote_itself() -> None:
    assert list_events().items == []
    recorded()
    assert len(list_events().items) == 1


@pytest.mark.usefixtures("ledger_app")
def test_reads_inside_a_write_see_its_changes_and_other_reads_do_not(ledger_app: Flask) -> None:
    def registries() -> list[str]:
        with reading() as connection:
            return list(connection.scalars(text("SELECT name FROM registries")))

    def act(connection: Connection) -> tuple[list[str], object]:
        connection.execute(text("INSERT INTO registries (registry_key, name) VALUES ('vcs', 'VCS')"))
        return registries(), elsewhere(ledger_app, registries)

    assert transact(act) == (["VCS"], [])
    assert registries() == ["VCS"]
