"""Signed checkpoints of the log: what is signed and stored, and when nothing is signed."""

import shutil
import stat
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

import pytest
from flask import Flask

from tests.domain import rfc9162
from tests.fixtures.concurrency import AtOnce
from tests.fixtures.credits import recorded
from tests.fixtures.ledger import MakeDatabase, RawClient, log_keys_of, opened
from tests.fixtures.log import fill, leaves_of, signed_size
from tests.ledger.triggers.rows import assert_refused
from webapp.domain.errors import LogNotSigned
from webapp.domain.signed_note import Checkpoint, Note, VerifierKey
from webapp.ledger.group_commit import commit
from webapp.ledger.storage.engine import db, reading
from webapp.ledger.transparency import checkpoints, key_folder, signing
from webapp.ledger.transparency.key_folder import KeyFolder
from webapp.ledger.transparency.keys import SigningKey, verify
from webapp.ledger.transparency.signing import Refused, State
from webapp.ledger.transparency.tree import Tree

pytestmark = pytest.mark.usefixtures("ledger_app")


@pytest.fixture
def folder(database_url: str) -> Path:
    """Return the folder of the keys of the test's ledger."""
    return log_keys_of(database_url)


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "SIGN_EVERY_S", 0.0)


def of_origin(folder: Path, name: str) -> Path:
    (found,) = folder.glob(f"*/{name}")
    return found


