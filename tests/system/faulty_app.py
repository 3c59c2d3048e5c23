"""The real program, which kills its own process at the point that a request's header names.

Served by tests only (`tests.system.faulty_app:app`): the program itself knows nothing of this.
"""

import os
import signal
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, NoReturn

from flask import Response, has_request_context, request
from sqlalchemy import Connection, Table, event

from webapp import create_app
from webapp.ledger import log
from webapp.ledger.bulk import insert_rows
from webapp.ledger.database import db
from webapp.ledger.tables import events

HEADER: Final = "X-Die"


class Moment(StrEnum):
    """When the process dies."""

    AMONG_ROWS = "one half of the import's events is inserted"
    AFTER_EVENT = "the event is inserted, its position is not"
    BEFORE_COMMIT = "everything is inserted, nothing is committed"
    BEFORE_ANSWER = "it is committed, nobody was told"


def die() -> NoReturn:
    """End at once, as by a power cut: nothing is flushed, closed or rolled back."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody survives this")


def _is_due(moment: Moment) -> bool:
    return has_request_context() and request.headers.get(HEADER) == moment


def _insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    if table is not events:
        return insert_rows(connection, table, rows)
    if _is_due(Moment.AMONG_ROWS):
        insert_rows(connection, table, rows[: len(rows) // 2])
        die()
    insert_rows(connection, table, rows)
    if _is_due(Moment.AFTER_EVENT):
        die()
    # An import is received in a transaction of its own, which is not the one to die in.
    connection.info[HEADER] = _is_due(Moment.BEFORE_COMMIT)
    return None


def _before_commit(connection: Connection) -> None:
    if connection.info.get(HEADER):
        die()


def _before_answer(response: Response) -> Response:
    if _is_due(Moment.BEFORE_ANSWER):
        die()
    return response


app = create_app()
app.after_request(_before_answer)
setattr(log, "insert_rows", _insert_rows)  # noqa: B010 - the log takes it by name
with app.app_context():
    event.listen(db.engine, "commit", _before_commit)
