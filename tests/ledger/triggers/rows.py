"""What the tests of raw SQL share: rows as the ledger would write them, and attempts to break it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from sqlite3 import Error as SqliteError
from typing import Any, Final

import psycopg
import pytest

from tests.fixtures.credits import recorded, retired, sold
from tests.fixtures.ledger import RawClient, connected, opened
from webapp.domain.canonical_json import encode
from webapp.domain.event import NO_PREVIOUS_HASH, Event, text_hash
from webapp.domain.lifecycle import EventType

REFUSALS: Final = (SqliteError, psycopg.Error)
LOG: Final = {
    "credits": "key",
    "events": "subject, seq",
    "splits": "subject",
    "feed": "position",
    "log_marks": "name, position",
}
AT: Final = "2026-11-20T12:00:00.000000Z"
LATER: Final = "2100-01-01T00:00:00.000000Z"

Row = Mapping[str, object]

COLUMNS = {
    "credits": (
        "key id project_name registry vintage quantity_e4 serial_number parent offset_e4 replaces".split()
    ),
    "events": "subject seq type hash body".split(),
    "feed": "position subject seq type".split(),
    "log_marks": "name position".split(),
}


@dataclass(frozen=True)
class Family:
    """A credit to split, a sold one, a split one with its lots, and a cancelled one."""

    raw: RawClient
    active: str
    sold: str
    split: str
    lots: list[str]
    cancelled: str


@dataclass(frozen=True)
class Ids:
    """A credit in each status, and one whose last event, a sale, has no position in the feed."""

    active: str
    sold: str
    retired: str
    unplaced: str


@dataclass(frozen=True)
class History:
    """A bare client of a ledger, and the credits in it."""

    raw: RawClient
    ids: Ids


def record_history(database_url: str) -> Iterator[History]:
    """Record seven events, and one more that has no position in the feed; yield a bare client."""
    with opened(database_url):
        ids = Ids(
            active=recorded(serial_number="VCS-0001"),
            sold=sold(serial_number="VCS-0002"),
            retired=retired(serial_number="VCS-0003"),
            unplaced=recorded(serial_number="VCS-0004"),
        )
    with connected(database_url) as raw:
        insert(raw, "events", event_row(raw, next_event(raw, ids.unplaced, "SOLD")))
        yield History(raw, ids)


def log_of(raw: RawClient) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of the log."""
    return {name: raw.execute(f"SELECT * FROM {name} ORDER BY {key}") for name, key in LOG.items()}


def columns_of(row: Row) -> str:
    """Return the columns and parameter placeholders of a row, for an INSERT."""
    return f"({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"


def insert(raw: RawClient, table: str, row: Row, before: str = "", after: str = "") -> None:
    """INSERT the row, with a conflict clause before INTO or after the values."""
    raw.execute(f"INSERT {before} INTO {table} {columns_of(row)} {after}", *row.values())


def assert_refused(raw: RawClient, statement: str, *values: object) -> None:
    """Execute the statement, which must fail and leave the log as it was."""
    before = log_of(raw)
    with pytest.raises(REFUSALS):
        raw.execute(statement, *values)
    assert log_of(raw) == before


@contextmanager
def rolled_back(raw: RawClient) -> Iterator[None]:
    """Try what is accepted, and take it back."""
    raw.execute("BEGIN")
    try:
        yield
    finally:
        raw.execute("ROLLBACK")


def assert_insert_refused(raw: RawClient, table: str, row: Row) -> None:
    """INSERT the row, which must fail and leave the log as it was."""
    assert_refused(raw, f"INSERT INTO {table} {columns_of(row)}", *row.values())


def assert_no_effect(raw: RawClient, statement: str, *values: object) -> None:
    """Execute the statement, which may fail, and check that the log is unchanged."""
    before = log_of(raw)
    with suppress(*REFUSALS):
        raw.execute(statement, *values)
    assert log_of(raw) == before


def key_of(raw: RawClient, credit_id: str) -> int | None:
    """Return the key of a credit, None if it is not recorded."""
    found = raw.execute("SELECT key FROM credits WHERE id = ?", bytes.fromhex(credit_id))
    return int(found[0][0]) if found else None


def next_key(raw: RawClient) -> int:
    """Return the key that the next credit gets."""
    return int(raw.execute("SELECT coalesce(max(subject), 0) + 1 FROM events")[0][0])


def subject_of(raw: RawClient, credit_id: str) -> int:
    """Return the key for events of this credit."""
    return key_of(raw, credit_id) or next_key(raw)


def event_row(raw: RawClient, event: Event, **changes: object) -> Row:
    """Return the row of an event, with some columns changed but not the text."""
    return {
        "subject": subject_of(raw, event.credit_id),
        "seq": event.seq,
        "type": str(event.type),
        "hash": bytes.fromhex(event.hash),
        "body": event.text,
        **changes,
    }


def next_event(raw: RawClient, credit_id: str, event_type: str, **changes: object) -> Event:
    """Return an event that follows the last one of its credit, with some fields changed.

    The type is not checked: the row is what the ledger would write if it wrote such a thing.
    """
    seq, last_hash = raw.execute(
        "SELECT seq, hash FROM events WHERE subject = ? ORDER BY seq DESC LIMIT 1", key_of(raw, credit_id)
    )[0]
    facts: dict[str, Any] = {
        "credit_id": credit_id,
        "seq": seq + 1,
        "type": event_type,
        "data": {"occurred_on": "2026-11-20"},
        "actor": "local",
        "recorded_at": LATER,
        "prev_hash": last_hash.hex(),
    }
    return Event(**{**facts, **changes})


def first_event(credit_id: str = "f" * 64, /, **data: object) -> Event:
    """Return a CREATED event. Data that is Ellipsis is left out."""
    stated: dict[str, Any] = {
        "project_name": "A",
        "registry": "B",
        "vintage": 2020,
        "quantity": "1",
        **data,
    }
    stated = {name: value for name, value in stated.items() if value is not ...}
    return Event(credit_id, 1, EventType.CREATED, stated, "local", AT, NO_PREVIOUS_HASH)


def row_with_text(raw: RawClient, event: Event, text: str) -> Row:
    """Return the row of an event with another stored text."""
    return event_row(raw, event, body=text, hash=bytes.fromhex(text_hash(text)))


def facts_of(event: Event) -> dict[str, Any]:
    """Return the fields in the text of the event."""
    return {
        "v": 1,
        "credit": event.credit_id,
        "seq": event.seq,
        "type": str(event.type),
        "data": dict(event.data),
        "actor": event.actor,
        "recorded_at": event.recorded_at,
        "prev_hash": event.prev_hash,
    }


def text_of(facts: dict[str, Any]) -> str:
    """Return the canonical text of event fields."""
    return encode(facts)


def put(raw: RawClient, event: Event) -> None:
    """Insert the event and its position, as the ledger does, without the projections."""
    insert(raw, "events", event_row(raw, event))
    insert(raw, "feed", feed_row(raw, event))


def feed_row(raw: RawClient, event: Event, **changes: object) -> Row:
    """Return the feed row of the event at the next position."""
    (last,) = raw.execute("SELECT max(position) FROM feed")[0]
    return {
        "position": (last or 0) + 1,
        "subject": subject_of(raw, event.credit_id),
        "seq": event.seq,
        "type": str(event.type),
        **changes,
    }
