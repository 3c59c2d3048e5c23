"""The triggers and constraints of both databases refuse invalid raw SQL on events and credits."""

import pytest

from tests.fixtures.ledger import RawClient
from tests.ledger.triggers.rows import (
    AT,
    COLUMNS,
    History,
    Ids,
    assert_insert_refused,
    assert_refused,
    event_row,
    facts_of,
    feed_row,
    first_event,
    insert,
    key_of,
    log_of,
    next_event,
    next_key,
    rolled_back,
    row_with_text,
    text_of,
)
from webapp.domain.event import NO_PREVIOUS_HASH, Event
from webapp.domain.lifecycle import EventType

# Valid rows are accepted, so a refusal in a test below is due to its one change.


def test_an_event_that_follows_the_last_one_is_accepted(raw: RawClient, ids: Ids) -> None:
    event = next_event(raw, ids.sold, "RETIRED")
    with rolled_back(raw):
        insert(raw, "events", event_row(raw, event))
        insert(raw, "feed", feed_row(raw, event))


def test_a_first_event_makes_its_credit(raw: RawClient) -> None:
    event = first_event(project_name="Zoë", quantity="2765.37", serial_number="S-1")
    with rolled_back(raw):
        key = next_key(raw)
        insert(raw, "events", event_row(raw, event))
        insert(raw, "feed", feed_row(raw, event))
        credits = raw.execute("SELECT * FROM credits WHERE key = ?", key)
    row = (key, bytes.fromhex(event.credit_id), "Zoë", "B", 2020, 27_653_700, "S-1", None, None, None)
    assert credits == [row]


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
ALLOWED = {
    ("active", "SOLD"),
    ("active", "RETIRED"),
    ("active", "WITHDRAWN"),
    ("active", "CANCELLED"),
    ("sold", "SALE_REVERSED"),
    ("sold", "RETIRED"),
    ("sold", "WITHDRAWN"),
}


@pytest.mark.parametrize("event_type", TYPES, ids=repr)
@pytest.mark.parametrize("status", ["active", "sold", "retired"])
def test_the_guards_allow_exactly_what_the_lifecycle_allows(
    raw: RawClient, ids: Ids, status: str, event_type: str
) -> None:
    row = event_row(raw, next_event(raw, getattr(ids, status), event_type))
    if (status, event_type) in ALLOWED:
        with rolled_back(raw):
            insert(raw, "events", row)
    else:
        assert_insert_refused(raw, "events", row)


@pytest.mark.parametrize("event_type", ["SOLD", "RETIRED", "SPLIT", ""])
def test_a_first_event_that_is_not_created_is_refused(raw: RawClient, event_type: str) -> None:
    event = Event("f" * 64, 1, event_type, first_event().data, "local", AT, NO_PREVIOUS_HASH)  # type: ignore[arg-type]
    assert_insert_refused(raw, "events", event_row(raw, event))


@pytest.mark.parametrize("seq", [-1, 0, 2, 3])
def test_a_first_event_has_the_number_one(raw: RawClient, seq: int) -> None:
    event = Event("f" * 64, seq, EventType.CREATED, first_event().data, "local", AT, NO_PREVIOUS_HASH)
    assert_insert_refused(raw, "events", event_row(raw, event))


def test_a_first_event_follows_no_hash(raw: RawClient) -> None:
    event = Event("f" * 64, 1, EventType.CREATED, first_event().data, "local", AT, "1" * 64)
    assert_insert_refused(raw, "events", event_row(raw, event))


@pytest.mark.parametrize("seq", [-1, 0, 1, 2, 4, 5, 2**31 - 1])
def test_the_numbers_of_events_have_no_gap_and_none_twice(raw: RawClient, ids: Ids, seq: int) -> None:
    assert_insert_refused(raw, "events", event_row(raw, next_event(raw, ids.sold, "RETIRED", seq=seq)))


def test_an_event_must_follow_the_hash_of_the_last_one(raw: RawClient, ids: Ids) -> None:
    for prev_hash in (NO_PREVIOUS_HASH, "1" * 64):
        event = next_event(raw, ids.active, "SOLD", prev_hash=prev_hash)
        assert_insert_refused(raw, "events", event_row(raw, event))


def test_an_event_is_not_recorded_before_the_last_one(raw: RawClient, ids: Ids) -> None:
    event = next_event(raw, ids.active, "SOLD", recorded_at="2000-01-01T00:00:00.000000Z")
    assert_insert_refused(raw, "events", event_row(raw, event))


