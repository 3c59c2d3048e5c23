"""SQLite also refuses changes by conflict clauses, by rowids, and with other value types.

The client is `sqlite3.connect(path)` with no pragma set: `foreign_keys` and `recursive_triggers`
are off, so that INSERT OR REPLACE would delete a row without firing its DELETE trigger.
"""

from collections.abc import Iterator
from itertools import product

import pytest

from tests.fixtures.credits import recorded
from tests.fixtures.ledger import MakeDatabase, RawClient, connected, opened
from tests.ledger.triggers.rows import (
    History,
    Ids,
    Row,
    assert_insert_refused,
    assert_no_effect,
    assert_refused,
    columns_of,
    event_row,
    feed_row,
    first_event,
    key_of,
    log_of,
    next_event,
    next_key,
    record_history,
    row_with_text,
)
from webapp.accounts.actors import LOCAL
from webapp.domain.event import Event
from webapp.domain.lifecycle import EventType
from webapp.ledger.commands import split_credit

CLAUSES = ["", "OR REPLACE", "OR IGNORE", "OR ABORT", "OR FAIL", "OR ROLLBACK"]
UPSERTS = {
    "events": [
        "ON CONFLICT DO NOTHING",
        "ON CONFLICT (subject, seq) DO UPDATE SET type = 'CREATED'",
        "ON CONFLICT (subject, seq) DO UPDATE SET body = excluded.body, hash = excluded.hash",
        "ON CONFLICT (subject) WHERE type = 'RETIRED' DO UPDATE SET seq = 99",
        "ON CONFLICT (subject) WHERE type = 'WITHDRAWN' DO UPDATE SET seq = 99",
        "ON CONFLICT (subject, seq) DO NOTHING",
    ],
    "credits": [
        "ON CONFLICT DO NOTHING",
        "ON CONFLICT (id) DO UPDATE SET quantity_e4 = 1",
        "ON CONFLICT (key) DO UPDATE SET quantity_e4 = 1",
    ],
    "splits": ["ON CONFLICT DO NOTHING", "ON CONFLICT (subject) DO UPDATE SET envelope = '[]'"],
    "feed": [
        "ON CONFLICT DO NOTHING",
        "ON CONFLICT (position) DO UPDATE SET seq = 1",
        "ON CONFLICT (subject, seq) DO UPDATE SET position = 99",
    ],
}
ANY_CLAUSE = {
    table: [*((clause, "") for clause in CLAUSES), *(("", upsert) for upsert in upserts)]
    for table, upserts in UPSERTS.items()
}


@pytest.fixture(scope="module")
def history(make_module_database: MakeDatabase) -> Iterator[History]:
    yield from record_history(make_module_database("sqlite"))


@pytest.fixture(scope="module")
def split(make_module_database: MakeDatabase) -> Iterator[RawClient]:
    """Open a bare client of a ledger with one split in it."""
    url = make_module_database("sqlite")
    with opened(url):
        split_credit(recorded(), {"quantities": ["25", "75"]}, LOCAL)
    with connected(url) as raw:
        yield raw


def attempt(raw: RawClient, table: str, row: Row, clauses: tuple[str, str]) -> None:
    """INSERT the row with the conflict clauses, which must leave the log as it was.

    OR IGNORE and DO NOTHING may pass over the row without an error; the others must fail.
    """
    before, after = clauses
    statement = f"INSERT {before} INTO {table} {columns_of(row)} {after}"
    if before == "OR IGNORE" or "NOTHING" in after:
        assert_no_effect(raw, statement, *row.values())
    else:
        assert_refused(raw, statement, *row.values())


def test_the_client_has_set_no_pragma(raw: RawClient) -> None:
    assert raw.execute("PRAGMA foreign_keys") == [(0,)]
    assert raw.execute("PRAGMA recursive_triggers") == [(0,)]


