"""The one writer of each process, and the turn that the writers of several processes take.

Every writing transaction goes through `transact` or `commit`: what waits in a process is committed
as a group, each act in a savepoint of its own. A group is not a batch: an act decides after the one
before it was applied or rolled back. Nobody is answered, not even with a refusal, before the group
is committed, so no answer names what was rolled back in the end.

Between processes, writers take turns. On SQLite the turn is a lock on a file beside the database,
for which writers queue; SQLite's own lock is polled, and whoever polls at the wrong moment starves.
On PostgreSQL it is the feed's advisory lock, taken as the first statement of each transaction.

Why so: docs/decisions/0070-one-writer.md.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from sqlalchemy import Connection, Engine, Executable
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from webapp.domain.errors import LedgerBusy, LedgerUnavailable
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import (
    FEED_LOCK,
    database_error,
    db,
    is_outcome_unknown,
    joined_connection,
    leave_read_transaction,
    require_file,
    require_same_file,
    write_lock,
)
from webapp.ledger.write_queue import QueuedWrite, WriteQueue

if TYPE_CHECKING:
    from webapp.ledger.event_log import LogHead

T = TypeVar("T")
_log: Final = logging.getLogger(__name__)

# How many acts one transaction takes. On PostgreSQL more than 64 savepoints slow every snapshot.
GROUP_MAX: Final = {"sqlite": 64, "postgresql": 50}
# How long an act waits for its turn before it is withdrawn.
WAIT_S: Final = 10.0
# How long a write that may as well be left out waits for its turn, and to be done.
BRIEF_WAIT_S: Final = 0.1
# How long the writer rests after it was told that the database is locked.
BUSY_PAUSE_S: Final = 0.01
# How long an act waits for a row that a transaction outside this program holds (PostgreSQL).
FOREIGN_LOCK_MS: Final = 100
# How often an act is tried that met such a row, or that a constraint refused.
ATTEMPTS: Final = 6
RETRY_AFTER_S: Final = 0.2
# How long a transaction may say nothing before PostgreSQL ends it: its program may be gone without a
# word, and nobody else could write until the network notices, which takes hours.
IDLE_TIMEOUT_MS: Final = 60_000
_WRITER_FAILED: Final = "The writer failed. Look whether it was recorded before you try again."
_TAKE_LOCK: Final = (
    f"SELECT pg_advisory_xact_lock({FEED_LOCK}); SET LOCAL lock_timeout = {FOREIGN_LOCK_MS};"
    f" SET LOCAL idle_in_transaction_session_timeout = {IDLE_TIMEOUT_MS};"
    # What acts ask finds a few rows by their keys, however large the tables are. Without statistics (a new
    # ledger) PostgreSQL reads whole tables instead; and to plan anew takes longer than to run.
    " SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off;"
    " SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_sort = off"
)


@dataclass
class Transaction:
    """The write transaction of a group, as its acts see it.

    `head` is the end of the log; ``event_log`` reads it once for a group and moves it on. `before_commit`
    is called once, after the last act.
    """

    connection: Connection
    head: "LogHead | None" = None
    before_commit: Callable[[], None] | None = None


_current: Final[ContextVar[Transaction | None]] = ContextVar("write_transaction", default=None)
_precommit: Final[ContextVar[Callable[[Connection], None] | None]] = ContextVar("precommit", default=None)


def commit(action: Callable[[Transaction], T], *, is_exclusive: bool = False, checked: bool = True) -> T:
    """Do the act in its turn and return its result once it is committed.

    With `is_exclusive` it has a transaction to itself. `checked` asks what `precommit_check` set.
    Raises what the act raises; LedgerBusy where it was not done because others were first for too
    long; LedgerUnavailable, which says so where nobody knows whether it was recorded.
    """
    if _current.get() is not None:
        raise RuntimeError("a write inside a write: pass the transaction on")
    require_file()
    leave_read_transaction()
    queue = _queue_of(db.engine)
    waiting = QueuedWrite(
        action, _precommit.get() if checked else None, is_exclusive=is_exclusive, wait_s=WAIT_S
    )
    return queue.submit(waiting, partial(_serve, db.engine, queue))


def transact(action: Callable[[Connection], T], *, unconditional: bool = False) -> T:
    """Do an act that needs no more than the connection, in the same way as `commit`.

    `unconditional` leaves out the check of `precommit_check`, for acts that have their own.
    """
    return commit(lambda transaction: action(transaction.connection), checked=not unconditional)


def best_effort_write(statement: Executable) -> None:
    """Execute a small write by itself that may as well be left out: where others are busy, it is."""
    queue = _queue_of(db.engine)
    action = QueuedWrite(
        lambda transaction: transaction.connection.execute(statement),
        None,
        is_exclusive=False,
        wait_s=BRIEF_WAIT_S,
    )
    try:
        queue.offer(action, partial(_serve, db.engine, queue))
    except (LedgerBusy, LedgerUnavailable, SQLAlchemyError) as error:
        _log.info("Left out a small write: %s", error)


@contextmanager
def precommit_check(check: Callable[[Connection], None]) -> Iterator[None]:
    """Have each act in here ask `check` as its last statement; what that raises takes the act back.

    It comes last so that what it locks (the row of the person who acts, so that nobody can take their
    right meanwhile) is locked for no longer than the rest of the group takes.
    """
    token = _precommit.set(check)
    try:
        yield
    finally:
        _precommit.reset(token)


def is_transacting() -> bool:
    """Say whether this is inside an act, so that what is written may still be taken back."""
    return _current.get() is not None


def _serve(engine: Engine, queue: WriteQueue) -> None:
    """Do and answer the acts that wait once it is this process's turn; until then they can be withdrawn."""
    group: list[QueuedWrite[Any]] = []

    def take() -> Sequence[QueuedWrite[Any]]:
        group.extend(queue.take(GROUP_MAX[engine.dialect.name]))
        return group

    try:
        failure = _commit(engine, take)
        if failure and failure.is_busy:
            time.sleep(BUSY_PAUSE_S)
            return  # the acts wait on, each until its time is over
        if failure:
            _log.warning("A group was not committed: %s", getattr(failure.cause, "orig", failure.cause))
        if failure and failure.step is _Step.BEGIN:
            failure.answer(take())
        elif failure:
            _answer_or_run_singly(engine, group, failure)
    except Exception:  # noqa: BLE001 - a bug here; the acts that follow are done all the same
        _log.exception("The writer failed")
        for action in group:
            action.fail(LedgerUnavailable(_WRITER_FAILED))
    queue.finish(group)


