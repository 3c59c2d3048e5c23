"""A PostgreSQL server for the measurement, on the disk and with the durability of a real one."""

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
    """A server of its own, its databases thrown away at the end."""

    server: PostgresqlServer

    def migrated(self, name: str) -> str:
        """Make a database with the ledger's tables, and return its address."""
        return migrate(self.copied("template1", name))

    def copied(self, original: str, name: str) -> str:
        """Make a copy of a database that nobody is connected to, and return its address."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(original)
        )
        with psycopg.connect(self.server.admin_url, autocommit=True) as connection:
            connection.execute(statement)
        return self.server.url(name)

    def size_of(self, name: str) -> int:
        """Return the bytes that a database takes, its catalogue and its indexes included."""
        with psycopg.connect(self.server.admin_url) as connection:
            row = connection.execute("SELECT pg_database_size(%s)", [name]).fetchone()
        return int(row[0]) if row else 0

    def cpu_seconds(self) -> float:
        """Return the CPU time that the server and its backends have taken so far."""
        return processes.cpu_seconds(self.server.pid)


@contextmanager
def serving_postgresql() -> Iterator[Postgresql]:
    """Start a server and stop it at the end.

    Raises:
        CommandError: there is no PostgreSQL on this machine.
    """
    programs = find_postgresql()
    if programs is None:
        raise CommandError("PostgreSQL is not installed: apt-get install postgresql.")
    starter = Starter(is_durable=True)
    try:
        yield Postgresql(wait_for_server(starter.start(programs)))
    finally:
        starter.stop()
