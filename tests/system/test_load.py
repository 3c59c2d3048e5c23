"""Imports from the command line and over HTTP, and sign-ins, all succeed while many clients write."""

import json
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import count, groupby
from pathlib import Path
from threading import Event
from typing import Final
from urllib.parse import urlencode

import pytest

from tests.fixtures.credits import a_credit
from tests.fixtures.forms import form_of
from tests.fixtures.ledger import opened
from tests.fixtures.principals import bearing
from tests.fixtures.server import Answer, Client, Serve, Server, assert_verified_within, flask
from tests.fixtures.users import PASSWORD, a_token, an_administrator

CLIENTS: Final = 10
ROWS: Final = 120
IN_TERMINALS: Final = 1
OVER_HTTP: Final = 3
SIGN_INS: Final = 4

_numbers = count(1)


def rows(name: str) -> list[dict[str, object]]:
    return [a_credit(serial_number=f"{name}-{row:05}") for row in range(ROWS)]


def import_in_terminal(server: Server, path: Path) -> str:
    """Import a file with `flask import`."""
    path.write_text(json.dumps(rows(path.stem)))
    done = flask(server.database_url, "import", str(path))
    assert done.returncode == 0, done.stderr
    return done.stdout


def sign_in(client: Client) -> Answer:
    page = client.get("/sign-in")
    fields = {
        name: values[0] for name, values in form_of(page.body.decode(), "/sign-in").values.items() if values
    }
    sent = urlencode({**fields, "name": "Ada", "password": PASSWORD}).encode()
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    kind = "application/x-www-form-urlencoded"
    return client.send("POST", "/sign-in", sent, {"Cookie": cookie, "Content-Type": kind})


def names_in_feed(client: Client, headers: dict[str, str]) -> list[str]:
    """Return the part before the row number of each serial number, in the order of the feed."""
    names: list[str] = []
    address: str | None = "/events?limit=500"
    while address:
        page = client.send("GET", address, headers=headers).json
        credits = [event["data"] for event in page["items"] if event["event_type"] == "CREATED"]
        names += [data["serial_number"].rpartition("-")[0] for data in credits]
        address = page["next"]
    return names


@pytest.mark.usefixtures("quick_passwords")
def test_imports_and_sign_ins_under_load_are_all_done_and_keep_nobody_waiting(
    serve: Serve, database_url: str, tmp_path: Path
) -> None:
    with opened(database_url):
        an_administrator("Ada")
        headers = bearing(a_token())
    server, is_over = serve(database_url), Event()
    recorded: list[Answer] = []

    def work() -> None:
        client = server.client()
        while not is_over.is_set():
            credit = a_credit(serial_number=f"LOAD-{next(_numbers):05}")
            recorded.append(client.post("/records", credit, headers))

    with ThreadPoolExecutor(CLIENTS + IN_TERMINALS + OVER_HTTP + SIGN_INS) as threads:
        working = [threads.submit(work) for _ in range(CLIENTS)]
        terminal = [
            threads.submit(import_in_terminal, server, tmp_path / f"TERMINAL{number}.json")
            for number in range(IN_TERMINALS)
        ]
        imported = [
            threads.submit(server.client().post, "/records/imports", rows(f"HTTP{number}"), headers)
            for number in range(OVER_HTTP)
        ]
        signed_in = [threads.submit(sign_in, server.client()) for _ in range(SIGN_INS)]
        wait(terminal)
        wait(imported)
        wait(signed_in)
        is_over.set()
    assert [done.result() for done in working] == [None] * CLIENTS
    assert all(f"written: {ROWS}\n" in done.result() for done in terminal)
    assert {(done.result().status, done.result().json["written"]) for done in imported} == {(202, ROWS)}
    assert {done.result().status for done in signed_in} == {303}
    assert {answer.status for answer in recorded} == {201}
    in_feed = [(name, len(list(run))) for name, run in groupby(names_in_feed(server.client(), headers))]
    imports = [(name, length) for name, length in in_feed if name != "LOAD"]
    assert {length for _, length in imports} == {ROWS}, "an import is one transaction"
    assert len(imports) == IN_TERMINALS + OVER_HTTP
    assert sum(length for name, length in in_feed if name == "LOAD") == len(recorded)
    assert_verified_within(database_url)
