"""The engine, its settings on both databases, and the one way to read.

What reads gets a connection from `reading`; what writes goes through ``webapp.ledger.writer``. What
the databases say in their own words about being locked, away or not migrated is turned into the
errors of ``webapp.domain.errors`` here, once.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, MetaData, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase

from webapp.domain.errors import LedgerBusy, LedgerError, LedgerUnavailable, SchemaOutdated
from webapp.ledger.storage.sqlite_file import DatabaseFile

BUSY_TIMEOUT_S: Final = 10
NOT_GRANTED: Final = "Who may do what is set up with: flask grant (docs/operations.md)"
NOT_MIGRATED: Final = "The database is not migrated. Run: flask db upgrade"
FILE_REPLACED: Final = (
    "The file of the database, or the -wal beside it, was moved, removed or replaced while it was in use. "
    "Nothing is recorded any more until the program is started again."
)
# The advisory lock under which positions are given: one number that nothing else here uses.
FEED_LOCK: Final = 0x6C656467  # "ledg"

# The connection in which everything reads that runs inside an act of the writer.
joined_connection: Final[ContextVar[Connection | None]] = ContextVar("joined_connection", default=None)


@dataclass
class _ReadTransaction:
    """What reads one moment of the ledger, such as a request; the connection is there once it has read."""

    connection: Connection | None = None


_read_transaction: Final[ContextVar[_ReadTransaction | None]] = ContextVar("read_transaction", default=None)


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
_files: Final[WeakKeyDictionary[Engine, DatabaseFile]] = WeakKeyDictionary()


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
        _files[engine] = file = DatabaseFile(Path(engine.url.database or ""))
        event.listen(engine, "do_connect", lambda *_arguments: file.make_private())
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "connect", partial(_require_same_as_others, file))
        event.listen(engine, "close", lambda connection, _record: file.remove(connection))
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _require_utf8)
        event.listen(engine, "connect", _set_statement_timeouts)


@contextmanager
def reading() -> Iterator[Connection]:
    """Give a transaction that only reads; all of its statements see the ledger at one moment.

    Between `begin_read_transaction` and `end_read_transaction` it is the same transaction for all, so
    that an answer is of one moment. Inside an act of the writer it is the act's own.
    """
    joined = joined_connection.get()
    if joined is not None:
        yield joined
        return
    with _database_errors():
        transaction = _read_transaction.get()
        if transaction is not None:
            yield _connection_of(transaction)
            return
        with _connect() as connection, connection.begin():
            yield connection


def begin_read_transaction() -> None:
    """Have all that reads from here on read in one transaction, until `end_read_transaction`."""
    end_read_transaction()
    _read_transaction.set(_ReadTransaction())


def end_read_transaction() -> None:
    """Close what `begin_read_transaction` opened."""
    leave_read_transaction()
    _read_transaction.set(None)


def leave_read_transaction() -> None:
    """End the read transaction before a write: what reads next sees what was written."""
    transaction = _read_transaction.get()
    if transaction is not None and transaction.connection is not None:
        transaction.connection.close()
        transaction.connection = None


def _connection_of(transaction: _ReadTransaction) -> Connection:
    if transaction.connection is None:
        connection = _connect()
        connection.begin()
        transaction.connection = connection
    return transaction.connection


def _connect() -> Connection:
    require_file()
    connection = db.engine.connect()
    if connection.dialect.name == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ")
    return connection


def require_file() -> None:
    """Refuse where the file of SQLite is not there: to open it would leave an empty one.

    Raises LedgerUnavailable where it was there before, or else SchemaOutdated.
    """
    if db.engine.dialect.name == "sqlite":
        file = db.engine.url.database or ""
        if not os.path.exists(file) and Path(file).parent.is_dir():  # noqa: PTH110 - on each read
            raise (
                LedgerUnavailable(FILE_REPLACED)
                if _files[db.engine].is_in_use
                else SchemaOutdated(NOT_MIGRATED)
            )


def require_same_file(connection: Connection) -> None:
    """Refuse to write into a SQLite file that nobody would find any more.

    The writer asks before each transaction; it costs two looks at the file system. Raises
    LedgerUnavailable where the file's name, or that of its write-ahead log, leads elsewhere by now.
    """
    file = _files.get(connection.engine)
    driver: Any = connection.connection.driver_connection
    if file and not file.is_still(driver):
        raise LedgerUnavailable(FILE_REPLACED)


@contextmanager
def _database_errors() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise database_error(error, is_writing=False) from error


def database_error(error: BaseException | None, *, is_writing: bool) -> BaseException:
    """Return the error of this program that a database error amounts to, or itself where it is a bug.

    With `is_writing`, it may have come in the middle of a commit, so the sentence says that nobody knows.
    """
    if isinstance(error, PoolTimeoutError):
        return LedgerBusy("All connections to the database are in use. Please try again.")
    if not isinstance(error, DBAPIError):
        return error or RuntimeError("the database gave no reason")
    original, message = error.orig, str(error.orig)
    in_its_words = _misconfigured(original, message) or _temporarily_unavailable(original, message)
    if in_its_words:
        return in_its_words
    if is_outcome_unknown(error):
        damaged = _is_damaged(message)
        what = "The database file is damaged." if damaged else "The database does not answer."
        advice = " Check whether it was recorded before you try again." if is_writing else ""
        return LedgerUnavailable(what + advice)
    return error


def is_outcome_unknown(error: SQLAlchemyError) -> bool:
    """Say whether the database may be gone, so that nobody knows what came of a commit."""
    if not isinstance(error, DBAPIError):
        return False
    original, message = error.orig, str(error.orig)
    if _temporarily_unavailable(original, message):
        return False
    unreachable = _is_damaged(message) or "unable to open database file" in message or "disk" in message
    return isinstance(original, psycopg.OperationalError) or error.connection_invalidated or unreachable


def _is_damaged(message: str) -> bool:
    return "malformed" in message or "not a database" in message


def _misconfigured(original: object, message: str) -> LedgerError | None:
    """Return what whoever keeps this ledger has to put right."""
    if isinstance(original, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn) or (
        "no such table" in message or "no such column" in message
    ):
        return SchemaOutdated(NOT_MIGRATED)
    if isinstance(original, psycopg.errors.InsufficientPrivilege):
        return RightMissing(f"The database account may not do this: {message.splitlines()[0]}. {NOT_GRANTED}")
    return None


def _temporarily_unavailable(original: object, message: str) -> LedgerError | None:
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
        # A checkpoint writes a page once however often it changed; at 1,000 pages, SQLite's default, there is
        # one for every few groups of acts, under the turn to write.
        "wal_autocheckpoint = 4000",
        # 8 MB: what a group of acts changes stays in memory until it is committed.
        "cache_size = -8000",
        # A statement that fires triggers keeps the pages that it changes, to take itself back. Once these
        # were many, SQLite writes them to a file, each row of an import anew.
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _require_same_as_others(file: DatabaseFile, connection: sqlite3.Connection, _record: object) -> None:
    """Open nothing else than what the other connections have open: both would be written into."""
    if not file.add(connection):
        file.remove(connection)
        connection.close()
        raise LedgerUnavailable(FILE_REPLACED)


def _begin_sqlite(connection: Connection) -> None:
    # A deferred BEGIN fails at once when it must become a writer under contention, whatever the
    # timeout; so a transaction says at its start whether it will write.
    write = connection.get_execution_options().get("ledger_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _require_utf8(connection: psycopg.Connection[Any], _record: object) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise NotUtf8(f"The PostgreSQL database must be UTF-8, and this one is {encoding}.")


def _set_statement_timeouts(connection: psycopg.Connection[Any], _record: object) -> None:
    """Let no statement wait longer for another writer than SQLite would."""
    connection.execute(f"SET lock_timeout = {round(BUSY_TIMEOUT_S * 1000)}".encode())
    connection.commit()


class NotUtf8(LedgerUnavailable):
    """The PostgreSQL database has another encoding than UTF-8."""


class RightMissing(LedgerUnavailable):
    """The account that the program connects as lacks a right; on PostgreSQL only."""


@contextmanager
def write_lock(engine: Engine) -> Iterator[None]:
    """Take the turn between processes. On PostgreSQL the transaction itself takes it.

    Raises LedgerUnavailable where that cannot be.
    """
    if engine.dialect.name != "sqlite":
        yield
        return
    file = write_lock_file(engine)
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        message = f"Nothing was recorded, since writers cannot take turns: {file.name}: {error.strerror}."
        raise LedgerUnavailable(message) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        # To close it would not do: a process that was forked meanwhile has it open too.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def write_lock_file(engine: Engine) -> Path:
    """Return the file on which the writers of a SQLite database queue."""
    return Path(f"{engine.url.database}-turn")
