"""The thread of a serving process that signs checkpoints while the log grows."""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from webapp.domain.errors import LedgerError
from webapp.ledger.transparency import destinations, signing
from webapp.ledger.transparency.tree import TREES

_STOP_WITHIN_S: Final = 5.0
_log: Final = logging.getLogger(__name__)


class CheckpointSigner:
    """Signs what is new every few seconds. Processes take turns by a lock in the folder of the keys."""

    def __init__(self, app_context: Callable[[], AbstractContextManager[object]]) -> None:
        """Take what opens a context of the application."""
        self._app_context = app_context
        self._is_stopping = threading.Event()
        self._has_looked, self._said = False, ""
        self._thread = threading.Thread(target=self._work, name="checkpoints", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def name(self) -> str:
        """The name of the thread."""
        return self._thread.name

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Let it end after the present checkpoint, and wait a little for that."""
        self._is_stopping.set()
        self._thread.join(_STOP_WITHIN_S)

    def _work(self) -> None:
        while not self._is_stopping.wait(signing.SIGN_EVERY_S):
            with self._app_context():
                self.sign()

    def sign(self) -> None:
        """Sign each tree that grew; log the reason once where that is refused."""
        try:
            for tree in TREES:
                # First of all also where nothing is new, to say what would keep this host from signing.
                (signing.sign_if_new if self._has_looked else signing.sign)(tree)
            destinations.deliver_all()
            self._has_looked, self._said = True, ""
        except LedgerError as error:
            if str(error) != self._said:
                _log.warning("No checkpoint is signed: %s", error)
            self._said = str(error)
        except Exception:  # noqa: BLE001 - after a bug here, the thread still has to sign later events
            _log.exception("Signing a checkpoint failed")
