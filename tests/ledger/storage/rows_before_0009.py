"""Rows as a client of a ledger before revision 0009 wrote them: ids and hashes as texts, and the facts of
an event beside its text.
"""

from typing import Any

from tests.fixtures.ledger import RawClient
from tests.ledger.triggers.rows import LATER, Row, insert
from webapp.domain.event import Event


def old_event_row(event: Event) -> Row:
    """Return the row of an event."""
    return {
        "credit_id": event.credit_id,
        "seq": event.seq,
        "type": str(event.type),
        "actor": event.actor,
        "recorded_at": event.recorded_at,
        "prev_hash": event.prev_hash,
        "hash": event.hash,
        "body": event.text,
    }


def old_next_event(raw: RawClient, credit_id: str, event_type: str, **changes: object) -> Event:
    """Return an event that follows the last one of its credit, with some fields changed."""
    seq, prev_hash = raw.execute(
        "SELECT seq, hash FROM events WHERE credit_id = ? ORDER BY seq DESC LIMIT 1", credit_id
    )[0]
    facts: dict[str, Any] = {
        "credit_id": credit_id,
        "seq": seq + 1,
        "type": event_type,
        "data": {"occurred_on": "2026-11-20"},
        "actor": "local",
        "recorded_at": LATER,
        "prev_hash": prev_hash,
    }
    return Event(**{**facts, **changes})


def put_position(raw: RawClient, event: Event) -> None:
    """Put the event at the end of the feed."""
    (last,) = raw.execute("SELECT max(position) FROM feed")[0]
    row = {"position": (last or 0) + 1, "credit_id": event.credit_id, "seq": event.seq, "type": event.type}
    insert(raw, "feed", {**row, "type": str(event.type)})


def old_put(raw: RawClient, event: Event) -> None:
    """Insert the event and its position, as the ledger did, without the projections."""
    insert(raw, "events", old_event_row(event))
    put_position(raw, event)
