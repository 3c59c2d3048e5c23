"""The triggers of both databases hold entries about other subjects than credits in raw SQL."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.fixtures.credits import recorded
from tests.fixtures.entries import IMPORTED, aliased, imported
from tests.fixtures.ledger import DIALECTS, MakeDatabase, RawClient, connected, opened
from tests.ledger.triggers.rows import (
    AT,
    LATER,
    History,
    assert_insert_refused,
    assert_no_effect,
    assert_refused,
    event_row,
    first_event,
    insert,
    next_event,
    rolled_back,
)
from webapp.domain.entry import Entry, EntryType
from webapp.domain.event import NO_PREVIOUS_HASH

SUBJECTS = "SELECT key, name FROM subjects ORDER BY key DESC"


@pytest.fixture(scope="module", params=DIALECTS)
def raw(request: pytest.FixtureRequest, make_module_database: MakeDatabase) -> Iterator[RawClient]:
    """Record two subjects, one of them with two entries, and a credit; yield a bare client."""
    url = make_module_database(request.param)
    with opened(url):
        imported()
        aliased("verra", "VCS")
        aliased("verra", "VCU")
        recorded()
    with connected(url) as client:
        yield client


def row_of(entry: Entry, key: int, **changes: object) -> dict[str, object]:
    return {
        "subject": key,
        "seq": entry.seq,
        "type": str(entry.type),
        "hash": bytes.fromhex(entry.hash),
        "body": entry.text,
        **changes,
    }


def first(changes: dict[str, Any] | None = None) -> Entry:
    facts = Entry("import/13", 1, EntryType.IMPORTED, IMPORTED, "local", AT, NO_PREVIOUS_HASH)
    return replace(facts, **changes or {})


def following(raw: RawClient, changes: dict[str, Any] | None = None) -> Entry:
    """Return an entry that follows the last one about registry/verra, with some fields changed."""
    (digest,) = raw.execute("SELECT hash FROM events WHERE subject = -2 AND seq = 2")[0]
    facts = Entry("registry/verra", 3, EntryType.UNALIASED, {"alias": "VCS"}, "local", LATER, digest.hex())
    return replace(facts, **changes or {})


def test_a_first_entry_makes_its_subject_and_another_one_follows(raw: RawClient) -> None:
    with rolled_back(raw):
        insert(raw, "events", row_of(first(), -3))
        insert(raw, "events", row_of(following(raw), -2))
        position = {"subject": -3, "seq": 1, "type": "IMPORTED"}
        (last,) = raw.execute("SELECT max(position) FROM feed")[0]
        insert(raw, "feed", {"position": last + 1, **position})
        assert raw.execute(SUBJECTS) == [(-1, "import/12"), (-2, "registry/verra"), (-3, "import/13")]


@pytest.mark.parametrize("column", ["key", "name"])
def test_no_subject_can_be_updated_or_deleted(raw: RawClient, column: str) -> None:
    assert_refused(raw, f"UPDATE subjects SET {column} = {column}")
    assert_refused(raw, "DELETE FROM subjects")
    if raw.dialect == "postgresql":
        assert_refused(raw, "TRUNCATE subjects")
    assert raw.execute(SUBJECTS) == [(-1, "import/12"), (-2, "registry/verra")]


@pytest.mark.parametrize("row", [(-3, "import/13"), (-1, "import/13"), (-9, "x"), (1, "x"), (0, "x")])
def test_no_subject_is_made_without_its_first_entry(raw: RawClient, row: tuple[int, str]) -> None:
    assert_insert_refused(raw, "subjects", dict(zip(("key", "name"), row, strict=True)))
    assert_no_effect(raw, "INSERT INTO subjects (key, name) VALUES (?, ?) ON CONFLICT DO NOTHING", *row)
    if raw.dialect == "sqlite":
        assert_refused(raw, "INSERT OR REPLACE INTO subjects (key, name) VALUES (?, ?)", *row)
    assert raw.execute(SUBJECTS) == [(-1, "import/12"), (-2, "registry/verra")]


@pytest.mark.parametrize("key", [-5, -4, -2, -1, 0, 1, 2, 9])
def test_a_new_subject_has_the_next_key(raw: RawClient, key: int) -> None:
    assert_insert_refused(raw, "events", row_of(first(), key))


def test_a_subject_has_one_key(raw: RawClient) -> None:
    assert_insert_refused(raw, "events", row_of(first({"subject": "import/12"}), -3))


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": 0},
        {"seq": 2},
        {"prev_hash": "1" * 64},
        {"recorded_at": "today"},
        {"type": "CREATED"},
        {"type": "RETIRED"},
        {"type": "SEEN"},
        {"type": ""},
        {"type": EntryType.ALIASED},
        {"subject": "party/1"},
        {"subject": "registry/verra"},
        {"subject": "import"},
        {"subject": ""},
    ],
    ids=repr,
)
def test_a_first_entry_that_breaks_a_rule_is_refused(raw: RawClient, changes: dict[str, Any]) -> None:
    assert_insert_refused(raw, "events", row_of(first(changes), -3))


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": 1},
        {"seq": 2},
        {"seq": 4},
        {"prev_hash": "1" * 64},
        {"prev_hash": NO_PREVIOUS_HASH},
        {"recorded_at": "2000-01-01T00:00:00.000000Z"},
        {"subject": "registry/other"},
        {"type": EntryType.IMPORTED},
        {"type": "SPLIT"},
    ],
    ids=repr,
)
def test_an_entry_that_does_not_follow_the_last_one_is_refused(
    raw: RawClient, changes: dict[str, Any]
) -> None:
    assert_insert_refused(raw, "events", row_of(following(raw, changes), -2))


@pytest.mark.parametrize(
    ("fact", "spelling"),
    [
        ('"v":1', '"v":"1"'),
        ('"v":1', '"v":2'),
        ('"seq":3', '"seq":4'),
        ('"type":"UNALIASED"', '"type":"ALIASED"'),
        ('"actor":"local"', '"actor":1'),
        ('"subject":"registry/verra"', '"subject":["registry/verra"]'),
        ('"subject":"registry/verra"', '"subject":"registry\\u002fverra"'),
        ('"data":{"alias":"VCS"}', '"data":[]'),
        ('"v":1}', '"v":1'),
    ],
)
def test_the_text_of_an_entry_agrees_with_its_row(raw: RawClient, fact: str, spelling: str) -> None:
    entry = following(raw)
    assert fact in entry.text
    row = row_of(entry, -2, body=entry.text.replace(fact, spelling))
    assert_insert_refused(raw, "events", row)


@pytest.mark.parametrize("changes", [{"hash": b"1" * 31}, {"body": ""}], ids=repr)
def test_an_entry_has_a_hash_and_a_text(raw: RawClient, changes: dict[str, object]) -> None:
    assert_insert_refused(raw, "events", row_of(following(raw), -2, **changes))


def test_an_event_of_a_credit_has_no_key_of_a_subject_nor_the_other_way_round(raw: RawClient) -> None:
    ((credit_id,),) = raw.execute("SELECT id FROM credits")
    event = next_event(raw, credit_id.hex(), "RETIRED")
    assert_insert_refused(raw, "events", event_row(raw, event, subject=-2))
    assert_insert_refused(raw, "events", event_row(raw, first_event(), subject=-3))
    for key in (1, 2):
        assert_insert_refused(raw, "events", row_of(following(raw), key))


def test_an_entry_cannot_be_replaced(raw: RawClient) -> None:
    if raw.dialect == "sqlite":
        row = row_of(following(raw, {"seq": 2}), -2)
        statement = "INSERT OR REPLACE INTO events (subject, seq, type, hash, body) VALUES (?, ?, ?, ?, ?)"
        assert_refused(raw, statement, *row.values())
    assert_refused(raw, "UPDATE events SET seq = seq WHERE subject < 0")
    assert_refused(raw, "DELETE FROM events WHERE subject < 0")


def test_the_first_credit_after_an_entry_has_the_key_one(raw: RawClient) -> None:
    assert raw.execute("SELECT key FROM credits") == [(1,)]


def test_the_first_entry_of_a_ledger_with_credits_has_the_key_minus_one(fresh: History) -> None:
    insert(fresh.raw, "events", row_of(first(), -1))
    assert fresh.raw.execute(SUBJECTS) == [(-1, "import/13")]
