"""Hostile input in names, passwords, tokens and cookies."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.forms import submit
from tests.fixtures.principals import bearing, from_elsewhere
from tests.fixtures.users import PASSWORD, an_administrator
from webapp.http.session_cookie import COOKIE

STRANGE = (
    "",
    " ",
    "a\0b",
    "Ada\0",
    "\x7f\x80",
    "\u202eadA",
    "' OR 1=1 --",
    "{{7*7}}",
    "\U0010ffff",
    "\ufdfa" * 3_000,
    "x" * 300_000,
)
TOKENS = ("", " ", "ccl_", "x" * 8_000, "' OR 1=1 --", "\xff", "ccl_a,ccl_b", "..", "null")


@pytest.fixture(autouse=True)
def _ada(quick_passwords: None, ledger_app: Flask) -> None:  # noqa: ARG001 - what they open
    """Add an administrator."""
    an_administrator("Ada")


def test_no_strange_name_or_password_gets_in_or_breaks_anything(ledger_app: Flask) -> None:
    for number, text in enumerate(STRANGE):
        for values in ({"name": text, "password": PASSWORD}, {"name": "Ada", "password": text}):
            # Each guess comes from another address, so that the rate limit does not apply.
            client = from_elsewhere(ledger_app, f"203.0.113.{number}")
            answer = submit(client, client.get("/sign-in"), "/sign-in", fields=values)
            assert answer.status_code == 422, repr(text[:20])
            assert client.get("/credits").status_code == 303


def test_no_strange_token_gets_in_or_breaks_anything(client: FlaskClient) -> None:
    for text in TOKENS:
        assert client.get("/records", headers=bearing(text)).status_code == 401, repr(text[:20])


def test_no_strange_cookie_gets_in_or_breaks_anything(ledger_app: Flask) -> None:
    for text in ("", ".", "..", "a.b.c", ".eJw.x.y", "x" * 4_000, "null", "%00", "é"):
        client = ledger_app.test_client()
        client.set_cookie(COOKIE, text)
        assert client.get("/credits").status_code == 303, text[:20]
        assert client.get("/records").status_code == 401, text[:20]
