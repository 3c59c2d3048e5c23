"""Check relations between credits: splits with their lots, and replacements with what they replace.

Used by `flask verify`, and by `flask restore` on what it has just written, for one range of keys at a
time. Single histories are checked in ``history_check``. Reads only.
"""

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from typing import Final

from sqlalchemy import Connection

from webapp.domain.amendment import sale_of
from webapp.domain.errors import InvalidFields, UnknownCredit
from webapp.domain.event import Event, credit_from_event
from webapp.domain.lifecycle import EventType
from webapp.domain.split import blocks_of, lots_of, quantities_of, split_events
from webapp.ledger.audit.ancestors import Ancestors
from webapp.ledger.audit.check_workers import KeyRange
from webapp.ledger.audit.findings import Finding
from webapp.ledger.event_log import envelope_of, parse_stored
from webapp.ledger.storage import statements

_SPLITS: Final = (
    "SELECT splits.subject, splits.envelope, credits.id FROM splits"
    " LEFT JOIN credits ON credits.key = splits.subject"
    " WHERE splits.subject BETWEEN ? AND ? ORDER BY splits.subject"
)
_OWN_EVENTS: Final = "SELECT body FROM events WHERE subject = ? ORDER BY seq"
_LOT_EVENTS: Final = (
    "SELECT credits.id, events.seq, events.body FROM credits JOIN events ON events.subject = credits.key"
    " WHERE credits.parent = ?"
)
_UNSEALED_SPLITS: Final = (
    "SELECT events.subject, credits.id FROM events LEFT JOIN credits ON credits.key = events.subject"
    " WHERE events.subject BETWEEN ? AND ? AND events.type = 'SPLIT'"
    " AND NOT EXISTS (SELECT 1 FROM splits WHERE splits.subject = events.subject)"
)
_UNSEALED_LOTS: Final = (
    "SELECT lot.id, lot.parent, whole.id FROM credits AS lot"
    " LEFT JOIN credits AS whole ON whole.key = lot.parent"
    " WHERE lot.key BETWEEN ? AND ? AND lot.parent IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM splits WHERE splits.subject = lot.parent)"
)
_REPLACEMENTS: Final = (
    "SELECT credits.id, credits.replaces, replaced.id FROM credits"
    " LEFT JOIN credits AS replaced ON replaced.key = credits.replaces"
    " LEFT JOIN feed AS created ON created.subject = credits.key AND created.seq = 1"
    " LEFT JOIN events AS ended ON ended.subject = credits.replaces AND ended.type = 'CANCELLED'"
    " LEFT JOIN feed AS cancelled ON cancelled.subject = ended.subject AND cancelled.seq = ended.seq"
    " WHERE credits.key BETWEEN ? AND ? AND credits.replaces IS NOT NULL"
    " AND (cancelled.position < created.position) IS NOT TRUE"
)
_REPLACED_TWICE: Final = (
    "SELECT credits.replaces, replaced.id FROM credits"
    " LEFT JOIN credits AS replaced ON replaced.key = credits.replaces"
    " WHERE credits.replaces BETWEEN ? AND ? GROUP BY credits.replaces, replaced.id HAVING count(*) > 1"
    " ORDER BY credits.replaces"
)


def check_lineage(connection: Connection, keys: KeyRange) -> list[Finding]:
    """Check the lots of each split in the range, and the credit replaced by each replacement."""
    findings: list[Finding] = []

    def report(credit: str, wrong: str) -> None:
        findings.append(Finding(f"credit {credit}", wrong))

    ancestors = Ancestors(connection)
    for key, envelope, credit_id in statements.fetch(connection, _SPLITS, *keys):
        name = _named(key, credit_id)
        findings += _check_split(connection, ancestors, name, key, envelope)
    for key, credit_id in statements.fetch(connection, _UNSEALED_SPLITS, *keys):
        report(_named(key, credit_id), "it was split, but table splits has no row for it")
    for lot_id, key, credit_id in statements.fetch(connection, _UNSEALED_LOTS, *keys):
        wrong = f"it is a lot of {_named(key, credit_id)}, but table splits has no row for that"
        report(lot_id.hex(), wrong)
    for own_id, key, credit_id in statements.fetch(connection, _REPLACEMENTS, *keys):
        report(own_id.hex(), f"it replaces {_named(key, credit_id)}, which was not cancelled before")
    for key, credit_id in statements.fetch(connection, _REPLACED_TWICE, *keys):
        report(_named(key, credit_id), "it is replaced more than once")
    return findings


def _check_split(
    connection: Connection, ancestors: Ancestors, credit_id: str, key: int, envelope: str
) -> list[Finding]:
    """Compute the lots from the credit and the quantities, and compare them with what is stored."""
    place = f"credit {credit_id}"
    try:
        ways = _expected_events(connection, ancestors, key)
    except InvalidFields as refusal:
        return [Finding(place, f"its lots do not partition it: {refusal}")]
    except (ValueError, KeyError, TypeError, UnknownCredit):
        return [Finding(place, "table splits has a row for it, but its events do not give its lots")]
    findings = []
    envelopes = [envelope_of(way) for way in ways]
    expected = ways[envelopes.index(envelope)] if envelope in envelopes else ways[0]
    if envelope not in envelopes:
        findings.append(Finding(place, "table splits: its row does not match its events"))
    rows = statements.fetch(connection, _LOT_EVENTS, key)
    stored = {(lot_id.hex(), seq): body for lot_id, seq, body in rows}
    for event in expected[1:]:
        if stored.get((event.credit_id, event.seq)) != event.text:
            wrong = f"event {event.seq} of its lot {event.credit_id} does not match the split"
            findings.append(Finding(place, wrong))
    given = {event.credit_id for event in expected}
    unexpected = sorted({lot_id for lot_id, _ in stored} - given)
    wrong = f"it is not a lot of the split of {credit_id}"
    return findings + [Finding(f"credit {lot_id}", wrong) for lot_id in unexpected]


def _expected_events(connection: Connection, ancestors: Ancestors, key: int) -> Sequence[list[Event]]:
    """Return all events of the split, in each version that this program has ever recorded.

    The first is the current one (see ``split.blocks_of``). Raises InvalidFields if the lots do not
    partition the credit, and ValueError, KeyError, TypeError or UnknownCredit if its events are damaged.
    """
    rows = statements.fetch(connection, _OWN_EVENTS, key)
    own = [parse_stored(body) for (body,) in rows]
    by_type = {event.type: event for event in own}
    parent, split = credit_from_event(by_type[EventType.CREATED]), by_type[EventType.SPLIT]
    sale = sale_of([event for event in own if event.seq < split.seq])
    place, quantities_e4 = ancestors.place_of(parent), quantities_of(split)
    ways: list[list[Event]] = []
    for block in blocks_of(parent):
        # Old lots without blocks may have quantities that a block does not allow.
        with suppress(InvalidFields) if block else nullcontext():
            lots = lots_of(parent, place, quantities_e4, block)
            ways.append(split_events(split, lots, sale))
    return ways


def _named(key: int, credit_id: bytes | None) -> str:
    """Return the id of a credit for a finding, or its key if there is no id."""
    return credit_id.hex() if credit_id else f"of key {key}"
