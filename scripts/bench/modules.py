"""Counts the modules that a request enters: `python -m scripts.bench.modules`.

Prints a JSON object for the ledger at DATABASE_URL. Calls in all threads are counted.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from types import FrameType
from typing import Final

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from scripts.bench.made_credits import made_credit
from scripts.environment import ROOT

OURS: Final = str(ROOT / "webapp")
# More than a ledger of this run holds.
_NEW: Final = 90_000_000
# The first request of a kind may fill caches.
_ROUNDS: Final = 2


class EnteredModules:
    """Collects the files of the program's functions that are called, in all threads."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self._is_watching = False
        # Set before the application is created, so that later threads are profiled from their start.
        threading.setprofile(self._note)
        sys.setprofile(self._note)

    def during(self, act: Callable[[], TestResponse]) -> TestResponse:
        """Run a request and collect the files that it enters."""
        self.files.clear()
        self._is_watching = True
        try:
            return act()
        finally:
            self._is_watching = False

    def _note(self, frame: FrameType, event: str, _argument: object) -> None:
        if self._is_watching and event == "call" and frame.f_code.co_filename.startswith(OURS):
            self.files.add(frame.f_code.co_filename)


def measure(entered: EnteredModules, client: FlaskClient) -> dict[str, int]:
    """Return the number of modules that a create, a retirement and a read enter."""
    counts: dict[str, int] = {}
    for number in range(_NEW, _NEW + _ROUNDS):
        create = partial(client.post, "/records", json=made_credit(number))
        path = _expect(HTTPStatus.CREATED, entered.during(create)).headers["Location"]
        counts["create"] = len(entered.files)
        _expect(HTTPStatus.OK, entered.during(partial(client.post, f"{path}/retire", json={})))
        counts["retire"] = len(entered.files)
        _expect(HTTPStatus.OK, entered.during(partial(client.get, path)))
        counts["read"] = len(entered.files)
    return counts


def _expect(status: HTTPStatus, answer: TestResponse) -> TestResponse:
    if answer.status_code != status:
        raise RuntimeError(f"{answer.status_code} where {status} was expected: {answer.text}")
    return answer


def main() -> None:
    entered = EnteredModules()
    from wsgi import app  # importing it creates the application

    print(json.dumps(measure(entered, app.test_client())))


if __name__ == "__main__":
    main()
