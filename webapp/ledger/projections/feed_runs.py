"""The projection of long runs of the feed: the events of one import, or of one act on many credits.

A list of acts passes over them without reading their events. A run has no gap; an import that was recorded
in several transactions, between which others wrote, has several.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Final, NamedTuple

from sqlalchemy import Connection

from webapp.domain.event import ACT_KEY, IMPORT_KEY, Data, PositionedEvent, is_number
from webapp.ledger.storage import statements

_INSERT: Final = (
    "INSERT INTO feed_runs (first_position, last_position, import_number, credits, quantity_e4)"
    " VALUES (?, ?, ?, ?, ?)"
)
_LAST: Final = (
    "SELECT first_position, last_position, import_number FROM feed_runs ORDER BY first_position DESC LIMIT 1"
)
_EXTEND: Final = (
    "UPDATE feed_runs SET last_position = ?, credits = credits + ?, quantity_e4 = quantity_e4 + ?"
    " WHERE first_position = ?"
)
_STATE_QUANTITY: Final = 4


class Name(NamedTuple):
    """What the events of a run name: the number of an import, or else the position of an act."""

    import_number: int | None
    act: int | None

    def continues(self, first: int, last: int, import_number: int | None, position: int) -> bool:
        """Return whether an event at a position belongs to the run that ends before it."""
        is_same = import_number == self.import_number and (self.act is None or self.act == first)
        return is_same and last == position - 1


def name_of(data: Data) -> Name | None:
    """Return what an event with these data names; None if it is in no run."""
    import_text, act_text = data.get(IMPORT_KEY), data.get(ACT_KEY)
    if is_number(import_text):
        return Name(int(str(import_text)), None)
    return Name(None, int(str(act_text))) if is_number(act_text) else None


def _named(placed: PositionedEvent) -> tuple[object, object]:
    """Return what the name of an event is made of."""
    data = placed.event.data
    return data.get(IMPORT_KEY), data.get(ACT_KEY)


def add_runs(connection: Connection, placed: Sequence[PositionedEvent]) -> None:
    """Add the runs of these events, which are in feed order and applied to the states of their credits."""
    for _, group in groupby(placed, key=_named):
        run = list(group)
        name = name_of(run[0].event.data)
        if name is None:
            continue
        first, last = run[0].position, run[-1].position
        keys = statements.as_json(sorted({each.key for each in run}))
        states = statements.fetch(connection, statements.STATES_OF, keys)
        quantities = {state[0]: state[_STATE_QUANTITY] for state in states}
        quantity_e4 = sum(quantities[each.key] for each in run)
        before = statements.fetch(connection, _LAST)
        started_at, ended_at, import_number = before[0] if before else (0, 0, None)
        if before and name.continues(started_at, ended_at, import_number, first):
            statements.send(connection, _EXTEND, [(last, len(run), quantity_e4, started_at)])
        else:
            statements.send(connection, _INSERT, [(first, last, name.import_number, len(run), quantity_e4)])
