"""For whom and when a credit was sold or retired: the columns by which lists of credits are filtered.

They are those of the event that gave the credit its status, as amended. A sale, a retirement or a
withdrawal happened on the day that it states, without one on the day of its recording (UTC). The party is
the buyer of a SOLD credit and the beneficiary of a RETIRED one.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from webapp.domain.amendment import amendments_of, present_data
from webapp.domain.event import Data, Event, PositionedEvent
from webapp.domain.lifecycle import STATUS_AFTER, EventType
from webapp.domain.text import canonical
from webapp.ledger.storage import holding_sql, statements

# The field of an event's data that names another party. No other event has such a field, so an
# amendment that has it amends such an event.
PARTY_FIELD: Final = {EventType.SOLD: "buyer", EventType.RETIRED: "beneficiary"}
_DAY: Final = "occurred_on"
_DATED: Final = (EventType.SOLD, EventType.RETIRED, EventType.WITHDRAWN)
_RESTATING: Final = frozenset({_DAY, *PARTY_FIELD.values()})


def columns_of(event_type: EventType, data: Data, recorded_at: str) -> dict[str, object]:
    """Return the two columns after a counting event with these present data."""
    party = canonical(str(data.get(PARTY_FIELD.get(event_type, ""), "")))
    day = str(data.get(_DAY) or recorded_at[:10]) if event_type in _DATED else None
    return {"party_key": party or None, "happened_on": day}


def columns_after(history: Sequence[tuple[int, EventType, Data, str]]) -> dict[str, object]:
    """Return the two columns after these first events of a credit: each seq, type, data and time."""
    seq, event_type, data, recorded_at = next(
        event for event in reversed(history) if event[1] in STATUS_AFTER
    )
    amendments = amendments_of(seq, ((each_type, each) for _, each_type, each, _ in history))
    return columns_of(event_type, present_data(data, amendments), recorded_at)


def restates(event: Event) -> bool:
    """Return whether an event may restate the columns of an earlier one."""
    return event.type is EventType.AMENDED and not _RESTATING.isdisjoint(event.data)


def restated(connection: Connection, placed: Sequence[PositionedEvent]) -> Mapping[int, Mapping[str, object]]:
    """Return the columns of each credit that one of these events restates, by the key of the credit."""
    last = {each.key: each.event.seq for each in placed}
    keys = sorted({each.key for each in placed if restates(each.event)})
    histories: dict[int, list[tuple[int, EventType, Data, str]]] = {}
    if keys:
        for key, seq, body in statements.fetch(
            connection, holding_sql.EVENTS_OF_KEYS, statements.as_json(keys)
        ):
            if seq <= last[key]:
                event = json.loads(body)
                histories.setdefault(key, []).append(
                    (seq, EventType(event["type"]), event["data"], event["recorded_at"])
                )
    return {key: columns_after(history) for key, history in histories.items()}
