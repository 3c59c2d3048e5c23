"""`kill -9` at the worst moments: acknowledged writes are there, and no write is there in part."""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from os import kill
from signal import SIGKILL
from threading import Event
from typing import Final

import pytest

from tests.fixtures.credits import a_credit
from tests.fixtures.ledger import DIALECTS, MakeDatabase
from tests.fixtures.server import (
    BROKEN,
    Answer,
    Client,
    Serve,
    Server,
    assert_verified_within,
    eventually,
)
from tests.system.faults import DIE, Moment
from tests.system.write_lock import by_worker, waiting, write_lock_held

# Enough for half of the rows to be sent to PostgreSQL in one COPY.
ROWS: Final = 120
CLIENTS: Final = 6
# Actions in one group, fewer than a worker has threads.
GROUP: Final = 5
# How long an action may wait after another process has died with the write lock.
PROMPTLY_S: Final = 5
KILLS: Final = 3
CREDITS_BETWEEN_KILLS: Final = 3
# How often one request is sent again at most: each try may be ended by a kill.
TRIES: Final = 20

_numbers = count(1)


@pytest.fixture(scope="module", params=DIALECTS)
def server(
    request: pytest.FixtureRequest, make_module_database: MakeDatabase, serve_module: Serve
) -> Iterator[Server]:
    """Give a server whose workers die when a request's header asks for it; its ledger is verified."""
    url = make_module_database(request.param)
    server = serve_module(url, app="tests.system.faulty_app:app")
    server.expects_kills = True
    yield server
    assert_verified_within(url)


def another_credit() -> dict[str, object]:
    return a_credit(serial_number=f"KILLED-{next(_numbers):05}")


def replaced(server: Server, before: list[int]) -> None:
    """Wait until the dead worker is replaced by another one."""

    def is_replaced() -> bool:
        now = server.workers()
        return now != before and len(now) == len(before)

    eventually(is_replaced, "another worker is started")


def dies(server: Server, path: str, value: object, moment: Moment, **headers: str) -> None:
    """Send a request whose worker dies at that moment, and wait for the new worker."""
    before = server.workers()
    with pytest.raises(BROKEN):
        server.client().post(path, value, {DIE: moment, **headers})
    replaced(server, before)


def history(client: Client, record_id: str) -> list[str]:
    answer = client.get(f"/records/{record_id}")
    assert answer.status == 200, f"{record_id} is gone: {answer}"
    return [event["event_type"] for event in answer.json["events"]]


@pytest.mark.parametrize(
    ("moment", "status"),
    [(Moment.AFTER_EVENT, 201), (Moment.BEFORE_COMMIT, 201), (Moment.BEFORE_ANSWER, 200)],
)
def test_a_credit_is_recorded_once_wherever_the_worker_died(
    server: Server, moment: Moment, status: int
) -> None:
    credit = another_credit()
    dies(server, "/records", credit, moment)
    again = server.client().post("/records", credit)
    assert again.status == status
    assert history(server.client(), again.json["id"]) == ["CREATED"]


@pytest.mark.parametrize(
    ("moment", "status"),
    [(Moment.AFTER_EVENT, 200), (Moment.BEFORE_COMMIT, 200), (Moment.BEFORE_ANSWER, 409)],
)
def test_an_action_happens_once_wherever_the_worker_died(server: Server, moment: Moment, status: int) -> None:
    record_id = server.client().post("/records", another_credit()).json["id"]
    dies(server, f"/records/{record_id}/retire", {"note": "first"}, moment)
    client = server.client()
    assert client.post(f"/records/{record_id}/retire", {"note": "second"}).status == status
    assert len(history(client, record_id)) == 2


@pytest.mark.parametrize(
    ("moment", "is_repeated"),
    [(Moment.AFTER_EVENT, False), (Moment.BEFORE_COMMIT, False), (Moment.BEFORE_ANSWER, True)],
)
def test_with_a_key_a_part_is_retired_once_wherever_the_worker_died(
    server: Server, moment: Moment, *, is_repeated: bool
) -> None:
    record_id = server.client().post("/records", another_credit()).json["id"]
    path, part, key = f"/records/{record_id}/retire", {"quantity": 40}, {"Idempotency-Key": record_id}
    dies(server, path, part, moment, **key)
    client = server.client()
    again = client.post(path, part, key)
    assert again.status == 200
    assert ("Idempotency-Hit" in again.headers) is is_repeated
    assert [lot["quantity"] for lot in client.get(f"/records/{record_id}").json["lots"]] == [40, 60]
    assert again.json["rest"]["quantity"] == 60
    assert client.post(path, part, key).json == again.json


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (Moment.AMONG_ROWS, 0),
        (Moment.AFTER_EVENT, 0),
        (Moment.BEFORE_COMMIT, 0),
        (Moment.BEFORE_ANSWER, ROWS),
    ],
)
def test_an_import_is_there_whole_or_not_at_all(server: Server, moment: Moment, written: int) -> None:
    before = len(server.client().get("/records/imports").json["items"])
    serial = f"KILLED-{next(_numbers):05}"
    rows = [a_credit(serial_number=f"{serial}-{row}") for row in range(ROWS)]
    dies(server, "/records/imports", rows, moment)
    client = server.client()
    imports = client.get("/records/imports").json["items"]
    assert [found["written"] for found in imports[: len(imports) - before]] == ([written] if written else [])
    assert len(client.get(f"/records?q={serial}&limit=500").json["items"]) == written
    again = client.post("/records/imports", rows).json
    assert (again["state"], again["written"]) == ("done", ROWS - written)


