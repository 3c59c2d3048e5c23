"""What the database itself refuses to raw SQL from another client, on both databases alike."""

from dataclasses import replace

import pytest

from tests.fixtures.ledger import RawClient
from tests.ledger.raw_sql.rows import (
    AT,
    History,
    Ids,
    assert_insert_refused,
    assert_refused,
    event_row,
    facts_of,
    feed_row,
    first_event,
    insert,
    log_of,
    next_event,
    rolled_back,
    row_with_text,
    text_of,
)
from webapp.domain.events import NO_HASH, Event
from webapp.domain.lifecycle import EventType

COLUMNS = {
    "credits": (
        "id project_name registry vintage quantity_e4 serial_number parent offset_e4 replaces".split()
    ),
    "events": "credit_id seq type actor recorded_at prev_hash hash body".split(),
    "feed": "position credit_id seq type".split(),
}


# First that an honest row passes, so that a refusal below is for the one thing that is wrong.


def test_an_event_that_follows_the_last_one_is_accepted(raw: RawClient, ids: Ids) -> None:
    event = next_event(raw, ids.sold, "RETIRED")
    with rolled_back(raw):
        insert(raw, "events", event_row(event))
        insert(raw, "feed", feed_row(raw, event))


def test_a_first_event_makes_its_credit(raw: RawClient) -> None:
    event = first_event(project_name="Zoë", quantity="2765.37", serial_number="S-1")
    with rolled_back(raw):
        insert(raw, "events", event_row(event))
        insert(raw, "feed", feed_row(raw, event))
        credits = raw.execute("SELECT * FROM credits WHERE id = ?", event.credit_id)
    assert credits == [(event.credit_id, "Zoë", "B", 2020, 27_653_700, "S-1", None, None, None)]


# UPDATE and DELETE


@pytest.mark.parametrize(("table", "column"), [(t, c) for t, columns in COLUMNS.items() for c in columns])
def test_no_column_of_the_log_can_be_updated(raw: RawClient, table: str, column: str) -> None:
    assert_refused(raw, f"UPDATE {table} SET {column} = {column}")


@pytest.mark.parametrize("table", COLUMNS)
def test_no_row_of_the_log_can_be_deleted(raw: RawClient, table: str) -> None:
    assert_refused(raw, f"DELETE FROM {table}")
    key = COLUMNS[table][0]
    assert_refused(raw, f"DELETE FROM {table} WHERE {key} = (SELECT max({key}) FROM {table})")


# The lifecycle


# A split is only ever inserted by its row of splits: see test_lots.
TYPES = [*EventType, "retired", "", " RETIRED"]
ALLOWED = {("active", "SOLD"), ("active", "RETIRED"), ("active", "CANCELLED"), ("sold", "RETIRED")}


@pytest.mark.parametrize("event_type", TYPES, ids=repr)
@pytest.mark.parametrize("status", ["active", "sold", "retired"])
def test_the_guards_allow_exactly_what_the_lifecycle_allows(
    raw: RawClient, ids: Ids, status: str, event_type: str
) -> None:
    row = event_row(next_event(raw, getattr(ids, status), event_type))
    if (status, event_type) in ALLOWED:
        with rolled_back(raw):
            insert(raw, "events", row)
    else:
        assert_insert_refused(raw, "events", row)


@pytest.mark.parametrize("event_type", ["SOLD", "RETIRED", "SPLIT", ""])
def test_a_first_event_that_is_not_created_is_refused(raw: RawClient, event_type: str) -> None:
    event = Event("f" * 64, 1, event_type, first_event().data, "local", AT, NO_HASH)  # type: ignore[arg-type]
    assert_insert_refused(raw, "events", event_row(event))


@pytest.mark.parametrize("seq", [-1, 0, 2, 3])
def test_a_first_event_has_the_number_one(raw: RawClient, seq: int) -> None:
    event = Event("f" * 64, seq, EventType.CREATED, first_event().data, "local", AT, NO_HASH)
    assert_insert_refused(raw, "events", event_row(event))


def test_a_first_event_follows_no_hash(raw: RawClient) -> None:
    event = Event("f" * 64, 1, EventType.CREATED, first_event().data, "local", AT, "1" * 64)
    assert_insert_refused(raw, "events", event_row(event))


