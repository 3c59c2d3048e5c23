"""A large import whose workers are killed at commits chosen at random, while others write."""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from os import kill
from signal import SIGKILL
from threading import Event

from tests.fixtures.credits import a_credit
from tests.fixtures.ledger import connected
from tests.fixtures.server import BROKEN, Client, Serve, Server, assert_verified_within, eventually
from tests.imports.large_files import csv_of
from tests.system.faults import CHUNK_ROWS, LARGE_ROWS
from tests.system.test_kills import record_and_retire, replaced

# A file of fewer rows than a large one has, recorded in as many transactions.
BLOCKS = 700
SMALLER = {LARGE_ROWS: "800", CHUNK_ROWS: "20"}
RETIRED_EVERY = 5
RETIRED = BLOCKS // RETIRED_EVERY
KILLS = 3
PATIENCE_S = 300
# The numbers 1 to 4 of each fifty are those that the file says are retired.
ACTIVE_BUT_RETIRED = (
    "SELECT count(*) FROM serial_blocks AS held JOIN credit_states AS state ON state.credit = held.credit"
    " WHERE held.is_held = 1 AND state.status = 'ACTIVE' AND held.first % 50 BETWEEN 1 AND 4"
    " AND held.series LIKE '%gs7%'"
)
NUMBERS_BY_STATUS = (
    "SELECT state.status, sum(held.last - held.first + 1) FROM serial_blocks AS held"
    " JOIN credit_states AS state ON state.credit = held.credit"
    " WHERE held.is_held = 1 AND held.series LIKE '%gs7%' GROUP BY state.status"
)
PROGRESS = "SELECT chunks_recorded, owner FROM import_jobs"
_numbers = count(1)


def the_file() -> bytes:
    """Return blocks of ten numbers; of every fifth, a row says that its first four are retired."""
    rows = []
    for block in range(BLOCKS):
        first = 10 * block + 1
        rows.append(row(block, first, first + 9, "Active"))
        if block % RETIRED_EVERY == 0:
            rows.append(row(block, first, first + 3, "Retired"))
    random.shuffle(rows)
    return csv_of(rows)


def row(block: int, first: int, last: int, status: str) -> list[str]:
    project = block % 50
    serial = f"GS1-1-KE-GS7{project}-16-2021-3-{first}-{last}"
    return [f"Project {project}", "VCS", "2021", str(last - first + 1), serial, status, "", ""]


def another_credit() -> dict[str, object]:
    return a_credit(serial_number=f"OTHER-{next(_numbers)}")


def test_a_large_import_survives_kills_at_random_commits(serve: Serve, database_url: str) -> None:
    server = serve(database_url, app="tests.system.faulty_app:app", **SMALLER)
    server.expects_kills = True
    is_over = Event()
    acknowledged: list[str] = []

    def watch() -> int:
        looks = 0
        with connected(database_url) as ledger:
            while not is_over.wait(0.02):
                assert ledger.execute(ACTIVE_BUT_RETIRED) == [(0,)]
                looks += 1
        return looks

    def others() -> None:
        client = server.client()
        while not is_over.wait(0.05):
            acknowledged.append(record_and_retire(client, another_credit()))

    with ThreadPoolExecutor(2) as threads:
        watching, writing = threads.submit(watch), threads.submit(others)
        try:
            address = sent(server.client())
            kill_owners(server)
            done = eventually(lambda: finished(server.client(), address), "the import is over", PATIENCE_S)
        finally:
            is_over.set()
        assert watching.result() > KILLS
        writing.result()
    assert (done["state"], done["written"]) == ("done", BLOCKS + RETIRED)
    with connected(database_url) as ledger:
        held = ledger.execute(NUMBERS_BY_STATUS)
    assert {status: int(numbers) for status, numbers in held} == {
        "ACTIVE": 10 * BLOCKS - 4 * RETIRED,
        "RETIRED": 4 * RETIRED,
    }
    assert acknowledged
    assert_verified_within(server.database_url)


def sent(client: Client) -> str:
    """Send the file and return the address of its import."""
    answer = client.send(
        "POST", "/records/imports?ignore_unknown=1", the_file(), {"Content-Type": "text/csv"}
    )
    assert answer.status == 202, answer.body
    return answer.headers["Location"]


def finished(client: Client, address: str) -> dict[str, object] | None:
    """Return the import if it is over; None if it is not, or if its worker was killed meanwhile."""
    with suppress(*BROKEN):
        found: dict[str, object] = client.get(address).json
        return found if found["state"] not in {"checking", "writing"} else None
    return None


def kill_owners(server: Server) -> None:
    """Kill the worker that records the import, again and again, after some more commits."""
    recorded = 0
    with connected(server.database_url) as ledger:
        for number in range(KILLS):
            goal = recorded + random.randint(1, 2)  # noqa: S311 - not a secret

            def reached(goal: int = goal) -> tuple[int, str] | None:
                ((chunks, owner),) = ledger.execute(PROGRESS)
                return (chunks, owner) if chunks >= goal and owner else None

            what = f"kill {number + 1}, when {goal} chunks are recorded"
            recorded, owner = eventually(reached, what, PATIENCE_S)
            before = server.workers()
            kill(int(owner.split(":")[-2]), SIGKILL)
            replaced(server, before)
