"""Checks that processes of ``check_workers`` run for tests.

Each process imports this module, so it imports little.
"""

import os
import signal
from typing import NoReturn

from sqlalchemy import Connection

from webapp.ledger.storage import statements


def pid_of(_connection: Connection) -> int:
    """Return the process that runs it."""
    return os.getpid()


def end_itself(_connection: Connection) -> NoReturn:
    """End its process at once."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def rows_of(connection: Connection, table: str) -> int:
    """Return how many rows the table has."""
    ((count,),) = statements.fetch(connection, f"SELECT count(*) FROM {table}")
    return int(count)
