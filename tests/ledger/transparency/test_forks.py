"""Nothing is signed that does not follow from what was signed: restored backups, lost tails, forks."""

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from tests.fixtures.credits import recorded
from tests.fixtures.ledger import RawClient, log_keys_of, opened, settings_for
from tests.fixtures.log import fill, signed_size
from tests.ledger.audit.tampering import tamper
from webapp import create_app
from webapp.domain.merkle import is_consistent
from webapp.ledger import archive
from webapp.ledger.backup import back_up
from webapp.ledger.storage.engine import reading
from webapp.ledger.transparency import checkpoints, key_folder, signing, tree
from webapp.ledger.transparency.differences import difference
from webapp.ledger.transparency.signer import CheckpointSigner
from webapp.ledger.transparency.signing import Refused, State

pytestmark = pytest.mark.usefixtures("ledger_app")


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "SIGN_EVERY_S", 0.0)


def go_back(raw: RawClient, position: int) -> None:
    """Bring the database to the state of a backup with so many events, all of them of credits."""
    for statement in (
        "DELETE FROM feed WHERE position > ?",
        "DELETE FROM events WHERE subject > ?",
        "DELETE FROM credits WHERE key > ?",
        "DELETE FROM checkpoints WHERE size > ?",
    ):
        tamper(raw, statement, position)
    archive.rebuild()


def acts_with_checkpoints(first: int, last: int) -> None:
    for number in range(first, last + 1):
        recorded(serial_number=f"VCS-{number}")
        assert signed_size() == number


def refusal() -> Refused:
    with pytest.raises(Refused) as caught:
        signing.sign()
    return caught.value


def test_a_restored_backup_signs_nothing_and_says_how_many_events_are_missing(raw: RawClient) -> None:
    acts_with_checkpoints(1, 13)
    go_back(raw, 3)
    refused = refusal()
    assert refused.state is State.BEHIND
    assert "The log has 3 events, but 13 were signed" in str(refused)
    assert "The last 10 are missing here." in str(refused)
    assert raw.execute("SELECT max(size) FROM checkpoints") == [(3,)]


def test_other_acts_after_a_restore_are_not_signed_and_the_first_is_named(raw: RawClient) -> None:
    acts_with_checkpoints(1, 13)
    go_back(raw, 3)
    for number in range(101, 106):
        recorded(serial_number=f"VCS-{number}")
    refused = refusal()
    assert refused.state is State.BEHIND
    assert "The first difference is at position 4." in str(refused)
    for number in range(106, 111):
        recorded(serial_number=f"VCS-{number}")
    refused = refusal()
    assert refused.state is State.FORKED
    assert "The first difference is at position 4." in str(refused)
    status = checkpoints.status()
    assert (status.state, status.reason) == (State.FORKED, str(refused))
    assert raw.execute("SELECT max(size) FROM checkpoints") == [(3,)]


def test_the_same_events_again_are_signed_again(raw: RawClient) -> None:
    # A backup that only lacks the rows of the last checkpoints.
    acts_with_checkpoints(1, 4)
    tamper(raw, "DELETE FROM checkpoints WHERE size > 2")
    recorded(serial_number="VCS-5")
    assert signed_size() == 5
    assert raw.execute("SELECT size FROM checkpoints ORDER BY size") == [(1,), (2,), (4,), (5,)]


def test_a_fork_after_a_restore_names_the_last_checkpoint_of_the_old_origin(raw: RawClient) -> None:
    acts_with_checkpoints(1, 6)
    before = checkpoints.latest()
    go_back(raw, 3)
    recorded(serial_number="VCS-101")
    added = signing.fork()
    assert before is not None
    assert added.follows == before.note
    assert signed_size() == 4
    recorded(serial_number="VCS-102")
    assert signed_size() == 5


