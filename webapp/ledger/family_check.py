"""What hangs together between credits: a split and its lots, a replacement and what it replaces.

`flask verify` asks it of the ledger, `flask restore` of what it has just written. Each history by
itself is checked in ``history_check``. Nothing is written here.
"""

from collections.abc import Mapping
from contextlib import nullcontext, suppress
from typing import Any

from sqlalchemy import Connection, Row, exists, func, select

from webapp.domain.errors import InvalidFields, UnknownCredit
from webapp.domain.events import Event
from webapp.domain.lifecycle import EventType
from webapp.domain.lots import blocks_of, lots_of, quantities_of, split_events
from webapp.ledger.findings import Finding, Report
from webapp.ledger.history_check import Stream
from webapp.ledger.log import envelope_of, parse_stored
from webapp.ledger.places import place_of
from webapp.ledger.projections import credit_of
from webapp.ledger.tables import credits, events, feed, splits


def check_families(connection: Connection, stream: Stream, report: Report) -> None:
    """Check that each split made its lots and nothing else, and what each replacement replaces."""
    for row in stream(select(splits).order_by(splits.c.credit_id)):
        _check_split(connection, row, report)
    unsealed = ~exists().where(splits.c.credit_id == events.c.credit_id)
    for row in stream(select(events.c.credit_id).where(events.c.type == EventType.SPLIT, unsealed)):
        report(Finding(f"credit {row.credit_id}", "it was split, and table splits has no row of it"))
    unsealed = ~exists().where(splits.c.credit_id == credits.c.parent)
    for row in stream(select(credits.c.id, credits.c.parent).where(credits.c.parent.is_not(None), unsealed)):
        report(Finding(f"credit {row.id}", f"it is a lot of {row.parent}, which table splits does not split"))
    for row in stream(_select_replacements()):
        if row.cancelled is None or row.created is None or row.cancelled > row.created:
            wrong = f"it replaces {row.replaces}, which was not cancelled before"
            report(Finding(f"credit {row.id}", wrong))
    twice = select(credits.c.replaces).where(credits.c.replaces.is_not(None))
    twice = twice.group_by(credits.c.replaces).having(func.count() > 1)
    for row in stream(twice.order_by(credits.c.replaces)):
        report(Finding(f"credit {row.replaces}", "it is replaced more than once"))


def _check_split(connection: Connection, row: Row[Any], report: Report) -> None:
    """Make the lots again from the credit and the quantities; all that is stored must be the same."""
    place = f"credit {row.credit_id}"
    try:
        ways = _expected_events(connection, row.credit_id)
    except InvalidFields as refusal:
        report(Finding(place, f"its lots do not partition it: {refusal}"))
        return
    except (ValueError, KeyError, TypeError, UnknownCredit):
        report(Finding(place, "table splits has a row of it, and its events do not give its lots"))
        return
    expected = next((way for way in ways if row.envelope == envelope_of(way)), ways[0])
    if row.envelope != envelope_of(expected):
        report(Finding(place, "table splits: its row is not as its events give it"))
    stored = _stored_lots(connection, row.credit_id)
    for event in expected[1:]:
        if stored.get((event.credit_id, event.seq)) != event.text:
            wrong = f"event {event.seq} of its lot {event.credit_id} is not as the split gives it"
            report(Finding(place, wrong))
    for credit_id in sorted({key[0] for key in stored} - {event.credit_id for event in expected}):
        report(Finding(f"credit {credit_id}", f"it is no lot that the split of {row.credit_id} gives"))


def _expected_events(connection: Connection, credit_id: str) -> list[list[Event]]:
    """Return all events that the split of this credit appends, in each way that lots ever had.

    The first is how it is done now. Raises InvalidFields where its lots do not partition it, and
    ValueError, KeyError, TypeError or UnknownCredit where the events cannot be read.
    """
    query = select(events.c.type, events.c.body).where(events.c.credit_id == credit_id)
    own = {row.type: parse_stored(row.body) for row in connection.execute(query)}
    parent, split = credit_of(own[EventType.CREATED]), own[EventType.SPLIT]
    place, quantities_e4 = place_of(connection, parent), quantities_of(split)
    ways: list[list[Event]] = []
    for block in blocks_of(parent):
        # Lots that only state their place may cut through what is understood as a number now.
        with suppress(InvalidFields) if block else nullcontext():
            lots = lots_of(parent, place, quantities_e4, block)
            ways.append(split_events(split, lots, own.get(EventType.SOLD)))
    return ways


def _stored_lots(connection: Connection, credit_id: str) -> Mapping[tuple[str, int], str]:
    query = (
        select(events.c.credit_id, events.c.seq, events.c.body)
        .join_from(credits, events, events.c.credit_id == credits.c.id)
        .where(credits.c.parent == credit_id)
    )
    return {(row.credit_id, row.seq): row.body for row in connection.execute(query)}


def _select_replacements() -> Any:  # noqa: ANN401 - a Select of columns of three tables
    own, other = feed.alias(), feed.alias()
    return (
        select(
            credits.c.id,
            credits.c.replaces,
            own.c.position.label("created"),
            other.c.position.label("cancelled"),
        )
        .select_from(credits)
        .join(own, (own.c.credit_id == credits.c.id) & (own.c.seq == 1), isouter=True)
        .join(
            other,
            (other.c.credit_id == credits.c.replaces) & (other.c.type == EventType.CANCELLED),
            isouter=True,
        )
        .where(credits.c.replaces.is_not(None))
    )
