"""The base of the threads that a serving process has beside those of its requests."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

_STOP_WITHIN_S: Final = 5.0


class BackgroundThread(ABC):
    """A thread that works until the process stops. A subclass says how, in `_work`."""

    def __init__(self, name: str, app_context: Callable[[], AbstractContextManager[object]]) -> None:
        """Take the name of the thread, and what opens a context of the application."""
        self._app_context = app_context
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

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
        """Have it end after the present step, and wait a little for that."""
        self._is_stopping.set()
        self._thread.join(_STOP_WITHIN_S)

    @abstractmethod
    def _work(self) -> None:
        """Work until `_is_stopping` is set. An error in one step must not end the thread."""
