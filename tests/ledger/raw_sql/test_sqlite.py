"""What SQLite refuses besides: its conflict clauses, its row ids and its loose types.

The client is `sqlite3.connect(path)` with no pragma set: `foreign_keys` and `recursive_triggers`
are off, so that INSERT OR REPLACE would delete a row without firing its DELETE trigger.
"""

from collections.abc import Iterator
from itertools import product

import pytest

from tests.fixtures.ledger import MakeDatabase, RawClient
from tests.ledger.raw_sql.rows import (
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
    log_of,
    next_event,
    record_history,
)
from webapp.domain.events import Event
from webapp.domain.lifecycle import EventType

CLAUSES = ["", "OR REPLACE", "OR IGNORE", "OR ABORT", "OR FAIL", "OR ROLLBACK"]
UPSERTS = {
    "events": [
        "ON CONFLICT DO NOTHING",
        "ON CONFLICT (credit_id, seq) DO UPDATE SET actor = 'somebody'",
        "ON CONFLICT (credit_id, seq) DO UPDATE SET body = excluded.body, hash = excluded.hash",
        "ON CONFLICT (credit_id) WHERE type = 'RETIRED' DO UPDATE SET actor = 'somebody'",
        "ON CONFLICT (credit_id, seq) DO NOTHING",
    ],
    "credits": [
        "ON CONFLICT DO NOTHING",
        "ON CONFLICT (id) DO UPDATE SET quantity_e4 = 1",
    ],
    "feed": [
        "ON CONFLICT DO NOTHING",
        "ON CONFLICT (position) DO UPDATE SET seq = 1",
        "ON CONFLICT (credit_id, seq) DO UPDATE SET position = 99",
    ],
}
ANY_CLAUSE = {
    table: [*((clause, "") for clause in CLAUSES), *(("", upsert) for upsert in upserts)]
    for table, upserts in UPSERTS.items()
}


@pytest.fixture(scope="module")
def history(make_module_database: MakeDatabase) -> Iterator[History]:
    yield from record_history(make_module_database("sqlite"))


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
        attempt(raw, "events", event_row(next_event(raw, credit_id, "SOLD", seq=seq)), clauses)
        attempt(raw, "events", event_row(next_event(raw, credit_id, "RETIRED", seq=seq)), clauses)
        first = first_event(credit_id)
        attempt(raw, "events", event_row(first), clauses)


@pytest.mark.parametrize("clauses", ANY_CLAUSE["events"], ids=str)
def test_a_retirement_cannot_be_replaced_by_another(
    raw: RawClient, ids: Ids, clauses: tuple[str, str]
) -> None:
    for seq in (2, 3, 4):
        attempt(raw, "events", event_row(next_event(raw, ids.retired, "RETIRED", seq=seq)), clauses)


@pytest.mark.parametrize("clauses", ANY_CLAUSE["events"], ids=str)
@pytest.mark.parametrize("event_type", ["CREATED", "SOLD", "RETIRED"])
def test_no_clause_lets_an_event_follow_a_retirement(
    raw: RawClient, ids: Ids, event_type: str, clauses: tuple[str, str]
) -> None:
    attempt(raw, "events", event_row(next_event(raw, ids.retired, event_type)), clauses)


@pytest.mark.parametrize("clauses", ANY_CLAUSE["events"], ids=str)
@pytest.mark.parametrize(
    "data", [{"quantity": "0"}, {"vintage": 1989}, {"project_name": ...}, {"quantity": "1e3"}], ids=str
)
def test_no_clause_makes_an_event_without_its_credit(
    raw: RawClient, data: dict[str, object], clauses: tuple[str, str]
) -> None:
    attempt(raw, "events", event_row(first_event(**data)), clauses)


@pytest.mark.parametrize("clauses", ANY_CLAUSE["events"], ids=str)
@pytest.mark.parametrize("column", "credit_id seq type actor recorded_at prev_hash hash body".split())
def test_no_clause_makes_an_event_with_a_null(
    raw: RawClient, ids: Ids, column: str, clauses: tuple[str, str]
) -> None:
    row = event_row(next_event(raw, ids.active, "SOLD"), **{column: None})
    attempt(raw, "events", row, clauses)


