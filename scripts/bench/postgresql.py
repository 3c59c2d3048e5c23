"""A temporary PostgreSQL server for measurements, on disk and with full durability."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from scripts.bench import processes
from scripts.bench.ledgers import migrate
from scripts.machine import find_postgresql
from server.terminal import CommandError
from tests.services.postgresql import PostgresqlServer, Starter, wait_for_server


@dataclass(frozen=True)
class Postgresql:
    """A temporary server."""

    server: PostgresqlServer

    def migrated(self, name: str) -> str:
        """Create a database with the ledger's tables, and return its URL."""
        return migrate(self.copied("template1", name))

    def copied(self, original: str, name: str) -> str:
        """Copy a database without connections, and return the URL of the copy."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(original)
        )
        with psycopg.connect(self.server.admin_url, autocommit=True) as connection:
            connection.execute(statement)
        return self.server.url(name)

    def size_of(self, name: str) -> int:
        """Return the size of a database in bytes, including its catalogue and indexes."""
        with psycopg.connect(self.server.admin_url) as connection:
            row = connection.execute("SELECT pg_database_size(%s)", [name]).fetchone()
        return int(row[0]) if row else 0

    def cpu_seconds(self) -> float:
        """Return the CPU time of the server and its backends so far."""
        return processes.cpu_seconds(self.server.pid)


@contextmanager
def serving_postgresql() -> Iterator[Postgresql]:
    """Start a server and stop it at the end.

    Raises:
        CommandError: PostgreSQL is not installed.
    """
    programs = find_postgresql()
    if programs is None:
        raise CommandError("PostgreSQL is not installed: apt-get install postgresql.")
    starter = Starter(is_durable=True)
    try:
        yield Postgresql(wait_for_server(starter.start(programs)))
    finally:
        starter.stop()
