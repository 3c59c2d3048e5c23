"""Append and read events and entries. No other module inserts into the tables of the log.

Appending updates the projections in the same transaction. Events get their time under the write
lock, so the feed is in order of time.
"""

import json
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Any, Final

from sqlalchemy import Connection, func, select

from webapp.domain.account_log import AuditAction
from webapp.domain.canonical_json import encode
from webapp.domain.credit import Credit
from webapp.domain.entry import Entry, EntryType, PositionedEntry, parse_entry
from webapp.domain.errors import BrokenLog, LedgerNotEmpty
from webapp.domain.event import NO_PREVIOUS_HASH, Event, PositionedEvent, credit_from_event, time_text
from webapp.domain.lifecycle import EventType
from webapp.domain.split import flatten, group_splits
from webapp.ledger import account_entries, clock
from webapp.ledger.group_commit import Transaction
from webapp.ledger.projections.apply import BATCH, apply_events, index_for_search
from webapp.ledger.projections.entries import apply_entry
from webapp.ledger.projections.log_nodes import TILE, add_nodes
from webapp.ledger.projections.serial_index import RELEASING
from webapp.ledger.storage import statements
from webapp.ledger.storage.bulk_insert import COPIED_FROM, insert_rows
from webapp.ledger.storage.log_tables import events, feed, log_marks
from webapp.ledger.storage.transparency_tables import Tree

_SAME_EVENT: Final = (feed.c.subject == events.c.subject) & (feed.c.seq == events.c.seq)
_VERIFY: Final = "`flask verify` says which."
_TERMINAL: Final = "cli"  # the actor of commands, which alone restore
# The name of the mark (``log_tables.LogMark``) that states from where the feed is in order of time.
IN_ORDER_OF_TIME: Final = "in_order_of_time"


@dataclass(frozen=True)
class LogHead:
    """The end of the log: the last position, the highest key of a credit, and the time of the last event.

    The time is that of the last entry of the account log, if that is later.
    """

    position: int
    last_key: int
    recorded_at: str


@dataclass(frozen=True)
class StoredEvent:
    """An event as stored: its position, the key of its credit or subject, its text and its hash."""

    position: int
    key: int
    body: str
    hash: str


def log_head(transaction: Transaction) -> LogHead:
    """Return the end of the log as this transaction sees it."""
    if transaction.head is None:
        row = statements.fetch(transaction.connection, statements.LOG_HEAD)[0]
        position, last_key, body, entry_at = row
        recorded_at = json.loads(body)["recorded_at"] if body else ""
        transaction.head = LogHead(position, last_key, max(recorded_at, entry_at))
    return transaction.head


def last_position(connection: Connection) -> int:
    """Return the position of the last event, which is the number of events; 0 in an empty ledger."""
    return int(statements.fetch(connection, statements.LAST_POSITION)[0][0])


def recording_time(transaction: Transaction) -> str:
    """Return the `recorded_at` of events appended now: the clock, or the last event's time if later."""
    return max(time_text(clock.now()), log_head(transaction).recorded_at)


def require_complete_feed(connection: Connection) -> None:
    """Raise BrokenLog if an event has no position, because a reader of the feed would miss it."""
    recorded = connection.scalar(select(func.count()).select_from(events))
    if recorded != connection.scalar(select(func.count()).select_from(feed)):
        raise BrokenLog(f"An event has no position in the feed, or a position has no event. {_VERIFY}")


def append(
    transaction: Transaction,
    new: Sequence[Event],
    credits_of: Sequence[Credit] = (),
    keys: Mapping[str, int] | None = None,
) -> list[PositionedEvent]:
    """Append events, update the projections, and return the events with their positions.

    Positions follow the order of `new`. `credits_of` has the credits of the CREATED events, in order,
    and `keys` the keys of recorded credits by id; what is missing in either is parsed or looked up.
    Raises sqlalchemy.exc.IntegrityError if a constraint or a trigger refuses an event.
    """
    if not new:
        return []
    connection = transaction.connection
    placed = _positioned(transaction, new, credits_of, keys or {})
    is_plain = len(placed) < COPIED_FROM and all(map(_is_plain, placed))
    with statements.pipelined(connection) if is_plain else nullcontext():
        _insert(transaction, placed)
        apply_events(connection, placed)
    _finish_before_commit(transaction, placed)
    return placed


def append_entry(
    transaction: Transaction, subject: str, entry_type: EntryType, data: Mapping[str, object], actor: str
) -> PositionedEntry:
    """Append an entry about another subject than a credit, such as `import/12` (see ``domain.entry``).

    Raises InvalidFields.
    """
    recorded = parse_entry(subject, entry_type, data)
    key, _ = _key_of_subject(transaction.connection, subject)
    last = statements.fetch(transaction.connection, statements.LAST_ENTRY, key)
    seq, prev_hash = (last[0][0], last[0][1].hex()) if last else (0, NO_PREVIOUS_HASH)
    at = recording_time(transaction)
    return _place_entry(transaction, Entry(subject, seq + 1, entry_type, recorded, actor, at, prev_hash))


