"""The queue of writes of this process, and its writer thread. It does not use the database itself.

The queue is bounded, and a waiting write can be withdrawn. Exclusive writes, which need a transaction
of their own, alternate with groups of other writes, so that neither kind can starve the other.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from itertools import dropwhile, takewhile
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from sqlalchemy import Connection

from webapp.domain.errors import LedgerBusy
from webapp.ledger import metrics

if TYPE_CHECKING:
    from webapp.ledger.group_commit import Transaction

T = TypeVar("T")

QUEUE_MAX: Final = 1_000
# How often a caller checks whether a write that was taken is queued again for a retry.
RUNNING_WAIT_S: Final = 0.5
# How long the thread waits for a write before it ends.
IDLE_S: Final = 5.0


@dataclass(eq=False)
class QueuedWrite(Generic[T]):
    """A write that waits, runs or is done, with its result or error.

    `precommit_check` runs last in the write's savepoint. `run` is called in a copy of the caller's
    context. With `is_exclusive` it has a transaction of its own. `wait_s` is the longest time in the
    queue, in seconds.
    """

    run: Callable[["Transaction"], T]
    precommit_check: Callable[[Connection], None] | None
    is_exclusive: bool = field(kw_only=True)
    wait_s: float = field(kw_only=True)
    context: Context = field(default_factory=copy_context)
    done: threading.Event = field(default_factory=threading.Event)
    asked_at: float = field(default_factory=time.monotonic)
    not_before: float = 0.0
    attempts: int = 0
    result: T | None = None
    error: BaseException | None = None
    is_to_be_retried: bool = False
    # The caller no longer waits, for example after Ctrl-C in a terminal.
    is_abandoned: bool = False

    @property
    def has_time(self) -> bool:
        """Whether there is time for a retry."""
        return time.monotonic() < self.asked_at + self.wait_s

    def fail(self, error: BaseException) -> None:
        """Set the error, in place of any earlier result."""
        self.result, self.error, self.is_to_be_retried = None, error, False

    def reset(self) -> None:
        """Clear the result of a transaction that was not committed."""
        self.result, self.error, self.is_to_be_retried = None, None, False


class WriteQueue:
    """The waiting writes, and the thread that serves them. The thread ends when there are none."""

    def __init__(self) -> None:
        """Start with an empty queue and no thread."""
        self._waiting: deque[QueuedWrite[Any]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._was_exclusive = False

    def __len__(self) -> int:
        """Return the number of waiting writes."""
        return len(self._waiting)

    @property
    def has_lost_thread(self) -> bool:
        """Whether the writer thread has ended by an error, so that nothing in the queue is served."""
        with self._changed:
            return self._thread is not None and not self._thread.is_alive()

    def submit(self, write: QueuedWrite[T], serve: Callable[[], None]) -> T:
        """Queue the write, wait until it is done, and return its result or raise its error.

        After `wait_s` it is withdrawn with LedgerBusy, unless it was taken; then it is waited for
        without limit. The writer thread calls `serve` while writes wait: it must `take` and `finish`
        them. Raises LedgerBusy if the queue is full.
        """
        self._put(write, serve)
        wait_s = write.wait_s
        try:
            while not write.done.wait(wait_s):
                if self._withdraw(write):
                    raise LedgerBusy("The database is locked by another writer. Please try again.")
                wait_s = RUNNING_WAIT_S
        except KeyboardInterrupt:
            write.is_abandoned = True
            self._withdraw(write)
            raise
        if write.error is not None:
            raise write.error
        return write.result  # type: ignore[return-value] # it is that of `run`, which may return None

    def offer(self, write: QueuedWrite[T], serve: Callable[[], None]) -> T | None:
        """Queue the write and wait at most `wait_s`, even if it was taken. Returns None after that.

        Raises what the write raises, and LedgerBusy if the queue is full.
        """
        self._put(write, serve)
        if not write.done.wait(write.wait_s):
            self._withdraw(write)
            return None
        if write.error is not None:
            raise write.error
        return write.result

    def take(self, limit: int) -> list[QueuedWrite[Any]]:
        """Take the next group: one exclusive write, or up to `limit` others before an exclusive one.

        After an exclusive write the others come first.
        """
        with self._changed:
            now = time.monotonic()
            ready = [write for write in self._waiting if write.not_before <= now]
            if self._was_exclusive:
                ready = list(dropwhile(_is_exclusive, ready)) or ready
            if ready and ready[0].is_exclusive:
                group = ready[:1]
            else:
                group = list(takewhile(lambda write: not write.is_exclusive, ready))[:limit]
            for write in group:
                self._waiting.remove(write)
            metrics.count_waiting_writes(len(self._waiting))
            if group:
                self._was_exclusive = group[0].is_exclusive
        return group

    def finish(self, group: Sequence[QueuedWrite[Any]]) -> None:
        """Wake the caller of each write, or queue the write again for a retry."""
        for write in group:
            if write.is_to_be_retried:
                with self._changed:
                    self._waiting.append(write)
                    metrics.count_waiting_writes(len(self._waiting))
            else:
                write.done.set()

    def _put(self, write: QueuedWrite[Any], serve: Callable[[], None]) -> None:
        with self._changed:
            if len(self._waiting) >= QUEUE_MAX:
                raise LedgerBusy("Too many writes are waiting, so nothing was recorded. Please try again.")
            if self._thread is None:
                thread = threading.Thread(target=self._work, args=(serve,), name="ledger-writer", daemon=True)
                thread.start()
                self._thread = thread
            self._waiting.append(write)
            metrics.count_waiting_writes(len(self._waiting))
            self._changed.notify()

    def _withdraw(self, write: QueuedWrite[Any]) -> bool:
        """Remove the write from the queue. Returns False if it was already taken."""
        with self._changed:
            if write in self._waiting:
                self._waiting.remove(write)
                metrics.count_waiting_writes(len(self._waiting))
                return True
        return False

    def _work(self, serve: Callable[[], None]) -> None:
        while self._wait_for_work():
            serve()

    def _wait_for_work(self) -> bool:
        """Wait until a write is due. Returns False after IDLE_S without any, and the thread ends."""
        with self._changed:
            while True:
                now = time.monotonic()
                if any(write.not_before <= now for write in self._waiting):
                    return True
                waits = [write.not_before - now for write in self._waiting]
                if not self._changed.wait(min(waits, default=IDLE_S)) and not self._waiting:
                    self._thread = None
                    return False


def _is_exclusive(write: QueuedWrite[Any]) -> bool:
    return write.is_exclusive