def test_a_backup_of_sqlite_signs_nothing_after_later_checkpoints(tmp_path: Path, dialect: str) -> None:
    if dialect != "sqlite":
        return  # a dump of PostgreSQL is not made by the program; `go_back` stands for it above
    acts_with_checkpoints(1, 2)
    folder = key_folder.key_folder().path
    back_up(tmp_path / "backup.sqlite3")
    acts_with_checkpoints(3, 4)
    settings = settings_for(f"sqlite:///{tmp_path / 'backup.sqlite3'}")
    restored = create_app(replace(settings, log_keys=folder))
    with restored.app_context():
        assert refusal().state is State.BEHIND
        recorded(serial_number="VCS-101")
        assert "The first difference is at position 3." in str(refusal())


def test_a_database_from_before_the_first_checkpoint_needs_a_word(raw: RawClient) -> None:
    recorded()
    signing.sign()
    tamper(raw, "DELETE FROM checkpoints")
    tamper(raw, "DELETE FROM log_keys")
    refused = refusal()
    assert refused.state is State.NO_KEY
    assert "which this database does not know" in str(refused)
    assert checkpoints.status().state is State.NO_KEY
    added = signing.fork()
    assert added.follows is not None
    assert signed_size() == 1


def test_checkpoints_are_consistent_with_each_other() -> None:
    sizes = (1, 3, 255, 256, 300, 513)
    done = 0
    for size in sizes:
        fill(done + 1, size)
        done = signed_size()
    signed = [checkpoints.at_size(size) for size in sizes]
    for one in signed:
        for other in signed:
            assert one is not None
            assert other is not None
            old, new = one.checkpoint, other.checkpoint
            if old.size <= new.size:
                steps = tree.consistency(old.size, new.size)
                assert is_consistent(old.size, old.root, new.size, new.root, steps)


def test_a_difference_is_found_by_bisection() -> None:
    fill(1, 20)
    with reading() as connection:
        reader = tree.TreeReader(connection)
        right = {size: reader.root(size) for size in (2, 5, 9, 14, 20)}
        assert difference(reader, right).until is None
        for first_wrong in right:
            given = {size: root if size < first_wrong else bytes(32) for size, root in right.items()}
            found = difference(reader, given | {30: bytes(32)})
            assert found.until == first_wrong
            assert found.agreed == max([0, *(size for size in right if size < first_wrong)])


def test_the_history_beside_the_key_stays_short(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setattr(key_folder, "SIGNED_BYTES_MAX", 500)
    acts_with_checkpoints(1, 20)
    (kept,) = log_keys_of(database_url).glob("*/signed-checkpoints")
    assert kept.stat().st_size <= 500
    kept.write_text(kept.read_text() + "21 00")  # a line that a crash cut off
    sizes = list(key_folder.key_folder().signed(checkpoints.keys()[0].name, tree.Tree.EVENTS))
    assert sizes == list(range(sizes[0], 21))
    assert len(sizes) > 2


def test_the_thread_signs_what_is_new_and_says_a_reason_once(
    ledger_app: Flask, raw: RawClient, caplog: pytest.LogCaptureFixture
) -> None:
    signer = CheckpointSigner(ledger_app.app_context)
    recorded()
    signer.sign()
    signer.sign()
    assert raw.execute("SELECT size FROM checkpoints") == [(1,)]
    acts_with_checkpoints(2, 3)
    go_back(raw, 1)
    signer = CheckpointSigner(ledger_app.app_context)
    signer.sign()
    signer.sign()
    said = [record.message for record in caplog.records if "No checkpoint is signed" in record.message]
    assert len(said) == 1


def test_the_thread_leaves_a_pause_between_checkpoints(
    ledger_app: Flask, raw: RawClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "SIGN_EVERY_S", 3600.0)
    signer = CheckpointSigner(ledger_app.app_context)
    recorded()
    signer.sign()
    recorded(serial_number="VCS-2")
    signer.sign()
    assert raw.execute("SELECT size FROM checkpoints") == [(1,)]
    monkeypatch.setattr(signing, "SIGN_EVERY_S", 0.0)
    signer.sign()
    assert raw.execute("SELECT max(size) FROM checkpoints") == [(2,)]


def test_another_process_with_the_same_folder_signs_after_this_one(database_url: str) -> None:
    recorded()
    assert signed_size() == 1
    with opened(database_url):
        recorded(serial_number="VCS-2")
        assert signed_size() == 2
    assert signed_size() == 2
