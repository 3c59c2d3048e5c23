"""The page of the ledger's integrity: check, see the result, compare a digest or a checkpoint."""

import shutil
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.credits import recorded, sold
from tests.fixtures.forms import forms_of, submit
from tests.fixtures.ledger import RawClient, log_keys_of
from tests.fixtures.principals import signed_in
from tests.fixtures.users import an_administrator
from tests.ledger.audit.tampering import tamper
from tests.ledger.test_integrity import digest_of, here, never
from tests.web.pages import words
from webapp.ledger import integrity
from webapp.ledger.background.owners import owner_name
from webapp.ledger.group_commit import transact
from webapp.ledger.storage.engine import reading
from webapp.ledger.transparency import checkpoints, signing
from webapp.ledger.transparency.key_folder import key_folder
from webapp.ledger.transparency.keys import SigningKey
from webapp.ledger.transparency.stored_checkpoints import add_cosignature
from webapp.ledger.transparency.tree import Tree, TreeReader


def check(client: FlaskClient) -> None:
    """Send the form of the page, and run the check."""
    submit(client, client.get("/integrity").text, "/integrity")
    assert integrity.work_on_next(owner_name(), never, here)


def test_a_check_is_asked_for_followed_and_read_on_its_page(client: FlaskClient, raw: RawClient) -> None:
    sold()
    assert "2 events and was never checked" in words(client.get("/integrity"))
    submit(client, client.get("/integrity").text, "/integrity")
    page = client.get("/integrity")
    assert "Waiting for a process of the server" in words(page)
    assert "/integrity" not in {form.action for form in forms_of(page)}
    assert integrity.work_on_next(owner_name(), never, here)
    page = client.get("/integrity")
    assert "Nothing is wrong" in words(page)
    assert digest_of(2, raw) in page.text
    submit(client, page.text, "/integrity")
    assert "checked just now" in words(client.get("/integrity"))


def test_a_finding_is_listed_with_what_its_kind_means(client: FlaskClient, raw: RawClient) -> None:
    credit_id = recorded()
    tamper(raw, "UPDATE credits SET vintage = 1999")
    check(client)
    page = words(client.get("/integrity"))
    assert f"credit {credit_id} table credits: vintage is 1999" in page
    assert "Something derived differs from the log" in page


def test_what_was_signed_last_is_shown_with_its_key(client: FlaskClient) -> None:
    recorded()
    assert "The key is made when the server signs for the first time." in words(client.get("/integrity"))
    signed = signing.sign()
    assert signed is not None
    page = client.get("/integrity")
    assert signed.checkpoint.origin in page.text
    assert signed.checkpoint.root.hex() in page.text
    assert "SIGNING" in words(page)
    assert "NOT SIGNING" not in words(page)
    assert 'href="/log/checkpoint"' in page.text
    events, accounts = checkpoints.keys_by_tree()
    said = words(page)
    assert f"Signs the events, and with them statements {events}" in said
    assert f"Signs the account log {accounts}" in said
    assert "Last witnessed never" in said


def test_the_newest_checkpoint_that_a_witness_cosigned_is_shown(client: FlaskClient) -> None:
    recorded()
    signed = signing.sign()
    assert signed is not None
    transact(
        lambda connection: add_cosignature(
            connection, Tree.EVENTS, signed, "w.example", "a line", "2026-11-20T10:00:00.000000Z"
        ),
        unconditional=True,
    )
    sold(serial_number="VCS-2")
    signing.sign()
    page = words(client.get("/integrity"))
    assert "Last checkpoint 3 events" in page
    assert "Last witnessed 1 event Witnessed 20 Nov 2026, 10:00 UTC By w.example" in page


def test_why_a_host_does_not_sign_is_said(client: FlaskClient, database_url: str) -> None:
    recorded()
    signing.sign()
    shutil.rmtree(log_keys_of(database_url))
    page = words(client.get("/integrity"))
    assert "NOT SIGNING" in page
    assert "This host signs no checkpoints now. Recording goes on" in page
    assert "is not in" in page