class _Step(Enum):
    """How far the transaction of a group came."""

    BEGIN = "nothing of it can be done"
    ACTS = "nothing of it was committed"
    COMMIT = "nothing of it was committed, or nobody knows"


@dataclass(frozen=True)
class _Failure:
    """Why a group was not committed, or is not known to be."""

    step: _Step
    cause: BaseException

    @property
    def is_outcome_unknown(self) -> bool:
        """Whether it may have been committed all the same."""
        if self.step is not _Step.COMMIT:
            return False
        return not isinstance(self.cause, SQLAlchemyError) or is_outcome_unknown(self.cause)

    @property
    def is_busy(self) -> bool:
        """Whether nothing was begun since somebody else has the lock of the database."""
        return self.step is _Step.BEGIN and isinstance(self._error, LedgerBusy)

    @property
    def is_one_acts(self) -> bool:
        """Whether it may be that of one act: that fills the disk, or breaks a deferred constraint."""
        return self.step is not _Step.BEGIN and not self.is_outcome_unknown

    def answer(self, group: Sequence[QueuedWrite[Any]]) -> None:
        """Make it the answer to these acts, each with an exception of its own to raise."""
        for action in group:
            action.fail(self._error)

    @property
    def _error(self) -> BaseException:
        return database_error(self.cause, is_writing=self.is_outcome_unknown)


class _GroupLostError(Exception):
    """The transaction of a group was rolled back by the database while its acts were being done."""


def _answer_or_run_singly(engine: Engine, group: Sequence[QueuedWrite[Any]], failure: _Failure) -> None:
    """Do each act of a group that was not committed by itself, where that may help."""
    if len(group) == 1 or not failure.is_one_acts:
        failure.answer(group)
        return
    for place, action in enumerate(group):
        own = _commit(engine, partial(list, [action]))
        if own is None:
            continue
        if own.step is _Step.BEGIN:  # each of the others would wait as long for nothing
            own.answer(group[place:])
            return
        own.answer([action])


