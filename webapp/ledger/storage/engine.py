"""The SQLAlchemy engine, its settings on both databases, and read transactions.

All reads get their connection from `reading`; all writes go through ``webapp.ledger.group_commit``. Driver
errors about locks, lost connections and missing tables are converted to ``webapp.domain.errors`` here.
"""

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from weakref import WeakKeyDictionary

import psycopg
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, MetaData, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase

from webapp.domain.errors import LedgerBusy, LedgerError, LedgerUnavailable, SchemaOutdated
from webapp.ledger.storage.sqlite_file import DatabaseFile

_log: Final = logging.getLogger(__name__)

BUSY_TIMEOUT_S: Final = 10
NOT_GRANTED: Final = "Set up the permissions with: flask grant (docs/operations.md)"
NOT_MIGRATED: Final = "The database is not migrated. Run: flask db upgrade"
FILE_REPLACED: Final = (
    "The database file, or the -wal file beside it, was moved, removed or replaced while it was in use. "
    "Nothing is recorded until the program is restarted."
)

# How a connection over TCP notices within 25 seconds that the other host is gone, such as by a power cut. The
# system's own limits are minutes to hours. A statement that takes long is no reason: its host still answers.
_NOTICE_LOSS: Final = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}

# One for each thread of a worker and for its writer. One beyond these is opened for a single use, with the
# schema parsed and all statements prepared again. The last one returned comes first, because it is warm.
_POOL: Final = {"pool_size": 10, "pool_use_lifo": True}

# The connection that `reading` returns inside a write: that of the write's own transaction.
joined_connection: Final[ContextVar[Connection | None]] = ContextVar("joined_connection", default=None)


@dataclass
class _ReadTransaction:
    """The read transaction of a context, such as a request. It has a connection after the first read."""

    connection: Connection | None = None


_read_transaction: Final[ContextVar[_ReadTransaction | None]] = ContextVar("read_transaction", default=None)


class Base(DeclarativeBase):
    """Base class of the models, with the same names for constraints on both databases."""

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
# The class of all models, which the extension makes of `Base`.
if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model
_files: Final[WeakKeyDictionary[Engine, DatabaseFile]] = WeakKeyDictionary()


def engine_options(url: str) -> dict[str, Any]:
    """Return the SQLAlchemy engine options for the database of this URL."""
    if url.startswith("sqlite"):
        # isolation_level=None: the driver must not begin transactions by itself.
        return {
            "hide_parameters": True,  # as for PostgreSQL
            **_POOL,
            "connect_args": {"timeout": BUSY_TIMEOUT_S, "isolation_level": None},
        }
    return {
        # Errors are logged, and parameters may contain the hash of a password or a token.
        "hide_parameters": True,
        # Set, in case the server has another default: a write that waited for the lock must see what
        # the previous one committed.
        "isolation_level": "READ COMMITTED",
        "pool_pre_ping": True,
        **_POOL,
        "connect_args": {"connect_timeout": 5, "application_name": "carbon-credit-ledger", **_NOTICE_LOSS},
    }


def prepare(engine: Engine) -> None:
    """Register the event listeners that set up each connection and transaction of the engine."""
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
    """Give a connection in a read transaction, whose statements all see the same snapshot.

    Between `begin_read_transaction` and `end_read_transaction` all calls share one transaction, so that
    a response shows one snapshot. Inside a write it is the transaction of the write.
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


@contextmanager
def reading_anew() -> Iterator[Connection]:
    """Give a connection in a read transaction of its own, which sees all that is committed by now."""
    with _database_errors(), _connect() as connection, connection.begin():
        yield connection


@contextmanager
def reading_once() -> Iterator[Connection]:
    """Give a connection without a snapshot: each statement sees what is committed by then."""
    with _database_errors(), _connect("AUTOCOMMIT") as connection:
        try:
            yield connection
        except SQLAlchemyError:
            with suppress(SQLAlchemyError):
                connection.invalidate()  # it may be lost, and giving it back would then log an error
            raise


def begin_read_transaction() -> None:
    """Let all reads in this context share one transaction, until `end_read_transaction`."""
    end_read_transaction()
    _read_transaction.set(_ReadTransaction())


def end_read_transaction() -> None:
    """End the transaction of `begin_read_transaction`."""
    leave_read_transaction()
    _read_transaction.set(None)


def leave_read_transaction() -> None:
    """Close the current snapshot before a write, so that the next read sees what was written."""
    transaction = _read_transaction.get()
    if transaction is not None and transaction.connection is not None:
        connection, transaction.connection = transaction.connection, None
        try:
            connection.close()
        except SQLAlchemyError as error:  # what was read has been read, and the snapshot is gone with it
            _log.info("Lost a connection that was read from: %s", getattr(error, "orig", error))
            with suppress(SQLAlchemyError):  # it may be closed by now
                connection.invalidate()
                connection.close()


def _connection_of(transaction: _ReadTransaction) -> Connection:
    if transaction.connection is None:
        connection = _connect()
        connection.begin()
        transaction.connection = connection
    return transaction.connection


def _connect(isolation_level: Literal["REPEATABLE READ", "AUTOCOMMIT"] = "REPEATABLE READ") -> Connection:
    """Return a connection. On SQLite every transaction sees a snapshot, and begins where it is told to."""
    require_file()
    connection = db.engine.connect()
    if connection.dialect.name == "postgresql":
        connection.execution_options(isolation_level=isolation_level)
    return connection


def require_file() -> None:
    """Raise if the SQLite database file does not exist, because opening it would create an empty one.

    Raises LedgerUnavailable if this process had it open before, otherwise SchemaOutdated.
    """
    engine = db.engine
    if engine.dialect.name == "sqlite":
        file = engine.url.database or ""
        if not os.path.exists(file) and Path(file).parent.is_dir():  # noqa: PTH110 - on each read
            raise (
                LedgerUnavailable(FILE_REPLACED) if _files[engine].is_in_use else SchemaOutdated(NOT_MIGRATED)
            )


def require_same_file(connection: Connection) -> None:
    """Raise LedgerUnavailable if the path of the SQLite file or of its -wal no longer leads to it.

    Otherwise writes would go into a removed or replaced file. Called before each write transaction.
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
        raise database_error(error, may_be_committed=False) from error


