"""`flask verify` of the log's tree: nodes, keys, and everything that was signed, here and elsewhere."""

from pathlib import Path

import pytest
from flask import Flask

from tests.fixtures.cli import one_line, run
from tests.fixtures.credits import recorded
from tests.fixtures.ledger import RawClient, log_keys_of
from tests.fixtures.log import fill
from tests.ledger.audit.tampering import findings, tamper
from webapp.domain.event import text_hash
from webapp.ledger import archive
from webapp.ledger.audit.log_check import Known, known_outside
from webapp.ledger.audit.verify import verify
from webapp.ledger.transparency import checkpoints, signing
from webapp.ledger.transparency.keys import SigningKey

CHANGED = "the first 5 events have another root, so the log was changed."

pytestmark = pytest.mark.usefixtures("ledger_app")


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "SIGN_EVERY_S", 0.0)


def found(known: list[Known] | None = None) -> list[str]:
    """Return what verify finds, with what lies beside the key unless other checkpoints are given."""
    wrong: list[str] = []
    verify(lambda finding: wrong.append(str(finding)), known=known_outside() if known is None else known)
    return wrong


def about_checkpoints(wrong: list[str]) -> list[str]:
    return [each for each in wrong if each.startswith("checkpoint ")]


def signed_at(*sizes: int) -> None:
    """Record credits and sign whenever the log has one of these sizes."""
    done = 0
    for size in sizes:
        fill(done + 1, size)
        signing.sign()
        done = size


def rewritten(raw: RawClient, position: int) -> None:
    """Edit the text of an event, and compute its hash anew, as an owner of the database can."""
    ((subject, body),) = raw.execute(
        "SELECT events.subject, body FROM feed JOIN events ON events.subject = feed.subject"
        " AND events.seq = feed.seq WHERE position = ?",
        position,
    )
    text = body.replace('"actor":"local"', '"actor":"cli"')
    digest = bytes.fromhex(text_hash(text))
    assert text != body
    tamper(raw, "UPDATE events SET body = ?, hash = ? WHERE subject = ?", text, digest, subject)


def test_a_signed_log_has_no_findings(raw: RawClient) -> None:
    signed_at(3, 300, 600)
    signing.rotate()
    assert found() == []
    assert raw.execute("SELECT count(*) FROM checkpoints") == [(4,)]


def test_a_wrong_or_missing_node_is_named(raw: RawClient) -> None:
    fill(1, 600)
    tamper(raw, "UPDATE log_nodes SET hash = ? WHERE place = 1", bytes(32))
    tamper(raw, "DELETE FROM log_nodes WHERE place = 0")
    row = "this row is missing, or has another hash than the log gives"
    assert findings() == [f"table log_nodes, 8/0: {row}", f"table log_nodes, 8/1: {row}"]
    archive.rebuild()
    assert findings() == []


def test_a_node_of_no_full_tile_is_named(raw: RawClient) -> None:
    fill(1, 300)
    raw.execute("INSERT INTO log_nodes (tree, level, place, hash) VALUES (0, 8, 1, ?)", bytes(32))
    assert findings() == ["table log_nodes, 8/1: the log does not give this row"]


def test_a_rewritten_event_is_found_by_the_stored_checkpoints(raw: RawClient) -> None:
    signed_at(3, 5, 6)
    rewritten(raw, 5)
    assert about_checkpoints(found([])) == [
        f"checkpoint 5 (key 1): {CHANGED} The first difference is at one of the positions 4 to 5"
    ]


def test_a_rewritten_event_is_found_by_a_checkpoint_from_elsewhere(raw: RawClient) -> None:
    signed_at(4, 5)
    rewritten(raw, 5)
    last = checkpoints.at_size(5)
    assert last is not None
    tamper(raw, "DELETE FROM checkpoints WHERE size = 5")
    known = [Known(5, last.checkpoint.root, "kept.note")]
    assert about_checkpoints(found(known)) == [
        f"checkpoint 5 (kept.note): {CHANGED} The first difference is at position 5"
    ]


def test_a_checkpoint_from_before_a_fork_names_a_range_before_it(raw: RawClient) -> None:
    signed_at(2, 4)
    left = checkpoints.at_size(4)
    assert left is not None
    rewritten(raw, 4)
    tamper(raw, "DELETE FROM checkpoints WHERE size = 4")
    signing.fork()
    recorded(serial_number="VCS-after")
    signing.sign()
    (wrong,) = about_checkpoints(found([Known(4, left.checkpoint.root, "kept.note")]))
    assert wrong.startswith("checkpoint 4 (kept.note): the first 4 events have another root")
    assert wrong.endswith("The first difference is at one of the positions 3 to 4")


