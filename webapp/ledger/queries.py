"""Queries for single credits: the record, the split tree, and credits by their ids.

They return the types of ``views``. Lists are in ``listing``, totals in ``summaries``.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from sqlalchemy import Connection

from webapp.domain.credit import Credit, is_credit_id
from webapp.domain.errors import BrokenLog, UnknownCredit
from webapp.domain.event import PositionedEvent
from webapp.domain.lifecycle import EventType, Status
from webapp.ledger.event_log import parse_stored
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import Row, fetch, fetch_each
from webapp.ledger.views import (
    CreditView,
    EventView,
    Origin,
    Record,
    Relations,
    SplitNode,
    SplitTree,
    StatedFacts,
    credit_after,
    credit_of_row,
    event_of,
)

# The most credits in the tree on a page. API clients can follow `parent` and `lots` without a limit.
SPLIT_TREE_MAX: Final = 1000

# The `seq` of the sale that a lot carries over.
CARRIED_SEQ: Final = 2

_NO_POSITION: Final = "An event of credit {} has no position in the feed. `flask verify` says which."


def credit(credit_id: str) -> CreditView:
    """Return the credit. Raises UnknownCredit."""
    with reading() as connection:
        return _found(connection, credit_id)[1]


def record(credit_id: str, position: int | None = None) -> Record:
    """Return the credit with its history, oldest event first, as of a feed position; by default now.

    Raises UnknownCredit, and BrokenLog if an event of it has no position.
    """
    with reading() as connection:
        return read_record(connection, credit_id, position)


def read_record(connection: Connection, credit_id: str, position: int | None = None) -> Record:
    """Return the record as seen by an open transaction. See `record`."""
    found = read_history(connection, credit_id)
    if found is None:
        raise UnknownCredit(credit_id)
    history = [event for event in found.events if position is None or event.position <= position]
    if not history:
        raise UnknownCredit(credit_id)
    is_now = len(history) == len(found.events)
    view = found.credit if is_now else credit_after(found.credit, history)
    related: list[tuple[CreditView, Origin]] = []
    # Only a split credit has lots, and only a cancelled one has a replacement.
    if view.status in {Status.SPLIT, Status.CANCELLED}:
        related = _shown(fetch(connection, statements.RELATED, found.key, found.key))
    lots = [other for other, origin in related if origin.parent == credit_id]
    if position is not None:
        lots = _lots_at(connection, found.key, lots, position)
    replaced_by = [
        other.id
        for other, origin in related
        if origin.replaces == credit_id and (position is None or other.created_position <= position)
    ]
    inherited = tuple(event for event in found.inherited if position is None or event.position <= position)
    return Record(found.key, view, history, Relations(found.relations.origin, lots, replaced_by), inherited)


def read_history(connection: Connection, credit_id: str) -> Record | None:
    """Return the credit with its history, without lots and replacements; None if it is unknown.

    Raises BrokenLog if an event of it has no position: this program did not append that event, so no
    further event must follow it.
    """
    if not is_credit_id(credit_id):  # any text may come from a URL
        return None
    by_id = (bytes.fromhex(credit_id),)
    rows, events = fetch_each(connection, (statements.CREDIT, by_id), (statements.EVENTS, by_id))
    if not rows:
        return None
    row = rows[0]
    if not _is_shown(row):
        raise BrokenLog(_NO_POSITION.format(credit_id))
    key, (view, origin) = row[0], credit_of_row(row)
    history: list[EventView] = []
    inherited: list[StatedFacts] = []
    is_lot = origin.parent is not None
    if is_lot:
        events = fetch(connection, statements.EVENTS_OF_LOT, key)
    for event_hash, body, position in events:
        event = parse_stored(body)
        if position is None:
            raise BrokenLog(_NO_POSITION.format(event.credit_id))
        if event.credit_id == credit_id:
            history.append(event_of(event, position, event_hash.hex(), view.project_name, view.quantity_e4))
        else:
            inherited.append(StatedFacts(position, event.type, event.data))
    if is_lot and any(event.event_type is EventType.SOLD for event in history[:CARRIED_SEQ]):
        is_carried = bool(fetch(connection, statements.CARRIES_SALE, key))
        history = _with_carried_sale(history, is_carried=is_carried)
    return Record(key, view, history, Relations(origin, [], []), tuple(inherited))


def new_record(
    placed: Sequence[PositionedEvent], credit: Credit, *, is_sold: bool, parent: Record | None = None
) -> Record:
    """Return the record of a new credit from its events, without reading the database.

    `parent` is the record of the credit that a lot was split from. `is_sold` is true if that was sold:
    then the lot carries the sale over.
    """
    first = placed[0]
    view = CreditView(
        id=credit.id,
        project_name=credit.project_name,
        registry=credit.registry,
        vintage=credit.vintage,
        quantity_e4=credit.quantity_e4,
        serial_number=credit.serial_number,
        status=Status.ACTIVE,
        created_at=first.event.recorded_at,
        changed_at=first.event.recorded_at,
        created_position=first.position,
        buyer=None,
        beneficiary=None,
    )
    history = _with_carried_sale(_views_of(placed, view), is_carried=is_sold)
    origin = Origin(credit.parent, credit.offset_e4, credit.replaces)
    inherited = parent.facts_of_lots if parent else ()
    return Record(first.key, credit_after(view, history), history, Relations(origin, [], []), inherited)


def record_after(record: Record, placed: Sequence[PositionedEvent]) -> Record:
    """Return the record with further events of its credit, without reading the database."""
    history = [*record.events, *_views_of(placed, record.credit)]
    return replace(record, credit=credit_after(record.credit, history), events=history)


def lots_of(credit_id: str) -> list[CreditView]:
    """Return the lots of a credit, in order; empty if it was not split. Raises UnknownCredit."""
    with reading() as connection:
        return list(read_record(connection, credit_id).relations.lots)


def split_tree(credit_id: str, limit: int = SPLIT_TREE_MAX) -> SplitTree:
    """Return the split tree that the credit is part of, with at most `limit` nodes. Raises UnknownCredit."""
    with reading() as connection:
        key, _ = _found(connection, credit_id)
        rows = fetch(connection, statements.SPLIT_TREE, key, limit + 1)
        nodes = _tree(_shown(rows[:limit]))
        replacements = fetch(connection, statements.REPLACEMENTS, bytes.fromhex(nodes[0].credit.id))
    return SplitTree(nodes, len(rows) <= limit, [other.hex() for (other,) in replacements])


def find_credits(credit_ids: Sequence[str]) -> dict[str, CreditView]:
    """Return the recorded credits among these ids, by id."""
    wanted = [bytes.fromhex(credit_id) for credit_id in credit_ids if is_credit_id(credit_id)]
    if not wanted:
        return {}
    with reading() as connection:
        rows = fetch(connection, _marked(statements.CREDITS_OF, len(wanted)), *wanted)
    return {view.id: view for view, _ in _shown(rows)}


def _row_of(connection: Connection, credit_id: str) -> Row | None:
    if not is_credit_id(credit_id):  # any text may come from a URL
        return None
    rows = fetch(connection, statements.CREDIT, bytes.fromhex(credit_id))
    return rows[0] if rows else None


def _found(connection: Connection, credit_id: str) -> tuple[int, CreditView]:
    """Return the key and the view of a credit. Raises UnknownCredit."""
    row = _row_of(connection, credit_id)
    if row is None or not _is_shown(row):
        raise UnknownCredit(credit_id)
    return row[0], credit_of_row(row)[0]


def _shown(rows: Sequence[Row]) -> list[tuple[CreditView, Origin]]:
    return [credit_of_row(row) for row in rows if _is_shown(row)]


def _is_shown(row: Row) -> bool:
    """Return whether the credit has a state. Without one, its CREATED event has no position."""
    return row[8] is not None


def _marked(statement: str, number: int) -> str:
    """Return a statement that takes a list, with this many `?`."""
    return statement.format(", ".join("?" * number))


def _views_of(placed: Sequence[PositionedEvent], credit: CreditView) -> list[EventView]:
    return [
        event_of(each.event, each.position, each.event.hash, credit.project_name, credit.quantity_e4)
        for each in placed
    ]


def _with_carried_sale(history: list[EventView], *, is_carried: bool) -> list[EventView]:
    """Mark the second event of a lot as a sale carried over from the credit that it was split from."""
    if not is_carried:
        return history
    return [replace(event, is_carried=event.seq == CARRIED_SEQ) for event in history]


def _lots_at(
    connection: Connection, parent: int, lots: Sequence[CreditView], position: int
) -> list[CreditView]:
    """Return the lots that existed at a position, as they were then."""
    rows = fetch(connection, statements.EVENTS_OF_LOTS, parent, position)
    events = [(parse_stored(body), event_position) for body, event_position in rows]
    history = {credit_id: list(own) for credit_id, own in groupby(events, lambda each: each[0].credit_id)}
    return [
        credit_after(
            lot, [event_of(event, at, event.hash, lot.project_name, lot.quantity_e4) for event, at in own]
        )
        for lot in lots
        if (own := history.get(lot.id))
    ]


def _tree(rows: Sequence[tuple[CreditView, Origin]]) -> list[SplitNode]:
    """Return the nodes in depth-first order, by a loop, because a tree can be too deep for recursion."""
    lots: dict[str | None, list[tuple[CreditView, Origin]]] = {}
    for view, origin in sorted(rows, key=lambda row: row[1].offset_e4 or 0, reverse=True):
        lots.setdefault(origin.parent, []).append((view, origin))
    nodes: list[SplitNode] = []
    below = [(view, origin, 0, 0) for view, origin in lots.get(None, [])]
    while below:
        view, origin, parent_start_e4, depth = below.pop()
        node = SplitNode(view, origin, parent_start_e4 + (origin.offset_e4 or 0), depth)
        nodes.append(node)
        below += [(lot, place, node.start_e4, depth + 1) for lot, place in lots.get(view.id, [])]
    return nodes
