"""The real program, which kills its own process at the point that a request's header names.

Served by tests only (`tests.system.faulty_app:app`): the program itself knows nothing of this. Each
answer names its process in a header, and the log says of each act that it is about to wait for the
writer, so that a test can put acts of its choice into one group.
"""

import os
import resource
import signal
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

from flask import Response, has_request_context, request
from sqlalchemy import Connection, Table, event

from tests.system.faults import DIE, FILE_SIZE, PROCESS, Moment
from webapp import create_app
from webapp.ledger import event_log
from webapp.ledger.storage.bulk_insert import insert_rows
from webapp.ledger.storage.engine import db
from webapp.ledger.storage.tables import events
from webapp.ledger.write_queue import QueuedWrite, WriteQueue


def die() -> NoReturn:
    """End at once, as by a power cut: nothing is flushed, closed or rolled back."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody survives this")


def _is_due(moment: Moment) -> bool:
    return has_request_context() and request.headers.get(DIE) == moment


def _insert_rows(connection: Connection, table: Table, statement: str, rows: Sequence[Any]) -> None:
    if table is not events or not rows:
        return insert_rows(connection, table, statement, rows)
    if _is_due(Moment.AMONG_ROWS):
        insert_rows(connection, table, statement, rows[: len(rows) // 2])
        die()
    insert_rows(connection, table, statement, rows)
    if _is_due(Moment.AFTER_EVENT):
        die()
    # An import is received in a transaction of its own, which is not the one to die in.
    for moment in (Moment.AFTER_SAVEPOINT, Moment.BEFORE_COMMIT):
        if _is_due(moment):
            connection.info[DIE] = moment
    return None


def _after_statement(connection: Connection, _cursor: object, statement: str, *_others: object) -> None:
    if statement == "RELEASE SAVEPOINT act" and connection.info.get(DIE) == Moment.AFTER_SAVEPOINT:
        die()


def _before_commit(connection: Connection) -> None:
    if connection.info.get(DIE) == Moment.BEFORE_COMMIT:
        die()


_finish: Final = WriteQueue.finish
_submit: Final = WriteQueue.submit


def _finish_or_die(queue: WriteQueue, group: Sequence[QueuedWrite[Any]]) -> None:
    if any(act.context.run(_is_due, Moment.AFTER_COMMIT) for act in group):
        die()
    _finish(queue, group)


def _tell_and_submit(queue: WriteQueue, act: QueuedWrite[Any], serve: Callable[[], None]) -> object:
    print(f"waits pid=<{os.getpid()}>", flush=True)
    return _submit(queue, act, serve)


def _bound_files() -> None:
    size = request.headers.get(FILE_SIZE)
    if size:
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), most))


def _before_answer(response: Response) -> Response:
    if _is_due(Moment.BEFORE_ANSWER):
        die()
    response.headers[PROCESS] = str(os.getpid())
    return response


app = create_app()
app.before_request(_bound_files)
app.after_request(_before_answer)
setattr(event_log, "insert_rows", _insert_rows)  # noqa: B010 - the log takes it by name
setattr(WriteQueue, "finish", _finish_or_die)  # noqa: B010 - as mypy forbids the plain assignment
setattr(WriteQueue, "submit", _tell_and_submit)  # noqa: B010
with app.app_context():
    event.listen(db.engine, "after_cursor_execute", _after_statement)
    event.listen(db.engine, "commit", _before_commit)