@pytest.mark.parametrize("clauses", ANY_CLAUSE["events"], ids=str)
def test_an_event_cannot_be_replaced_by_its_number(
    raw: RawClient, ids: Ids, clauses: tuple[str, str]
) -> None:
    for credit_id, seq in ((ids.active, 1), (ids.sold, 2), (ids.retired, 2), (ids.sold, 1)):
        attempt(raw, "events", event_row(raw, next_event(raw, credit_id, "SOLD", seq=seq)), clauses)
        attempt(raw, "events", event_row(raw, next_event(raw, credit_id, "RETIRED", seq=seq)), clauses)
        first = first_event(credit_id)
        attempt(raw, "events", event_row(raw, first), clauses)


@pytest.mark.parametrize("clauses", ANY_CLAUSE["events"], ids=str)
def test_a_retirement_cannot_be_replaced_by_another(
    raw: RawClient, ids: Ids, clauses: tuple[str, str]
) -> None:
    for seq in (2, 3, 4):
        attempt(raw, "events", event_row(raw, next_event(raw, ids.retired, "RETIRED", seq=seq)), clauses)


@pytest.mark.parametrize("clauses", ANY_CLAUSE["events"], ids=str)
@pytest.mark.parametrize("event_type", ["CREATED", "SOLD", "RETIRED", "WITHDRAWN"])
def test_no_clause_lets_an_event_follow_a_retirement(
    raw: RawClient, ids: Ids, event_type: str, clauses: tuple[str, str]
) -> None:
    attempt(raw, "events", event_row(raw, next_event(raw, ids.retired, event_type)), clauses)


@pytest.mark.parametrize("clauses", ANY_CLAUSE["events"], ids=str)
@pytest.mark.parametrize(
    "data", [{"quantity": "0"}, {"vintage": 1989}, {"project_name": ...}, {"quantity": "1e3"}], ids=str
)
def test_no_clause_makes_an_event_without_its_credit(
    raw: RawClient, data: dict[str, object], clauses: tuple[str, str]
) -> None:
    attempt(raw, "events", event_row(raw, first_event(**data)), clauses)


@pytest.mark.parametrize("clauses", ANY_CLAUSE["events"], ids=str)
@pytest.mark.parametrize("column", "subject seq type hash body".split())
def test_no_clause_makes_an_event_with_a_null(
    raw: RawClient, ids: Ids, column: str, clauses: tuple[str, str]
) -> None:
    row = event_row(raw, next_event(raw, ids.active, "SOLD"), **{column: None})
    attempt(raw, "events", row, clauses)


@pytest.mark.parametrize("clauses", ANY_CLAUSE["credits"], ids=str)
def test_a_credit_cannot_be_replaced(raw: RawClient, ids: Ids, clauses: tuple[str, str]) -> None:
    key, credit_id = key_of(raw, ids.active), bytes.fromhex(ids.active)
    for its_key, its_id in (
        (key, credit_id),
        (key, b"e" * 32),
        (key_of(raw, ids.retired), credit_id),
        (next_key(raw), credit_id),
        (next_key(raw), b"e" * 32),
        (None, b"e" * 32),
        (None, None),
    ):
        row = {
            "key": its_key,
            "id": its_id,
            "project_name": "A",
            "registry": "B",
            "vintage": 2020,
            "quantity_e4": 1,
            "serial_number": None,
        }
        attempt(raw, "credits", row, clauses)


@pytest.mark.parametrize("clauses", ANY_CLAUSE["events"], ids=str)
def test_a_new_credit_replaces_none_by_its_id_or_its_key(
    raw: RawClient, ids: Ids, clauses: tuple[str, str]
) -> None:
    first = first_event(ids.retired)
    for subject in (next_key(raw), key_of(raw, ids.active), next_key(raw) + 1):
        attempt(raw, "events", event_row(raw, first, subject=subject), clauses)
        attempt(raw, "events", event_row(raw, first_event(vintage=1989), subject=subject), clauses)


