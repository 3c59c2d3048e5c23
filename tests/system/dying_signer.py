"""A process that records and signs, and kills itself at a moment that its argument names.

Started by tests only, with DATABASE_URL and LOG_KEYS. Without a moment it ends by itself.
"""

import os
import signal
import sys
from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import Connection

from tests.fixtures.log import fill
from webapp import create_app
from webapp.ledger.projections import log_nodes
from webapp.ledger.storage import statements
from webapp.ledger.transparency import signing
from webapp.ledger.transparency.key_folder import KeyFolder

RECORDED = 256


class Moment(StrEnum):
    """When the process dies."""

    AFTER_NODE = "the node of a tile is stored, its group is not committed"
    AFTER_COMMIT = "the events are committed, nothing is signed"
    AFTER_SIGNATURE = "the checkpoint is signed, nothing is stored"
    AFTER_FILE = "the last checkpoint lies beside the key, its row is not stored"
    NEVER = "it ends by itself"


def die(*_arguments: object) -> None:
    """End the process at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def _send_or_die(connection: Connection, statement: str, rows: Sequence[statements.Parameters]) -> None:
    statements.send(connection, statement, rows)
    if rows:
        die()


def run(moment: Moment) -> None:
    """Record a tile of credits, and sign."""
    if moment is Moment.AFTER_NODE:
        setattr(log_nodes, "send", _send_or_die)  # noqa: B010 - as mypy forbids the plain assignment
    if moment is Moment.AFTER_SIGNATURE:
        setattr(KeyFolder, "set_last", die)  # noqa: B010
    if moment is Moment.AFTER_FILE:
        setattr(signing, "_store", die)  # noqa: B010
    first = os.getpid() * 1_000 if moment is Moment.NEVER else 1
    fill(first, first + RECORDED - 1)
    if moment is Moment.AFTER_COMMIT:
        die()
    signing.sign()


if __name__ == "__main__":
    with create_app().app_context():
        run(Moment(sys.argv[1]))
