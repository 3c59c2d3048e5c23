"""The engine, its settings on both databases, and the one way to open a transaction.

Everything else in this package gets a connection from `reading` or `transact` and never opens
or commits one itself. What the databases say in their own words about being locked, away or not
migrated is turned into the refusals of ``webapp.domain.errors`` here, once.
"""

import logging
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, Executable, MetaData, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase

from webapp.domain.errors import LedgerBusy, LedgerUnavailable, Refusal, SchemaOutdated

T = TypeVar("T")
_log: Final = logging.getLogger(__name__)

BUSY_TIMEOUT_S: Final = 10
HURRY_MS: Final = 100
ATTEMPTS: Final = 6
GRANT: Final = "Who may do what is set up with: flask grant (docs/operations.md)"
MIGRATE: Final = "The database is not migrated. Run: flask db upgrade"
# The advisory lock under which positions are given: one number that nothing else here uses.
FEED_LOCK: Final = 0x6C656467  # "ledg"


class Base(DeclarativeBase):
    """What every model shares: names for constraints that are the same on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db: Final = SQLAlchemy(model_class=Base)


@dataclass
class _Unit:
    """The transaction of `transact` that is open in this context, and whether it has acted yet."""

    connection: Connection
    has_acted: bool = False


_unit: Final[ContextVar[_Unit | None]] = ContextVar("unit", default=None)
# What must still hold when a transaction of this context commits.
_condition: Final[ContextVar[Callable[[Connection], None] | None]] = ContextVar("condition", default=None)


def engine_options(url: str) -> dict[str, Any]:
    """Return what the engine of this database needs beyond its address."""
    if url.startswith("sqlite"):
        # isolation_level=None: the driver must not begin transactions of its own accord.
        return {
            "hide_parameters": True,  # as below
            "connect_args": {"timeout": BUSY_TIMEOUT_S, "isolation_level": None},
        }
    return {
        # Errors are logged, and what they were about may be the hash of a password or a token.
        "hide_parameters": True,
        # What another default of the server would break: a writer that waited must see what the
        # one before it committed.
        "isolation_level": "READ COMMITTED",
        "pool_pre_ping": True,
        "pool_size": 10,
        "connect_args": {"connect_timeout": 5, "application_name": "carbon-credit-ledger"},
    }


def prepare(engine: Engine) -> None:
    """Attach what every new connection and transaction of this engine needs."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _require_utf8)
        event.listen(engine, "connect", _bound_waiting)


@contextmanager
def reading(*, snapshot: bool = False) -> Iterator[Connection]:
    """Open a transaction that only reads.

    With `snapshot`, all of its statements see the ledger at one moment; SQLite always does.
    Inside `transact` it reads in that transaction, and so what was just written. A snapshot is then
    one only from the first act on: before it, what is read may change, as for any act that decides.
    """
    unit = _unit.get()
    if unit:
        if snapshot and unit.has_acted:
            lock_feed(unit.connection)
        yield unit.connection
        return
    _require_file()
    with _refusals(), db.engine.connect() as connection:
        if snapshot and connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


@contextmanager
def committing_only_if(condition: Callable[[Connection], None]) -> Iterator[None]:
    """Ask `condition` as the last thing in each transaction of `transact` in here.

    What it raises takes the whole transaction back. It comes last so that what it locks (whoever acts,
    so that nobody can take their right meanwhile) is locked for no longer than the commit takes.
    """
    token = _condition.set(condition)
    try:
        yield
    finally:
        _condition.reset(token)


def transact(act: Callable[[Connection], T], *, unconditional: bool = False) -> T:
    """Run one business act in one write transaction, and commit it or nothing.

    When another writer was faster (a unique violation or a guard's refusal, a deadlock), the
    whole act is run again: it reads again and decides again. Raises what `act` refuses,
    LedgerBusy when others keep winning or the database stays locked.

    Called inside another `transact`, it joins that one: all commit together, and it is the outermost
    that commits and that is run again. What a joined act wrote before it raised is taken back.

    `unconditional` leaves out the condition of `committing_only_if`, for acts that have their own.
    """
    condition = None if unconditional else _condition.get()
    unit = _unit.get()
    if unit:
        unit.has_acted = True
        with unit.connection.begin_nested():
            return act(unit.connection)
    _require_file()
    lost: Exception | None = None
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - not a secret
        try:
            with db.engine.connect() as connection:
                connection.execution_options(ledger_write=True)
                with connection.begin(), _joinable(connection):
                    result = act(connection)
                    if condition:
                        condition(connection)
                    return result
        except SQLAlchemyError as error:
            if not _lost_a_race(error):
                raise _refusal_of(error, writing=True) from error
            lost = error
    # A bug that breaks a constraint looks the same from here, so whoever reads the log sees which one.
    _log.warning("Gave up after %d attempts: %s", ATTEMPTS, lost)
    raise LedgerBusy("Others kept changing the same credits. Please try again.") from lost


