"""Races over HTTP: many clients try at once what only one of them can do.

Each function runs one round: it prepares a credit or an import, lets all clients send at the same
moment, and asserts that their answers and the recorded history are right. The tests run a few rounds;
`make race` runs several hundred.
"""

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from threading import Barrier
from typing import Any, Final
from urllib.parse import urlencode

from tests.fixtures.forms import form_of
from tests.fixtures.server import Answer, Client, Server, eventually
from tests.system.write_lock import write_lock_held

CLIENTS: Final = 32
IMPORTING_CLIENTS: Final = 8
IMPORTED_ROWS: Final = 20
# Tonnes of a credit, and of the part that each client wants: there are fewer parts than clients.
WHOLE: Final = 100
PART: Final = 4
# How long a person would wait.
ANSWER_WITHIN_S: Final = 8
# How much earlier a request is sent that has to be queued before another one.
HEAD_START_S: Final = 0.03

Send = Callable[[Client], Answer]


@dataclass(frozen=True)
class Crowd:
    """Clients that send at the same moment, each on its own persistent connection."""

    clients: Sequence[Client]
    threads: ThreadPoolExecutor
    # Part of the serial numbers of this crowd's credits, so that no other crowd has the same.
    name: str
    database_url: str

    @property
    def first(self) -> Client:
        """The client that prepares a round and looks at the outcome."""
        return self.clients[0]

    def at_once(self, acts: Sequence[Send]) -> list[Answer]:
        """Let the n-th client send the n-th request, all at once. Returns the answers in this order."""
        start = Barrier(len(acts))

        def go(client: Client, act: Send) -> Answer:
            start.wait()
            return act(client)

        answers = list(self.threads.map(go, self.clients, acts, timeout=60))
        slowest = max(answer.seconds for answer in answers)
        assert slowest < ANSWER_WITHIN_S, f"a client waited for {slowest:.1f} s"
        return answers