@pytest.mark.parametrize("clauses", ANY_CLAUSE["credits"], ids=str)
def test_a_credit_cannot_be_replaced(raw: RawClient, ids: Ids, clauses: tuple[str, str]) -> None:
    for credit_id in (ids.active, ids.retired, "e" * 64, None):
        row = {
            "id": credit_id,
            "project_name": "A",
            "registry": "B",
            "vintage": 2020,
            "quantity_e4": 1,
            "serial_number": None,
        }
        attempt(raw, "credits", row, clauses)


@pytest.mark.parametrize("clauses", ANY_CLAUSE["feed"], ids=str)
def test_a_position_cannot_be_replaced(raw: RawClient, ids: Ids, clauses: tuple[str, str]) -> None:
    unplaced = Event(ids.unplaced, 2, EventType.SOLD, {}, "", "", "")
    for position in (1, 6):
        attempt(raw, "feed", feed_row(raw, unplaced, position=position), clauses)
    for position, (_, credit_id, seq, event_type) in product((1, 7, None), log_of(raw)["feed"]):
        placed = Event(credit_id, seq, EventType(event_type), {}, "", "", "")
        attempt(raw, "feed", feed_row(raw, placed, position=position), clauses)


@pytest.mark.parametrize("clause", CLAUSES[1:])
@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("events", "seq = 1"),
        ("events", "credit_id = (SELECT min(credit_id) FROM events)"),
        ("events", "body = '{}'"),
        ("events", "type = 'CREATED'"),
        ("credits", "id = (SELECT min(id) FROM credits)"),
        ("credits", "quantity_e4 = quantity_e4 + 1"),
        ("feed", "position = 1"),
        ("feed", "position = position + 1"),
    ],
)
def test_no_update_clause_changes_the_log(raw: RawClient, table: str, change: str, clause: str) -> None:
    assert_refused(raw, f"UPDATE {clause} {table} SET {change}")


@pytest.mark.parametrize("table", ["credits", "events", "feed"])
@pytest.mark.parametrize("name", ["rowid", "oid", "_rowid_"])
def test_the_log_has_no_row_ids_by_which_a_row_could_be_reached(
    raw: RawClient, table: str, name: str
) -> None:
    assert_refused(raw, f"SELECT {name} FROM {table}")
    assert_refused(raw, f"INSERT OR REPLACE INTO {table} ({name}) VALUES (1)")
    assert_refused(raw, f"DELETE FROM {table} WHERE {name} = 1")


@pytest.mark.parametrize("column", "credit_id type actor recorded_at prev_hash hash body".split())
def test_an_event_holds_texts_and_no_blobs(raw: RawClient, ids: Ids, column: str) -> None:
    row = event_row(next_event(raw, ids.active, "SOLD"))
    assert_insert_refused(raw, "events", {**row, column: str(row[column]).encode()})
    first = event_row(first_event())
    assert_insert_refused(raw, "events", {**first, column: str(first[column]).encode()})


@pytest.mark.parametrize("seq", [b"2", "two", 2.5, "2.5", b"\x02"], ids=repr)
def test_the_number_of_an_event_is_an_integer(raw: RawClient, ids: Ids, seq: object) -> None:
    row = event_row(next_event(raw, ids.active, "SOLD"), seq=seq)
    assert_insert_refused(raw, "events", row)


@pytest.mark.parametrize("position", [b"7", "seven", 7.5, b"\x07"], ids=repr)
def test_a_position_is_an_integer(raw: RawClient, ids: Ids, position: object) -> None:
    unplaced = Event(ids.unplaced, 2, EventType.SOLD, {}, "", "", "")
    assert_insert_refused(raw, "feed", feed_row(raw, unplaced, position=position))


@pytest.mark.parametrize("table", ["credits", "events", "feed"])
def test_a_temporary_table_of_the_same_name_opens_no_way_in(raw: RawClient, ids: Ids, table: str) -> None:
    raw.execute(f"CREATE TEMP TABLE {table} AS SELECT * FROM main.{table} WHERE false")
    try:
        before = [raw.execute(f"SELECT * FROM main.{name}") for name in ("credits", "events", "feed")]
        for event_type in ("SOLD", "RETIRED"):
            row = event_row(Event(ids.retired, 3, EventType(event_type), {}, "local", "2100", "1" * 64))
            assert_refused(raw, f"INSERT OR REPLACE INTO main.events {columns_of(row)}", *row.values())
        after = [raw.execute(f"SELECT * FROM main.{name}") for name in ("credits", "events", "feed")]
        assert after == before
    finally:
        raw.execute(f"DROP TABLE temp.{table}")
