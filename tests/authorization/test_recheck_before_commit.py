"""A principal who loses the role before commit records nothing."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection
from werkzeug.test import TestResponse

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import a_credit
from tests.fixtures.forms import submit
from tests.fixtures.ledger import DIALECTS, RawClient, connected
from tests.fixtures.principals import bearing, signed_in
from tests.fixtures.users import a_token, a_user, an_administrator
from tests.web.pages import words
from webapp.accounts import roles, tokens, users
from webapp.accounts.actors import CLI
from webapp.accounts.roles import Role
from webapp.accounts.users import User
from webapp.http.authentication import NotSignedIn
from webapp.ledger import clock
from webapp.ledger.group_commit import precommit_check, transact
from webapp.ledger.listing import list_events

Meanwhile = Callable[[Callable[[], None]], None]


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    """Return each database, because locking differs."""
    return str(request.param)


@pytest.fixture
def oscar() -> User:
    """Add an operator."""
    return a_user("Oscar")


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Return a function that runs a change after authorization and before the action."""
    dispatch = Flask.dispatch_request

    def arrange(happen: Callable[[], None]) -> None:
        def later(app: Flask) -> ResponseReturnValue:
            happen()
            return dispatch(app)

        monkeypatch.setattr(Flask, "dispatch_request", later)

    return arrange


def record(client: FlaskClient, secret: str, **headers: str) -> TestResponse:
    return client.post("/records", json=a_credit(), headers=bearing(secret) | headers)


def test_a_person_who_is_disabled_meanwhile_has_recorded_nothing(
    ledger_app: Flask, oscar: User, meanwhile: Meanwhile
) -> None:
    browser = signed_in(ledger_app, "Oscar")
    page = browser.get("/credits/new")
    meanwhile(lambda: users.disable(oscar.id, CLI))
    answer = submit(browser, page, "/credits/new", fields=a_credit())
    assert answer.status_code == 401
    assert "Your account was disabled meanwhile. Nothing was recorded." in words(answer)
    assert list_events().items == []


def test_a_person_who_loses_the_role_meanwhile_has_recorded_nothing(
    ledger_app: Flask, oscar: User, meanwhile: Meanwhile
) -> None:
    browser = signed_in(ledger_app, "Oscar")
    page = browser.get("/credits/new")
    meanwhile(lambda: users.change_role(oscar.id, Role.VIEWER, CLI))
    answer = submit(browser, page, "/credits/new", fields=a_credit())
    assert answer.status_code == 403
    assert "requires the role operator" in words(answer)
    assert list_events().items == []


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "one"}], ids=str)
def test_a_token_that_is_revoked_meanwhile_has_recorded_nothing(
    client: FlaskClient, meanwhile: Meanwhile, headers: dict[str, str]
) -> None:
    secret = a_token()
    meanwhile(lambda: tokens.revoke(1, CLI))
    answer = record(client, secret, **headers)
    assert (answer.status_code, answer.get_json()["detail"]) == (
        401,
        "This token was revoked or expired meanwhile. Nothing was recorded.",
    )
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert list_events().items == []


def test_a_token_that_expires_meanwhile_has_recorded_nothing(
    client: FlaskClient, meanwhile: Meanwhile, set_clock: SetClock
) -> None:
    secret = a_token()
    meanwhile(lambda: set_clock.go(days=tokens.DAYS))
    assert record(client, secret).status_code == 401
    assert list_events().items == []


def test_a_repeat_shows_nothing_to_a_token_that_was_revoked_meanwhile(
    client: FlaskClient, meanwhile: Meanwhile
) -> None:
    secret = a_token()
    assert record(client, secret, **{"Idempotency-Key": "one"}).status_code == 201
    meanwhile(lambda: tokens.revoke(1, CLI))
    assert record(client, secret, **{"Idempotency-Key": "one"}).status_code == 401


def test_an_administrator_may_still_give_up_their_own_role(ledger_app: Flask) -> None:
    an_administrator("Ada")
    bob = an_administrator("Bob")
    browser = signed_in(ledger_app, "Bob")
    page = browser.get(f"/people/{bob.id}")
    assert submit(browser, page, f"/people/{bob.id}", role="viewer").status_code == 303
    assert users.find(bob.id).role is Role.VIEWER


def test_a_check_that_fails_takes_the_act_back(oscar: User, raw: RawClient) -> None:
    def refuse(_connection: Connection) -> None:
        raise NotSignedIn("not any more")

    def act(connection: Connection) -> None:
        connection.exec_driver_sql("UPDATE users SET name = 'Changed'")

    with precommit_check(refuse), pytest.raises(NotSignedIn):
        transact(act)
    assert raw.execute("SELECT name FROM users WHERE id = ?", oscar.id) == [("Oscar",)]
    transact(act)
    assert raw.execute("SELECT name FROM users WHERE id = ?", oscar.id) == [("Changed",)]


def test_nobody_can_be_disabled_between_the_last_look_and_the_commit(
    oscar: User, database_url: str, dialect: str
) -> None:
    impatient = "SET lock_timeout = 50" if dialect == "postgresql" else "PRAGMA busy_timeout = 50"
    now = clock.now().isoformat()

    def act(connection: Connection) -> None:
        assert roles.role_at_commit(connection, oscar.actor) is Role.OPERATOR
        with connected(database_url) as other:
            other.execute(impatient)
            with pytest.raises(Exception, match="lock"):
                other.execute("UPDATE users SET disabled_at = ? WHERE id = ?", now, oscar.id)

    transact(act)
    users.disable(oscar.id, CLI)
    transact(lambda connection: _require_nothing(connection, oscar))


def _require_nothing(connection: Connection, user: User) -> None:
    assert roles.role_at_commit(connection, user.actor) is None
