"""The real program, patched to kill its own process at the moment that a request's header names.

Served by tests only, as `tests.system.faulty_app:app`. Each answer has the process id in a header, and
the log has a line for each action that is queued for the writer, so that a test can choose the actions
of a group.
"""

import os
import resource
import signal
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

from flask import Response, has_request_context, request
from sqlalchemy import Connection, Table, event

from tests.system.faults import CHUNK_ROWS, DIE, FILE_SIZE, LARGE_ROWS, PROCESS, WAIT_S, Moment
from webapp import create_app
from webapp.imports.background import grouping
from webapp.imports.readers import table
from webapp.ledger import event_log, group_commit
from webapp.ledger.storage import engine, statements
from webapp.ledger.storage.bulk_insert import insert_rows
from webapp.ledger.storage.engine import db
from webapp.ledger.storage.log_tables import events
from webapp.ledger.write_queue import QueuedWrite, WriteQueue


def die() -> NoReturn:
    """End the process at once: nothing is flushed, closed or rolled back."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable after SIGKILL")


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
    # An import is received in a separate transaction, which must not die.
    for moment in (Moment.AFTER_SAVEPOINT, Moment.BEFORE_COMMIT):
        if _is_due(moment):
            connection.info[DIE] = moment
    return None


def _send_or_die(connection: Connection, statement: str, rows: Sequence[Any]) -> None:
    _send(connection, statement, rows)
    if statement == "RELEASE SAVEPOINT write" and connection.info.get(DIE) == Moment.AFTER_SAVEPOINT:
        die()


def _before_commit(connection: Connection) -> None:
    if connection.info.get(DIE) == Moment.BEFORE_COMMIT:
        die()


_send: Final = statements.send
_finish: Final = WriteQueue.finish
_put: Final = WriteQueue._put


def _finish_or_die(queue: WriteQueue, group: Sequence[QueuedWrite[Any]]) -> None:
    if any(act.context.run(_is_due, Moment.AFTER_COMMIT) for act in group):
        die()
    _finish(queue, group)


def _put_and_tell(queue: WriteQueue, act: QueuedWrite[Any], serve: Callable[[], None]) -> None:
    _put(queue, act, serve)
    if not has_request_context():  # a write of a thread in the background, such as a checkpoint
        return
    print(f"waits pid=<{os.getpid()}>", flush=True)


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


if WAIT_S in os.environ:
    for module, name in ((engine, "BUSY_TIMEOUT_S"), (group_commit, "WAIT_S")):
        setattr(module, name, float(os.environ[WAIT_S]))
for setting, place, variable in (
    (LARGE_ROWS, table, "ROWS_MAX"),
    (CHUNK_ROWS, grouping, "CHUNK_ROWS"),
):
    if setting in os.environ:
        setattr(place, variable, int(os.environ[setting]))
app = create_app()
app.before_request(_bound_files)
app.after_request(_before_answer)
setattr(event_log, "insert_rows", _insert_rows)  # noqa: B010 - the log takes it by name
setattr(statements, "send", _send_or_die)  # noqa: B010 - the writer takes it by name
setattr(WriteQueue, "finish", _finish_or_die)  # noqa: B010 - as mypy forbids the plain assignment
setattr(WriteQueue, "_put", _put_and_tell)  # noqa: B010
with app.app_context():
    event.listen(db.engine, "commit", _before_commit)
