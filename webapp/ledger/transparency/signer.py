"""The thread of a serving process that signs checkpoints while the log grows."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from webapp.domain.errors import LedgerError
from webapp.ledger.background.thread import BackgroundThread
from webapp.ledger.transparency import destinations, signing
from webapp.ledger.transparency.tree import TREES

_log: Final = logging.getLogger(__name__)


class CheckpointSigner(BackgroundThread):
    """Signs what is new every few seconds. Processes take turns by a lock in the folder of the keys."""

    def __init__(self, app_context: Callable[[], AbstractContextManager[object]]) -> None:
        """Take what opens a context of the application."""
        super().__init__("checkpoints", app_context)
        self._has_looked, self._said = False, ""

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
