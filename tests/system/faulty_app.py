"""The real program, which kills its own process at the point that a request's header names.

Served by tests only (`tests.system.faulty_app:app`): the program itself knows nothing of this.
"""

import os
import signal
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, NoReturn

from flask import Response, has_request_context, request
from sqlalchemy import Connection, event

from webapp import create_app
from webapp.ledger.database import db

HEADER: Final = "X-Die"


class Moment(StrEnum):
    """When the process dies."""

    AFTER_EVENT = "the event is inserted, its position is not"
    BEFORE_COMMIT = "everything is inserted, nothing is committed"
    BEFORE_ANSWER = "it is committed, nobody was told"
    AMONG_ROWS = "one half of the import's events is inserted"


def die() -> NoReturn:
    """End at once, as by a power cut: nothing is flushed, closed or rolled back."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody survives this")


def _is_due(moment: Moment) -> bool:
    return has_request_context() and request.headers.get(HEADER) == moment


def _after_statement(
    connection: Connection, _cursor: object, statement: str, _values: object, _context: object, _many: object
) -> None:
    if statement.startswith("INSERT INTO events"):
        if _is_due(Moment.AFTER_EVENT):
            die()
        # An import is received in a transaction of its own, which is not the one to die in.
        connection.info[HEADER] = _is_due(Moment.BEFORE_COMMIT)


def _before_commit(connection: Connection) -> None:
    if connection.info.get(HEADER):
        die()


def _insert_half(cursor: Any, statement: str, values: Sequence[Any], _context: object) -> None:  # noqa: ANN401
    if statement.startswith("INSERT INTO events") and _is_due(Moment.AMONG_ROWS):
        cursor.executemany(statement, values[: len(values) // 2])
        die()


def _after_request(response: Response) -> Response:
    if _is_due(Moment.BEFORE_ANSWER):
        die()
    return response


app = create_app()
app.after_request(_after_request)
with app.app_context():
    event.listen(db.engine, "after_cursor_execute", _after_statement)
    event.listen(db.engine, "commit", _before_commit)
    event.listen(db.engine, "do_executemany", _insert_half)
