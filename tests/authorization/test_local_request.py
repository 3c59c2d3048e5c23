"""Without accounts, this machine may do everything and others nothing."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.credits import a_credit
from tests.fixtures.forms import submit
from tests.fixtures.ledger import SECRET_KEY
from tests.fixtures.principals import ELSEWHERE, from_elsewhere
from tests.fixtures.users import an_administrator
from tests.web.pages import HTMX, links, words
from webapp import create_app
from webapp.config import Settings
from webapp.ledger.listing import list_events
from webapp.ledger.storage.engine import db

LOOPBACK = ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"]
NOT_LOOPBACK = [ELSEWHERE, "172.17.0.1", "10.0.0.2", "::ffff:10.0.0.2", "fe80::1", "0.0.0.0", "", "unix:"]  # noqa: S104
LOCAL_NAMES = ["localhost", "LocalHost:8000", "127.0.0.1:8000", "[::1]:8000"]
OTHER_NAMES = ["127.0.0.2", "10.1.2.3:8000", "0.0.0.0:8000", "[::]:8000", "[fe80::1]", "ledger.example.org"]
PASSED_ON = [
    {"X-Forwarded-For": "127.0.0.1"},
    {"X-Forwarded-For": ""},
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-Host": "localhost"},
    {"X-Forwarded-Port": "80"},
    {"X-Forwarded-Anything": "1"},
    {"X-Forwarded": "for=127.0.0.1"},
    {"Forwarded": "for=127.0.0.1"},
    {"Via": "1.1 proxy"},
    {"X-Real-IP": "127.0.0.1"},
    {"CF-Connecting-IP": "127.0.0.1"},
    {"CF-Ray": "1"},
    {"CDN-Loop": "cloudflare"},
    {"Client-IP": "127.0.0.1"},
    {"True-Client-IP": "127.0.0.1"},
    {"Fastly-Client-IP": "127.0.0.1"},
    {"X-Original-Forwarded-For": "127.0.0.1"},
    {"X-Scheme": "http"},
    {"X-Amzn-Trace-Id": "Root=1"},
    {"X-Envoy-Internal": "true"},
    {"Tailscale-User-Login": "ada@example.org"},
]
ADDRESSES = ["/", "/credits", "/credits/new", "/imports", "/docs"]


def is_let_in(client: FlaskClient, **headers: str) -> bool:
    """Return whether the client may read a page and write with the API; both or neither."""
    page = client.get("/credits", headers=headers)
    written = client.post("/records", json=a_credit(), headers=headers)
    assert (page.status_code, written.status_code) in {(200, 201), (200, 200), (303, 403)}
    return page.status_code == 200


@pytest.mark.parametrize("peer", LOOPBACK)
def test_this_machine_may_do_everything_as_local(ledger_app: Flask, peer: str) -> None:
    assert is_let_in(from_elsewhere(ledger_app, peer))
    assert [event.actor for event in list_events().items] == ["local"]


@pytest.mark.parametrize("peer", NOT_LOOPBACK)
def test_another_address_may_do_nothing(ledger_app: Flask, peer: str) -> None:
    assert not is_let_in(from_elsewhere(ledger_app, peer))
    assert list_events().items == []


@pytest.mark.parametrize("name", LOCAL_NAMES)
def test_a_local_name_is_let_in(client: FlaskClient, name: str) -> None:
    assert is_let_in(client, Host=name)


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_a_name_that_is_ours_but_not_local_is_not(ledger_app: Flask, name: str) -> None:
    ledger_app.config["TRUSTED_NAMES"] = frozenset({"ledger.example.org"})
    assert not is_let_in(ledger_app.test_client(), Host=name)


def test_a_site_that_made_its_name_lead_here_gets_nothing_at_all(client: FlaskClient) -> None:
    for address in [*ADDRESSES, "/setup", "/sign-in", "/records", "/healthz"]:
        assert client.get(address, headers={"Host": "evil.example:8000"}).status_code == 400


@pytest.mark.parametrize("headers", PASSED_ON, ids=str)
def test_what_a_proxy_passed_on_is_not_local_although_its_peer_is(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    assert not is_let_in(client, **headers)


def test_what_nginx_passes_on_by_default_is_not_local(client: FlaskClient) -> None:
    spoken: dict[str, Any] = {
        "headers": {"Host": "127.0.0.1:8000", "Connection": "close"},
        "environ_overrides": {"SERVER_PROTOCOL": "HTTP/1.0"},
    }
    assert client.get("/credits", **spoken).headers["Location"] == "/setup"
    assert client.post("/records", json=a_credit(), **spoken).status_code == 403
    assert list_events().items == []


def test_behind_trusted_proxies_nothing_is_local(database_url: str) -> None:
    app = create_app(Settings(database_url, SECRET_KEY, trusted_proxies=1))
    assert not is_let_in(app.test_client())
    assert not is_let_in(app.test_client(), **{"X-Forwarded-For": "127.0.0.1"})
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_leads_others_to_the_set_up(ledger_app: Flask, address: str) -> None:
    answer = from_elsewhere(ledger_app).get(address)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/setup")


def test_a_form_sent_from_elsewhere_is_refused_with_what_to_do(
    ledger_app: Flask, client: FlaskClient
) -> None:
    page = client.get("/credits/new")
    answer = submit(from_elsewhere(ledger_app), page, "/credits/new", fields=a_credit())
    assert answer.status_code == 403
    assert "Create the first administrator" in words(answer)
    assert links(answer)["Set up"] == "/setup"
    assert list_events().items == []


def test_htmx_from_elsewhere_gets_a_notice_that_says_so(ledger_app: Flask) -> None:
    answer = from_elsewhere(ledger_app).get("/credits", headers=HTMX)
    assert answer.status_code == 403
    assert "Create the first administrator" in words(answer)


@pytest.mark.parametrize("address", ["/records", "/events", "/records/imports", "/openapi.json"])
def test_the_api_tells_others_what_to_do(ledger_app: Flask, address: str) -> None:
    answer = from_elsewhere(ledger_app).get(address)
    assert answer.status_code == 403
    assert answer.mimetype == "application/problem+json"
    assert "flask user add" in answer.get_json()["detail"]


def test_whether_the_ledger_can_work_is_for_everyone(ledger_app: Flask) -> None:
    assert from_elsewhere(ledger_app).get("/healthz").status_code == 200


def test_with_an_account_this_machine_signs_in_like_everybody(client: FlaskClient) -> None:
    assert client.get("/credits").status_code == 200
    an_administrator()
    assert client.get("/credits").headers["Location"] == "/sign-in?next=/credits"
    assert client.post("/records", json=a_credit()).status_code == 401
    assert list_events().items == []


def test_every_page_says_that_it_is_open_to_this_machine_only(client: FlaskClient) -> None:
    assert "Only this computer can use the ledger" in words(client.get("/credits"))
    assert links(client.get("/credits"))["Set up accounts"] == "/setup"


def test_public_reading_begins_with_the_first_account(ledger_app: Flask) -> None:
    ledger_app.config["PUBLIC_READING"] = True
    assert not is_let_in(from_elsewhere(ledger_app))


@pytest.mark.parametrize("address", ["/", "/credits", "/nothing-here", "/credits/new"])
def test_before_the_first_account_a_page_is_asked_for_anew_each_time(ledger_app: Flask, address: str) -> None:
    assert ledger_app.test_client().get(address).headers["Cache-Control"] == "private, no-cache"