@pytest.mark.parametrize("clauses", ANY_CLAUSE["splits"], ids=str)
def test_a_split_cannot_be_replaced(split: RawClient, clauses: tuple[str, str]) -> None:
    ((subject, envelope),) = split.execute("SELECT subject, envelope FROM splits")
    for text in (envelope, "[]", None):
        attempt(split, "splits", {"subject": subject, "envelope": text}, clauses)
        attempt(split, "splits", {"rowid": subject, "envelope": text}, clauses)


@pytest.mark.parametrize("clauses", ANY_CLAUSE["feed"], ids=str)
def test_a_position_cannot_be_replaced(raw: RawClient, ids: Ids, clauses: tuple[str, str]) -> None:
    unplaced = Event(ids.unplaced, 2, EventType.SOLD, {}, "", "", "")
    for position in (1, 6):
        attempt(raw, "feed", feed_row(raw, unplaced, position=position), clauses)
    for position, (_, subject, seq, event_type) in product((1, 7, None), log_of(raw)["feed"]):
        row = {"position": position, "subject": subject, "seq": seq, "type": event_type}
        attempt(raw, "feed", row, clauses)


@pytest.mark.parametrize("clause", CLAUSES[1:])
@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("events", "seq = 1"),
        ("events", "subject = (SELECT min(subject) FROM events)"),
        ("events", "body = '{}'"),
        ("events", "type = 'CREATED'"),
        ("credits", "id = (SELECT min(id) FROM credits)"),
        ("credits", "key = (SELECT min(key) FROM credits)"),
        ("credits", "rowid = rowid + 100"),
        ("credits", "quantity_e4 = quantity_e4 + 1"),
        ("feed", "position = 1"),
        ("feed", "position = position + 1"),
        ("feed", "_rowid_ = 1"),
        ("log_marks", "position = 99"),
    ],
)
def test_no_update_clause_changes_the_log(raw: RawClient, table: str, change: str, clause: str) -> None:
    assert_refused(raw, f"UPDATE {clause} {table} SET {change}")


ROW_IDS = ["rowid", "oid", "_rowid_"]


@pytest.mark.parametrize("table", ["events", "log_marks"])
@pytest.mark.parametrize("name", ROW_IDS)
def test_a_table_without_rowid_cannot_be_addressed_by_one(raw: RawClient, table: str, name: str) -> None:
    assert_refused(raw, f"SELECT {name} FROM {table}")
    assert_refused(raw, f"INSERT OR REPLACE INTO {table} ({name}) VALUES (1)")
    assert_refused(raw, f"DELETE FROM {table} WHERE {name} = 1")


@pytest.mark.parametrize("table", ["credits", "feed"])
@pytest.mark.parametrize("name", ROW_IDS)
def test_a_row_cannot_be_changed_by_its_row_id(raw: RawClient, table: str, name: str) -> None:
    columns = [column for _, column, *_ in raw.execute(f"PRAGMA table_info({table})")][1:]
    copied = f"{name}, {', '.join(columns)}"
    for key in (1, 2, "max(1, rowid - 1)", "rowid + 100", "NULL", "-1"):
        assert_refused(
            raw,
            f"INSERT OR REPLACE INTO {table} ({copied}) SELECT {key}, {', '.join(columns)} FROM {table}",
        )
    assert_refused(raw, f"UPDATE {table} SET {columns[0]} = {columns[0]} WHERE {name} = 1")
    assert_refused(raw, f"UPDATE OR REPLACE {table} SET {name} = 2 WHERE {name} = 1")
    assert_refused(raw, f"DELETE FROM {table} WHERE {name} = 1")


@pytest.mark.parametrize("column", ["type", "body"])
def test_the_texts_of_an_event_are_no_blobs(raw: RawClient, ids: Ids, column: str) -> None:
    for event in (next_event(raw, ids.active, "SOLD"), first_event()):
        row = event_row(raw, event)
        assert_insert_refused(raw, "events", {**row, column: str(row[column]).encode()})


