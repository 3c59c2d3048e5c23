"""API tokens: their roles, and their independence of sessions."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.principals import bearing, form_token, from_elsewhere, signed_in
from tests.fixtures.users import a_token, an_administrator
from webapp.accounts import tokens
from webapp.accounts.roles import Role
from webapp.ledger.listing import list_events

BAD = ["", "x", "ccl_", f"ccl_{'a' * 43}", "ccl_\xff", f"ccl_{'a' * 5000}"]


@pytest.fixture(autouse=True)
def _ada() -> None:
    """Add an administrator."""
    an_administrator("Ada")


def test_an_operators_token_writes_as_itself(client: FlaskClient) -> None:
    answer = client.post("/records", json=a_credit(), headers=bearing(a_token()))
    assert answer.status_code == 201
    assert [event.actor for event in list_events().items] == ["token:1"]


def test_a_viewers_token_reads_and_writes_nothing(client: FlaskClient) -> None:
    headers = bearing(a_token(Role.VIEWER))
    assert client.get("/records", headers=headers).status_code == 200
    answer = client.post("/records", json=a_credit(), headers=headers)
    assert answer.status_code == 403
    assert "requires the role operator; yours is viewer" in answer.get_json()["detail"]
    assert list_events().items == []


@pytest.mark.parametrize("spelled", ["Bearer {}", "bearer {}", "BEARER  {}"])
def test_the_scheme_may_be_spelled_in_any_case(client: FlaskClient, spelled: str) -> None:
    headers = {"Authorization": spelled.format(a_token())}
    assert client.get("/records", headers=headers).status_code == 200


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("secret", BAD)
def test_a_token_of_nobody_is_refused_even_where_reading_is_public(
    ledger_app: Flask, client: FlaskClient, secret: str, *, public: bool
) -> None:
    ledger_app.config["PUBLIC_READING"] = public
    answer = client.get("/records", headers=bearing(secret))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert answer.mimetype == "application/problem+json"


def test_a_token_of_nobody_is_refused_while_there_is_no_other_account_too(client: FlaskClient) -> None:
    answer = client.post("/records", json=a_credit(), headers=bearing("ccl_nothing"))
    assert answer.status_code == 401


def test_a_revoked_token_is_refused(client: FlaskClient) -> None:
    secret = a_token()
    tokens.revoke(1, "cli")
    assert client.get("/records", headers=bearing(secret)).status_code == 401


def test_an_expired_token_is_refused(client: FlaskClient, set_clock: SetClock) -> None:
    secret = a_token()
    set_clock.go(days=timedelta(days=90).days)
    assert client.get("/records", headers=bearing(secret)).status_code == 401


def test_a_token_gets_no_session_and_uses_none(ledger_app: Flask) -> None:
    client = signed_in(ledger_app, "Ada")
    answer = client.post("/records", json=a_credit(), headers=bearing(a_token(Role.VIEWER)))
    assert answer.status_code == 403  # the viewer's role, not the administrator's session
    answer = client.post("/records", json=a_credit(), headers=bearing(a_token()))
    assert answer.status_code == 201  # and no CSRF token of that session was required
    assert "Set-Cookie" not in answer.headers
    assert [event.actor for event in list_events().items] == ["token:2"]


def test_a_token_opens_no_page(client: FlaskClient) -> None:
    answer = client.get("/credits", headers=bearing(a_token(Role.ADMINISTRATOR)))
    assert answer.headers["Location"].startswith("/sign-in")


def test_without_a_token_the_api_says_how_to_send_one(client: FlaskClient) -> None:
    answer = client.get("/records")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "Authorization: Bearer" in answer.get_json()["detail"]


def test_another_scheme_is_passed_over(ledger_app: Flask) -> None:
    headers = {"Authorization": "Basic YWRhOnNlY3JldA=="}
    assert signed_in(ledger_app, "Ada").get("/records", headers=headers).status_code == 200
    assert ledger_app.test_client().get("/records", headers=headers).status_code == 401


def test_a_session_reads_over_the_api(ledger_app: Flask) -> None:
    assert signed_in(ledger_app, "Ada").get("/records").status_code == 200


@pytest.mark.parametrize("address", ["/records", "/register/", "/records/{}/retire", "/records/imports"])
def test_a_session_writes_over_the_api_only_with_its_form_token(ledger_app: Flask, address: str) -> None:
    client = signed_in(ledger_app, "Ada")
    address = address.format(recorded(serial_number="before"))
    token = form_token(client)
    for headers in ({}, {"X-CSRFToken": ""}, {"X-CSRFToken": f"{token}x"}):
        answer = client.post(address, json={}, headers=headers)
        assert answer.status_code == 403
        assert "X-CSRFToken" in answer.get_json()["detail"]
    assert client.post(address, json={}, headers={"X-CSRFToken": token}).status_code in {200, 400, 422}


def test_a_form_token_in_the_body_is_not_enough_for_the_api(ledger_app: Flask) -> None:
    client = signed_in(ledger_app, "Ada")
    answer = client.post("/records/imports", data={"csrf_token": form_token(client)})
    assert answer.status_code == 403


def test_the_form_token_of_another_session_is_not_enough(ledger_app: Flask) -> None:
    other = form_token(signed_in(ledger_app, "Ada"))
    answer = signed_in(ledger_app, "Ada").post("/records", json=a_credit(), headers={"X-CSRFToken": other})
    assert answer.status_code == 403
    assert list_events().items == []


def test_public_reading_lets_nobody_write(ledger_app: Flask, client: FlaskClient) -> None:
    ledger_app.config["PUBLIC_READING"] = True
    credit_id = recorded()
    assert client.get("/records").status_code == 200
    assert client.get(f"/credits/{credit_id}").status_code == 200
    assert client.get("/credits/new").headers["Location"] == "/sign-in?next=/credits/new"
    assert client.post("/records", json=a_credit(serial_number="2")).status_code == 401
    assert len(list_events().items) == 1


def test_public_reading_is_for_other_machines_too(ledger_app: Flask) -> None:
    ledger_app.config["PUBLIC_READING"] = True
    assert from_elsewhere(ledger_app).get("/credits").status_code == 200
