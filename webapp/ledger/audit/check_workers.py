"""Run the checks of `flask verify` on one snapshot, in several processes if the ledger is large.

A check is a picklable function of a connection. Each process has its own read transaction, and all of
them see the same snapshot: on PostgreSQL they import an exported snapshot, on SQLite they begin while the
write lock is held, which takes some milliseconds. After that no lock is held, however long the checks take.
"""

import gc
import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import SQLAlchemyError

from webapp.domain.errors import LedgerBusy, LedgerUnavailable
from webapp.ledger.group_commit import transact
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import database_error, db, engine_options, prepare, reading

R = TypeVar("R")
Check = Callable[[Connection], R]

# The number of events from which several processes are faster, although each takes a second to start.
LARGE: Final = 50_000
WORKERS_MAX: Final = 4
_START_WITHIN_S: Final = 60
# A range is checked with very many objects, which all end with it. Python's default of 700 would look
# through them again and again, which took an eighth of the time.
_GARBAGE_AFTER: Final = 100_000
# Spawn, not fork, because a fork would copy the threads' locks and the database connections.
_SPAWN: Final = get_context("spawn")


class Checks(Protocol):
    """Runs checks on one snapshot of the ledger."""

    def start(self, checks: Iterable[Check[R]]) -> Iterator[R]:
        """Return the results as they arrive. Checks start in order and may run in parallel."""


@contextmanager
def consistent_checks() -> Iterator[Checks]:
    """Give an object that runs checks on one snapshot, in other processes if the ledger is large."""
    workers = [_Worker(_url()) for _ in range(_worker_count())]
    try:
        if workers and _begin_together(workers):
            yield _InProcesses(workers)
            return
    finally:
        for worker in workers:
            worker.stop()
    with reading() as connection:
        yield InThisProcess(connection)


class InThisProcess:
    """Runs checks on a connection of this process, each when its result is consumed."""

    def __init__(self, connection: Connection) -> None:
        """Use the connection, which is in a read transaction."""
        self._connection = connection

    def start(self, checks: Iterable[Check[R]]) -> Iterator[R]:
        """Return the results in the order of the checks."""
        return (check(self._connection) for check in checks)


class _InProcesses:
    """Sends each check to the next idle process."""

    def __init__(self, workers: Sequence["_Worker"]) -> None:
        self._idle = deque(workers)
        self._busy: dict[_Worker, _Group[Any]] = {}
        self._waiting: deque[tuple[Check[Any], _Group[Any]]] = deque()

    def start(self, checks: Iterable[Check[R]]) -> Iterator[R]:
        group: _Group[R] = _Group()
        for check in checks:
            group.expected += 1
            self._waiting.append((check, group))
        self._dispatch()
        return self._results(group)

    def _results(self, group: "_Group[R]") -> Iterator[R]:
        while group.expected:
            while not group.done:
                self._collect()
            group.expected -= 1
            result, error = group.done.popleft()
            if error is not None:
                raise error
            yield result  # type: ignore[misc] # there is one where there is no error

    def _collect(self) -> None:
        """Wait until a process finishes a check, and send it the next one."""
        ready = wait([worker.pipe for worker in self._busy])
        for worker in [worker for worker in self._busy if worker.pipe in ready]:
            self._busy.pop(worker).done.append(worker.receive())
            self._idle.append(worker)
        self._dispatch()

    def _dispatch(self) -> None:
        while self._idle and self._waiting:
            worker, (check, group) = self._idle.popleft(), self._waiting.popleft()
            worker.send(check)
            self._busy[worker] = group


class _Group(Generic[R]):
    """The checks of one call of `start`: the number of outstanding results, and the results received."""

    def __init__(self) -> None:
        self.expected = 0
        self.done: deque[tuple[R | None, BaseException | None]] = deque()


class _Worker:
    """The parent's handle of a process that runs checks."""

    def __init__(self, url: str) -> None:
        self.pipe, there = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_work, args=(url, there), daemon=True)
        self._process.start()
        there.close()

    def send(self, check: Check[Any]) -> None:
        """Send a check."""
        self.pipe.send(check)

    def receive(self) -> tuple[Any, BaseException | None]:
        """Wait for the result of the last check, or its error. Raises LedgerUnavailable if it ended."""
        try:
            result: Any
            error: BaseException | None
            result, error = self.pipe.recv()
        except EOFError:
            raise LedgerUnavailable("A process that checked the ledger ended unexpectedly.") from None
        return result, error

    def is_ready(self) -> bool:
        """Wait until the process is connected to the database. Returns False if that failed."""
        try:
            return self.pipe.poll(_START_WITHIN_S) and self.receive()[1] is None
        except LedgerUnavailable:
            return False

    def stop(self) -> None:
        """Terminate the process, even during a check."""
        self.pipe.close()
        self._process.terminate()
        self._process.join()


