"""Acts: what one request did to one credit or to many, read from the log.

Which events belong together follows from the log alone ("Acts" in docs/ledger.md). An act is addressed by
the feed position of its first acting event, and found by the position of any of its events.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice, takewhile
from typing import Final, NamedTuple

from sqlalchemy import Connection

from webapp.domain.amendment import WHY, present_data
from webapp.domain.errors import BrokenLog, UnknownAct
from webapp.domain.event import ACT_KEY, IMPORT_KEY, Event, is_number
from webapp.domain.lifecycle import EventType
from webapp.domain.split import LOTS_MAX, group_splits
from webapp.ledger.event_log import parse_stored
from webapp.ledger.present_words import PresentWords, words_of
from webapp.ledger.storage import act_sql
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import as_json, fetch
from webapp.ledger.views import CreditView, EventView, credit_of_row, event_of

# The most events that are read to find an act: of 10,000 credits, each a part of another one.
ACT_EVENTS_MAX: Final = 40_000
# The events of a split into 100 lots that carry over a sale.
SPLIT_EVENTS_MAX: Final = 1 + 2 * LOTS_MAX
_BATCH: Final = 500
_ON_A_PART: Final = (EventType.SOLD, EventType.SALE_REVERSED, EventType.RETIRED, EventType.WITHDRAWN)


@dataclass(frozen=True)
class Amendment:
    """What one AMENDED event restated of an event: by name, what it said before and what it says since.

    A text is empty where there was no such word, or where it was removed.
    """

    position: int
    recorded_at: str
    actor: str
    why: str
    changes: Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class ActedCredit:
    """A credit of an act as it is now, with the event of the act and its amendments since, oldest first.

    `facts` are those beside the identity of the credit, as they are now. `is_contested` says whether another
    credit holds its serial number, under another name of the registry.
    """

    credit: CreditView
    event: EventView
    amendments: Sequence[Amendment]
    facts: Mapping[str, str]
    words: Mapping[str, str]
    is_contested: bool

    def said(self, name: str) -> str:
        """Return a word of the event as it is now, or a fact of the event; empty if there is none."""
        return self.words.get(name, "")


class ProjectSum(NamedTuple):
    """Credits of one project, registry and vintage, and the ten-thousandths of a tonne taken of them."""

    project_name: str
    registry: str
    vintage: int
    credits: int
    quantity_e4: int


@dataclass(frozen=True)
class Act:
    """What one request did. `credits` are those that it acted on, in the order of their events.

    `also` has the other events of the request: the split that made the part that was sold or retired, its
    lots, and the replacement of a corrected credit.
    """

    credits: Sequence[ActedCredit]
    also: Sequence[EventView]

    @property
    def position(self) -> int:
        """The feed position of its first acting event, which is its address."""
        return self.first.event.position

    @property
    def first(self) -> ActedCredit:
        """The first credit that it acted on."""
        return self.credits[0]

    @property
    def event_type(self) -> EventType:
        """The type of its events, without those in `also`."""
        return self.first.event.event_type

    @property
    def actor(self) -> str:
        """Who did it, as in events."""
        return self.first.event.actor

    @property
    def recorded_at(self) -> str:
        """When its last event was recorded."""
        return self.credits[-1].event.recorded_at

    @property
    def quantity_e4(self) -> int:
        """The tonnes of all its credits, in ten-thousandths."""
        return sum(acted.credit.quantity_e4 for acted in self.credits)

    @cached_property
    def sums(self) -> list[ProjectSum]:
        """Its tonnes by project, registry and vintage, in the order of its events."""
        return project_sums((acted.credit, acted.credit.quantity_e4) for acted in self.credits)

    def said(self, name: str) -> list[str]:
        """Return the different values of a word of its events as they are now, without empty ones."""
        return [value for value in dict.fromkeys(acted.said(name) for acted in self.credits) if value]


class _Logged(NamedTuple):
    position: int
    key: int
    hash: str
    event: Event


class _Events(NamedTuple):
    """The events that say what was done, and the others of the same request; both in feed order."""

    acting: list[_Logged]
    others: list[_Logged]

    @property
    def all(self) -> Iterator[_Logged]:
        """All of them."""
        return chain(self.acting, self.others)


def project_sums(taken: Iterable[tuple[CreditView, int]]) -> list[ProjectSum]:
    """Add up what is taken of credits, in ten-thousandths of a tonne, in the order of their first ones."""
    found: dict[tuple[str, str, int], list[int]] = {}
    for credit, quantity_e4 in taken:
        counted = found.setdefault((credit.project_name, credit.registry, credit.vintage), [0, 0])
        counted[0] += 1
        counted[1] += quantity_e4
    return [ProjectSum(*key, *counted) for key, counted in found.items()]


def act_at(position: int) -> Act:
    """Return the act that the event at this feed position belongs to. Raises UnknownAct."""
    with reading() as connection:
        return read_act(connection, position)


def read_act(connection: Connection, position: int) -> Act:
    """Return the act as seen by an open transaction. See `act_at`."""
    events = _events_of_act(connection, position)
    keys = as_json(list({logged.key for logged in events.all}))
    rows = fetch(connection, act_sql.CREDITS_WITH, keys)
    views = {row[0]: credit_of_row(row)[0] for row in rows if row[8] is not None}
    if not all(logged.key in views for logged in events.all):
        raise BrokenLog("A credit of this act has no state. `flask verify` says which.")
    said = PresentWords(connection, as_json([logged.key for logged in events.acting]))
    return Act(
        [_acted(logged, views[logged.key], said) for logged in events.acting],
        [_view_of(logged, views[logged.key]) for logged in events.others],
    )


def _acted(logged: _Logged, credit: CreditView, said: PresentWords) -> ActedCredit:
    event, data = logged.event, logged.event.data
    amendments = []
    for position, amending in said.amendments(logged.key, event.seq):
        before, data = words_of(data), present_data(data, [amending.data])
        after = words_of(data)
        changed = {
            name: (before.get(name, ""), after.get(name, ""))
            for name in [*before, *(name for name in after if name not in before)]
            if before.get(name, "") != after.get(name, "")
        }
        why = str(amending.data.get(WHY.name, ""))
        amendments.append(Amendment(position, amending.recorded_at, amending.actor, why, changed))
    return ActedCredit(
        credit,
        _view_of(logged, credit),
        amendments,
        said.facts_of(logged.key),
        words_of(data),
        logged.key in said.contested,
    )


def _view_of(logged: _Logged, credit: CreditView) -> EventView:
    return event_of(logged.event, logged.position, logged.hash, credit.project_name, credit.quantity_e4)


def _events_of_act(connection: Connection, position: int) -> _Events:
    """Return the events of the act with the event at this position. Raises UnknownAct."""
    here = _one_at(connection, position)
    if here is None:
        raise UnknownAct
    for start in _possible_starts(connection, here):
        found = _act_from(connection, start)
        if any(logged.position == position for logged in found.all):
            return found
    return _Events([here], [])


def _possible_starts(connection: Connection, here: _Logged) -> Iterator[int]:
    """Yield where the act with this event may begin, the most comprehensive first."""
    for (split,) in fetch(connection, act_sql.SPLITS_OF_LOTS, as_json([here.key])):
        yield split
    if "replaces" in here.event.data:
        yield here.position - 1
    yield here.position


def _act_from(connection: Connection, start: int) -> _Events:
    """Return the events of the act that begins at this position, or that the events there belong to."""
    units = _units(connection, start)
    seen: list[list[_Logged]] = []
    for unit in units:
        seen.append(unit)
        if unit[0].event.type is not EventType.SPLIT:
            break
    stated = seen[-1][0].event.data.get(ACT_KEY) if seen else None
    if is_number(stated):
        found = _act_on_many(connection, int(str(stated)))
        if any(logged.position == start for logged in found.all):
            return found
    return _act_without_key([*seen, *islice(units, 1)][:2])


def _act_on_many(connection: Connection, number: int) -> _Events:
    """Return the events with this key from that position on, and the splits right before them."""
    acting: list[_Logged] = []
    for unit in _units(connection, number):
        if unit[0].event.data.get(ACT_KEY) != str(number):
            break
        acting += unit
    return _Events(acting, _splits_before(connection, acting) if acting else [])


def _splits_before(connection: Connection, acting: Sequence[_Logged]) -> list[_Logged]:
    """Return the events of the splits that made lots of the act, in the same request.

    They stand right before its first event, with its actor and its time.
    """
    keys = as_json([logged.key for logged in acting])
    start = end = acting[0].position
    for (split,) in fetch(connection, act_sql.SPLITS_OF_LOTS, keys):
        if split < start:
            if start - split > SPLIT_EVENTS_MAX:
                break
            start = split
    first = acting[0].event
    found: list[_Logged] = []
    for unit in takewhile(lambda unit: unit[0].position < end, _units(connection, start)):
        lead = unit[0].event
        is_of_act = lead.type is EventType.SPLIT and (lead.actor, lead.recorded_at) == (
            first.actor,
            first.recorded_at,
        )
        if is_of_act:
            found.extend(unit)
        else:
            found = []
    return found


def _act_without_key(units: Sequence[list[_Logged]]) -> _Events:
    """Return the events of the first unit, and of the second one if it is of the same request."""
    if not units:
        return _Events([], [])
    first = units[0]
    if len(units) == 1 or not _belongs(first, units[1][0].event):
        return _Events(first[:1], first[1:])
    if first[0].event.type is EventType.SPLIT:
        return _Events(units[1], first)
    return _Events(first, units[1])


def _belongs(first: Sequence[_Logged], second: Event) -> bool:
    """Return whether an event is of the same request as the unit before it, where neither has a key."""
    lead = first[0].event
    if (lead.actor, lead.recorded_at) != (second.actor, second.recorded_at):
        return False
    if {ACT_KEY, IMPORT_KEY} & {*lead.data, *second.data}:
        return False
    if lead.type is EventType.CANCELLED:
        return second.data.get("replaces") == lead.credit_id
    is_of_first_lot = len(first) > 1 and second.credit_id == first[1].event.credit_id
    return lead.type is EventType.SPLIT and is_of_first_lot and second.type in _ON_A_PART


def _units(connection: Connection, start: int) -> Iterator[list[_Logged]]:
    """Yield the events of credits from a position on, up to an entry; all events of a split together."""
    by_event: dict[int, _Logged] = {}

    def events() -> Iterator[Event]:
        for logged in takewhile(lambda each: each is not None, _feed_from(connection, start)):
            if logged is not None:
                by_event[id(logged.event)] = logged
                yield logged.event

    for unit in group_splits(events()):
        yield [by_event.pop(id(event)) for event in unit]


def _feed_from(connection: Connection, start: int) -> Iterator[_Logged | None]:
    """Yield at most ACT_EVENTS_MAX logged events from a position on; None for an entry."""
    at, last = start, start + ACT_EVENTS_MAX
    limit = 4
    while at < last:
        rows = fetch(connection, act_sql.FEED_FROM, at, limit)
        for position, key, event_hash, body in rows:
            yield None if key < 0 else _Logged(position, key, event_hash.hex(), parse_stored(body))
        if len(rows) < limit:
            return
        at, limit = rows[-1][0] + 1, _BATCH


def _one_at(connection: Connection, position: int) -> _Logged | None:
    rows = fetch(connection, act_sql.FEED_FROM, position, 1) if 0 < position < 2**63 else []
    if not rows or rows[0][0] != position or rows[0][1] < 0:
        return None
    ((_, key, event_hash, body),) = rows
    return _Logged(position, key, event_hash.hex(), parse_stored(body))
