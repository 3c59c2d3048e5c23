"""PostgreSQL also refuses TRUNCATE, invalid COPY and MERGE, and lookalike tables in other schemas."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.fixtures.ledger import MakeDatabase, RawClient, connected
from tests.ledger.triggers.rows import (
    LATER,
    LOG,
    REFUSALS,
    History,
    Ids,
    Row,
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
)
from webapp.domain.event import Event
from webapp.domain.lifecycle import EventType

CONFLICTS = [
    "ON CONFLICT DO NOTHING",
    "ON CONFLICT (subject, seq) DO NOTHING",
    "ON CONFLICT (subject, seq) DO UPDATE SET type = 'CREATED'",
    "ON CONFLICT ON CONSTRAINT pk_events DO UPDATE SET body = excluded.body, hash = excluded.hash",
    "ON CONFLICT (subject) WHERE type = 'RETIRED' DO UPDATE SET seq = 99",
    "ON CONFLICT (subject) WHERE type = 'WITHDRAWN' DO UPDATE SET seq = 99",
]


@pytest.fixture(scope="module")
def history(make_module_database: MakeDatabase, postgresql_server: object) -> Iterator[History]:
    del postgresql_server
    yield from record_history(make_module_database("postgresql"))


@pytest.fixture
def dialect() -> str:
    return "postgresql"


def insert_refused(raw: RawClient, table: str, row: Row, after: str = "") -> None:
    assert_refused(raw, f"INSERT INTO {table} {columns_of(row)} {after}", *row.values())


@pytest.mark.parametrize("table", LOG)
@pytest.mark.parametrize("how", ["", "CASCADE", "RESTART IDENTITY CASCADE"])
def test_the_log_cannot_be_truncated(raw: RawClient, table: str, how: str) -> None:
    assert_refused(raw, f"TRUNCATE {table} {how}")


def test_the_log_cannot_be_truncated_whole(raw: RawClient) -> None:
    assert_refused(raw, "TRUNCATE feed, events, credits, splits, log_marks")


@pytest.mark.parametrize("clause", CONFLICTS)
def test_no_conflict_clause_changes_an_event(raw: RawClient, ids: Ids, clause: str) -> None:
    for credit_id, seq in ((ids.active, 1), (ids.sold, 2), (ids.retired, 2), (ids.retired, 3)):
        row = event_row(raw, next_event(raw, credit_id, "RETIRED", seq=seq))
        insert_refused(raw, "events", row, clause)
    insert_refused(raw, "events", event_row(raw, first_event(ids.active)), clause)


@pytest.mark.parametrize(
    "clause", ["ON CONFLICT DO NOTHING", "ON CONFLICT (key) DO UPDATE SET quantity_e4 = 1"]
)
def test_no_conflict_clause_changes_a_credit(raw: RawClient, ids: Ids, clause: str) -> None:
    active, retired = key_of(raw, ids.active), key_of(raw, ids.retired)
    for key in ("key", "key + 100"):
        statement = f"INSERT INTO credits SELECT {key}, id, 'A', 'B', 2020, 1 FROM credits WHERE key = ?"
        assert_refused(raw, f"{statement} ON CONFLICT (id) DO UPDATE SET vintage = 1", active)
        before = log_of(raw)
        with suppress(*REFUSALS):
            raw.execute(f"{statement} {clause}", retired)
        assert log_of(raw) == before


@pytest.mark.parametrize(
    "clause",
    [
        "ON CONFLICT DO NOTHING",
        "ON CONFLICT (position) DO UPDATE SET seq = 1",
        "ON CONFLICT (subject, seq) DO UPDATE SET position = 99",
    ],
)
@pytest.mark.parametrize("position", [1, 6, 8])
def test_no_conflict_clause_changes_a_position(raw: RawClient, ids: Ids, position: int, clause: str) -> None:
    unplaced = Event(ids.unplaced, 2, EventType.SOLD, {}, "", "", "")
    insert_refused(raw, "feed", feed_row(raw, unplaced, position=position), clause)
    placed = Event(ids.active, 1, EventType.CREATED, {}, "", "", "")
    insert_refused(raw, "feed", feed_row(raw, placed), "ON CONFLICT (subject, seq) DO UPDATE SET seq = 9")


@pytest.mark.parametrize(
    "action", ["UPDATE SET type = 'CREATED'", "DELETE", "UPDATE SET body = '{}', hash = ''"]
)
def test_merge_changes_no_event(raw: RawClient, action: str) -> None:
    assert_refused(
        raw,
        f"MERGE INTO events USING (SELECT 1) AS one ON events.type = 'RETIRED' WHEN MATCHED THEN {action}",
    )


def copy_refused(raw: RawClient, table: str, row: Row) -> None:
    before = log_of(raw)
    with (
        pytest.raises(REFUSALS),
        raw.connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(row)}) FROM STDIN") as copy,
    ):
        copy.write_row(list(row.values()))
    assert log_of(raw) == before


def test_copy_is_held_to_the_lifecycle(raw: RawClient, ids: Ids) -> None:
    copy_refused(raw, "events", event_row(raw, next_event(raw, ids.retired, "RETIRED")))
    copy_refused(raw, "events", event_row(raw, next_event(raw, ids.active, "SOLD", seq=3)))
    copy_refused(raw, "events", event_row(raw, first_event(quantity="0")))


def test_copy_makes_no_credit_and_no_position_of_its_own(raw: RawClient, ids: Ids) -> None:
    placed = Event(ids.active, 1, EventType.CREATED, {}, "", "", "")
    copy_refused(raw, "feed", feed_row(raw, placed))
    credit = {"key": next_key(raw), "id": b"e" * 32, "project_name": "A", "registry": "B"}
    copy_refused(raw, "credits", {**credit, "vintage": 2020, "quantity_e4": 1, "serial_number": None})


def pose_as_the_log(history: History, schema: str) -> None:
    """Make tables of the same names in which the retired credit is still active."""
    for table in LOG:
        history.raw.execute(f"CREATE TABLE {schema}.{table} AS SELECT * FROM public.{table}")
    history.raw.execute(f"UPDATE {schema}.events SET type = 'CREATED' WHERE type = 'RETIRED'")


def sell_the_retired(history: History) -> None:
    before = history.raw.execute("SELECT * FROM public.events ORDER BY subject, seq")
    row = event_row(history.raw, next_event(history.raw, history.ids.retired, "SOLD"))
    with pytest.raises(REFUSALS, match="may not follow"):
        history.raw.execute(f"INSERT INTO public.events {columns_of(row)}", *row.values())
    assert history.raw.execute("SELECT * FROM public.events ORDER BY subject, seq") == before


def test_temporary_tables_named_like_the_log_do_not_deceive_the_triggers(fresh: History) -> None:
    pose_as_the_log(fresh, "pg_temp")
    sell_the_retired(fresh)


def test_another_schema_in_the_search_path_does_not_deceive_the_triggers(fresh: History) -> None:
    fresh.raw.execute("CREATE SCHEMA other")
    pose_as_the_log(fresh, "other")
    fresh.raw.execute("SET search_path = other")
    sell_the_retired(fresh)


def test_deferred_constraints_are_still_enforced(raw: RawClient) -> None:
    before = log_of(raw)
    row = event_row(raw, Event("e" * 64, 2, EventType.SOLD, {}, "local", LATER, "1" * 64))
    raw.execute("BEGIN")
    raw.execute("SET CONSTRAINTS ALL DEFERRED")
    with pytest.raises(REFUSALS):
        raw.execute(f"INSERT INTO events {columns_of(row)}", *row.values())
    raw.execute("ROLLBACK")
    assert log_of(raw) == before


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_an_old_snapshot_gives_no_position_twice(fresh: History, database_url: str, level: str) -> None:
    raw = fresh.raw
    raw.execute(f"BEGIN ISOLATION LEVEL {level}")
    row = feed_row(raw, Event(fresh.ids.unplaced, 2, EventType.SOLD, {}, "", "", ""))
    with connected(database_url) as other:
        other.execute(f"INSERT INTO feed {columns_of(row)}", *row.values())
    with pytest.raises(REFUSALS):
        raw.execute(f"INSERT INTO feed {columns_of(row)}", *row.values())
    raw.execute("ROLLBACK")
