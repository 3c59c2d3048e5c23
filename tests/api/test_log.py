"""The addresses of the log's tree: checkpoint, keys, tiles and proofs, up to the last checkpoint."""

import shutil

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.domain import rfc9162
from tests.fixtures.ledger import RawClient, log_keys_of
from tests.fixtures.log import fill, leaves_of
from tests.fixtures.principals import bearing, from_elsewhere
from tests.fixtures.users import a_token, an_administrator
from webapp.accounts.roles import Role
from webapp.domain.signed_note import Checkpoint, Note, VerifierKey
from webapp.ledger.transparency import checkpoints, signing
from webapp.ledger.transparency.keys import verify


@pytest.fixture
def signed(client: FlaskClient) -> FlaskClient:
    """Return the client of a ledger with 600 events, of which the first 520 are signed."""
    fill(1, 520)
    signing.sign()
    fill(521, 600)
    return client


def proof_of(answer: TestResponse) -> list[bytes]:
    assert answer.status_code == 200, answer.text
    return [bytes.fromhex(step) for step in answer.get_json()["proof"]]


def test_the_checkpoint_is_verified_by_the_key(signed: FlaskClient, raw: RawClient) -> None:
    answer = signed.get("/log/checkpoint")
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    assert "no-cache" in answer.headers["Cache-Control"]
    note = Note.parse(answer.text)
    key = VerifierKey.parse(signed.get("/log/key").text.splitlines()[0])
    assert verify(key, note.text, note.signatures[0])
    root = rfc9162.mth(leaves_of(raw)[:520])
    assert Checkpoint.parse(note.text) == Checkpoint(key.name, 520, root)


def test_the_keys_are_those_of_the_events_then_of_the_accounts(signed: FlaskClient) -> None:
    signing.rotate()
    names = [line.partition("+")[0] for line in signed.get("/log/key").text.splitlines()]
    assert names == [names[0]] * 2 + [f"{names[0]}/accounts"] * 2


def test_tiles_are_the_hashes_of_their_level(signed: FlaskClient, raw: RawClient) -> None:
    leaves = leaves_of(raw)
    full = signed.get("/log/tile/0/001")
    assert full.data == b"".join(leaves[256:512])
    assert full.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    partial = signed.get("/log/tile/0/002.p/8")
    assert partial.data == b"".join(leaves[512:520])
    assert "immutable" not in partial.headers["Cache-Control"]
    assert signed.get("/log/tile/1/000.p/2").data == rfc9162.mth(leaves[:256]) + rfc9162.mth(leaves[256:512])


@pytest.mark.parametrize(
    "tile",
    [
        "0/002",  # not full
        "0/002.p/9",  # beyond the checkpoint, though recorded
        "0/002.p/0",
        "0/001.p/256",
        "0/1",
        "0/x000/001",
        "0/0001",
        "1/000",
        "1/000.p/3",
        "2/000.p/1",
        "8/000",
        "-1/000",
        "a/000",
        "0/000/",
    ],
)
def test_no_other_tile_is_there(signed: FlaskClient, tile: str) -> None:
    assert signed.get(f"/log/tile/{tile}").status_code == 404


def test_entries_are_the_texts_behind_their_lengths(signed: FlaskClient, raw: RawClient) -> None:
    data = signed.get("/log/tile/entries/002.p/8").data
    texts = []
    while data:
        length = int.from_bytes(data[:2])
        texts.append(data[2 : 2 + length].decode())
        data = data[2 + length :]
    bodies = [body for (body,) in raw.execute("SELECT body FROM events ORDER BY subject LIMIT 8 OFFSET 512")]
    assert texts == bodies
    assert signed.get("/log/tile/entries/002.p/9").status_code == 404


def test_a_proof_of_inclusion_leads_to_the_root_of_the_checkpoint(
    signed: FlaskClient, raw: RawClient
) -> None:
    leaves = leaves_of(raw)
    answer = signed.get("/log/proof?position=300")
    assert proof_of(answer) == rfc9162.path(299, leaves[:520])
    assert answer.get_json()["leaf_hash"] == leaves[299].hex()
    assert answer.get_json()["size"] == 520
    assert answer.get_json()["checkpoint"] == signed.get("/log/checkpoint").text