def restore(transaction: Transaction, history: Iterable[Event | Entry]) -> int:
    """Append a whole history, in feed order, to an empty ledger; return the number of events.

    The account log gets an entry of it, because the actors of these events may be of another account log.
    Raises LedgerNotEmpty, and what reading `history` raises.
    """
    connection = transaction.connection
    if connection.scalar(select(events.c.seq).limit(1)) is not None:
        raise LedgerNotEmpty("This ledger is not empty. Restore a history into an empty ledger.")
    done, is_in_order, last_at = 0, True, ""
    for batch in _batches(history):
        if isinstance(batch, Entry):
            _place_entry(transaction, batch)
        else:
            placed = _positioned(transaction, batch, (), {})
            _insert(transaction, placed)
            apply_events(connection, placed, is_replay=True)
            _finish_before_commit(transaction, placed)
        for event in [batch] if isinstance(batch, Entry) else batch:
            is_in_order, last_at = is_in_order and last_at <= event.recorded_at, event.recorded_at
            done += 1
    if not is_in_order:
        connection.execute(log_marks.insert(), {"name": IN_ORDER_OF_TIME, "position": done + 1})
    data = {"events": str(done)}
    account_entries.append(connection, _TERMINAL, AuditAction.HISTORY_RESTORED, data=data)
    return done


def _batches(history: Iterable[Event | Entry]) -> Iterator[list[Event] | Entry]:
    """Yield the history in order: events of credits in batches of whole splits, each entry by itself."""
    for is_entry, run in groupby(history, key=lambda logged: isinstance(logged, Entry)):
        if is_entry:
            yield from (logged for logged in run if isinstance(logged, Entry))
            continue
        remaining = group_splits(logged for logged in run if isinstance(logged, Event))
        while batch := list(flatten(islice(remaining, BATCH))):
            yield batch


def _place_entry(transaction: Transaction, entry: Entry) -> PositionedEntry:
    """Insert an entry and its position, and update the projections.

    A new subject gets the next key; a trigger records its name.
    """
    connection, head = transaction.connection, log_head(transaction)
    key, lowest = _key_of_subject(connection, entry.subject)
    placed = PositionedEntry(head.position + 1, key or lowest - 1, entry)
    row = (placed.key, entry.seq, str(entry.type), bytes.fromhex(entry.hash), entry.text)
    statements.send(connection, statements.INSERT_EVENT, [row])
    position = (placed.position, placed.key, entry.seq, str(entry.type))
    statements.send(connection, statements.INSERT_POSITION, [position])
    apply_entry(connection, entry)
    recorded_at = max(head.recorded_at, entry.recorded_at)
    transaction.head = replace(head, position=placed.position, recorded_at=recorded_at)
    transaction.before_commit.setdefault(_add_nodes, placed.position)
    return placed


def _key_of_subject(connection: Connection, subject: str) -> tuple[int | None, int]:
    """Return the key of a subject, None if it is new, and the lowest key of all subjects."""
    ((key, lowest),) = statements.fetch(connection, statements.SUBJECT, subject)
    return key, lowest


def _is_plain(placed: PositionedEvent) -> bool:
    """Return whether the event can be appended and applied without reading anything but its state."""
    if placed.credit:
        return placed.credit.parent is None and placed.credit.replaces is None
    return placed.event.type not in RELEASING


def _finish_before_commit(transaction: Transaction, placed: Sequence[PositionedEvent]) -> None:
    """Add new credits to the search index, and full tiles to the tree, once for the group.

    Positions only grow, so the first position in the group stays the lowest even if its action is
    rolled back.
    """
    first = placed[0].position
    transaction.before_commit.setdefault(_add_nodes, first)
    if any(each.credit for each in placed):
        transaction.before_commit.setdefault(_index_for_search, first)


def _index_for_search(transaction: Transaction, first: int) -> None:
    index_for_search(transaction.connection, first)


def _add_nodes(transaction: Transaction, first: int) -> None:
    """Store the nodes of the log's tree if a tile became full since the position before the first."""
    size = log_head(transaction).position
    if size // TILE > (first - 1) // TILE:
        add_nodes(transaction.connection, Tree.EVENTS, size)


