"""Entries about other subjects stand in the same feed, archive and digest as the events of credits."""

from pathlib import Path

import pytest
from sqlalchemy import select

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import recorded, retired
from tests.fixtures.entries import IMPORTED, aliased, entered, imported, recorded_by_import
from tests.fixtures.ledger import MakeDatabase, RawClient, connected, opened
from tests.ledger.audit.tampering import digest, findings, tamper
from tests.ledger.histories import record_amended_trees, record_entries, record_split_trees
from tests.ledger.invariants import assert_sound
from webapp.accounts.actors import CLI, LOCAL
from webapp.domain.entry import EntryType
from webapp.domain.errors import BrokenArchive, BrokenLog, InvalidFields
from webapp.domain.lifecycle import EventType
from webapp.ledger import archive, event_log, queries
from webapp.ledger.commands import retire_credit
from webapp.ledger.group_commit import Transaction, commit
from webapp.ledger.listing import every_event, list_events
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.log_tables import subjects
from webapp.ledger.views import EntryView

LOG = "SELECT position, feed.subject, body, hash FROM feed JOIN events USING (subject, seq) ORDER BY position"
OTHER = {"sqlite": "postgresql", "postgresql": "sqlite"}


@pytest.mark.usefixtures("ledger_app")
def test_entries_and_events_share_the_positions_of_the_feed() -> None:
    first = recorded(serial_number="1")
    file = imported()
    second = recorded(serial_number="2")
    alias = aliased("verra", "VCS")
    assert [file.position, alias.position] == [2, 4]
    assert [(event.position, event.event_type) for event in list_events().items] == [
        (1, EventType.CREATED),
        (2, EntryType.IMPORTED),
        (3, EventType.CREATED),
        (4, EntryType.ALIASED),
    ]
    assert list(every_event()) == list(reversed(list_events().items))
    assert [queries.credit(each).created_position for each in (first, second)] == [1, 3]
    assert_sound()


@pytest.mark.usefixtures("ledger_app")
def test_the_entries_of_a_subject_are_a_chain() -> None:
    one = imported()
    other = aliased("verra", "VCS")
    again = entered("registry/verra", EntryType.UNALIASED, {"alias": "VCS"}, CLI)
    assert (again.key, again.entry.seq, again.entry.prev_hash) == (other.key, 2, other.entry.hash)
    assert again.key != one.key
    with reading() as connection:
        rows = connection.execute(select(subjects).order_by(subjects.c.key.desc())).all()
    assert [tuple(row) for row in rows] == [(-1, "import/12"), (-2, "registry/verra")]


@pytest.mark.usefixtures("ledger_app")
def test_the_feed_is_filtered_by_the_type_of_an_entry() -> None:
    recorded()
    aliased("verra", "VCS")
    imported()
    (found,) = list_events(EntryType.IMPORTED).items
    assert isinstance(found, EntryView)
    assert (found.subject, found.data) == ("import/12", IMPORTED)


@pytest.mark.usefixtures("ledger_app")
def test_an_entry_and_events_of_one_transaction_are_recorded_together_or_not_at_all() -> None:
    def action(transaction: Transaction) -> None:
        event_log.append_entry(transaction, "import/1", EntryType.IMPORTED, IMPORTED, LOCAL)
        event_log.append_entry(transaction, "import/2", EntryType.IMPORTED, IMPORTED, LOCAL)
        event_log.append_entry(transaction, "import/x", EntryType.IMPORTED, IMPORTED, LOCAL)

    with pytest.raises(InvalidFields):
        commit(action)
    assert list_events().items == []
    assert imported("1").key == -1
    assert_sound()


@pytest.mark.usefixtures("ledger_app")
def test_time_never_goes_back_over_entries(set_clock: SetClock) -> None:
    imported()
    set_clock.go(seconds=-90)
    recorded()
    aliased("verra", "VCS")
    times = [event.recorded_at for event in list_events().items]
    assert times == sorted(times)
    assert findings() == []


@pytest.mark.usefixtures("ledger_app")
def test_a_credit_that_an_import_records_names_it_in_its_events_and_not_in_its_id() -> None:
    credit_id = recorded_by_import("7")
    record = queries.record(credit_id)
    assert [event.data["import"] for event in record.events] == ["7", "7"]
    assert record.credit.id == recorded()
    assert record.last_counting.data == {"reason": "Buffer", "import": "7"}
    assert_sound()


@pytest.mark.usefixtures("ledger_app")
def test_a_ledger_goes_on_after_a_rebuild_with_entries() -> None:
    record_entries()
    credit_id = retired(serial_number="VCS-0009")
    archive.rebuild()
    assert queries.credit(credit_id).status == "RETIRED"
    retire_credit(recorded(serial_number="VCS-0010"), {}, LOCAL)
    imported("99")
    assert_sound()