def stopped_at(monkeypatch: pytest.MonkeyPatch, place: object, name: str, act: Callable[[], object]) -> None:
    """Do an act that is stopped where it calls this function."""

    def stopped(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(place, name, stopped)
        with pytest.raises(KeyboardInterrupt):
            act()


def refusal() -> Refused:
    with pytest.raises(Refused) as caught:
        signing.sign()
    return caught.value


def test_a_checkpoint_states_the_size_and_the_root_under_a_registered_key(raw: RawClient) -> None:
    fill(1, 300)
    signed = signing.sign()
    assert signed is not None
    note = Note.parse(signed.note)
    checkpoint = Checkpoint.parse(note.text)
    assert (checkpoint.size, checkpoint.root) == (300, rfc9162.mth(leaves_of(raw)))
    key = checkpoints.keys()[0]
    assert verify(key, note.text, note.signatures[0])
    assert key.name == checkpoint.origin
    assert checkpoints.latest() == checkpoints.at_size(300) == signed


def test_nothing_new_is_not_signed_again(raw: RawClient) -> None:
    recorded()
    assert signing.sign() == signing.sign()
    assert raw.execute("SELECT count(*) FROM checkpoints") == [(1,)]


def test_an_empty_log_has_a_key_and_no_checkpoint(raw: RawClient) -> None:
    assert signing.sign() is None
    assert raw.execute("SELECT count(*) FROM checkpoints") == [(0,)]
    assert len(checkpoints.keys()) == len(Tree)
    assert checkpoints.latest() is None


def test_each_checkpoint_is_kept(raw: RawClient) -> None:
    for number in range(1, 4):
        recorded(serial_number=f"VCS-{number}")
        assert signed_size() == number
    assert raw.execute("SELECT size FROM checkpoints ORDER BY size") == [(1,), (2,), (3,)]


def test_a_position_is_covered_by_a_checkpoint_at_once() -> None:
    fill(1, 3)
    assert checkpoints.covering(2).checkpoint.size == 3
    fill(4, 5)
    assert checkpoints.covering(3).checkpoint.size == 3
    assert checkpoints.covering(5).checkpoint.size == 5
    with pytest.raises(LogNotSigned, match="The log has no position 6"):
        checkpoints.covering(6)


def test_what_is_read_after_a_checkpoint_is_not_older(ledger_app: Flask) -> None:
    with ledger_app.test_request_context():
        ledger_app.preprocess_request()
        with reading():
            assert checkpoints.latest() is None
        recorded()
        latest = checkpoints.covering(1)
        assert checkpoints.latest() == latest


def test_the_key_is_readable_by_its_owner_alone(folder: Path) -> None:
    signing.sign()
    key = of_origin(folder, "key")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_key_is_in_the_form_of_other_tools(folder: Path) -> None:
    signing.sign()
    text = of_origin(folder, "key").read_text()
    key = SigningKey.parse(text)
    assert text.startswith(f"PRIVATE+KEY+{key.name}+")
    assert key.verifier == checkpoints.keys()[0]
    assert VerifierKey.parse(str(key.verifier)) == key.verifier


def test_the_origin_is_the_setting_or_the_host_and_random_digits(database_url: str) -> None:
    key_folder.use(db.engine, KeyFolder(log_keys_of(database_url), "ledger.example.org", ""))
    signing.sign()
    origin, accounts = map(attrgetter("name"), checkpoints.keys())
    host, _, digits = origin.partition("/")
    assert (host, len(digits)) == ("ledger.example.org", 16)
    assert accounts == f"{origin}/accounts"


def test_a_named_origin_is_used(database_url: str) -> None:
    key_folder.use(db.engine, KeyFolder(log_keys_of(database_url), "host", "example.org/credits"))
    signing.sign()
    assert checkpoints.keys()[0].name == "example.org/credits"


def test_a_host_without_the_key_does_not_sign(folder: Path) -> None:
    recorded()
    signing.sign()
    shutil.rmtree(folder)
    recorded(serial_number="VCS-2")
    refused = refusal()
    assert refused.state is State.NO_KEY
    assert "is not in" in str(refused)
    with pytest.raises(LogNotSigned):
        checkpoints.covering(2)
    assert checkpoints.covering(1).checkpoint.size == 1


def test_another_key_in_the_folder_does_not_sign(folder: Path) -> None:
    signing.sign()
    key = of_origin(folder, "key")
    key.write_text(SigningKey.generate(checkpoints.keys()[0].name).secret_text)
    recorded()
    assert refusal().state is State.NO_KEY


def test_a_damaged_key_is_named(folder: Path) -> None:
    signing.sign()
    of_origin(folder, "key").write_text("PRIVATE+KEY+nothing\n")
    with pytest.raises(LogNotSigned, match="The file key of the log's keys is damaged"):
        signing.sign()


def test_a_key_without_its_last_checkpoint_does_not_sign(folder: Path) -> None:
    recorded()
    signing.sign()
    of_origin(folder, "last-checkpoint").unlink()
    assert refusal().state is State.UNUSABLE


def test_a_last_checkpoint_that_nobody_signed_is_not_followed(folder: Path) -> None:
    recorded()
    signing.sign()
    last = of_origin(folder, "last-checkpoint")
    text = Note.parse(last.read_text()).text
    other = SigningKey.generate(checkpoints.keys()[0].name)
    last.write_text(str(Note(text, (other.sign(text),))))
    assert "no registered key" in str(refusal())
    last.write_text("nothing")
    assert "damaged" in str(refusal())


def test_a_folder_of_another_ledger_is_not_used(folder: Path, ledger_app: Flask) -> None:
    del ledger_app
    other = SigningKey.generate("other.example.org/0123456789abcdef")
    signed = Checkpoint(other.name, 1, bytes(32))
    theirs = KeyFolder(folder, "host", "")
    folder.mkdir()
    theirs.prepare(other, other.name)
    theirs.promote(other.name)
    note = Note(signed.text, (other.sign(signed.text),))
    theirs.set_last(other.name, Tree.EVENTS, str(note), signed)
    recorded()
    refused = refusal()
    assert refused.state is State.NO_KEY
    assert other.name in str(refused)


def test_a_key_that_was_made_and_not_registered_is_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded()
    stopped_at(monkeypatch, signing, "_register", signing.sign)
    made = SigningKey.parse(of_origin(folder, "key.next").read_text())
    signing.sign()
    assert checkpoints.keys()[0] == made.verifier
    assert not list(folder.glob("*/key.next"))


def test_the_key_of_another_ledger_that_signed_nothing_yet_is_not_taken(
    folder: Path, make_database: MakeDatabase
) -> None:
    signing.sign()
    own, _ = checkpoints.keys()
    with opened(make_database("sqlite")):
        key_folder.use(db.engine, KeyFolder(folder, "host", ""))
        recorded()
        signing.sign()
        other, _ = checkpoints.keys()
    assert other.public_key != own.public_key
    recorded()
    assert signed_size() == 1


def test_a_second_ledger_in_the_folder_of_the_first_is_told_what_to_set(
    folder: Path, make_database: MakeDatabase
) -> None:
    recorded()
    signing.sign()
    with opened(make_database("sqlite")):
        key_folder.use(db.engine, KeyFolder(folder, "host", ""))
        recorded()
        assert "each ledger needs a folder of its own: set LOG_KEYS to another path" in str(refusal())


def test_a_checkpoint_that_was_signed_and_not_stored_is_stored(
    raw: RawClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded()
    stopped_at(monkeypatch, signing, "_store", signing.sign)
    assert raw.execute("SELECT size FROM checkpoints") == []
    recorded(serial_number="VCS-2")
    signing.sign()
    assert raw.execute("SELECT size FROM checkpoints ORDER BY size") == [(1,), (2,)]


def test_a_new_key_signs_and_the_old_one_stays_valid() -> None:
    recorded()
    before = signing.sign()
    signing.rotate()
    after = checkpoints.latest()
    assert before is not None
    assert after is not None
    assert after.checkpoint == before.checkpoint
    assert after.note != before.note
    registered = checkpoints.keys()
    keys = [key for key in registered if key.name == before.checkpoint.origin]
    for key, signed in zip(keys, (before, after), strict=True):
        note = Note.parse(signed.note)
        assert [verify(each, note.text, note.signatures[0]) for each in keys] == [
            each is key for each in keys
        ]
    recorded(serial_number="VCS-2")
    assert signed_size() == 2


def test_an_interrupted_rotation_is_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded()
    signing.sign()
    stopped_at(monkeypatch, KeyFolder, "promote", signing.rotate)
    assert signed_size() == 1
    assert SigningKey.parse(of_origin(folder, "key").read_text()).verifier == checkpoints.keys()[-2]
    assert not list(folder.glob("*/key.next"))


def test_a_fork_begins_a_new_origin_that_names_where_it_left_the_old_one(folder: Path) -> None:
    recorded()
    before = signing.sign()
    assert before is not None
    added = signing.fork()
    assert added.follows == before.note
    after = checkpoints.latest()
    assert after is not None
    assert after.checkpoint.origin != before.checkpoint.origin
    assert after.checkpoint.root == before.checkpoint.root
    assert len(list(folder.glob("*/key"))) == 2


def test_threads_sign_one_after_the_other(raw: RawClient, at_once: AtOnce) -> None:
    fill(1, 10)
    assert at_once([signed_size] * 8) == [10] * 8
    assert raw.execute("SELECT size FROM checkpoints") == [(10,)]


@pytest.mark.parametrize("table", ["log_keys", "checkpoints", "cosignatures"])
def test_what_was_signed_is_never_changed(raw: RawClient, table: str) -> None:
    recorded()
    signing.sign()
    raw.execute(
        "INSERT INTO cosignatures SELECT tree, key_number, size, 'w', 'line', signed_at FROM checkpoints"
    )
    column = {"log_keys": "origin", "checkpoints": "note", "cosignatures": "line"}[table]
    assert_refused(raw, f"UPDATE {table} SET {column} = 'x'")
    assert_refused(raw, f"DELETE FROM {table}")
    assert_refused(raw, f"INSERT INTO {table} SELECT * FROM {table}")
    if raw.dialect == "sqlite":
        assert_refused(raw, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    else:
        assert_refused(raw, f"TRUNCATE {table}")


def test_nothing_is_signed_within_a_write() -> None:
    def within(_transaction: object) -> None:
        signing.sign()

    recorded()
    with pytest.raises(RuntimeError, match="nested write"):
        commit(within)