def test_the_page_says_that_the_account_log_is_not_the_one_that_was_signed(
    ledger_app: Flask, quick_passwords: None, raw: RawClient
) -> None:
    del quick_passwords
    an_administrator("Ada")
    client = signed_in(ledger_app, "Ada")
    signing.sign(Tree.ACCOUNTS)
    title = "This host signs the log, but not the account log"
    assert title not in words(client.get("/integrity"))
    tamper(raw, "UPDATE account_log SET actor = 'local' WHERE position = 1")
    assert title in words(client.get("/integrity"))


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "SIGN_EVERY_S", 0.0)


@pytest.mark.parametrize("form_field", ["kept", "file"])
def test_a_digest_is_compared_as_text_or_as_a_file(
    client: FlaskClient, raw: RawClient, form_field: str
) -> None:
    recorded()
    kept = digest_of(1, raw)
    sold(serial_number="VCS-0002")
    field = {form_field: kept if form_field == "kept" else (BytesIO(kept.encode()), "kept.digest")}
    page = submit(client, client.get("/integrity").text, "/integrity/compare", fields=field)
    assert "Equal to an earlier state, at position 1" in words(page)


def test_what_is_no_digest_is_said_beside_the_field(client: FlaskClient) -> None:
    page = submit(client, client.get("/integrity").text, "/integrity/compare", fields={"kept": "x"})
    assert page.status_code == 422
    assert "This is not a saved digest" in words(page)
    assert "one line `digest: HEX`" in words(page)


def compared_with(client: FlaskClient, kept: str) -> str:
    page = submit(client, client.get("/integrity").text, "/integrity/compare", fields={"kept": kept})
    return words(page)


def test_a_checkpoint_is_compared_by_what_was_signed(client: FlaskClient, raw: RawClient) -> None:
    for number in range(1, 4):
        recorded(serial_number=f"VCS-{number}")
        signing.sign()
    last = checkpoints.latest()
    assert last is not None
    recorded(serial_number="VCS-4")
    page = compared_with(client, last.note)
    assert "This ledger continues itThe first 3 of now 4 events are those that" in page
    tamper(raw, "UPDATE events SET hash = ? WHERE subject = 2", bytes(32))
    page = compared_with(client, last.note)
    assert "This ledger does not continue it" in page
    assert "The first difference is at position 2." in page
    tamper(raw, "DELETE FROM feed WHERE position > 1")
    page = compared_with(client, last.note)
    assert "2 of the 3 events that" in page
    assert "signed are missing. The first 1 events are as signed." in page


def test_no_event_is_said_to_be_as_signed_where_what_lies_beside_the_key_was_rewritten_too(
    client: FlaskClient, raw: RawClient
) -> None:
    notes = []
    for number in range(1, 4):
        recorded(serial_number=f"VCS-{number}")
        last = signing.sign()
        assert last is not None
        notes.append(last.note)
    tamper(raw, "UPDATE events SET hash = ? WHERE subject = 1", bytes(32))
    with reading() as connection:
        root = TreeReader(connection).root(3)
    (signed,) = key_folder().path.rglob("signed-checkpoints")
    lines = signed.read_text().splitlines()
    signed.write_text("\n".join([*lines[:-1], f"3 {root.hex()}"]) + "\n")
    page = compared_with(client, notes[1])
    assert "This ledger does not continue it" in page
    assert "The first difference is at one of the positions 1 to 2." in page


def test_a_checkpoint_that_this_ledger_did_not_sign_is_said_beside_the_field(client: FlaskClient) -> None:
    recorded()
    last = signing.sign()
    assert last is not None
    other = SigningKey.generate(last.checkpoint.origin)
    text = last.checkpoint.text
    assert "No key that this ledger registered signed it" in compared_with(
        client, f"{text}\n{other.sign(text).line}\n"
    )
    altered = last.note.replace("\n1\n", "\n2\n")
    assert "does not fit the text, so the file was altered" in compared_with(client, altered)