@pytest.mark.parametrize("seq", [-1, 0, 1, 2, 4, 5, 2**31 - 1])
def test_the_numbers_of_events_have_no_gap_and_none_twice(raw: RawClient, ids: Ids, seq: int) -> None:
    assert_insert_refused(raw, "events", event_row(next_event(raw, ids.sold, "RETIRED", seq=seq)))


def test_an_event_must_follow_the_hash_of_the_last_one(raw: RawClient, ids: Ids) -> None:
    for prev_hash in (NO_HASH, "1" * 64):
        event = next_event(raw, ids.active, "SOLD", prev_hash=prev_hash)
        assert_insert_refused(raw, "events", event_row(event))


def test_an_event_is_not_recorded_before_the_last_one(raw: RawClient, ids: Ids) -> None:
    event = next_event(raw, ids.active, "SOLD", recorded_at="2000-01-01T00:00:00.000000Z")
    assert_insert_refused(raw, "events", event_row(event))


@pytest.fixture
def unguarded(fresh: History) -> History:
    """Take the guard of the events away, so that only constraints and indexes are left."""
    on_table = " ON events" if fresh.raw.dialect == "postgresql" else ""
    fresh.raw.execute(f"DROP TRIGGER events_guard_insert{on_table}")
    return fresh


@pytest.mark.parametrize("seq", [3, 9])
def test_the_unique_index_alone_refuses_a_second_retirement(unguarded: History, seq: int) -> None:
    event = next_event(unguarded.raw, unguarded.ids.retired, "RETIRED", seq=seq)
    assert_insert_refused(unguarded.raw, "events", event_row(event))


def test_the_primary_key_alone_refuses_a_number_twice(unguarded: History) -> None:
    event = next_event(unguarded.raw, unguarded.ids.active, "SOLD", seq=1)
    assert_insert_refused(unguarded.raw, "events", event_row(event))


def test_the_foreign_key_alone_refuses_an_event_without_its_credit(unguarded: History) -> None:
    if unguarded.raw.dialect == "sqlite":
        unguarded.raw.execute("PRAGMA foreign_keys = ON")
    event = replace(next_event(unguarded.raw, unguarded.ids.active, "SOLD"), credit_id="e" * 64)
    assert_insert_refused(unguarded.raw, "events", event_row(event))


def test_an_event_cannot_be_recorded_twice(raw: RawClient) -> None:
    for values in log_of(raw)["events"]:
        row = dict(zip(COLUMNS["events"], values, strict=True))
        assert_insert_refused(raw, "events", row)


def test_events_cannot_be_copied_from_a_select(raw: RawClient) -> None:
    columns = "seq + 1, type, actor, recorded_at, hash, hash, body FROM events"
    assert_refused(raw, f"INSERT INTO events SELECT credit_id, {columns}")
    assert_refused(raw, "INSERT INTO events SELECT * FROM events")


def test_a_statement_with_one_bad_row_records_none(raw: RawClient, ids: Ids) -> None:
    good = event_row(next_event(raw, ids.active, "SOLD"))
    bad = event_row(next_event(raw, ids.retired, "SOLD"))
    places = f"({', '.join('?' * len(good))})"
    assert_refused(
        raw,
        f"INSERT INTO events ({', '.join(good)}) VALUES {places}, {places}",
        *good.values(),
        *bad.values(),
    )


# Rows with something missing or of another kind


@pytest.mark.parametrize("column", COLUMNS["events"])
def test_an_event_has_no_null_in_it(raw: RawClient, ids: Ids, column: str) -> None:
    row = event_row(next_event(raw, ids.active, "SOLD"), **{column: None})
    assert_insert_refused(raw, "events", row)
    assert_insert_refused(raw, "events", event_row(first_event(), **{column: None}))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("credit_id", "e" * 64),
        ("type", "RETIRED"),
        ("actor", "somebody"),
        ("recorded_at", "2101-01-01T00:00:00.000000Z"),
        ("hash", ""),
        ("hash", "a" * 63),
        ("hash", "a" * 65),
        ("body", ""),
        ("body", "{}"),
        ("body", "null"),
        ("body", "not json"),
        ("body", "[1]"),
    ],
)
def test_the_columns_of_an_event_repeat_its_text(raw: RawClient, ids: Ids, column: str, value: str) -> None:
    row = event_row(next_event(raw, ids.active, "SOLD"), **{column: value})
    assert_insert_refused(raw, "events", row)