def _commit(engine: Engine, take: Callable[[], Sequence[QueuedWrite[Any]]]) -> _Failure | None:
    """Take the turn, then acts, and commit them. Returns why it is not certain that they are."""
    step = _Step.BEGIN
    try:
        with write_lock(engine), engine.connect() as connection:
            require_same_file(connection)
            connection.execution_options(ledger_write=True)
            with connection.begin():
                if engine.dialect.name == "postgresql":
                    connection.exec_driver_sql(_TAKE_LOCK)
                transaction, group = Transaction(connection), take()
                step = _Step.ACTS
                for action in group:
                    action.reset()
                    _run_action(action, transaction)
                if transaction.before_commit:
                    transaction.before_commit()
                step = _Step.COMMIT
    except _GroupLostError as lost:
        return _Failure(step, lost.__cause__ or lost)
    except Exception as error:  # noqa: BLE001 - it is raised where each act was asked for
        return _Failure(step, error)
    return None


def _run_action(action: QueuedWrite[Any], transaction: Transaction) -> None:
    """Run one action in a savepoint, or in the whole transaction where it is alone in it.

    SQLite keeps a copy of each page that changes after a savepoint and goes through them at the end of
    every statement, so an import of many rows has none. Raises _GroupLostError where the database ended
    the transaction.
    """
    connection, head = transaction.connection, transaction.head
    if not action.is_exclusive:
        statements.send(connection, "SAVEPOINT act", [()])
    try:
        action.result = action.context.run(_run_within, action, transaction)
    except BaseException as error:  # noqa: BLE001 - it is raised where the act was asked for
        transaction.head = head
        _roll_back(transaction, error, is_exclusive=action.is_exclusive)
        if isinstance(error, SQLAlchemyError):
            _retry_or_refuse(action, error)
        else:
            action.fail(error)
    else:
        if not action.is_exclusive:
            statements.send(connection, "RELEASE SAVEPOINT act", [()])


def _run_within(action: QueuedWrite[T], transaction: Transaction) -> T:
    """Do the act so that ``storage.engine.reading`` inside it reads in its transaction."""
    current = _current.set(transaction)
    joined = joined_connection.set(transaction.connection)
    try:
        result = action.run(transaction)
        if action.is_abandoned:
            raise _AbandonedError
        if action.precommit_check:
            action.precommit_check(transaction.connection)
        return result
    finally:
        joined_connection.reset(joined)
        _current.reset(current)


class _AbandonedError(Exception):
    """Nobody waits for the act any more, so it is taken back."""


def _roll_back(transaction: Transaction, error: BaseException, *, is_exclusive: bool) -> None:
    connection = transaction.connection
    if not _is_open(connection):
        raise _GroupLostError from error
    try:
        if is_exclusive:
            transaction.before_commit = None
            begun = connection.get_transaction()
            if begun:
                begun.rollback()
            return
        statements.send(connection, "ROLLBACK TO SAVEPOINT act", [()])
        statements.send(connection, "RELEASE SAVEPOINT act", [()])
    except SQLAlchemyError:
        raise _GroupLostError from error


def _is_open(connection: Connection) -> bool:
    """Say whether the transaction goes on. SQLite may end it by itself, as on a full disk."""
    with suppress(SQLAlchemyError):
        driver: Any = connection.connection.driver_connection
        if isinstance(driver, psycopg.Connection):
            return driver.info.transaction_status in {
                psycopg.pq.TransactionStatus.INTRANS,
                psycopg.pq.TransactionStatus.INERROR,
            }
        return bool(driver.in_transaction)
    return False


def _retry_or_refuse(action: QueuedWrite[Any], error: SQLAlchemyError) -> None:
    """Try the act again where somebody outside this program was in its way, for a while."""
    if not _is_lost_race(error):
        action.fail(database_error(error, is_writing=False))
        return
    action.attempts += 1
    if action.attempts < ATTEMPTS and action.has_time:
        action.not_before = time.monotonic() + RETRY_AFTER_S * 2**action.attempts / 2
        action.is_to_be_retried = True
        return
    # A bug that breaks a constraint looks the same from here, so the log says which one it was.
    _log.warning("Gave up after %d attempts: %s", action.attempts, getattr(error, "orig", error))
    action.fail(LedgerBusy("Others kept changing the same credits. Please try again."))


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


# A thread does not live on in a forked process.
os.register_at_fork(after_in_child=_queues.clear)
