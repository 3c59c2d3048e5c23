"""The addresses of the account log's tree: for administrators alone, up to the last checkpoint."""

import json
import struct
from hashlib import sha256

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.domain import rfc9162
from tests.fixtures.principals import from_elsewhere
from tests.fixtures.users import a_token, an_administrator
from webapp.accounts.roles import Role
from webapp.domain.signed_note import Checkpoint, Note, VerifierKey
from webapp.ledger.transparency import signing
from webapp.ledger.transparency.keys import verify
from webapp.ledger.transparency.tree import Tree

ADDRESSES = [
    "/log/accounts/checkpoint",
    "/log/accounts/tile/0/000.p/2",
    "/log/accounts/tile/entries/000.p/2",
    "/log/accounts/proof?position=1",
    "/log/accounts/consistency?from=1",
]


@pytest.fixture
def signed(ledger_app: Flask, quick_passwords: None) -> FlaskClient:
    """Return an administrator's client of a ledger with two signed entries, and one that is not signed."""
    del quick_passwords
    an_administrator()
    secret = a_token(Role.ADMINISTRATOR)
    signing.sign(Tree.ACCOUNTS)
    a_token(Role.VIEWER)
    return bearer(ledger_app, secret)


def bearer(app: Flask, secret: str) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return client


def texts_of(client: FlaskClient) -> list[bytes]:
    data, texts = client.get("/log/accounts/tile/entries/000.p/2").data, []
    while data:
        (length,) = struct.unpack(">H", data[:2])
        texts.append(data[2 : 2 + length])
        data = data[2 + length :]
    return texts


def test_checkpoint_tiles_and_proofs_agree(signed: FlaskClient) -> None:
    texts = texts_of(signed)
    assert [json.loads(text)["act"] for text in texts] == ["USER_ADDED", "TOKEN_MADE"]
    leaves = [sha256(b"\0" + text).digest() for text in texts]
    note = Note.parse(signed.get("/log/accounts/checkpoint").text)
    key = VerifierKey.parse(signed.get("/log/key").text.splitlines()[1])
    assert verify(key, note.text, note.signatures[0])
    assert Checkpoint.parse(note.text) == Checkpoint(key.name, 2, rfc9162.mth(leaves))
    assert signed.get("/log/accounts/tile/0/000.p/2").data == b"".join(leaves)
    proof = signed.get("/log/accounts/proof?position=1").get_json()
    assert (proof["leaf_hash"], proof["proof"], proof["size"]) == (leaves[0].hex(), [leaves[1].hex()], 2)
    assert signed.get("/log/accounts/consistency?from=1").get_json()["proof"] == [leaves[1].hex()]


@pytest.mark.parametrize("address", ["/log/accounts/tile/0/000.p/3", "/log/accounts/tile/entries/000.p/3"])
def test_nothing_reaches_beyond_the_checkpoint(signed: FlaskClient, address: str) -> None:
    assert signed.get(address).status_code == 404
    assert signed.get("/log/accounts/proof?position=3").status_code == 422


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("address", ADDRESSES)
def test_it_is_never_public_and_for_no_lesser_role(ledger_app: Flask, address: str) -> None:
    ledger_app.config["PUBLIC_LOG"] = True
    assert from_elsewhere(ledger_app).get(address).status_code == 401
    assert bearer(ledger_app, a_token(Role.OPERATOR)).get(address).status_code == 403
    answer = bearer(ledger_app, a_token(Role.ADMINISTRATOR)).get(address)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")


def test_before_the_first_checkpoint_it_says_so(ledger_app: Flask, quick_passwords: None) -> None:
    del quick_passwords
    an_administrator()
    answer = bearer(ledger_app, a_token(Role.ADMINISTRATOR)).get("/log/accounts/checkpoint")
    assert answer.status_code == 503