@pytest.mark.parametrize(
    ("moment", "status"),
    [(Moment.AFTER_SAVEPOINT, 201), (Moment.BEFORE_COMMIT, 201), (Moment.AFTER_COMMIT, 200)],
)
def test_a_group_is_there_whole_or_not_at_all_and_the_other_worker_goes_on(
    server: Server, moment: Moment, status: int
) -> None:
    before, asked = server.workers(), waiting(server)
    dying, living = by_worker(server, GROUP)
    credits = [another_credit() for _ in dying]
    with ThreadPoolExecutor(2 * GROUP) as threads:
        with write_lock_held(server.database_url):
            first, *others = zip(dying, credits, strict=True)
            lost = [threads.submit(first[0].post, "/records", first[1], {DIE: moment})]
            eventually(
                lambda: waiting(server) == asked + 1, "the action that kills is the first of its group"
            )
            lost += [threads.submit(client.post, "/records", credit) for client, credit in others]
            kept = [threads.submit(client.post, "/records", another_credit()) for client in living]
            eventually(lambda: waiting(server) == asked + 2 * GROUP, "all wait for the write lock")
        answers = [future.result() for future in kept]
        assert {answer.status for answer in answers} == {201}
        assert max(answer.seconds for answer in answers) < PROMPTLY_S
        assert all(isinstance(future.exception(), BROKEN) for future in lost)
    replaced(server, before)
    client = server.client()
    assert [client.post("/records", credit).status for credit in credits] == [status] * GROUP


def insist(client: Client, path: str, value: object = None) -> tuple[Answer, bool]:
    """Send the request until it is answered. Returns the answer, and whether the first try got it."""
    for attempt in range(TRIES):
        with suppress(*BROKEN):
            return client.post(path, value), attempt == 0
    raise AssertionError(f"no answer after {TRIES} tries")


def record_and_retire(client: Client, credit: dict[str, object]) -> str:
    """Record and retire a credit, repeating requests that get no answer. Returns its id."""
    recorded, at_once = insist(client, "/records", credit)
    assert recorded.status == 201 or (recorded.status == 200 and not at_once)
    record_id = str(recorded.json["id"])
    retired, at_once = insist(client, f"/records/{record_id}/retire")
    assert retired.status == 200 or (retired.status == 409 and not at_once)
    return record_id


def reached(acknowledged: Sequence[str], number: int) -> None:
    """Wait until this many are acknowledged."""
    eventually(lambda: len(acknowledged) >= number, f"{number} are acknowledged")


def test_workers_killed_at_random_lose_and_double_nothing(server: Server) -> None:
    acknowledged: list[str] = []
    is_over = Event()

    def work() -> None:
        client = server.client()
        while not is_over.is_set():
            acknowledged.append(record_and_retire(client, another_credit()))

    with ThreadPoolExecutor(CLIENTS) as threads:
        working = [threads.submit(work) for _ in range(CLIENTS)]
        try:
            for _ in range(KILLS):
                reached(acknowledged, len(acknowledged) + CREDITS_BETWEEN_KILLS)
                before = server.workers()
                kill(random.choice(before), SIGKILL)  # noqa: S311 - not a secret
                replaced(server, before)
        finally:
            is_over.set()
        for done in working:
            done.result()
    client = server.client()
    assert {tuple(history(client, record_id)) for record_id in acknowledged} == {("CREATED", "RETIRED")}


def test_a_killed_server_starts_again_with_everything(serve: Serve, database_url: str) -> None:
    server = serve(database_url)
    acknowledged: list[str] = []

    def work() -> None:
        client = server.client()
        with suppress(*BROKEN):
            while True:
                acknowledged.append(client.post("/records", another_credit()).json["id"])

    with ThreadPoolExecutor(CLIENTS) as threads:
        working = [threads.submit(work) for _ in range(CLIENTS)]
        try:
            reached(acknowledged, 5 * CLIENTS)
        finally:
            server.kill()
        for done in working:
            done.result()
    client = serve(database_url).client()
    assert {tuple(history(client, record_id)) for record_id in acknowledged} == {("CREATED",)}
    assert_verified_within(database_url)
