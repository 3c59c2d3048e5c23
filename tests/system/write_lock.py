"""Hold the write lock of a server, and choose which of its processes get the actions that wait."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from tests.fixtures.server import Client, Server, eventually
from tests.system.faults import PROCESS
from webapp.ledger.storage.write_lock import FEED_LOCK


@contextmanager
def write_lock_held(database_url: str) -> Iterator[None]:
    """Hold the write lock as another process would. Actions sent meanwhile wait and become one group."""
    url = make_url(database_url)
    if url.drivername == "sqlite":
        with Path(f"{url.database}-turn").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        return
    with psycopg.connect(database_url, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", (FEED_LOCK,))
        yield


def by_worker(server: Server, number: int) -> list[list[Client]]:
    """Return this many new clients for each worker of the faulty program."""
    found: dict[str, list[Client]] = {}

    def are_enough() -> bool:
        client = server.client()
        found.setdefault(client.get("/healthz").headers[PROCESS], []).append(client)
        clients = found.values()
        return len(clients) == len(server.workers()) and min(map(len, clients)) >= number

    eventually(are_enough, "every worker has clients")
    return [clients[-number:] for clients in found.values()]


def waiting(server: Server) -> int:
    """Return how many actions the faulty program has queued since it started."""
    return server.log.count("waits pid=")
