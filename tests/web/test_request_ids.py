"""Each request has an id: in the answer's header, on error pages and in errors of the API."""

import logging
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.forms import parse
from tests.fixtures.ledger import SECRET_KEY, MakeDatabase
from tests.web.pages import HTMX, words
from webapp import create_app
from webapp.config import Settings
from webapp.http.observability import REQUEST_ID_HEADER, TextFormatter, request_id

NEW = "[0-9a-f]{16}"
FROM_PROXY = "7f3e2a-Proxy_1.0"


@pytest.fixture
def proxied(make_database: MakeDatabase) -> FlaskClient:
    """Return a client of an application behind one proxy."""
    return create_app(Settings(make_database("sqlite"), SECRET_KEY, trusted_proxies=1)).test_client()


@pytest.mark.parametrize(
    "address", ["/healthz", "/credits", "/static/js/app.js", "/nowhere", "/records/nowhere"]
)
def test_every_answer_has_the_id_of_its_request(client: FlaskClient, address: str) -> None:
    found = set()
    for _ in range(2):
        with client.get(address) as answer:
            [number] = answer.headers.getlist(REQUEST_ID_HEADER)
        assert re.fullmatch(NEW, number)
        found.add(number)
    assert len(found) == 2


def test_an_error_page_shows_the_id(client: FlaskClient) -> None:
    answer = client.get("/nowhere")
    assert f"Request {answer.headers[REQUEST_ID_HEADER]}" in words(answer)


def test_a_notice_for_htmx_shows_the_id(client: FlaskClient) -> None:
    answer = client.get("/nowhere", headers=HTMX)
    assert f"Request {answer.headers[REQUEST_ID_HEADER]}" in words(parse(answer.text))


def test_an_error_at_the_address_of_a_link_shows_the_id(client: FlaskClient) -> None:
    answer = client.get("/shared/none")
    assert answer.status_code == 404
    assert f"Request {answer.headers[REQUEST_ID_HEADER]}" in words(answer)


def test_an_error_of_the_api_has_the_id(client: FlaskClient) -> None:
    answer = client.get("/records/nowhere")
    assert answer.get_json()["request_id"] == answer.headers[REQUEST_ID_HEADER]


def test_an_id_from_a_trusted_proxy_is_kept(proxied: FlaskClient) -> None:
    answer = proxied.get("/nowhere", headers={REQUEST_ID_HEADER: FROM_PROXY})
    assert answer.headers[REQUEST_ID_HEADER] == FROM_PROXY


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "two words", '<b>"12345678', "12345678\u00e9"])
def test_a_malformed_id_from_a_proxy_is_replaced(proxied: FlaskClient, given: str) -> None:
    answer = proxied.get("/healthz", headers={REQUEST_ID_HEADER: given})
    assert re.fullmatch(NEW, answer.headers[REQUEST_ID_HEADER])


def test_without_a_trusted_proxy_no_id_is_accepted(client: FlaskClient) -> None:
    answer = client.get("/healthz", headers={REQUEST_ID_HEADER: FROM_PROXY})
    assert re.fullmatch(NEW, answer.headers[REQUEST_ID_HEADER])


def test_what_is_logged_for_a_request_has_its_id(
    ledger_app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    handler = logging.Handler()
    handler.setFormatter(TextFormatter())
    remember: Callable[[logging.LogRecord], None] = lambda record: lines.append(handler.format(record))  # noqa: E731
    monkeypatch.setattr(handler, "emit", remember)
    monkeypatch.setattr(ledger_app.logger, "handlers", [handler])
    ledger_app.testing = False

    def fail() -> str:
        raise RuntimeError(request_id())

    monkeypatch.setitem(ledger_app.view_functions, "api_health.check_health", fail)
    monkeypatch.setattr(fail, "required_role", "everyone", raising=False)
    answer = client.get("/healthz")
    [line] = lines
    assert answer.status_code == 500
    assert f"[{answer.headers[REQUEST_ID_HEADER]}] Unexpected error in GET /healthz" in line