@pytest.fixture
def unguarded(fresh: History) -> History:
    """Drop the triggers on events, so that only constraints and indexes are left."""
    if fresh.raw.dialect == "postgresql":
        fresh.raw.execute("DROP TRIGGER events_guard_insert ON events")
    else:
        for name in ("events_guard_first", "events_guard_next"):
            fresh.raw.execute(f"DROP TRIGGER {name}")
    return fresh


@pytest.mark.parametrize("seq", [3, 9])
def test_the_unique_index_alone_refuses_a_second_retirement(unguarded: History, seq: int) -> None:
    event = next_event(unguarded.raw, unguarded.ids.retired, "RETIRED", seq=seq)
    assert_insert_refused(unguarded.raw, "events", event_row(unguarded.raw, event))


def test_the_primary_key_alone_refuses_a_number_twice(unguarded: History) -> None:
    event = next_event(unguarded.raw, unguarded.ids.active, "SOLD", seq=1)
    assert_insert_refused(unguarded.raw, "events", event_row(unguarded.raw, event))


def test_the_foreign_key_alone_refuses_a_position_without_its_event(fresh: History) -> None:
    raw = fresh.raw
    raw.execute(f"DROP TRIGGER feed_guard_insert{' ON feed' if raw.dialect == 'postgresql' else ''}")
    if raw.dialect == "sqlite":
        raw.execute("PRAGMA foreign_keys = ON")
    event = next_event(raw, fresh.ids.active, "SOLD")
    assert_insert_refused(raw, "feed", feed_row(raw, event))


def test_an_event_cannot_be_recorded_twice(raw: RawClient) -> None:
    for values in log_of(raw)["events"]:
        row = dict(zip(COLUMNS["events"], values, strict=True))
        assert_insert_refused(raw, "events", row)


def test_events_cannot_be_copied_from_a_select(raw: RawClient) -> None:
    assert_refused(raw, "INSERT INTO events SELECT subject, seq + 1, type, hash, body FROM events")
    assert_refused(raw, "INSERT INTO events SELECT subject + 100, seq, type, hash, body FROM events")
    assert_refused(raw, "INSERT INTO events SELECT * FROM events")


def test_a_statement_with_one_bad_row_records_none(raw: RawClient, ids: Ids) -> None:
    good = event_row(raw, next_event(raw, ids.active, "SOLD"))
    bad = event_row(raw, next_event(raw, ids.retired, "SOLD"))
    places = f"({', '.join('?' * len(good))})"
    assert_refused(
        raw,
        f"INSERT INTO events ({', '.join(good)}) VALUES {places}, {places}",
        *good.values(),
        *bad.values(),
    )


# Rows with missing values or other types


@pytest.mark.parametrize("column", COLUMNS["events"])
def test_an_event_has_no_null_in_it(raw: RawClient, ids: Ids, column: str) -> None:
    row = event_row(raw, next_event(raw, ids.active, "SOLD"), **{column: None})
    assert_insert_refused(raw, "events", row)
    assert_insert_refused(raw, "events", event_row(raw, first_event(), **{column: None}))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("type", "RETIRED"),
        ("hash", b""),
        ("hash", b"a" * 31),
        ("hash", b"a" * 33),
        ("body", ""),
        ("body", "{}"),
        ("body", "null"),
        ("body", "not json"),
        ("body", "[1]"),
    ],
)
def test_the_row_of_an_event_agrees_with_its_text(
    raw: RawClient, ids: Ids, column: str, value: object
) -> None:
    for event in (next_event(raw, ids.active, "SOLD"), first_event()):
        assert_insert_refused(raw, "events", event_row(raw, event, **{column: value}))


def test_the_text_of_an_event_is_about_the_credit_of_its_key(raw: RawClient, ids: Ids) -> None:
    event = next_event(raw, ids.active, "SOLD")
    for other in (ids.unplaced, ids.sold, "e" * 64, event.credit_id.upper(), event.credit_id[:-1]):
        row = row_with_text(raw, event, text_of(facts_of(event) | {"credit": other}))
        assert_insert_refused(raw, "events", row)


@pytest.mark.parametrize(
    "credit_id",
    ["", "f" * 63, "f" * 65, "F" * 64, "g" * 64, " " + "f" * 63, "ff" * 31 + "é", "0x" + "f" * 62],
)
def test_the_id_of_a_credit_is_64_lower_case_hexadecimal_digits(raw: RawClient, credit_id: str) -> None:
    event = first_event()
    row = row_with_text(raw, event, text_of(facts_of(event) | {"credit": credit_id}))
    assert_insert_refused(raw, "events", row)