def database_error(error: BaseException | None, *, may_be_committed: bool) -> BaseException:
    """Return the LedgerError for a database error, or the error itself if it is a bug.

    `may_be_committed` says that the write may have been committed; the message then says to check it.
    """
    if isinstance(error, PoolTimeoutError):
        return LedgerBusy("All connections to the database are in use. Please try again.")
    if not isinstance(error, DBAPIError):
        return error or RuntimeError("the database gave no reason")
    original, message = error.orig, str(error.orig)
    known = _misconfigured(original, message) or _temporarily_unavailable(original, message)
    if known:
        return known
    if is_outcome_unknown(error):
        damaged = _is_damaged(message)
        what = "The database file is damaged." if damaged else "The database does not answer."
        advice = " Check whether it was recorded before you try again." if may_be_committed else ""
        return LedgerUnavailable(what + advice)
    return error


def is_outcome_unknown(error: SQLAlchemyError) -> bool:
    """Return whether the connection may be lost or the file damaged, so that a commit is uncertain."""
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
    """Return the error for a missing table, column or privilege, which an operator has to fix."""
    if isinstance(original, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn) or (
        "no such table" in message or "no such column" in message
    ):
        return SchemaOutdated(NOT_MIGRATED)
    if isinstance(original, psycopg.errors.InsufficientPrivilege):
        return RightMissing(f"The database account may not do this: {message.splitlines()[0]}. {NOT_GRANTED}")
    return None


def _temporarily_unavailable(original: object, message: str) -> LedgerError | None:
    """Return the error for a lock, a full disk or a standby. It is certain that nothing was recorded."""
    is_locked = "database is locked" in message or "database table is locked" in message
    if is_locked or isinstance(original, psycopg.errors.LockNotAvailable):
        return LedgerBusy("The database is locked by another writer. Please try again.")
    if isinstance(original, psycopg.errors.ReadOnlySqlTransaction) or "readonly database" in message:
        return LedgerUnavailable("The database is read-only, so nothing was recorded.")
    if isinstance(original, psycopg.errors.DiskFull) or "disk is full" in message:
        return LedgerUnavailable("The disk of the database is full, so nothing was recorded.")
    return None


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "recursive_triggers = ON",
        # A checkpoint writes each page once, however often it changed. With SQLite's default of 1,000 pages
        # there would be one for every few group commits, while the write lock is held.
        "wal_autocheckpoint = 4000",
        # 8 MB, so that the pages changed by a group stay in memory until its commit.
        "cache_size = -8000",
        # A statement that fires triggers has a statement journal for its rollback. In a file, it would be
        # written again for each row of an import.
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _require_same_as_others(file: DatabaseFile, connection: sqlite3.Connection, _record: object) -> None:
    """Reject a new connection to another file than the other connections have open."""
    if not file.add(connection):
        file.remove(connection)
        connection.close()
        raise LedgerUnavailable(FILE_REPLACED)


def _begin_sqlite(connection: Connection) -> None:
    # Upgrading a deferred transaction to a write fails at once under contention, without the busy
    # timeout, so a write transaction begins as one.
    write = connection.get_execution_options().get("ledger_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _require_utf8(connection: psycopg.Connection[Any], _record: object) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise NotUtf8(f"The PostgreSQL database must be UTF-8, and this one is {encoding}.")


def _set_statement_timeouts(connection: psycopg.Connection[Any], _record: object) -> None:
    """Set the lock timeout to the busy timeout of SQLite."""
    connection.execute(f"SET lock_timeout = {round(BUSY_TIMEOUT_S * 1000)}".encode())
    connection.commit()


class NotUtf8(LedgerUnavailable):
    """The encoding of the PostgreSQL database is not UTF-8."""


class RightMissing(LedgerUnavailable):
    """The database account of the program lacks a privilege. PostgreSQL only."""