@contextmanager
def crowd(server: Server, name: str) -> Iterator[Crowd]:
    """Connect the clients, and order them so that neighbours are connected to different workers."""
    clients = [server.client() for _ in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as threads:

        def spread() -> list[Client] | None:
            list(threads.map(Client.connect, clients))
            return _in_turns(server, Crowd(clients, threads, name, server.database_url))

        in_turns = eventually(spread, "every worker has clients")
        yield Crowd(in_turns, threads, name, server.database_url)
    for client in clients:
        client.close()


def _in_turns(server: Server, crowd: Crowd) -> list[Client] | None:
    """Return the clients in that order, or None where a worker has no client."""
    mark = f"/nowhere/{crowd.name}/{secrets.token_hex(4)}/"
    paths = [f"{mark}{number}" for number in range(CLIENTS)]
    crowd.at_once([_get(path) for path in paths])

    def seen() -> dict[str, int] | None:
        found = {path: pid for pid, _, path, _ in server.answered() if path.startswith(mark)}
        return found if len(found) == CLIENTS else None

    worker_of = eventually(seen, "the log shows every answer")
    groups: dict[int, list[Client]] = {}
    for client, path in zip(crowd.clients, paths, strict=True):
        groups.setdefault(worker_of[path], []).append(client)
    if len(groups) < len(server.workers()):
        return None
    return [client for turn in zip_longest(*groups.values()) for client in turn if client]


def retire(crowd: Crowd, number: int) -> list[Answer]:
    """All clients retire the same credit."""
    path = f"/records/{record_of(crowd, number)}/retire"
    answers = crowd.at_once([post(path, {"beneficiary": f"Client {n}"}) for n in range(CLIENTS)])
    expect(answers, {200: 1, 409: CLIENTS - 1})
    winner = next(answer.json for answer in answers if answer.status == 200)
    assert history_of(crowd, winner["id"]) == ["CREATED", "RETIRED"]
    is_recorded = read(crowd, winner["id"]).items() <= winner.items()
    assert is_recorded, "what was answered is not what is recorded"
    return answers


def sell_and_retire(crowd: Crowd, number: int) -> list[Answer]:
    """Half of the clients sell the credit, half retire it. A sale may come first, or not at all."""
    record_id = record_of(crowd, number)
    acts = ["sell" if n % 2 else "retire" for n in range(CLIENTS)]
    answers = crowd.at_once([post(f"/records/{record_id}/{act}") for act in acts])
    won = Counter(act for act, answer in zip(acts, answers, strict=True) if answer.status == 200)
    assert won["retire"] == 1, f"{won['retire']} retirements were accepted"
    assert won["sell"] <= 1, f"{won['sell']} sales were accepted"
    expect(answers, {200: won.total(), 409: CLIENTS - won.total()})
    sold = ["SOLD"] if won["sell"] else []
    assert history_of(crowd, record_id) == ["CREATED", *sold, "RETIRED"]
    return answers


def retire_parts(crowd: Crowd, number: int) -> list[Answer]:
    """All clients retire a part of one credit; on a conflict they try again with the rest of it."""
    record_id = record_of(crowd, number)
    answers = crowd.at_once([_retire_part(f"/records/{record_id}", PART) for _ in range(CLIENTS)])
    parts = WHOLE // PART
    expect(answers, {200: parts, 409: CLIENTS - parts})
    lots = crowd.first.get(f"/records?q={serial_of(crowd, number)}&limit=100").json["items"]
    assert {lot["status"] for lot in lots} == {"RETIRED"}
    assert sum(lot["quantity"] for lot in lots) == WHOLE, "tonnes were lost or doubled"
    assert {lot["id"] for lot in lots} == {answer.json["id"] for answer in answers if answer.status == 200}
    return answers


def cancel_and_retire_a_lot(crowd: Crowd, number: int) -> list[Answer]:
    """Half of the clients cancel a lot, half retire it. One succeeds, and the other lot stays active."""
    path = f"/records/{record_of(crowd, number)}"
    lot, other = crowd.first.post(f"{path}/split", {"quantities": [PART, WHOLE - PART]}).json["items"]
    acts = [("cancel", {"reason": "Raced for"}) if n % 2 else ("retire", None) for n in range(CLIENTS)]
    answers = crowd.at_once([post(f"/records/{lot['id']}/{act}", body) for act, body in acts])
    expect(answers, {200: 1, 409: CLIENTS - 1})
    won = next(answer.json["status"] for answer in answers if answer.status == 200)
    assert history_of(crowd, lot["id"]) == ["CREATED", won]
    assert history_of(crowd, other["id"]) == ["CREATED"]
    return answers


def retire_in_opposed_groups(crowd: Crowd, number: int) -> list[Answer]:
    """Two workers retire the same two credits, each in one group, in opposite orders."""
    ids = [record_of(crowd, number, serial_number=serial_of(crowd, number, row)) for row in range(2)]
    paths = [f"/records/{record_id}/retire" for record_id in ids]
    with write_lock_held(crowd.database_url):
        asked = [*map(crowd.threads.submit, map(post, paths), crowd.clients[:2])]
        time.sleep(HEAD_START_S)
        asked += map(crowd.threads.submit, map(post, reversed(paths)), crowd.clients[2:4])
        time.sleep(HEAD_START_S)
    answers = [future.result(timeout=60) for future in asked]
    expect(answers, {200: 2, 409: 2})
    for record_id in ids:
        assert history_of(crowd, record_id) == ["CREATED", "RETIRED"]
    return answers


def create_overlapping(crowd: Crowd, number: int) -> list[Answer]:
    """All clients record overlapping blocks of serial numbers, in different notations."""
    series = f"{crowd.name}-{number:05}"
    credits = []
    for n in range(CLIENTS):
        first, last = n + 1, n + WHOLE
        quantity, serial = [
            (WHOLE, f"{series}-{first} to {last}"),
            (WHOLE, f"{series}-{first} \u2013 {series}-{last}"),
            (WHOLE - 0.5, f"{series}-{first} to {last}"),
            (1, f"{series}-{first} - {last}"),
        ][n % 4]
        credits.append(credit_of(crowd, number, serial_number=serial, quantity=quantity))
    answers = crowd.at_once([post("/records", credit) for credit in credits])
    expect(answers, {201: 1, 409: CLIENTS - 1})
    holder = next(answer.json["id"] for answer in answers if answer.status == 201)
    assert {answer.json["holder"] for answer in answers if answer.status == 409} == {holder}
    return answers


def create_equal(crowd: Crowd, number: int) -> list[Answer]:
    """All clients record the same credit, half of them in another spelling."""
    plain = credit_of(crowd, number)
    other = {**plain, "registry": " vcs ", "quantity": "100.00", "project_name": "RACED  for"}
    answers = crowd.at_once([post("/records", other if n % 2 else plain) for n in range(CLIENTS)])
    expect(answers, {201: 1, 200: CLIENTS - 1})
    ids = {answer.json["id"] for answer in answers}
    assert len(ids) == 1, f"one credit has the ids {ids}"
    assert history_of(crowd, ids.pop()) == ["CREATED"]
    return answers


def create_with_one_serial(crowd: Crowd, number: int) -> list[Answer]:
    """All clients record different credits with the same serial number."""
    credits = [credit_of(crowd, number, quantity=n + 1) for n in range(CLIENTS)]
    answers = crowd.at_once([post("/records", credit) for credit in credits])
    expect(answers, {201: 1, 409: CLIENTS - 1})
    holder = next(answer.json["id"] for answer in answers if answer.status == 201)
    for answer in answers:
        assert answer.status == 201 or holder in answer.body.decode(), "a conflict names no holder"
    serial = credits[0]["serial_number"]
    found = crowd.first.get(f"/records?q={serial}").json["items"]
    assert [item["id"] for item in found] == [holder]
    return answers


def import_equal(crowd: Crowd, number: int) -> list[Answer]:
    """Several clients import the same file. Its rows are recorded once."""
    rows = [
        credit_of(crowd, number, serial_number=serial_of(crowd, number, row)) for row in range(IMPORTED_ROWS)
    ]
    answers = crowd.at_once([post("/records/imports", rows)] * IMPORTING_CLIENTS)
    expect(answers, {202: IMPORTING_CLIENTS})
    imports = [answer.json for answer in answers]
    assert {found["state"] for found in imports} == {"done"}
    written = Counter(found["written"] for found in imports)
    assert written == {IMPORTED_ROWS: 1, 0: IMPORTING_CLIENTS - 1}, f"rows written: {written}"
    held = crowd.first.get(f"/records?q={serial_of(crowd, number)}-&limit=100").json["items"]
    assert sorted(item["serial_number"] for item in held) == sorted(str(row["serial_number"]) for row in rows)
    return answers


def confirm_one_import(crowd: Crowd, number: int) -> list[Answer]:
    """Several clients confirm one import, each with its own form. It is recorded once; the others get 409."""
    rows = [
        credit_of(crowd, number, serial_number=serial_of(crowd, number, row)) for row in range(IMPORTED_ROWS)
    ]
    import_id = crowd.first.post("/records/imports?dry_run=1", rows).json["id"]
    page = crowd.first.get(f"/imports/{import_id}")
    form = form_of(page.body.decode(), f"/imports/{import_id}/write")
    headers = {"Cookie": page.headers["Set-Cookie"].partition(";")[0], "Content-Type": form.enctype}
    keyless = {name: values for name, values in form.values.items() if name != "idempotency_key"}
    answers = crowd.at_once(
        [
            _send(form.action, urlencode({**keyless, "idempotency_key": n}, doseq=True).encode(), headers)
            for n in range(IMPORTING_CLIENTS)
        ]
    )
    expect(answers, {303: 1, 409: IMPORTING_CLIENTS - 1})
    found = crowd.first.get(f"/records/imports/{import_id}").json
    assert (found["state"], found["written"]) == ("done", IMPORTED_ROWS)
    return answers


RACES: Final[Mapping[str, Callable[[Crowd, int], list[Answer]]]] = {
    "retire": retire,
    "sell and retire": sell_and_retire,
    "retire parts": retire_parts,
    "cancel and retire a lot": cancel_and_retire_a_lot,
    "retire in opposed groups": retire_in_opposed_groups,
    "create equal": create_equal,
    "create with one serial": create_with_one_serial,
    "create overlapping": create_overlapping,
    "import equal": import_equal,
    "confirm one import": confirm_one_import,
}


def serial_of(crowd: Crowd, number: int, row: int | None = None) -> str:
    """Return the serial number of this round, or of one of its rows."""
    return f"{crowd.name}-{number:05}" + ("" if row is None else f"-{row:03}")


def credit_of(crowd: Crowd, number: int, **changes: object) -> dict[str, object]:
    """Return the values of this round's credit, some of them changed."""
    return {
        "project_name": "Raced for",
        "registry": "VCS",
        "vintage": 2023,
        "quantity": WHOLE,
        "serial_number": serial_of(crowd, number),
    } | changes


def record_of(crowd: Crowd, number: int, **changes: object) -> str:
    """Record the credit of this round, some of its values changed, and return its id."""
    answer = crowd.first.post("/records", credit_of(crowd, number, **changes))
    assert answer.status == 201, f"{answer}"
    return str(answer.json["id"])


def sold_record_of(crowd: Crowd, number: int) -> str:
    """Record the credit of this round, sell it, and return its id."""
    record_id = record_of(crowd, number)
    assert crowd.first.post(f"/records/{record_id}/sell", {"buyer": "Acne"}).status == 200
    return record_id


def _get(path: str) -> Send:
    def send(client: Client) -> Answer:
        return client.get(path)

    return send


def _send(path: str, body: bytes, headers: Mapping[str, str]) -> Send:
    def send(client: Client) -> Answer:
        return client.send("POST", path, body, headers)

    return send


def post(path: str, value: object = None) -> Send:
    """Return what sends the value as JSON."""

    def send(client: Client) -> Answer:
        return client.post(path, value)

    return send


def _retire_part(path: str, quantity: int) -> Send:
    """Retire this quantity of the record, or of the rest of it, until nothing is left."""

    def send(client: Client) -> Answer:
        answer = client.post(f"{path}/retire", {"quantity": quantity})
        while answer.status == 409 and (rest := _rest(answer)):
            answer = client.post(f"{rest}/retire", {"quantity": quantity})
        return answer

    return send


def _rest(answer: Answer) -> str | None:
    """Return the address of the lot that is not retired yet, or None."""
    lots = answer.json.get("lots", [])
    return next((str(lot["url"]) for lot in lots if lot["status"] != "RETIRED"), None)


def read(crowd: Crowd, record_id: str) -> Any:  # noqa: ANN401 - JSON can be anything
    """Return the record."""
    answer = crowd.first.get(f"/records/{record_id}")
    assert answer.status == 200, f"{answer}"
    return answer.json


def history_of(crowd: Crowd, record_id: str) -> list[str]:
    """Return the types of the record's events, in their order."""
    return [event["event_type"] for event in read(crowd, record_id)["events"]]


def expect(answers: Sequence[Answer], expected: Mapping[int, int]) -> None:
    """Fail where not exactly these statuses were answered, and show what else was."""
    found = Counter(answer.status for answer in answers)
    others = {answer.body.decode() for answer in answers if answer.status not in expected}
    assert found == +Counter(expected), f"answered {dict(found)}, not {expected}: {json.dumps(list(others))}"
