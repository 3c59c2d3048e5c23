"""Signed cookies are accepted only with our key and algorithm."""

import base64
import hashlib
import hmac
import json
from typing import Any, Final

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from tests.fixtures.forms import form_of
from tests.fixtures.ledger import SECRET_KEY
from tests.fixtures.principals import signed_in
from tests.fixtures.users import an_administrator
from webapp.http.authentication import SESSION_SECRET
from webapp.http.session_cookie import COOKIE

SALT: Final = "cookie-session"


@pytest.fixture(autouse=True)
def _ada(quick_passwords: None, ledger_app: Flask) -> None:  # noqa: ARG001 - what they open
    """Add an administrator."""
    an_administrator("Ada")


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _cookie(client: FlaskClient) -> str:
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    return cookie.value


def _signed(key: str, digest: Any, content: object) -> str:  # noqa: ANN401 - hashlib's functions
    kwargs = {"key_derivation": "hmac", "digest_method": digest}
    return URLSafeTimedSerializer(key, salt=SALT, signer_kwargs=kwargs).dumps(content)


def _forgeries(cookie: str, secret: str) -> dict[str, str]:
    """Return invalid cookies of an existing session."""
    payload, time, signature = cookie.split(".")
    content = {SESSION_SECRET: secret}
    body = _encoded(json.dumps(content).encode())
    of_nothing = _encoded(hmac.new(b"", b"", hashlib.sha256).digest())
    no_algorithm = _encoded(json.dumps({"alg": "none"}).encode())
    return {
        "without its signature": f"{payload}.{time}.",
        "with the signature of nothing": f"{payload}.{time}.{of_nothing}",
        "with another content": f"{body}.{time}.{signature}",
        "of another key": _signed("x" * 64, hashlib.sha256, content),
        "of no key": _signed("", hashlib.sha256, content),
        "of another algorithm": _signed(SECRET_KEY, hashlib.sha1, content),
        "as a token that needs none": f"{no_algorithm}.{body}.",
        "the content alone": json.dumps(content),
        "the secret alone": secret,
    }


def test_a_cookie_that_was_changed_or_signed_by_others_is_nobodys(ledger_app: Flask) -> None:
    ada = signed_in(ledger_app, "Ada")
    with ada.session_transaction() as session:
        secret = session[SESSION_SECRET]
    assert ada.get("/credits").status_code == 200
    for how, forged in _forgeries(_cookie(ada), secret).items():
        stranger = ledger_app.test_client()
        stranger.set_cookie(COOKIE, forged)
        assert stranger.get("/credits").status_code == 303, how


def test_cookies_and_forms_are_signed_with_sha_256(ledger_app: Flask) -> None:
    ada = signed_in(ledger_app, "Ada")
    with ada.session_transaction() as session:
        content = dict(session)
    made_here = ledger_app.test_client()
    made_here.set_cookie(COOKIE, _signed(SECRET_KEY, hashlib.sha256, content))
    page = made_here.get("/credits/new")
    assert page.status_code == 200
    (token,) = form_of(page, "/credits/new").values["csrf_token"]
    signature = token.rpartition(".")[2]
    assert len(base64.urlsafe_b64decode(signature + "==")) == hashlib.sha256().digest_size
