"""The events that prove a retirement: those of its lots, and of what the lots were split from.

They are the creation of each lot, its retirement, the creation and the split of each credit above it, and
every amendment of these that is part of the statement. "Proof" in docs/reports.md has the rules.
"""

from collections.abc import Sequence
from typing import NamedTuple

from webapp.domain.amendment import AMENDS
from webapp.domain.lifecycle import EventType
from webapp.ledger.event_log import parse_stored
from webapp.ledger.storage import act_sql
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import as_json, fetch


class ProvingEvent(NamedTuple):
    """An event with its feed position: its canonical text, as it is hashed."""

    position: int
    text: str


def of_retirements(positions: Sequence[int]) -> list[ProvingEvent]:
    """Return the events that prove the RETIRED events at these positions, in feed order."""
    with reading() as connection:
        rows = fetch(connection, act_sql.PROVING, as_json(list(positions)))
    retired: dict[int, int] = {}
    found = []
    for key, position, text in rows:
        event = parse_stored(text)
        if event.type is EventType.RETIRED:
            retired[key] = event.seq
        amended = {1, retired.get(key)}
        if event.type is not EventType.AMENDED or event.data[AMENDS] in amended:
            found.append(ProvingEvent(position, text))
    return found