@pytest.mark.parametrize("fact", ["v", "credit", "seq", "type", "actor", "recorded_at", "prev_hash"])
@pytest.mark.parametrize("value", [..., None, "x", 7, {}], ids=repr)
def test_the_text_of_an_event_states_every_fact(raw: RawClient, ids: Ids, fact: str, value: object) -> None:
    event = next_event(raw, ids.active, "SOLD")
    facts = facts_of(event) | {fact: value}
    if value is ...:
        del facts[fact]
    assert_insert_refused(raw, "events", row_with_text(event, text_of(facts)))


@pytest.mark.parametrize(
    "data",
    [
        {"project_name": ...},
        {"project_name": None},
        {"project_name": 5},
        {"registry": ...},
        {"registry": None},
        {"registry": ["B"]},
        {"vintage": ...},
        {"vintage": None},
        {"vintage": 1989},
        {"vintage": 2101},
        {"vintage": "2020"},
        {"vintage": "year"},
        {"vintage": True},
        {"quantity": ...},
        {"quantity": None},
        {"quantity": 1},
        {"quantity": ""},
        {"quantity": "0"},
        {"quantity": "-1"},
        {"quantity": "+1"},
        {"quantity": " 1"},
        {"quantity": "01"},
        {"quantity": "1.0"},
        {"quantity": "1."},
        {"quantity": ".5"},
        {"quantity": "1e3"},
        {"quantity": "1t"},
        {"quantity": "1.00001"},
        {"quantity": "1.2.3"},
        {"quantity": "1,000"},
        {"quantity": "100000000.0001"},
        {"quantity": "9" * 30},
        {"quantity": "NaN"},
        {"quantity": "Infinity"},
        {"serial_number": None},
        {"serial_number": 5},
    ],
    ids=repr,
)
def test_a_first_event_whose_data_makes_no_credit_is_refused(raw: RawClient, data: dict[str, object]) -> None:
    assert_insert_refused(raw, "events", event_row(first_event(**data)))


@pytest.mark.parametrize("data", [..., None, [], "text", {}], ids=repr)
def test_a_first_event_without_data_is_refused(raw: RawClient, data: object) -> None:
    event = first_event()
    facts = facts_of(event) | {"data": data}
    if data is ...:
        del facts["data"]
    assert_insert_refused(raw, "events", row_with_text(event, text_of(facts)))


# Credits and positions


def test_a_credit_without_its_created_event_is_refused(raw: RawClient) -> None:
    row = dict(zip(COLUMNS["credits"], ("e" * 64, "A", "B", 2020, 10_000, *[None] * 4), strict=True))
    assert_insert_refused(raw, "credits", row)
    assert_insert_refused(raw, "credits", row | {"id": None})


def test_a_credit_cannot_be_recorded_twice(raw: RawClient, ids: Ids) -> None:
    row = dict(zip(COLUMNS["credits"], (ids.active, "A", "B", 2020, 10_000, *[None] * 4), strict=True))
    assert_insert_refused(raw, "credits", row)


def test_an_event_without_its_credit_is_refused(raw: RawClient, ids: Ids) -> None:
    event = replace(next_event(raw, ids.active, "SOLD"), credit_id="e" * 64)
    assert_insert_refused(raw, "events", event_row(event))


@pytest.mark.parametrize("position", [-1, 0, 1, 6, 8, 2**62, None])
def test_the_positions_of_the_feed_have_no_gap_and_none_twice(
    raw: RawClient, ids: Ids, position: int | None
) -> None:
    event = Event(ids.unplaced, 2, EventType.SOLD, {}, "", "", "")
    assert_insert_refused(raw, "feed", feed_row(raw, event, position=position))


@pytest.mark.parametrize(
    "changes",
    [
        {"credit_id": "e" * 64},
        {"seq": 3},
        {"type": "RETIRED"},
        {"credit_id": None},
        {"seq": None},
        {"type": None},
    ],
    ids=repr,
)
def test_a_position_is_that_of_an_event_that_there_is(
    raw: RawClient, ids: Ids, changes: dict[str, object]
) -> None:
    event = Event(ids.unplaced, 2, EventType.SOLD, {}, "", "", "")
    assert_insert_refused(raw, "feed", feed_row(raw, event, **changes))


def test_an_event_has_one_position(raw: RawClient) -> None:
    for _, credit_id, seq, event_type in log_of(raw)["feed"]:
        (last,) = raw.execute("SELECT max(position) FROM feed")[0]
        row = {"position": last + 1, "credit_id": credit_id, "seq": seq, "type": event_type}
        assert_insert_refused(raw, "feed", row)