def test_a_proof_of_inclusion_in_a_smaller_tree_has_the_note_of_that_size(signed: FlaskClient) -> None:
    before = checkpoints.latest()
    signing.sign()
    assert before is not None
    answer = signed.get("/log/proof?position=300&size=520")
    assert answer.get_json()["checkpoint"] == before.note
    assert signed.get("/log/proof?position=300&size=400").get_json()["checkpoint"] is None


def test_a_proof_of_consistency_is_that_of_the_second_implementation(
    signed: FlaskClient, raw: RawClient
) -> None:
    leaves = leaves_of(raw)
    answer = signed.get("/log/consistency?from=300")
    assert proof_of(answer) == rfc9162.proof(300, leaves[:520])
    assert answer.get_json()["checkpoint"] == signed.get("/log/checkpoint").text
    assert proof_of(signed.get("/log/consistency?from=300&to=400")) == rfc9162.proof(300, leaves[:400])


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("proof?position=521", "position"),
        ("proof?position=401&size=400", "position"),
        ("proof?position=1&size=521", "size"),
        ("proof", "position"),
        ("proof?position=0", "position"),
        ("consistency?from=1&to=521", "to"),
        ("consistency?from=300&to=200", "from"),
        ("consistency?to=200", "from"),
    ],
)
def test_nothing_is_proven_beyond_the_checkpoint(signed: FlaskClient, query: str, name: str) -> None:
    answer = signed.get(f"/log/{query}")
    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.get_json()["errors"]] == [name]


def test_a_checkpoint_that_is_saved_has_a_name(signed: FlaskClient) -> None:
    last = checkpoints.latest()
    assert last is not None
    name = f"{last.checkpoint.origin.replace('/', '+')}-{last.checkpoint.size}.checkpoint"
    header = signed.get("/log/checkpoint").headers["Content-Disposition"]
    assert header == f'inline; filename="{name}"'


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "proof?position=1", "consistency?from=1"])
def test_before_the_first_checkpoint_nothing_is_there(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/log/{path}")
    assert answer.status_code == 503
    assert "No checkpoint of this log was signed yet." in answer.text
    assert answer.headers["Retry-After"] == "5"


def test_a_host_that_signs_nothing_says_why_and_not_to_retry(client: FlaskClient, database_url: str) -> None:
    signing.sign()
    shutil.rmtree(log_keys_of(database_url))
    answer = client.get("/log/checkpoint")
    assert "is not in the folder LOG_KEYS of this host" in answer.get_json()["detail"]
    assert "Retry-After" not in answer.headers


PROVING = ["checkpoint", "key", "tile/0/000", "proof?position=1", "consistency?from=1"]


@pytest.fixture
def public(signed: FlaskClient, ledger_app: Flask) -> FlaskClient:
    """Return a client of nobody where the log is public."""
    del signed
    an_administrator("Ada")
    ledger_app.config["PUBLIC_LOG"] = True
    return from_elsewhere(ledger_app)


def test_a_public_log_is_proven_to_everyone(public: FlaskClient) -> None:
    answers = {path: public.get(f"/log/{path}").status_code for path in PROVING}
    assert answers == dict.fromkeys(PROVING, 200)
    assert public.get("/log/tile/0/000").headers["Cache-Control"].startswith("public, ")


def test_the_entries_of_a_public_log_are_for_viewers_alone(public: FlaskClient) -> None:
    assert public.get("/log/tile/entries/000").status_code == 401
    viewer = bearing(a_token(Role.VIEWER, "of a monitor"))
    assert public.get("/log/tile/entries/000", headers=viewer).status_code == 200


def test_a_log_is_not_public_by_default(signed: FlaskClient, ledger_app: Flask) -> None:
    del signed
    an_administrator("Ada")
    nobody = from_elsewhere(ledger_app)
    assert {nobody.get(f"/log/{path}").status_code for path in PROVING} == {401}