def read_feed(connection: Connection) -> Generator[StoredEvent, None, None]:
    """Yield every event that has a position, in feed order, from a cursor.

    Close the generator if it is not read to its end, because the cursor stays open until then.
    """
    statement = (
        select(feed.c.position, feed.c.subject, events.c.body, events.c.hash)
        .join_from(feed, events, _SAME_EVENT)
        .order_by(feed.c.position)
    )
    # Set for this statement only, because the connection may be used for writes as well.
    with connection.execute(statement, execution_options={"yield_per": 1000}) as rows:
        for row in rows:
            yield StoredEvent(row.position, row.subject, row.body, row.hash)


def parse_stored(body: str) -> Event:
    """Return the event of a stored text, without checking that the text is canonical.

    Raises ValueError, KeyError or TypeError if the text is not that of an event.
    """
    return _event_of(json.loads(body))


def parse_logged(body: str) -> Event | Entry:
    """Return the event or the entry of a stored text. See `parse_stored`."""
    members = json.loads(body)
    if "subject" not in members:
        return _event_of(members)
    return Entry(
        subject=members["subject"],
        seq=members["seq"],
        type=EntryType(members["type"]),
        data=members["data"],
        actor=members["actor"],
        recorded_at=members["recorded_at"],
        prev_hash=members["prev_hash"],
    )


def _event_of(members: dict[str, Any]) -> Event:
    return Event(
        credit_id=members["credit"],
        seq=members["seq"],
        type=EventType(members["type"]),
        data=members["data"],
        actor=members["actor"],
        recorded_at=members["recorded_at"],
        prev_hash=members["prev_hash"],
    )


def envelope_of(split: Sequence[Event]) -> str:
    """Return the envelope of a split for its row of splits: its events as JSON, in feed order."""
    return encode([{"hash": event.hash, "body": event.text} for event in split])


def _positioned(
    transaction: Transaction,
    new: Sequence[Event],
    credits_of: Sequence[Credit],
    known: Mapping[str, int],
) -> list[PositionedEvent]:
    """Give each event its position and the key of its credit, and advance the transaction's head.

    A new credit gets the next key, in the same way as the trigger that creates lots gives keys.
    """
    head = log_head(transaction)
    last_key, stated = head.last_key, iter(credits_of)
    keys = _keys_of(transaction.connection, new, known)
    placed = []
    for position, event in enumerate(new, start=head.position + 1):
        credit = None
        if event.type is EventType.CREATED:
            last_key += 1
            keys[event.credit_id] = last_key
            credit = next(stated, None) or credit_from_event(event)
        placed.append(PositionedEvent(position, keys[event.credit_id], event, credit))
    transaction.head = replace(
        head,
        position=head.position + len(new),
        last_key=last_key,
        recorded_at=max(head.recorded_at, new[-1].recorded_at),
    )
    return placed


def _keys_of(connection: Connection, new: Sequence[Event], known: Mapping[str, int]) -> dict[str, int]:
    """Return the keys of the recorded credits that the events are about, by id."""
    created = {event.credit_id for event in new if event.type is EventType.CREATED}
    wanted = list({event.credit_id for event in new} - created - known.keys())
    found = dict(known)
    for start in range(0, len(wanted), BATCH):
        ids = [bytes.fromhex(credit_id) for credit_id in wanted[start : start + BATCH]]
        rows = statements.fetch(connection, statements.KEYS_OF.format(", ".join("?" * len(ids))), *ids)
        found |= {bytes(digest).hex(): key for digest, key in rows}
    return found


def _insert(transaction: Transaction, placed: Sequence[PositionedEvent]) -> None:
    """Insert events and positions.

    An event that refers to a credit is in a later statement than the CREATED event of that credit,
    because PostgreSQL runs the AFTER triggers that insert credits at the end of the statement.
    """
    connection = transaction.connection
    by_event = {id(each.event): each for each in placed}
    run: list[PositionedEvent] = []
    created: set[int] = set()
    for unit in group_splits(each.event for each in placed):
        each = by_event[id(unit[0])]
        is_split = each.event.type is EventType.SPLIT
        if is_split or each.key in created or "replaces" in each.event.data:
            _insert_events(connection, run)
            run, created = [], set()
        if is_split:
            statements.send(connection, statements.INSERT_SPLIT, [(each.key, envelope_of(unit))])
        else:
            run.append(each)
            if each.credit:
                created.add(each.key)
    _insert_events(connection, run)
    insert_rows(
        connection,
        feed,
        statements.INSERT_POSITION,
        [(each.position, each.key, each.event.seq, each.event.type) for each in placed],
    )


def _insert_events(connection: Connection, placed: Sequence[PositionedEvent]) -> None:
    rows = [
        (each.key, event.seq, event.type, bytes.fromhex(event.hash), event.text)
        for each in placed
        for event in [each.event]
    ]
    insert_rows(connection, events, statements.INSERT_EVENT, rows)
