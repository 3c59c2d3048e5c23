"""Append and read events. The only INSERT into events and feed stands here.

Whoever appends also brings what is derived up to date, in the same transaction; there is no
other way to write either.
"""

import json
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sqlalchemy import Connection, func, select

from webapp.domain.errors import BrokenLog, LedgerNotEmpty
from webapp.domain.events import Event
from webapp.domain.json_text import encode
from webapp.domain.lifecycle import STATUS_AFTER, EventType, Status
from webapp.domain.lots import flatten, units
from webapp.ledger import projections
from webapp.ledger.bulk import insert_rows
from webapp.ledger.database import lock_feed
from webapp.ledger.projections import Positioned
from webapp.ledger.tables import events, feed, splits

_SAME_EVENT: Final = (feed.c.credit_id == events.c.credit_id) & (feed.c.seq == events.c.seq)
_VERIFY: Final = "`flask verify` says which."


@dataclass(frozen=True)
class Last:
    """The last event of a credit: what the next one must follow."""

    seq: int
    type: EventType
    hash: str
    recorded_at: str

    @property
    def status(self) -> Status:
        """The credit's status since this event."""
        return STATUS_AFTER[self.type]


@dataclass(frozen=True)
class Stored:
    """An event as it lies in the log: its position, text and hash."""

    position: int
    body: str
    hash: str


def last_event(connection: Connection, credit_id: str) -> Last | None:
    """Return the last event of the credit, None where there is no such credit.

    Raises BrokenLog where it has no position in the feed: then it was not appended by this program,
    and nothing can be built on it.
    """
    row = connection.execute(
        select(events.c.seq, events.c.type, events.c.hash, events.c.recorded_at, feed.c.position)
        .join_from(events, feed, _SAME_EVENT, isouter=True)
        .where(events.c.credit_id == credit_id)
        .order_by(events.c.seq.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    if row.position is None:
        raise BrokenLog(f"An event of credit {credit_id} has no position in the feed. {_VERIFY}")
    return Last(row.seq, EventType(row.type), row.hash, row.recorded_at)


def require_whole_feed(connection: Connection) -> None:
    """Raise BrokenLog where an event has no position: whoever reads the feed would miss it."""
    recorded = connection.scalar(select(func.count()).select_from(events))
    if recorded != connection.scalar(select(func.count()).select_from(feed)):
        raise BrokenLog(f"An event has no position in the feed, or a position no event. {_VERIFY}")


def find_event(connection: Connection, credit_id: str, event_type: EventType) -> Event | None:
    """Return the credit's event of this type, of which there is at most one."""
    body = connection.scalar(
        select(events.c.body).where(events.c.credit_id == credit_id, events.c.type == event_type)
    )
    return body and parse_stored(body)


def append(connection: Connection, new: Sequence[Event]) -> None:
    """Append events, each after the last one of its credit, and apply them.

    Call it once in a transaction, as its last act: on PostgreSQL it takes the lock under which
    positions are given, and holds it until the commit. After it come only reads, and the row in
    which ``keys`` keeps the answer: who waits for that one holds nothing that is waited for.
    Positions follow the order of `new`. A writer that was overtaken gets sqlalchemy.exc.IntegrityError.
    """
    if not new:
        return
    _insert_events(connection, new)
    # From here on nobody else gives positions or applies events until this commits; and nothing
    # below waits for a lock of another writer, so there is no deadlock to be had.
    lock_feed(connection)
    _give_positions(connection, new, is_replay=False)


def restore(connection: Connection, history: Iterable[Event]) -> int:
    """Append a whole history, in feed order, to an empty ledger; return the number of events.

    The lock comes first here, so that the ledger is still empty when the first batch is written.
    Another writer that has written an event and waits for its position can then be in the way of
    the same event: PostgreSQL ends that deadlock, and the transaction is run again.
    Raises LedgerNotEmpty, and whatever reading `history` raises.
    """
    lock_feed(connection)
    if connection.scalar(select(events.c.seq).limit(1)) is not None:
        raise LedgerNotEmpty("This ledger is not empty. A history is restored into an empty one only.")
    remaining, done = units(history), 0
    while batch := list(flatten(islice(remaining, projections.BATCH))):
        _insert_events(connection, batch)
        _give_positions(connection, batch, is_replay=True)
        done += len(batch)
    return done


def read_feed(connection: Connection) -> Generator[Stored, None, None]:
    """Yield every event that has a position, in feed order, without holding all in memory.

    Close it where it may not be read to its end: the database keeps a cursor open for it.
    """
    statement = (
        select(feed.c.position, events.c.body, events.c.hash)
        .join_from(feed, events, _SAME_EVENT)
        .order_by(feed.c.position)
    )
    # As an option of this statement alone: the connection may go on to write.
    with connection.execute(statement, execution_options={"yield_per": 1000}) as rows:
        for row in rows:
            yield Stored(row.position, row.body, row.hash)


def parse_stored(body: str) -> Event:
    """Return the event whose stored text this is.

    Raises ValueError, KeyError or TypeError where the text is not one of ours; whether its bytes
    are the canonical ones is for the caller to compare.
    """
    facts = json.loads(body)
    return Event(
        credit_id=facts["credit"],
        seq=facts["seq"],
        type=EventType(facts["type"]),
        data=facts["data"],
        actor=facts["actor"],
        recorded_at=facts["recorded_at"],
        prev_hash=facts["prev_hash"],
    )


def envelope_of(split: Sequence[Event]) -> str:
    """Return what seals the events of a split, in feed order: the text in its row of splits."""
    return encode([{"hash": event.hash, "body": event.text} for event in split])


def _insert_events(connection: Connection, new: Sequence[Event]) -> None:
    # In the order of their keys, so that two imports never wait for each other in a circle.
    def insert(single: list[Event]) -> None:
        ordered = sorted(single, key=lambda event: (event.credit_id, event.seq))
        if ordered:
            insert_rows(connection, events, [_row(event) for event in ordered])

    single: list[Event] = []
    for unit in units(new):
        if unit[0].type in {EventType.SPLIT, EventType.CANCELLED}:  # what follows may build on it
            insert(single)
            single = []
        if unit[0].type is EventType.SPLIT:
            connection.execute(
                splits.insert(), {"credit_id": unit[0].credit_id, "envelope": envelope_of(unit)}
            )
        else:
            single += unit
        if unit[0].type is EventType.CANCELLED:
            insert(single)
            single = []
    insert(single)


def _give_positions(connection: Connection, new: Sequence[Event], *, is_replay: bool) -> None:
    """Put events at the end of the feed and apply them. The caller holds the lock."""
    first = 1 + (connection.scalar(select(func.max(feed.c.position))) or 0)
    entries = [Positioned(position, event) for position, event in enumerate(new, start=first)]
    insert_rows(
        connection,
        feed,
        [
            {
                "position": entry.position,
                "credit_id": entry.event.credit_id,
                "seq": entry.event.seq,
                "type": entry.event.type,
            }
            for entry in entries
        ],
    )
    projections.apply(connection, entries, is_replay=is_replay)


def _row(event: Event) -> dict[str, object]:
    return {
        "credit_id": event.credit_id,
        "seq": event.seq,
        "type": event.type,
        "actor": event.actor,
        "recorded_at": event.recorded_at,
        "prev_hash": event.prev_hash,
        "hash": event.hash,
        "body": event.text,
    }
