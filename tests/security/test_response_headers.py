"""Headers that every response has or must not have."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.wrappers import Response

from tests.fixtures.credits import a_credit, recorded
from tests.web.pages import receive

FOREIGN = {"Origin": "https://evil.example", "Referer": "https://evil.example/page"}
STATIC = ("/static/js/app.js", "/static/css/base.css", "/static/none.js")


@pytest.fixture
def addresses(ledger_app: Flask, client: FlaskClient) -> list[str]:
    """Return an existing address for every GET route, and some unknown ones."""
    import_address = receive(client, [a_credit(serial_number="IMPORTED-1")])
    ids = {"credit_id": recorded(), "record_id": recorded(), "import_id": import_address.rpartition("/")[2]}
    rules = [rule for rule in ledger_app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    found = [
        re.sub(r"<(?:[^:<>]*:)?([a-z_]+)>", lambda name: ids.get(name[1], "1"), rule.rule)
        for rule in rules
        if rule.endpoint != "static"
    ]
    assert len(found) > 20
    return [*found, *STATIC, "/nowhere", "/records/nowhere", "/records?limit=x"]


def _answers(client: FlaskClient, addresses: list[str], **headers: str) -> Iterator[tuple[str, Response]]:
    for address in addresses:
        with client.get(address, headers=headers) as answer:
            yield address, answer


def test_every_answer_says_what_it_is_and_in_which_characters(
    client: FlaskClient, addresses: list[str]
) -> None:
    for address, answer in _answers(client, addresses):
        if not answer.data:
            continue
        kind = answer.headers["Content-Type"]
        is_text = kind.startswith("text/")
        assert not is_text or "charset=utf-8" in kind.replace('"', "").lower(), (address, kind)
        assert answer.headers["X-Content-Type-Options"] == "nosniff", address
        if kind.endswith("json"):
            assert answer.is_json, address


def test_no_answer_of_a_program_can_become_a_page_that_runs_something(
    client: FlaskClient, addresses: list[str]
) -> None:
    for address, answer in _answers(client, addresses):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, address
        assert "frame-ancestors 'none'" in policy, address
        assert "unsafe" not in policy, address


def test_no_other_site_is_let_in_to_read(client: FlaskClient, addresses: list[str]) -> None:
    preflight = {**FOREIGN, "Access-Control-Request-Method": "POST"}
    for address in addresses:
        for method, headers in (("GET", FOREIGN), ("OPTIONS", preflight)):
            with client.open(address, method=method, headers=headers) as answer:
                names = answer.headers.keys()
            assert [name for name in names if name.startswith("Access-Control-")] == [], address


def test_no_answer_names_the_programs_it_runs_on(client: FlaskClient, addresses: list[str]) -> None:
    for address, answer in _answers(client, addresses):
        assert not {"Server", "X-Powered-By"} & set(answer.headers.keys()), address


def test_no_answer_is_a_way_to_another_site(client: FlaskClient, addresses: list[str]) -> None:
    ways = ("next", "url", "return", "redirect", "back")
    query = "?" + "&".join(f"{name}=//evil.example" for name in ways)
    for address, answer in _answers(client, [a + query for a in addresses if "?" not in a], Host="localhost"):
        assert "evil.example" not in answer.headers.get("Location", "").partition("?")[0], address


def test_a_doubled_slash_is_never_a_redirect(client: FlaskClient) -> None:
    for address in ("//records", "//evil.example/", "/records//imports", "/static//app.js"):
        with client.get(f"http://localhost{address}") as answer:
            assert answer.status_code in {200, 404}, address
    assert client.post("/records//imports", json=[]).status_code == 404