def _worker_count() -> int:
    with reading() as connection:
        ((events,),) = statements.fetch(connection, statements.LAST_POSITION)
    count = min(_core_count(), WORKERS_MAX)
    return count if events >= LARGE and count > 1 else 0


def _core_count() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _url() -> str:
    return db.engine.url.render_as_string(hide_password=False)


def _begin_together(workers: Sequence[_Worker]) -> bool:
    """Begin the read transactions of all processes on one snapshot. Returns False if that failed."""

    def begin(snapshot: str | None = None) -> None:
        for worker in workers:
            worker.send(_Begin(snapshot))
        for worker in workers:
            _, error = worker.receive()
            if error is not None:
                raise error

    if not all(worker.is_ready() for worker in workers):
        return False
    if db.engine.dialect.name == "postgresql":
        with reading() as connection:
            begin(str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar()))
        return True
    try:
        # All processes are connected, so the write lock is held only for a message and its answer.
        transact(lambda _: begin(), unconditional=True)
    except (LedgerBusy, LedgerUnavailable):
        return False
    return True


def prepare_process() -> None:
    """Set up a process that only runs checks. Its parent handles Ctrl-C, and terminates it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(_GARBAGE_AFTER)


class _Begin:
    """A check that begins the transaction of a process. `snapshot` is the id of PostgreSQL's snapshot."""

    def __init__(self, snapshot: str | None) -> None:
        self._snapshot = snapshot

    def __call__(self, connection: Connection) -> None:
        connection.begin()
        if self._snapshot is not None:
            # This statement takes no parameters. The id comes from the database.
            connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{self._snapshot}'")
        # SQLite takes its snapshot at the first read.
        statements.fetch(connection, statements.LAST_POSITION)


def _work(url: str, pipe: Pipe) -> None:
    """Main function of the process: connect, confirm it, and run checks until the pipe is closed."""
    prepare_process()
    engine = create_engine(url, **engine_options(url))
    prepare(engine)
    try:
        connection = engine.connect()
    except SQLAlchemyError as error:
        pipe.send((None, database_error(error, may_be_committed=False)))
        return
    with connection, suppress(EOFError):
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        pipe.send((None, None))
        while True:
            pipe.send(_outcome(pipe.recv(), connection))


def _outcome(check: Check[R], connection: Connection) -> tuple[R | None, BaseException | None]:
    try:
        return check(connection), None
    except Exception as error:  # noqa: BLE001 - raised again in the parent
        known = database_error(error, may_be_committed=False) if isinstance(error, SQLAlchemyError) else error
        known.add_note(traceback.format_exc())
        return None, known


EVENTS_IN_RANGE: Final = 10_000
# A smaller ledger is checked in about so many ranges, each of some events, so that its progress shows.
_RANGES: Final = 20
_EVENTS_MIN: Final = 250
_FIRST: Final = -(2**63)
_LAST: Final = 2**63 - 1
_END_OF_RANGE: Final = "SELECT subject FROM events WHERE subject >= ? ORDER BY subject LIMIT 1 OFFSET ?"


class KeyRange(NamedTuple):
    """The keys from `first` to `last`, both included."""

    first: int
    last: int


def key_ranges(connection: Connection) -> list[KeyRange]:
    """Return ranges that cover all possible keys, each with at most about EVENTS_IN_RANGE events."""
    ((events,),) = statements.fetch(connection, statements.LAST_POSITION)
    size = min(EVENTS_IN_RANGE, max(_EVENTS_MIN, events // _RANGES))
    ranges, first = [], _FIRST
    while found := statements.fetch(connection, _END_OF_RANGE, first, size):
        ((last,),) = found
        if last == _LAST:
            break
        ranges.append(KeyRange(first, last))
        first = last + 1
    return [*ranges, KeyRange(first, _LAST)]
