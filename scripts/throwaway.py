"""Temporary databases for the scripts that run a real server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from scripts.machine import find_postgresql
from server.terminal import CommandError
from tests.services.postgresql import Starter, wait_for_server


@contextmanager
def database(dialect: str, folder: Path) -> Iterator[str]:
    """Yield the URL of an empty database: "sqlite" in the folder, or "postgresql" on a server of its own.

    Raises CommandError if PostgreSQL is not installed.
    """
    if dialect == "sqlite":
        yield f"sqlite:///{folder / 'ledger.sqlite3'}"
        return
    programs = find_postgresql()
    if programs is None:
        raise CommandError("PostgreSQL is not installed. Use --database sqlite.")
    starter = Starter()
    try:
        server = wait_for_server(starter.start(programs))
        with psycopg.connect(server.admin_url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE thrown_away TEMPLATE template0 ENCODING 'UTF8'")
        yield server.url("thrown_away")
    finally:
        starter.stop()
