"""Hostile text stays text on every page and fragment, and reading records no event."""

import gzip
import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Dialog

from tests.browser.conftest import Visit, expects, visit
from tests.fixtures.credits import a_credit
from tests.fixtures.ledger import LedgerClient, MakeDatabase, opened
from tests.fixtures.server import Server
from tests.hostile.sockets import exchange
from tests.web.pages import HOSTILE, HTMX, dangers, receive
from webapp.accounts import statement_links
from webapp.accounts.actors import LOCAL
from webapp.ledger.commands import (
    cancel_credit,
    correct_credit,
    create_credit,
    retire_credit,
    sell_credit,
    split_credit,
)
from webapp.ledger.listing import list_events
from webapp.ledger.transparency import signing
from webapp.ledger.transparency.tree import Tree

__all__ = ["visit"]

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
STYLES = "/static/vendor/tabler-1.6.1.min.css"
# Every kind of answer, each of which must have these headers.
KINDS = {
    "a page": ("GET", "/credits", {}, 200),
    "a fragment": ("GET", "/credits", HTMX, 200),
    "a page that is not there": ("GET", "/nix", {}, 404),
    "a fragment that is not there": ("GET", "/nix", HTMX, 404),
    "a page of the API": ("GET", "/docs", {}, 200),
    "a program's answer": ("GET", "/records", {}, 200),
    "a program's error": ("GET", "/records/nix", {}, 404),
    "a bad query": ("GET", "/records?limit=x", {}, 422),
    "another method": ("PUT", "/records", {}, 405),
    "no method": ("TRACE", "/", {}, 405),
    "the methods": ("OPTIONS", "/records", {}, 200),
    "a head": ("HEAD", "/records", {}, 200),
    "a foreign write": ("POST", "/records", {"Origin": "http://evil.example"}, 403),
    "a form without its token": ("POST", "/credits/new", {}, 403),
    "a body without a length": ("POST", "/records", {"Transfer-Encoding": "chunked"}, 411),
    "a foreign name": ("GET", "/", {"Host": "evil.example"}, 400),
    "a redirect": ("GET", "/favicon.ico", {}, 308),
    "a static file": ("GET", "/static/js/app.js", {}, 200),
    "a static file, compressed": ("GET", STYLES, {"Accept-Encoding": "gzip"}, 200),
    "a static file that is not there": ("GET", "/static/nix.js", {}, 404),
    "a static file in part": ("GET", "/static/js/app.js", {"Range": "bytes=0-9"}, 206),
    "a file": ("GET", "/credits.csv", {}, 200),
    "the sample": ("GET", "/sample-registry.json", {}, 200),
}


@pytest.fixture(scope="module")
def empty(make_module_database: MakeDatabase) -> Iterator[FlaskClient]:
    with opened(make_module_database("sqlite")) as app:
        yield app.test_client()


@pytest.mark.parametrize(("method", "address", "sent", "status"), KINDS.values(), ids=KINDS)
def test_no_kind_of_answer_lacks_a_header(
    empty: FlaskClient, method: str, address: str, sent: dict[str, str], status: int
) -> None:
    with empty.open(address, method=method, headers=sent) as answer:
        assert answer.status_code == status
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert answer.headers["Permissions-Policy"]
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy


def test_a_file_that_has_not_changed_has_them_too(empty: FlaskClient) -> None:
    with empty.get("/static/js/app.js") as first:
        tag = {"If-None-Match": first.headers["ETag"]}
    with empty.get("/static/js/app.js", headers=tag) as answer:
        assert answer.status_code == 304
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_a_large_style_sheet_is_sent_compressed_to_those_who_can_read_it(empty: FlaskClient) -> None:
    with empty.get(STYLES, headers={"Accept-Encoding": "br, gzip"}) as compressed, empty.get(STYLES) as plain:
        assert compressed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(compressed.data) == plain.data
        assert "Content-Encoding" not in plain.headers
        assert compressed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"


# All of them at once, and the one that does harm only where it stands alone.
TEXTS = (" ".join(HOSTILE), "javascript:alert(1)")


def hostile(number: int) -> dict[str, object]:
    """Return a credit in which every text is hostile, another one for each number."""
    text = TEXTS[number % len(TEXTS)]
    return a_credit(project_name=text, registry=text[:45], serial_number=f"{text} {number}", quantity="10")