def test_nodes_that_were_left_narrow_the_difference_down(raw: RawClient) -> None:
    signed_at(2, 600)
    rewritten(raw, 300)
    (wrong,) = about_checkpoints(found([]))
    assert wrong.endswith("The first difference is at one of the positions 257 to 512")
    archive.rebuild()
    (wrong,) = about_checkpoints(found([]))
    assert wrong.endswith("The first difference is at one of the positions 3 to 600")


def test_a_cut_tail_is_found_with_the_number_of_missing_events(raw: RawClient) -> None:
    signed_at(3, 5)
    tamper(raw, "DELETE FROM feed WHERE position > 3")
    assert about_checkpoints(found()) == [
        f"checkpoint 5 ({source}): the log has only 3 events: the last 2 that were signed are missing"
        for source in ("beside the key", "key 1")
    ]


def test_a_forged_checkpoint_is_named(raw: RawClient) -> None:
    signed_at(3)
    other = SigningKey.generate("other")
    note = checkpoints.latest()
    assert note is not None
    forged = note.note.replace(note.note.split()[-1], other.sign("text\n").line.split()[-1])
    tamper(raw, "UPDATE checkpoints SET note = ?", forged)
    assert found([]) == ["checkpoint 3 (key 1): its registered key did not sign it"]
    tamper(raw, "UPDATE checkpoints SET note = 'nothing'")
    assert "it is damaged" in found([])[0]


def test_a_checkpoint_under_another_size_is_named(raw: RawClient) -> None:
    signed_at(3)
    tamper(raw, "UPDATE checkpoints SET size = 2")
    assert found([]) == ["checkpoint 2 (key 1): its text is of another log or size than its row"]


def test_a_missing_key_is_named(raw: RawClient) -> None:
    signed_at(3)
    signing.rotate()
    tamper(raw, "DELETE FROM log_keys WHERE number = 1")
    assert "table log_keys, 2: the row of number 1 is missing" in found()


def test_the_command_compares_a_checkpoint_that_was_kept(
    ledger_app: Flask, tmp_path: Path, raw: RawClient
) -> None:
    signed_at(3)
    latest = checkpoints.latest()
    assert latest is not None
    kept = tmp_path / "kept.note"
    recorded(serial_number="VCS-4")
    as_mailed = (latest.note, latest.note.replace("\n", "\r\n"), f"\n{latest.note}\n", latest.note.strip())
    for text in as_mailed:
        kept.write_text(text)
        result = run(ledger_app, "verify", "--checkpoint", str(kept))
        assert result.exit_code == 0, result.output
        assert f"The first 3 events are those that {latest.checkpoint.origin} signed." in result.stderr
    rewritten(raw, 2)
    result = run(ledger_app, "verify", "--checkpoint", str(kept))
    assert result.exit_code == 1
    assert f"checkpoint 3 ({kept}): the first 3 events have another root" in result.stdout


def test_a_checkpoint_of_another_ledger_is_said_to_be_one(ledger_app: Flask, tmp_path: Path) -> None:
    signed_at(3)
    latest = checkpoints.latest()
    assert latest is not None
    text = latest.checkpoint.text
    other = SigningKey.generate(latest.checkpoint.origin)
    kept = tmp_path / "kept.note"
    kept.write_text(f"{text}\n{other.sign(text).line}\n")
    line = one_line(run(ledger_app, "verify", "--checkpoint", str(kept)))
    assert "no key that this ledger registered signed it" in line
    kept.write_text(latest.note.replace("\n3\n", "\n2\n"))
    line = one_line(run(ledger_app, "verify", "--checkpoint", str(kept)))
    assert "does not fit the text, so the file was altered" in line
    kept.write_text("nothing")
    line = one_line(run(ledger_app, "verify", "--checkpoint", str(kept)))
    assert "this is no checkpoint as /log/checkpoint gives it" in line


def test_a_background_check_knows_what_lies_beside_the_key(raw: RawClient, database_url: str) -> None:
    signed_at(3, 5)
    assert log_keys_of(database_url).is_dir()
    tamper(raw, "DELETE FROM checkpoints WHERE size = 5")
    tamper(raw, "DELETE FROM feed WHERE position > 4")
    assert [each.source for each in known_outside()] == ["beside the key"] * 3
    assert "checkpoint 5 (beside the key): the log has only 4 events" in " ".join(found())
