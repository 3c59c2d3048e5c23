"""Run all checks in one other process of low priority, on one snapshot of the ledger.

A serving process that checked the ledger itself would have no time for pages. The other process takes no
lock: on both databases its only trace is the snapshot, which ends with the process.
"""

import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError

from webapp.domain.errors import LedgerUnavailable
from webapp.ledger.audit.check_workers import prepare_process
from webapp.ledger.audit.digest import Digest
from webapp.ledger.audit.findings import Finding, Progress, Report
from webapp.ledger.audit.log_check import Known, known_outside
from webapp.ledger.audit.verify import verify_alone
from webapp.ledger.storage.engine import database_error, db, engine_options, prepare
from webapp.ledger.storage.row_keys import row_keys

# Spawn, not fork, because a fork would copy the threads' locks and the database connections.
_SPAWN: Final = get_context("spawn")
_LOOK_EVERY_S: Final = 0.5
_NICENESS: Final = 10
_ENDED: Final = "The process that checked the ledger ended unexpectedly."


class Interrupted(Exception):
    """The check was stopped, because this process ends."""


def verify_in_process(report: Report, progress: Progress, is_stopping: Callable[[], bool]) -> Digest | None:
    """Report all findings; return the digest of the feed. See ``verify``.

    Raises Interrupted once `is_stopping` returns true, and what the checks raise.
    """
    pipe, there = _SPAWN.Pipe()
    url = db.engine.url.render_as_string(hide_password=False)
    arguments = (url, known_outside(), row_keys(db.engine), there)
    process = _SPAWN.Process(target=_work, args=arguments, daemon=True)
    process.start()
    there.close()
    receivers: dict[str, Callable[[Any], None]] = {"finding": report, "progress": progress}
    try:
        while True:
            if is_stopping():
                raise Interrupted
            if not pipe.poll(_LOOK_EVERY_S):
                continue
            kind, value = pipe.recv()
            if kind == "error":
                raise value
            if kind == "digest":
                digest: Digest | None = value
                return digest
            receivers[kind](value)
    except EOFError:
        raise LedgerUnavailable(_ENDED) from None
    finally:
        pipe.close()
        process.terminate()
        process.join()


def _work(url: str, known: Sequence[Known], keys: Sequence[bytes], pipe: Pipe) -> None:
    """Main function of the process: check, and send what is found."""
    prepare_process()
    os.nice(_NICENESS)
    engine = create_engine(url, **engine_options(url))
    prepare(engine)

    def report(finding: Finding) -> None:
        pipe.send(("finding", finding))

    def progress(done: int) -> None:
        pipe.send(("progress", done))

    with suppress(BrokenPipeError):  # the parent has ended
        try:
            pipe.send(("digest", verify_alone(partial(_reading, engine), report, progress, known, keys)))
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - raised again in the parent
            error.add_note(traceback.format_exc())
            pipe.send(("error", error))


@contextmanager
def _reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection in a read transaction of its own, as `storage.engine.reading` does."""
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection
    except SQLAlchemyError as error:
        raise database_error(error, may_be_committed=False) from error
