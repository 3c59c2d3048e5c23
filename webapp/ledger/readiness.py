"""Whether this process can serve: a list of named checks, each of which raises if it finds something."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from webapp.domain.errors import LedgerError, LedgerUnavailable
from webapp.ledger.background.thread import BackgroundThread
from webapp.ledger.group_commit import require_writer
from webapp.ledger.storage.schema_version import ping
from webapp.ledger.storage.writable import require_writable


@dataclass(frozen=True)
class Check:
    """A named check. `run` raises a LedgerError with a sentence that strangers may read."""

    name: str
    run: Callable[[], None]


@dataclass(frozen=True)
class FailedCheck:
    """A check that failed, and why."""

    name: str
    reason: str


class NotReady(LedgerUnavailable):
    """This process cannot serve everything now; `failed` has the checks that failed."""

    def __init__(self, failed: list[FailedCheck]) -> None:
        """Take the checks that failed."""
        super().__init__(" ".join(dict.fromkeys(check.reason for check in failed)))
        self.failed = failed


_threads: Final[list[BackgroundThread]] = []


def watch(thread: BackgroundThread) -> None:
    """Require from now on that this thread of the process lives."""
    _threads.append(thread)


def _require_threads() -> None:
    ended = [thread.name for thread in _threads if not thread.is_alive]
    if ended:
        raise LedgerUnavailable(f"Threads of the server have ended: {', '.join(ended)}. Start it again.")


CHECKS: Final = (
    Check("database", ping),
    Check("writing", require_writable),
    Check("writer", require_writer),
    Check("threads", _require_threads),
)


def require_ready() -> None:
    """Run every check. Raises NotReady if one of them failed."""
    failed: list[FailedCheck] = []
    for check in CHECKS:
        try:
            check.run()
        except LedgerError as error:
            failed.append(FailedCheck(check.name, str(error)))
    if failed:
        raise NotReady(failed)
