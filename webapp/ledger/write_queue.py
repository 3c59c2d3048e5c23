"""The acts that wait in this process until its writer does them. It knows no database.

The queue is bounded, and an act that waits can be withdrawn. An act that needs a transaction to itself
alternates with groups of the others, so that neither kind waits for all of the other.
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

if TYPE_CHECKING:
    from webapp.ledger.writer import Transaction

T = TypeVar("T")

QUEUE_MAX: Final = 1_000
# How often it is looked whether an act that was taken waits again, to be tried once more.
RUNNING_WAIT_S: Final = 0.5
# A thread with nothing to do ends.
IDLE_S: Final = 5.0


@dataclass(eq=False)
class QueuedWrite(Generic[T]):
    """An act that waits, is being done, or is done.

    `precommit_check` runs as the last statement in the act's savepoint. The act runs in the context
    of the thread that asked for it. With `is_exclusive` it has a transaction to itself. `wait_s` is how
    long it waits for its turn.
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
    # Nobody waits for it any more, as after Ctrl-C in a terminal.
    is_abandoned: bool = False

    @property
    def has_time(self) -> bool:
        """Say whether it may be tried again."""
        return time.monotonic() < self.asked_at + self.wait_s

    def fail(self, error: BaseException) -> None:
        """Make this the answer, whatever came of the act before."""
        self.result, self.error, self.is_to_be_retried = None, error, False

    def reset(self) -> None:
        """Forget what came of the act in a transaction that was not committed."""
        self.result, self.error, self.is_to_be_retried = None, None, False


class WriteQueue:
    """The acts that wait, and the thread that has them done while there are any."""

    def __init__(self) -> None:
        """Begin with an empty queue and no thread."""
        self._waiting: deque[QueuedWrite[Any]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._was_alone = False

    def __len__(self) -> int:
        """Return how many acts wait."""
        return len(self._waiting)

    def submit(self, action: QueuedWrite[T], serve: Callable[[], None]) -> T:
        """Queue the act, wait until it is done, and return its result or raise its error.

        A waiting act is withdrawn in the end, a taken one is waited for. `serve` takes acts, does
        them and finishes them; a thread calls it while acts wait. Raises LedgerBusy.
        """
        self._put(action, serve)
        wait_s = action.wait_s
        try:
            while not action.done.wait(wait_s):
                if self._withdraw(action):
                    raise LedgerBusy("The database is locked by another writer. Please try again.")
                wait_s = RUNNING_WAIT_S
        except KeyboardInterrupt:
            action.is_abandoned = True
            self._withdraw(action)
            raise
        if action.error is not None:
            raise action.error
        return action.result  # type: ignore[return-value] # it is that of `run`, which may return None

    def offer(self, action: QueuedWrite[T], serve: Callable[[], None]) -> T | None:
        """Do the same for an act that may as well be left out: one that was taken is not waited for.

        Returns None where it is not done in time. Raises what the act raises, and LedgerBusy.
        """
        self._put(action, serve)
        if not action.done.wait(action.wait_s):
            self._withdraw(action)
            return None
        if action.error is not None:
            raise action.error
        return action.result

    def take(self, limit: int) -> list[QueuedWrite[Any]]:
        """Take what is done next: an act that wants to be alone, or others up to such a one.

        After an act that was alone, others go first.
        """
        with self._changed:
            now = time.monotonic()
            ready = [action for action in self._waiting if action.not_before <= now]
            if self._was_alone:
                ready = list(dropwhile(_is_exclusive, ready)) or ready
            if ready and ready[0].is_exclusive:
                group = ready[:1]
            else:
                group = list(takewhile(lambda action: not action.is_exclusive, ready))[:limit]
            for action in group:
                self._waiting.remove(action)
            if group:
                self._was_alone = group[0].is_exclusive
        return group

    def finish(self, group: Sequence[QueuedWrite[Any]]) -> None:
        """Answer each act, or queue it once more."""
        for action in group:
            if action.is_to_be_retried:
                with self._changed:
                    self._waiting.append(action)
            else:
                action.done.set()

    def _put(self, action: QueuedWrite[Any], serve: Callable[[], None]) -> None:
        with self._changed:
            if len(self._waiting) >= QUEUE_MAX:
                raise LedgerBusy("Too many writes are waiting, so nothing was recorded. Please try again.")
            if self._thread is None:
                thread = threading.Thread(target=self._work, args=(serve,), name="ledger-writer", daemon=True)
                thread.start()
                self._thread = thread
            self._waiting.append(action)
            self._changed.notify()

    def _withdraw(self, action: QueuedWrite[Any]) -> bool:
        """Take the act out of the queue. Says no where it is being done, or was."""
        with self._changed:
            if action in self._waiting:
                self._waiting.remove(action)
                return True
        return False

    def _work(self, serve: Callable[[], None]) -> None:
        while self._wait_for_work():
            serve()

    def _wait_for_work(self) -> bool:
        """Wait until an act can be done. Says no after a time without any: then the thread ends."""
        with self._changed:
            while True:
                now = time.monotonic()
                if any(action.not_before <= now for action in self._waiting):
                    return True
                waits = [action.not_before - now for action in self._waiting]
                if not self._changed.wait(min(waits, default=IDLE_S)) and not self._waiting:
                    self._thread = None
                    return False


def _is_exclusive(action: QueuedWrite[Any]) -> bool:
    return action.is_exclusive