def is_transacting() -> bool:
    """Say whether this is inside a `transact`, so that whatever is written may still be taken back."""
    return _unit.get() is not None


def in_passing(statement: Executable) -> None:
    """Execute a small write by itself that may as well be left out: where the database is busy, it is.

    It has a connection of its own and waits HURRY_MS at most for other writers.
    """
    try:
        with db.engine.connect() as connection, _in_a_hurry(connection):
            connection.execute(statement)
    except SQLAlchemyError as error:
        _log.info("Left out in passing: %s", error)


def lock_feed(connection: Connection) -> None:
    """Let nobody else give positions or apply events until this transaction ends.

    On SQLite there is one writer at a time anyhow.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": FEED_LOCK})


@contextmanager
def _joinable(connection: Connection) -> Iterator[None]:
    token = _unit.set(_Unit(connection))
    try:
        yield
    finally:
        _unit.reset(token)


def _require_file() -> None:
    """Raise SchemaOutdated where the file of SQLite is not there: to open it would leave an empty one."""
    if db.engine.dialect.name == "sqlite":
        file = Path(db.engine.url.database or "")
        if file.parent.is_dir() and not file.exists():
            raise SchemaOutdated(MIGRATE)


@contextmanager
def _in_a_hurry(connection: Connection) -> Iterator[None]:
    connection.execution_options(ledger_write=True)
    if connection.dialect.name == "postgresql":
        with connection.begin():
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {HURRY_MS}")
            yield
        return
    # Below SQLAlchemy, because its first statement would begin the transaction, and wait.
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA busy_timeout = {HURRY_MS}")
    try:
        with connection.begin():
            yield
    finally:
        driver.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise _refusal_of(error, writing=False) from error


def _lost_a_race(error: SQLAlchemyError) -> bool:
    if isinstance(error, IntegrityError):
        return True
    original = getattr(error, "orig", None)
    return isinstance(original, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure)


def _refusal_of(error: SQLAlchemyError, *, writing: bool) -> Exception:
    """Return the refusal that a database error amounts to, or the error where it is a bug."""
    if isinstance(error, PoolTimeoutError):
        return LedgerBusy("All connections to the database are in use. Please try again.")
    if not isinstance(error, DBAPIError):
        return error
    original, message = error.orig, str(error.orig)
    in_its_words = _set_up_wrong(original, message) or _not_now(original, message)
    if in_its_words:
        return in_its_words
    damaged = "malformed" in message or "not a database" in message
    unreachable = damaged or "unable to open database file" in message or "disk" in message
    if isinstance(original, psycopg.OperationalError) or error.connection_invalidated or unreachable:
        what = "The database file is damaged." if damaged else "The database does not answer."
        # The connection may have been lost in the middle of a commit, so nobody knows here.
        advice = " Look whether it was recorded before you try again." if writing else ""
        return LedgerUnavailable(what + advice)
    return error


def _set_up_wrong(original: object, message: str) -> Refusal | None:
    """Return what whoever keeps this ledger has to put right."""
    if isinstance(original, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn) or (
        "no such table" in message or "no such column" in message
    ):
        return SchemaOutdated(MIGRATE)
    if isinstance(original, psycopg.errors.InsufficientPrivilege):
        return RightMissing(f"The database account may not do this: {message.splitlines()[0]}. {GRANT}")
    return None


def _not_now(original: object, message: str) -> Refusal | None:
    """Return what will pass, where it is certain that nothing was recorded."""
    is_locked = "database is locked" in message or "database table is locked" in message
    if is_locked or isinstance(original, psycopg.errors.LockNotAvailable):
        return LedgerBusy("The database is locked by another writer. Please try again.")
    if isinstance(original, psycopg.errors.DiskFull) or "disk is full" in message:
        return LedgerUnavailable("The disk of the database is full, so nothing was recorded.")
    return None


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "recursive_triggers = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A deferred BEGIN fails at once when it must become a writer under contention, whatever the
    # timeout; so a transaction says at its start whether it will write.
    write = connection.get_execution_options().get("ledger_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _require_utf8(connection: psycopg.Connection[Any], _record: object) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise NotUtf8(f"The PostgreSQL database must be UTF-8, and this one is {encoding}.")


def _bound_waiting(connection: psycopg.Connection[Any], _record: object) -> None:
    """Let no statement wait longer for another writer than SQLite would."""
    connection.execute(f"SET lock_timeout = {round(BUSY_TIMEOUT_S * 1000)}".encode())
    connection.commit()


class NotUtf8(LedgerUnavailable):
    """The PostgreSQL database has another encoding than UTF-8."""


class RightMissing(LedgerUnavailable):
    """The account that the program connects as lacks a right; on PostgreSQL only."""