def record_hostile_texts(client: FlaskClient) -> dict[str, list[str]]:
    """Record every kind of event and import, all of their texts hostile; return what can be read."""
    ids, imports, positions, secrets = [], [], [], []
    for number, text in enumerate(TEXTS):
        facts = dict.fromkeys(("reference", "note"), text)
        first, second, third, fourth = (
            create_credit(hostile(number + 2 * place), LOCAL).credit_id for place in range(1, 5)
        )
        sell_credit(first, {**facts, "buyer": text}, LOCAL)
        retired = retire_credit(second, {**facts, "beneficiary": text, "reason": text}, LOCAL)
        positions.append(retired.record.last_counting.position)
        link = statement_links.create(positions[-1], LOCAL)
        assert link
        secrets.append(link.secret)
        cancel_credit(third, {"reason": text, "note": text}, LOCAL)
        ids += [first, second, third, *split_credit(fourth, {"quantities": ["4", "6"]}, LOCAL).lot_ids]
        wrong = create_credit(hostile(number + 2 * 8), LOCAL).credit_id
        right = {**hostile(number + 2 * 9), "vintage": "2001"}
        ids += [wrong, correct_credit(wrong, right, {"reason": text, "note": text}, LOCAL).credit_id]
        rows = [hostile(number + 2 * 10), {**hostile(number + 2 * 11), text: text, "vintage": text}]
        name = text.replace('"', "'")  # which no client could put into the name of a file
        imports.append(receive(client, rows, filename=name).rpartition("/")[2])
    return {
        "credit_id": ids,
        "record_id": ids,
        "import_id": imports,
        "position": [str(position) for position in positions],
        "secret": secrets,
        "link_id": ["1"],
        "seq": ["1", "2"],
    }


def addresses(app: Flask, known: dict[str, list[str]]) -> list[str]:
    """Return every address that can be read, of all that is known."""
    found = []
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
            continue
        names = re.findall(r"<(?:[^:<>]*:)?([a-z_]+)>", rule.rule)
        pattern = re.sub(r"<[^>]*>", "{}", rule.rule)
        found += [pattern.format(*values) for values in product(*(known.get(name, []) for name in names))]
    queries = [f"/{name}?{key}={text}" for text in HOSTILE for name, key in QUERIES]
    return [*found, *queries]


# Opens all that is closed, and has every element told that it is pointed at and looked at.
TOUCH_EVERYTHING = """() => {
    for (const element of document.querySelectorAll("*")) {
        if (element instanceof HTMLDetailsElement) element.open = true;
        for (const name of ["mouseover", "focus", "error", "load", "toggle"])
            element.dispatchEvent(new Event(name));
    }
}"""
QUERIES = [
    ("credits", "q"),
    ("credits", "registry"),
    ("credits", "vintage"),
    ("credits", "status"),
    ("credits", "sort"),
    ("credits", "cursor"),
    ("credits/new", "project_name"),
    ("credits/new", "replaces"),
    ("activity", "type"),
    ("activity", "cursor"),
    ("imports", "before"),
    ("nix", "next"),
]


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_hostile_text_is_inert_on_every_page_and_fragment_and_reading_records_nothing(
    ledger_app: Flask, client: FlaskClient
) -> None:
    known = record_hostile_texts(client)
    for tree in Tree:
        signing.sign(tree)
    before = list_events(newest_first=True).items[0].position
    kept = client.get("/records/imports?limit=500").get_json()["items"]
    for address in addresses(ledger_app, known):
        for headers in ({}, HTMX):
            answer = client.get(address, headers=headers, buffered=True)
            assert answer.status_code < 500, address
            assert answer.headers["X-Content-Type-Options"] == "nosniff", address
            # The page of a redirect is the framework's own, and a page to download has no text of the ledger.
            is_page = answer.mimetype == "text/html" and "Content-Disposition" not in answer.headers
            if is_page and "Location" not in answer.headers:
                assert list(dangers(answer)) == [], address
    assert "{{7*7}}" in client.get("/credits").text
    assert list_events(newest_first=True).items[0].position == before
    assert client.get("/records/imports?limit=500").get_json()["items"] == kept


def test_nothing_that_was_brought_runs_in_a_browser(visit: Visit, server: Server) -> None:
    with opened(server.database_url) as app:
        client = LedgerClient(app)
        known = record_hostile_texts(client)
    page = visit(server)
    dialogs: list[str] = []

    def close(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", close)
    some: list[Any] = [f"/credits/{credit_id}" for credit_id in known["credit_id"]]
    some += [f"/imports/{number}" for number in known["import_id"]]
    expects(page, 404, 422)
    for address in ["/", "/credits", "/activity", "/imports", "/docs", *some, f"/credits?q={HOSTILE[0]}"]:
        page.goto(address)
        page.evaluate(TOUCH_EVERYTHING)
    assert dialogs == []


def test_a_secret_never_reaches_the_log(server: Server) -> None:
    secret = "s3cret-of-a-token"
    client = server.client()
    headers = {"Authorization": f"Bearer {secret}", "Cookie": f"session={secret}"}
    client.send("POST", "/records", b"{", {**headers, "Content-Type": "application/json"})
    client.send("GET", "/records/nix", headers=headers)
    client.send("BREW", "/records", headers=headers)
    for line in (f"Authorization {secret}", f"Authorization {secret}: x", f"Authorization: {secret}\0"):
        exchange(server, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + line.encode() + b"\r\n\r\n")
    assert secret not in server.log
