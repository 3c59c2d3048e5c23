"""A database that is thrown away at the end, of either kind, for what is tried on a real server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from scripts.machine import find_postgresql
from server.terminal import CommandError
from tests.services.postgresql import Starter, wait_for_server


@contextmanager
def database(dialect: str, folder: Path) -> Iterator[str]:
    """Give the address of an empty database, "sqlite" in the folder or "postgresql" on a server of its own.

    Raises CommandError where there is no PostgreSQL on this machine.
    """
    if dialect == "sqlite":
        yield f"sqlite:///{folder / 'ledger.sqlite3'}"
        return
    programs = find_postgresql()
    if programs is None:
        raise CommandError("There is no PostgreSQL server on this machine: choose sqlite alone.")
    starter = Starter()
    try:
        server = wait_for_server(starter.start(programs))
        with psycopg.connect(server.admin_url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE thrown_away TEMPLATE template0 ENCODING 'UTF8'")
        yield server.url("thrown_away")
    finally:
        starter.stop()
