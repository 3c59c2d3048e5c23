"""The primary of PostgreSQL is killed under load and its synchronous standby takes over."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event
from typing import Final

import psycopg
import pytest

from scripts.machine import find_postgresql
from tests.fixtures import ledger
from tests.fixtures import server as server_fixtures
from tests.fixtures.credits import a_credit
from tests.fixtures.ledger import migrate
from tests.fixtures.server import (
    BROKEN,
    Client,
    Serve,
    Server,
    assert_verified_within,
    eventually,
)
from tests.services.postgresql import PostgresqlServer
from tests.services.standby import Pair, synchronous_pair

CLIENTS: Final = 8
# Credits that are recorded before the kill, and after it.
RECORDED: Final = 200
GOES_ON_WITHIN_S: Final = 30
PAUSE_S: Final = 0.05

_numbers = count(1)


@dataclass
class Load:
    """Clients that record credits, one after the other, and send each again until it is acknowledged."""

    acknowledged: dict[str, float] = field(default_factory=dict)
    refused: int = 0
    is_over: Event = field(default_factory=Event)

    def work(self, client: Client) -> None:
        while not self.is_over.is_set():
            number = next(_numbers)
            self._record(client, a_credit(serial_number=f"FAILOVER-{number:06}"), f"failover-{number}")

    def _record(self, client: Client, credit: dict[str, object], key: str) -> None:
        while not self.is_over.is_set():
            try:
                answer = client.post("/records", credit, {"Idempotency-Key": key})
            except BROKEN:
                answer = None
            if answer and answer.status in {200, 201}:
                self.acknowledged[str(answer.json["id"])] = time.monotonic()
                return
            assert answer is None or answer.status == 503, answer
            self.refused += 1
            self.is_over.wait(PAUSE_S)

    def since(self, moment: float) -> int:
        """Return how many credits were acknowledged after a moment."""
        return sum(at > moment for at in list(self.acknowledged.values()))


@pytest.fixture
def pair(postgresql_server: PostgresqlServer) -> Iterator[Pair]:
    """Return two servers of its own. By the shared one, --databases=sqlite knows to leave the test out."""
    del postgresql_server
    programs = find_postgresql()
    assert programs
    with synchronous_pair(programs) as servers:
        yield servers


@pytest.fixture
def server(pair: Pair, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    # The keys of the log lie beside the socket of other servers; these have none.
    for module in (ledger, server_fixtures):
        monkeypatch.setattr(module, "log_keys_of", lambda _url: tmp_path / "keys")
    with psycopg.connect(pair.primary.conninfo, autocommit=True) as connection:
        connection.execute("CREATE DATABASE ledger TEMPLATE template0 ENCODING 'UTF8'")
    migrate(pair.url("ledger"))
    server = serve(pair.url("ledger"))
    server.expects_busy = True
    return server


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_and_the_program_goes_on_by_itself(pair: Pair, server: Server) -> None:
    load, workers = Load(), server.workers()
    with ThreadPoolExecutor(CLIENTS) as clients:
        working = [clients.submit(load.work, server.client()) for _ in range(CLIENTS)]
        try:
            eventually(lambda: len(load.acknowledged) >= RECORDED, "the load is under way")
            pair.primary.kill()
            killed_at = time.monotonic()
            pair.promote_standby()
            eventually(
                lambda: load.since(killed_at) >= RECORDED, "the program goes on", within_s=GOES_ON_WITHIN_S
            )
        finally:
            load.is_over.set()
        for each in working:
            each.result()
    first = min(at for at in load.acknowledged.values() if at > killed_at)
    print(f"recorded again {first - killed_at:.2f} s after the kill; {load.refused} requests were sent again")
    assert server.workers() == workers
    client = server.client()
    assert client.get("/readyz").status == 200
    missing = [
        credit_id for credit_id in load.acknowledged if client.get(f"/records/{credit_id}").status != 200
    ]
    assert missing == []
    assert_verified_within(server.database_url)
