"""Fill what 0025 adds from the log: for whom and when credits were sold or retired, and runs of the feed.

Nothing else that is derived is computed again, so a damaged ledger is migrated as it is, and `flask verify`
still names what is wrong in it. What the damage hides from this migration stays empty.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

from sqlalchemy import Connection

from webapp.domain.event import PositionedEvent
from webapp.domain.lifecycle import EventType
from webapp.ledger.event_log import parse_stored
from webapp.ledger.projections.feed_runs import add_runs
from webapp.ledger.projections.standing_acts import columns_after
from webapp.ledger.storage import holding_sql, statements

_BATCH: Final = 500
_ACTED_ON: Final = (
    "SELECT DISTINCT subject FROM events WHERE subject > 0 AND type IN ('SOLD', 'RETIRED', 'WITHDRAWN')"
    " ORDER BY subject"
)
_FILL: Final = "UPDATE credit_states SET party_key = ?, happened_on = ? WHERE credit = ?"
_NAMING: Final = (
    "SELECT feed.position, feed.subject, events.body FROM feed"
    " JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
    " WHERE feed.subject > 0 AND feed.position > ? AND (events.body LIKE ? OR events.body LIKE ?)"
    " ORDER BY feed.position LIMIT 5000"
)
# Events that name an import or an act, and others in whose words this stands.
_NAMES: Final = ('%"import":"%', '%"act":"%')


def fill(connection: Connection) -> None:
    """Fill the new columns of `credit_states`, and the table `feed_runs`."""
    keys = iter([key for (key,) in statements.fetch(connection, _ACTED_ON)])
    while some := list(islice(keys, _BATCH)):
        _fill_columns(connection, some)
    for run in _adjacent(connection):
        with suppress(KeyError):  # a credit without a state
            add_runs(connection, run)


def _fill_columns(connection: Connection, keys: Sequence[int]) -> None:
    histories: dict[int, list[tuple[int, EventType, dict[str, object], str]]] = {}
    asked = statements.as_json(list(keys))
    for key, seq, body in statements.fetch(connection, holding_sql.EVENTS_OF_KEYS, asked):
        with suppress(ValueError, KeyError, TypeError):
            event = json.loads(body)
            of_event = (seq, EventType(event["type"]), event["data"], event["recorded_at"])
            histories.setdefault(key, []).append(of_event)
    rows = []
    for key, history in histories.items():
        with suppress(StopIteration, AttributeError, TypeError):
            rows.append((*columns_after(history).values(), key))
    statements.send(connection, _FILL, rows)


def _adjacent(connection: Connection) -> Iterator[list[PositionedEvent]]:
    """Yield the events that name an import or an act, those at adjacent positions together."""
    run: list[PositionedEvent] = []
    last = 0
    while rows := statements.fetch(connection, _NAMING, last, *_NAMES):
        for position, key, body in rows:
            if run and position != last + 1:
                yield run
                run = []
            last = position
            with suppress(ValueError, KeyError, TypeError):
                run.append(PositionedEvent(position, key, parse_stored(body), None))
        if len(run) >= _BATCH:  # one run can be long; the next part continues it
            yield run
            run = []
    if run:
        yield run