@pytest.mark.parametrize("spelling", ["'{}'", "'" + "a" * 32 + "'", "zeroblob(31)", "1", "0.5"])
def test_the_hash_of_an_event_is_a_blob(raw: RawClient, ids: Ids, spelling: str) -> None:
    for event in (next_event(raw, ids.active, "SOLD"), first_event()):
        row = {name: value for name, value in event_row(raw, event).items() if name != "hash"}
        marks = ", ".join("?" * len(row))
        statement = f"INSERT INTO events ({', '.join(row)}, hash) VALUES ({marks}, {spelling})"
        assert_refused(raw, statement.replace("{}", event.hash), *row.values())


@pytest.mark.parametrize("subject", [b"5", "five", 5.5, "5.5", b"\x05", 2**62], ids=repr)
def test_the_key_of_a_credit_is_an_integer(raw: RawClient, subject: object) -> None:
    assert next_key(raw) == 5
    assert_insert_refused(raw, "events", event_row(raw, first_event(), subject=subject))


@pytest.mark.parametrize("seq", [b"2", "two", 2.5, "2.5", b"\x02"], ids=repr)
def test_the_number_of_an_event_is_an_integer(raw: RawClient, ids: Ids, seq: object) -> None:
    row = event_row(raw, next_event(raw, ids.active, "SOLD"), seq=seq)
    assert_insert_refused(raw, "events", row)


@pytest.mark.parametrize("position", [b"7", "seven", 7.5, b"\x07"], ids=repr)
def test_a_position_is_an_integer(raw: RawClient, ids: Ids, position: object) -> None:
    unplaced = Event(ids.unplaced, 2, EventType.SOLD, {}, "", "", "")
    assert_insert_refused(raw, "feed", feed_row(raw, unplaced, position=position))


@pytest.mark.parametrize("first", [b"11", "eleven", 11.5, None], ids=repr)
def test_the_numbers_of_a_block_are_integers(raw: RawClient, ids: Ids, first: object) -> None:
    row = {
        "credit": key_of(raw, ids.active),
        "series": "s",
        "first": first,
        "last": 20,
        "size_class": 4,
        "is_held": 1,
    }
    for changes in ({}, {"first": 1, "last": first}, {"first": 1, "credit": first}):
        assert_refused(
            raw, f"INSERT OR REPLACE INTO serial_blocks {columns_of(row)}", *{**row, **changes}.values()
        )
    assert raw.execute("SELECT * FROM serial_blocks") == []


def test_a_text_with_a_key_twice_states_the_first_of_its_values(raw: RawClient, ids: Ids) -> None:
    event = next_event(raw, ids.active, "SOLD")
    for fact, value in (("seq", "9"), ("type", '"RETIRED"'), ("credit", f'"{"e" * 64}"')):
        text = f'{{"{fact}":{value},{event.text[1:]}'
        assert_insert_refused(raw, "events", row_with_text(raw, event, text))


@pytest.mark.parametrize("table", ["credits", "events", "feed"])
def test_a_temporary_table_of_the_same_name_does_not_bypass_the_triggers(
    raw: RawClient, ids: Ids, table: str
) -> None:
    rows = [event_row(raw, next_event(raw, ids.retired, event_type)) for event_type in ("SOLD", "RETIRED")]
    raw.execute(f"CREATE TEMP TABLE {table} AS SELECT * FROM main.{table} WHERE false")
    try:
        before = [raw.execute(f"SELECT * FROM main.{name}") for name in ("credits", "events", "feed")]
        for row in rows:
            assert_refused(raw, f"INSERT OR REPLACE INTO main.events {columns_of(row)}", *row.values())
        after = [raw.execute(f"SELECT * FROM main.{name}") for name in ("credits", "events", "feed")]
        assert after == before
    finally:
        raw.execute(f"DROP TABLE temp.{table}")
