"""A real server whose database is locked or full: 503 means that nothing was recorded."""

import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event as Signal
from typing import Any, Final

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.fixtures.credits import a_credit
from tests.fixtures.ledger import MakeDatabase
from tests.fixtures.server import Answer, Client, Serve, Server, assert_verified_within, eventually
from tests.system.faults import WAIT_S
from tests.system.full_disks import KINDS, Disk, small_disk
from webapp.domain.event import Event
from webapp.domain.lifecycle import EventType

CLIENTS: Final = 16
# How long a write waits for another program: shorter than in production, where it is 10 seconds.
LOCKED_S: Final = 3
# How long an action may take that no lock is in the way of.
PROMPTLY_S: Final = 5

_numbers = count(1)


def another_credit() -> dict[str, object]:
    return a_credit(serial_number=f"TROUBLE-{next(_numbers):05}")


@dataclass
class Tried:
    """The credits that clients sent, with the answers."""

    recorded: list[tuple[dict[str, object], Answer]] = field(default_factory=list)
    refused: list[tuple[dict[str, object], Answer]] = field(default_factory=list)

    def record(self, client: Client) -> bool:
        """Send another credit, and return whether it was recorded."""
        credit = another_credit()
        answer = client.post("/records", credit)
        assert answer.status in {201, 503}, f"{answer}"
        is_recorded = answer.status == 201
        (self.recorded if is_recorded else self.refused).append((credit, answer))
        return is_recorded

    def check(self, server: Server) -> None:
        """Fail if a recorded credit is missing, or a refused one was recorded."""
        client = server.client()
        for _, answer in self.recorded:
            found = client.get(f"/records/{answer.json['id']}").json
            assert [event["event_type"] for event in found["events"]] == ["CREATED"]
        for credit, _ in self.refused:
            assert client.post("/records", credit).status == 201, "what was refused was recorded"
        assert_verified_within(server.database_url)


def test_while_another_program_locks_the_database_a_write_waits_or_is_refused_as_a_whole(
    serve: Serve, make_database: MakeDatabase
) -> None:
    url = make_database("sqlite")
    server = serve(url, app="tests.system.faulty_app:app", **{WAIT_S: str(LOCKED_S)})
    tried, is_over = Tried(), Signal()
    server.expects_busy = True

    def work(client: Client) -> None:
        while not is_over.is_set():
            tried.record(client)

    with closing(sqlite3.connect(str(make_url(url).database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as threads:
            working = [threads.submit(work, server.client()) for _ in range(CLIENTS)]
            eventually(lambda: tried.refused, "the first is refused")
            locked_s = time.monotonic() - begun
            other.execute("ROLLBACK")
            eventually(lambda: len(tried.recorded) > CLIENTS, "the others are recorded")
            is_over.set()
            for done in working:
                done.result()
    assert locked_s >= LOCKED_S
    answers = [answer for _, answer in tried.recorded + tried.refused]
    assert max(answer.seconds for answer in answers) < locked_s + PROMPTLY_S
    tried.check(server)


@pytest.fixture
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_disk(request.param, folder) as disk:
        yield disk


@pytest.mark.parametrize("disk", KINDS, indirect=True)
def test_on_a_full_disk_acknowledged_credits_are_there_and_refused_ones_are_not(
    disk: Disk, serve: Serve, sqlite_template: Path
) -> None:
    path = disk.folder / "ledger.sqlite3"
    shutil.copyfile(sqlite_template, path)
    server, tried = serve(f"sqlite:///{path}", app="tests.system.faulty_app:app"), Tried()
    server.expects_busy = True
    clients = [server.client() for _ in range(CLIENTS)]
    disk.fill(server)

    def work(client: Client) -> None:
        refused = 0
        while refused < 3:
            refused += not tried.record(client)

    with ThreadPoolExecutor(CLIENTS) as threads:
        for done in [threads.submit(work, client) for client in clients]:
            done.result()
    assert len(tried.recorded) > 0
    assert server.client().get("/records?limit=1").status == 200
    disk.free(server)
    tried.check(server)


def hold_state(other: psycopg.Connection[Any], record: Any) -> None:  # noqa: ANN401 - JSON can be anything
    """Lock the row of the credit's state."""
    other.execute(
        "SELECT 1 FROM credit_states JOIN credits ON key = credit WHERE id = decode(%s, 'hex') FOR UPDATE"
        " OF credit_states",
        (record["id"],),
    )


def hold_event(other: psycopg.Connection[Any], record: Any) -> None:  # noqa: ANN401
    """Insert the credit's next event, without a commit."""
    last = record["events"][-1]
    sold = Event(
        credit_id=record["id"],
        seq=last["seq"] + 1,
        type=EventType.SOLD,
        data={"occurred_on": "2026-01-01"},
        actor="local",
        recorded_at=last["recorded_at"],
        prev_hash=last["hash"],
    )
    other.execute(
        "INSERT INTO events (subject, seq, type, hash, body)"
        " SELECT key, %s, 'SOLD', decode(%s, 'hex'), %s FROM credits WHERE id = decode(%s, 'hex')",
        (sold.seq, sold.hash, sold.text, record["id"]),
    )


def test_an_idle_transaction_of_another_program_delays_its_credit_and_no_other(
    serve: Serve, make_database: MakeDatabase
) -> None:
    url = make_database("postgresql")
    server = serve(url)
    server.expects_busy = True
    client = server.client()
    released, kept = (client.post("/records", another_credit()).json for _ in range(2))
    with (
        psycopg.connect(url) as for_a_while,
        psycopg.connect(url) as for_good,
        ThreadPoolExecutor(CLIENTS + 2) as threads,
    ):
        hold_event(for_a_while, released)
        hold_state(for_good, kept)
        late, never = (
            threads.submit(server.client().post, f"/records/{record['id']}/retire")
            for record in (released, kept)
        )
        others = list(threads.map(record_and_retire, [server.client() for _ in range(CLIENTS)]))
        assert {answer.status for answers in others for answer in answers} == {201, 200}
        assert max(answer.seconds for answers in others for answer in answers) < PROMPTLY_S
        assert not late.done()
        assert not never.done()
        for_a_while.rollback()
        assert late.result().status == 200
        assert never.result().status == 503
        assert history(client, kept) == ["CREATED"]
        for_good.rollback()
    assert client.post(f"/records/{kept['id']}/retire").status == 200
    assert_verified_within(url)


def record_and_retire(client: Client) -> Sequence[Answer]:
    recorded = client.post("/records", another_credit())
    return recorded, client.post(f"/records/{recorded.json['id']}/retire")


def history(client: Client, record: Any) -> list[str]:  # noqa: ANN401
    return [event["event_type"] for event in client.get(f"/records/{record['id']}").json["events"]]