@pytest.mark.parametrize("step", [-(2**40), -1, 1, 2, 2**40])
def test_a_new_credit_has_the_next_key(raw: RawClient, step: int) -> None:
    row = event_row(raw, first_event(), subject=next_key(raw) + step)
    assert_insert_refused(raw, "events", row)


@pytest.mark.parametrize("subject", [-1, 0, 1])
def test_a_key_is_positive_and_given_once(raw: RawClient, subject: int) -> None:
    assert_insert_refused(raw, "events", event_row(raw, first_event(), subject=subject))


def test_a_credit_has_one_key(raw: RawClient, ids: Ids) -> None:
    again = event_row(raw, first_event(ids.active), subject=next_key(raw))
    assert_insert_refused(raw, "events", again)
    moved = event_row(raw, next_event(raw, ids.active, "RETIRED"), subject=key_of(raw, ids.unplaced))
    assert_insert_refused(raw, "events", moved)


@pytest.mark.parametrize("fact", ["v", "credit", "seq", "type", "actor", "recorded_at", "prev_hash"])
@pytest.mark.parametrize("value", [..., None, "x", 7, {}], ids=repr)
def test_the_text_of_an_event_states_every_fact(raw: RawClient, ids: Ids, fact: str, value: object) -> None:
    for event in (next_event(raw, ids.active, "SOLD"), first_event()):
        facts = facts_of(event) | {fact: value}
        if value is ...:
            del facts[fact]
        if (fact, value) != ("actor", "x"):  # which would be somebody's name
            assert_insert_refused(raw, "events", row_with_text(raw, event, text_of(facts)))


@pytest.mark.parametrize(
    "recorded_at",
    [
        "2100",
        "2100-01-01",
        "2100-01-01T00:00:00Z",
        "2100-01-01 00:00:00.000000Z",
        "x100-01-01T00:00:00.000000Z",
    ],
)
def test_an_event_states_its_time_in_full(raw: RawClient, ids: Ids, recorded_at: str) -> None:
    event = next_event(raw, ids.active, "SOLD", recorded_at=recorded_at)
    assert_insert_refused(raw, "events", event_row(raw, event))


@pytest.mark.parametrize("escape", ["\\u0041", "\\u0000", "\\ud800", "\\\\\\u0041"])
def test_an_event_text_with_unicode_escapes_is_refused(raw: RawClient, ids: Ids, escape: str) -> None:
    for event in (next_event(raw, ids.active, "SOLD", data={"buyer": "name"}), first_event(registry="name")):
        text = event.text.replace('"name"', f'"{escape}"')
        assert text != event.text
        assert_insert_refused(raw, "events", row_with_text(raw, event, text))


def test_a_backslash_in_a_text_is_accepted(raw: RawClient, ids: Ids) -> None:
    buyer = 'Acme\\unlimited \\\\u0041 "\\'
    event = next_event(raw, ids.active, "SOLD", data={"buyer": buyer})
    with rolled_back(raw):
        insert(raw, "events", event_row(raw, event))
        insert(raw, "events", event_row(raw, first_event(project_name=buyer)))


@pytest.mark.parametrize("fact", ["v", "seq"])
@pytest.mark.parametrize("spelling", ["{}.0", "{}e0", '"{}"', "[{}]", "true"])
def test_a_number_of_the_text_is_an_integer(raw: RawClient, ids: Ids, fact: str, spelling: str) -> None:
    event = next_event(raw, ids.active, "SOLD")
    value = facts_of(event)[fact]
    honest = f'"{fact}":{value}'
    assert honest in event.text
    text = event.text.replace(honest, f'"{fact}":{spelling.format(value)}')
    assert_insert_refused(raw, "events", row_with_text(raw, event, text))


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
    assert_insert_refused(raw, "events", event_row(raw, first_event(**data)))


@pytest.mark.parametrize("data", [..., None, [], "text", {}], ids=repr)
def test_a_first_event_without_data_is_refused(raw: RawClient, data: object) -> None:
    event = first_event()
    facts = facts_of(event) | {"data": data}
    if data is ...:
        del facts["data"]
    assert_insert_refused(raw, "events", row_with_text(raw, event, text_of(facts)))
