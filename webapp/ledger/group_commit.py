"""The writer: one thread of each process that commits all writes, as groups (group commit).

Every writing transaction goes through `transact` or `commit`. The writes that wait in a process are
committed in one transaction, each in its own savepoint, so one can fail without the others. A write
sees the results of those before it in the group. Callers get their results and errors only after the
commit of the group, so no response refers to data that was rolled back.

Between processes there is a write lock. On SQLite it is a lock on a file beside the database, because
SQLite's own lock is polled and a process can starve. On PostgreSQL it is the feed's advisory lock,
taken by the first statement of each transaction.

Reasons: docs/decisions/0070-one-writer.md.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from sqlalchemy import Connection, Engine, Executable
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from webapp.domain.errors import LedgerBusy, LedgerUnavailable
from webapp.ledger import metrics
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import (
    database_error,
    db,
    is_outcome_unknown,
    joined_connection,
    leave_read_transaction,
    require_file,
    require_same_file,
)
from webapp.ledger.storage.write_lock import TAKE_LOCK, write_lock
from webapp.ledger.write_queue import QueuedWrite, WriteQueue

if TYPE_CHECKING:
    from webapp.ledger.event_log import LogHead

T = TypeVar("T")
_log: Final = logging.getLogger(__name__)

# The most writes in one group. On PostgreSQL more than 64 savepoints slow down every snapshot.
GROUP_MAX: Final = {"sqlite": 64, "postgresql": 50}
# How long a write waits in the queue before it is withdrawn with LedgerBusy.
WAIT_S: Final = 10.0
# How long a best-effort write waits in the queue and for its result.
BRIEF_WAIT_S: Final = 0.1
# The pause of the writer after the database was locked.
BUSY_PAUSE_S: Final = 0.01
# How often a write is attempted that met such a lock or a constraint violation.
ATTEMPTS: Final = 6
RETRY_AFTER_S: Final = 0.2
_rollbacks: Final = count()
_WRITER_FAILED: Final = "The write failed. Check whether it was recorded before you try again."


@dataclass
class Transaction:
    """The transaction of a group, passed to each of its writes.

    `head` is the end of the log; ``event_log`` reads it once for a group and advances it.
    `before_commit` has functions to call once after the last write, each with the first new position for it.
    """

    connection: Connection
    head: "LogHead | None" = None
    before_commit: dict[Callable[["Transaction", int], None], int] = field(default_factory=dict)


_current: Final[ContextVar[Transaction | None]] = ContextVar("write_transaction", default=None)
_precommit: Final[ContextVar[Callable[[Connection], None] | None]] = ContextVar("precommit", default=None)


def commit(
    write: Callable[[Transaction], T],
    *,
    is_exclusive: bool = False,
    checked: bool = True,
    wait_s: float | None = None,
) -> T:
    """Queue the write, wait for the commit of its group, and return the write's result.

    With `is_exclusive` it has a transaction of its own. With `checked` it runs the check set by
    `precommit_check`. Raises what the write raises; LedgerBusy if it was not run within `wait_s` (WAIT_S);
    LedgerUnavailable if the database failed, with a hint if the outcome of the commit is unknown.
    """
    if _current.get() is not None:
        raise RuntimeError("nested write: use the transaction of the outer one")
    require_file()
    leave_read_transaction()
    queue = _queue_of(engine := db.engine)
    check = _precommit.get() if checked else None
    waiting = QueuedWrite(
        write, check, is_exclusive=is_exclusive, wait_s=WAIT_S if wait_s is None else wait_s
    )
    return queue.submit(waiting, partial(_serve, engine, queue))


def transact(
    write: Callable[[Connection], T], *, unconditional: bool = False, wait_s: float | None = None
) -> T:
    """Commit a write that takes only the connection. See `commit`.

    `unconditional` skips the check set by `precommit_check`, for writes that check by themselves.
    """
    return commit(lambda transaction: write(transaction.connection), checked=not unconditional, wait_s=wait_s)


def best_effort_write(statement: Executable) -> None:
    """Execute one small statement, or skip it with a log message if the writer is busy.

    For writes that may be lost, such as the time at which a session was last used.
    """
    queue = _queue_of(db.engine)
    write = QueuedWrite(
        lambda transaction: transaction.connection.execute(statement),
        None,
        is_exclusive=False,
        wait_s=BRIEF_WAIT_S,
    )
    try:
        queue.offer(write, partial(_serve, db.engine, queue))
    except (LedgerBusy, LedgerUnavailable, SQLAlchemyError) as error:
        _log.info("Skipped a best-effort write: %s", error)


@contextmanager
def precommit_check(check: Callable[[Connection], None]) -> Iterator[None]:
    """Run `check` as the last step of each write in this context; if it raises, the write is rolled back.

    It runs last, to lock the row of the user or token for as short a time as possible. The lock keeps a
    concurrent change of the role out until the group is committed.
    """
    token = _precommit.set(check)
    try:
        yield
    finally:
        _precommit.reset(token)


def require_writer() -> None:
    """Raise LedgerUnavailable if the writer thread of this process has ended by an error."""
    if _queue_of(db.engine).has_lost_thread:
        raise LedgerUnavailable("The writer of this process has ended. Start the server again.")


def is_transacting() -> bool:
    """Return whether this code runs inside a write, whose effects may still be rolled back."""
    return _current.get() is not None


def _serve(engine: Engine, queue: WriteQueue) -> None:
    """Take the write lock, then take a group from the queue, commit it and deliver the results.

    The group is taken after the lock, so that a write can be withdrawn while the process waits for it.
    """
    group: list[QueuedWrite[Any]] = []

    def take() -> Sequence[QueuedWrite[Any]]:
        group.extend(queue.take(GROUP_MAX[engine.dialect.name]))
        return group

    try:
        failure = _commit(engine, take)
        if failure and failure.is_busy:
            time.sleep(BUSY_PAUSE_S)
            return  # the writes stay in the queue, each until its timeout
        if failure:
            _log.warning("A group was not committed: %s", getattr(failure.cause, "orig", failure.cause))
        if failure and failure.step is _Step.BEGIN:
            failure.fail(take())
        elif failure:
            _fail_or_run_singly(engine, group, failure)
    except Exception:  # noqa: BLE001 - after a bug here, the thread still has to serve later writes
        _log.exception("The writer failed")
        for write in group:
            write.fail(LedgerUnavailable(_WRITER_FAILED))
    queue.finish(group)


class _Step(Enum):
    """The step at which the transaction of a group failed."""

    BEGIN = "no write was run"
    WRITES = "nothing was committed"
    COMMIT = "nothing was committed, or the outcome is unknown"


@dataclass(frozen=True)
class _Failure:
    """The step and the cause of a failed group transaction."""

    step: _Step
    cause: BaseException

    @property
    def is_outcome_unknown(self) -> bool:
        """Whether the group may have been committed."""
        if self.step is not _Step.COMMIT:
            return False
        return not isinstance(self.cause, SQLAlchemyError) or is_outcome_unknown(self.cause)

    @property
    def is_busy(self) -> bool:
        """Whether the transaction did not begin because the database is locked."""
        return self.step is _Step.BEGIN and isinstance(self._error, LedgerBusy)

    @property
    def may_concern_one_write(self) -> bool:
        """Whether one write alone may have caused it, by a full disk or a deferred constraint."""
        return self.step is not _Step.BEGIN and not self.is_outcome_unknown

    def fail(self, group: Sequence[QueuedWrite[Any]]) -> None:
        """Fail all these writes, each with its own exception instance."""
        for write in group:
            write.fail(self._error)

    @property
    def _error(self) -> BaseException:
        return database_error(self.cause, may_be_committed=self.is_outcome_unknown)


class _GroupLostError(Exception):
    """The database rolled the transaction of a group back while its writes were running."""


def _fail_or_run_singly(engine: Engine, group: Sequence[QueuedWrite[Any]], failure: _Failure) -> None:
    """Fail the group, or run each of its writes in a transaction of its own if that may help."""
    if len(group) == 1 or not failure.may_concern_one_write:
        failure.fail(group)
        return
    for place, write in enumerate(group):
        own = _commit(engine, partial(list, [write]))
        if own is None:
            continue
        if own.step is _Step.BEGIN:  # the others would wait for the same failure
            own.fail(group[place:])
            return
        own.fail([write])


def _commit(engine: Engine, take: Callable[[], Sequence[QueuedWrite[Any]]]) -> _Failure | None:
    """Take the write lock, then a group, and commit it. Returns the failure, None on success."""
    step = _Step.BEGIN
    try:
        with write_lock(engine), engine.connect() as connection:
            require_same_file(connection)
            connection.execution_options(ledger_write=True)
            with connection.begin():
                if engine.dialect.name == "postgresql":
                    connection.exec_driver_sql(TAKE_LOCK)
                transaction, group = Transaction(connection), take()
                step = _Step.WRITES
                for write in group:
                    write.reset()
                    _run_write(write, transaction)
                for finish, first in transaction.before_commit.items():
                    finish(transaction, first)
                step = _Step.COMMIT
    except _GroupLostError as lost:
        return _Failure(step, lost.__cause__ or lost)
    except Exception as error:  # noqa: BLE001 - raised again in the thread of each caller
        return _Failure(step, error)
    if group:
        metrics.count_group(len(group))
    return None


def _run_write(write: QueuedWrite[Any], transaction: Transaction) -> None:
    """Run one write in a savepoint, or in the whole transaction where it is alone in it.

    SQLite keeps a copy of each page that changes after a savepoint and goes through them at the end of
    every statement, so an import of many rows has none. Raises _GroupLostError where the database ended
    the transaction.
    """
    connection, head = transaction.connection, transaction.head
    if not write.is_exclusive:
        statements.send(connection, "SAVEPOINT write", [()])
    try:
        write.result = write.context.run(_run_within, write, transaction)
    except BaseException as error:  # noqa: BLE001 - raised again in the thread of the caller
        transaction.head = head
        _roll_back(transaction, error, is_exclusive=write.is_exclusive)
        if isinstance(error, SQLAlchemyError):
            _retry_or_refuse(write, error)
        else:
            write.fail(error)
    else:
        if not write.is_exclusive:
            statements.send(connection, "RELEASE SAVEPOINT write", [()])


def _run_within(write: QueuedWrite[T], transaction: Transaction) -> T:
    """Run the write and its check; ``storage.engine.reading`` inside it uses the same transaction."""
    current = _current.set(transaction)
    joined = joined_connection.set(transaction.connection)
    try:
        result = write.run(transaction)
        if write.is_abandoned:
            raise _AbandonedError
        if write.precommit_check:
            write.precommit_check(transaction.connection)
        return result
    finally:
        joined_connection.reset(joined)
        _current.reset(current)


class _AbandonedError(Exception):
    """The caller no longer waits for the write, so it is rolled back."""


def _roll_back(transaction: Transaction, error: BaseException, *, is_exclusive: bool) -> None:
    connection = transaction.connection
    if not _is_open(connection):
        raise _GroupLostError from error
    try:
        if is_exclusive:
            transaction.before_commit.clear()
            if begun := connection.get_transaction():
                begun.rollback()
            return
        # psycopg forgets what it prepared in a failed pipeline only at a rollback whose text is new to it.
        connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT write -- {next(_rollbacks)}")
        statements.send(connection, "RELEASE SAVEPOINT write", [()])
    except SQLAlchemyError:
        raise _GroupLostError from error


def _is_open(connection: Connection) -> bool:
    """Return whether the transaction is still open. SQLite ends it on some errors, such as a full disk."""
    with suppress(SQLAlchemyError):
        driver: Any = connection.connection.driver_connection
        if isinstance(driver, psycopg.Connection):
            return driver.info.transaction_status in {
                psycopg.pq.TransactionStatus.INTRANS,
                psycopg.pq.TransactionStatus.INERROR,
            }
        return bool(driver.in_transaction)
    return False


def _retry_or_refuse(write: QueuedWrite[Any], error: SQLAlchemyError) -> None:
    """Mark the write for a retry if it lost a race with another client, otherwise fail it."""
    if not _is_lost_race(error):
        write.fail(database_error(error, may_be_committed=False))
        return
    write.attempts += 1
    if write.attempts < ATTEMPTS and write.has_time:
        write.not_before = time.monotonic() + RETRY_AFTER_S * 2**write.attempts / 2
        write.is_to_be_retried = True
        return
    # A bug that violates a constraint looks the same from here, so the log names the constraint.
    _log.warning("Gave up after %d attempts: %s", write.attempts, getattr(error, "orig", error))
    write.fail(LedgerBusy("Other writes kept changing the same credits. Please try again."))


def _is_lost_race(error: SQLAlchemyError) -> bool:
    if isinstance(error, IntegrityError):
        return True
    return isinstance(
        getattr(error, "orig", None),
        psycopg.errors.DeadlockDetected
        | psycopg.errors.SerializationFailure
        | psycopg.errors.LockNotAvailable,
    )


_queues: Final[WeakKeyDictionary[Engine, WriteQueue]] = WeakKeyDictionary()
_registering: Final = threading.Lock()


def _queue_of(engine: Engine) -> WriteQueue:
    with _registering:
        if engine not in _queues:
            _queues[engine] = WriteQueue()
        return _queues[engine]


# A forked process has no writer thread, so it needs new queues.
os.register_at_fork(after_in_child=_queues.clear)
