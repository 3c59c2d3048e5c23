"""The thread of a serving process that works on one kind of jobs."""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from webapp.domain.errors import LedgerError
from webapp.ledger.background.owners import owner_name
from webapp.ledger.background.thread import BackgroundThread

_log: Final = logging.getLogger(__name__)
# How often a process looks for a job of another process, and how long it pauses after an error.
_LOOK_EVERY_S: Final = 2.0
_PAUSE_S: Final = 5.0

# Works on a job if there is one, in the name of an owner, until it is over or the process stops. Returns
# whether there was one.
WorkOnNext = Callable[[str, Callable[[], bool]], bool]


class Worker(BackgroundThread):
    """A thread that looks for jobs. `wake` says that there is one, so that it need not wait to find it."""

    def __init__(
        self,
        kind: str,
        app_context: Callable[[], AbstractContextManager[object]],
        work_on_next: WorkOnNext,
        wake: threading.Event,
    ) -> None:
        """Take the kind of its jobs, for the log, and what opens a context of the application."""
        super().__init__(f"worker of {kind}", app_context)
        self._kind, self._work_on_next, self._wake = kind, work_on_next, wake

    def stop(self) -> None:
        """Have it give its job back after the present step, and wait a little for that."""
        self._is_stopping.set()
        self._wake.set()
        super().stop()

    def _work(self) -> None:
        owner = owner_name()
        while not self._is_stopping.is_set():
            pause = _LOOK_EVERY_S
            try:
                with self._app_context():
                    if self._work_on_next(owner, self._is_stopping.is_set):
                        continue
            except LedgerError as error:
                _log.warning("Cannot work on %s now: %s", self._kind, error)
                pause = _PAUSE_S
            except Exception:  # noqa: BLE001 - after a bug here, the thread still has to look for other jobs
                _log.exception("The worker of %s failed", self._kind)
                pause = _PAUSE_S
            if self._wake.wait(pause):
                self._wake.clear()