def test_an_archive_with_entries_is_restored_byte_for_byte(
    database_url: str, dialect: str, make_database: MakeDatabase, tmp_path: Path, postgresql_server: object
) -> None:
    del postgresql_server
    path = tmp_path / "ledger.ndjson"
    with opened(database_url), connected(database_url) as raw:
        imported("1")
        record_split_trees()
        record_entries()
        record_amended_trees()
        aliased("verra", "VCU")
        kept = digest()
        archive.export_to(path)
        log, names = raw.execute(LOG), raw.execute("SELECT key, name FROM subjects ORDER BY key")
    url = make_database(OTHER[dialect])
    with opened(url), connected(url) as other:
        assert archive.restore(path) == kept == digest()
        assert other.execute(LOG) == log
        assert other.execute("SELECT key, name FROM subjects ORDER BY key") == names
        imported("2")
        assert_sound()


@pytest.mark.parametrize(
    ("line", "old", "new", "reason"),
    [
        (1, b'"rows":"3"', b'"rows":"x"', "Line 1: its data are not valid: rows"),
        (1, b'"subject":"import/12"', b'"subject":"import/0"', "Line 1: its data are not valid: subject"),
        (2, b'"VCS"', b'"VCX"', "Line 3: its prev_hash"),
        (3, b'"seq":2', b'"seq":3', "Line 3: seq 3 follows seq 1"),
        (3, b'"type":"ALIASED"', b'"type":"CREATED"', "Line 3: there is no such type"),
        (3, b'"recorded_at":"2', b'"recorded_at":"1', "Line 3: it was recorded at"),
    ],
)
def test_an_archive_with_a_changed_entry_is_refused(
    database_url: str, make_database: MakeDatabase, dialect: str, tmp_path: Path,
    line: int, old: bytes, new: bytes, reason: str,
) -> None:  # fmt: skip
    path = tmp_path / "ledger.ndjson"
    with opened(database_url):
        imported()
        aliased("verra", "VCS")
        aliased("verra", "VCU")
        archive.export_to(path)
    lines = path.read_bytes().splitlines(keepends=True)
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new)
    path.write_bytes(b"".join(lines))
    with opened(make_database(dialect)):
        with pytest.raises(BrokenArchive, match=reason):
            archive.restore(path)
        assert list_events().items == []


EDITS = {
    "UPDATE events SET body = replace(body, 'VCS', 'VCX') WHERE subject = -2": (
        "subject registry/verra, event 1: its hash is not"
    ),
    "UPDATE events SET type = 'UNALIASED' WHERE subject = -2 AND seq = 1": (
        "subject registry/verra, event 1: column type"
    ),
    "UPDATE subjects SET name = 'registry/other' WHERE key = -2": (
        "subject registry/other, event 1: its text is about another subject"
    ),
    "DELETE FROM subjects WHERE key = -1": "subject of key -1: its row in table subjects is missing",
    "INSERT INTO subjects (key, name) VALUES (-9, 'import/9')": "subject import/9: table subjects has a row",
    "DELETE FROM feed WHERE subject = -1": "subject import/12, event 1: it has no position in the feed",
    "UPDATE feed SET type = 'ALIASED' WHERE subject = -1": (
        "position 1: it says ALIASED, but its event is IMPORTED"
    ),
}


@pytest.mark.parametrize(("edit", "wrong"), EDITS.items())
@pytest.mark.usefixtures("ledger_app")
def test_verify_names_each_edit_of_an_entry(raw: RawClient, edit: str, wrong: str) -> None:
    imported()
    aliased("verra", "VCS")
    aliased("verra", "VCU")
    recorded()
    assert findings() == []
    if raw.dialect == "sqlite" and edit.startswith("DELETE FROM feed"):
        raw.execute("PRAGMA foreign_keys = OFF")
    tamper(raw, edit)
    assert any(found.startswith(wrong) for found in findings())


@pytest.mark.usefixtures("ledger_app")
def test_verify_names_a_removed_entry_and_a_position_without_its_event(raw: RawClient) -> None:
    imported()
    aliased("verra", "VCS")
    aliased("verra", "VCU")
    for statement in (
        "DELETE FROM feed WHERE subject = -2 AND seq = 1",
        "DELETE FROM events WHERE subject = -2 AND seq = 1",
    ):
        tamper(raw, statement)
    found = findings()
    assert "subject registry/verra, event 2: seq 2 follows seq 0" in found
    assert "position 3: follows position 1" in found


@pytest.mark.usefixtures("ledger_app")
def test_an_entry_without_a_position_stops_export_and_rebuild(raw: RawClient) -> None:
    imported()
    tamper(raw, "DELETE FROM feed")
    for command in (archive.rebuild, lambda: archive.export(len)):
        with pytest.raises(BrokenLog):
            command()
