"""What a credit was on each day: the periods of its history by the days on which things happened.

Two times matter. An event is *recorded* at a position of the feed, and it *happened* on a day: its
`occurred_on`, else the day on which it was recorded. A credit came to be on its `acquired_on`, else its
`issued_on`, else the day on which it was recorded, but never after anything that happened to it. A split has
no day of its own: the lots have the history of their parent. A void credit never was.

The rules are in "As of" in docs/ledger.md. ``projections.standings`` keeps the periods by position.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, tzinfo
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from webapp.domain.amendment import AMENDS
from webapp.domain.credit import Credit
from webapp.domain.event import Data, Event, credit_from_event
from webapp.domain.facts import facts_in
from webapp.domain.lifecycle import STATUS_AFTER, EventType, Status
from webapp.domain.text import canonical

_DAY_NAME: Final = "occurred_on"
# The field of an event that names its party.
_PARTY_NAME: Final = {EventType.SOLD: "buyer", EventType.RETIRED: "beneficiary"}
# A lot carries the sale of its parent over as its second event.
_CARRIED_SEQ: Final = 2
# The facts by which a credit came to be, the first that is stated.
_SINCE: Final = ("acquired_on", "issued_on")


class Cell(NamedTuple):
    """What tonnes are added up by. `type` is the event that gave them their status.

    Names are in canonical form, empty if there is none. `party` is the buyer of a SOLD or SALE_REVERSED,
    the beneficiary of a RETIRED. `is_dated` is 0 if the day is that of the recording.
    """

    registry: str
    project: str
    project_id: str
    vintage: int
    type: EventType
    party: str
    is_dated: int


class Period(NamedTuple):
    """A credit in a cell from a day on, until before another; days are ordinals of ``datetime.date``.

    `last` is None while it lasts. It equals `first` for what something else of that day or before
    superseded: that counts as a movement of the day, and is in no balance.
    """

    cell: Cell
    first: int
    last: int | None


@dataclass(frozen=True)
class _Step:
    """A counting event of a history. `origin` is its (credit key, seq), by which amendments name it."""

    origin: tuple[int, int]
    type: EventType
    recorded_day: int
    stated_day: int | None
    party: str

    @property
    def day(self) -> int:
        return self.recorded_day if self.stated_day is None else self.stated_day

    def amended(self, data: Data) -> "_Step":
        """Return the step with the words that an amendment restates."""
        name = _PARTY_NAME.get(self.type)
        return replace(
            self,
            stated_day=_ordinal(data[_DAY_NAME]) if _DAY_NAME in data else self.stated_day,
            party=canonical(str(data[name])) if name and name in data else self.party,
        )


@dataclass
class History:
    """The history of one credit, as far as its periods depend on it.

    `facts` has those that its own events and those of the credits above it state, the root first. `is_gone`
    says that it was split, or is void.
    """

    key: int
    id: str
    credit: Credit
    facts: tuple[dict[str, str], ...]
    steps: list[_Step]
    is_gone: bool = False
    above: frozenset[int] = field(default_factory=frozenset)

    @classmethod
    def created(cls, key: int, credit: Credit, event: Event, zone: tzinfo) -> "History":
        """Return the history of a root after its CREATED event."""
        step = _Step((key, 1), EventType.CREATED, recorded_day(event, zone), None, "")
        return cls(key, event.credit_id, credit, (facts_in(event.data),), [step])

    def lot(self, key: int, credit: Credit, credit_id: str) -> "History":
        """Return the history of a lot of this credit. A sale in force is then the lot's second event."""
        steps = list(self.steps)
        if STATUS_AFTER[steps[-1].type] is Status.SOLD:
            steps[-1] = replace(steps[-1], origin=(key, _CARRIED_SEQ))
        return History(key, credit_id, credit, (*self.facts, {}), steps, above=self.above | {self.key})

    def follow(self, key: int, event: Event, zone: tzinfo) -> None:
        """Apply an event of this credit, or an amendment of one above it. `key` is the event's credit."""
        if event.type is EventType.AMENDED:
            self._amend(key, event)
        elif key != self.key:
            return
        elif event.type in {EventType.SPLIT, EventType.CANCELLED}:
            self.is_gone = True
        elif (key, event.seq) not in {step.origin for step in self.steps}:  # no sale that a lot carries over
            self._step(event, zone)

    def _step(self, event: Event, zone: tzinfo) -> None:
        name = _PARTY_NAME.get(event.type)
        party = canonical(str(event.data.get(name, ""))) if name else ""
        stated = _ordinal(event.data.get(_DAY_NAME))
        step = _Step((self.key, event.seq), event.type, recorded_day(event, zone), stated, party)
        self.steps.append(step)

    def _amend(self, key: int, event: Event) -> None:
        seq = event.data.get(AMENDS)
        if seq == 1:
            level = len(self.above) if key == self.key else self._level_of(key)
            self.facts[level].update(facts_in(event.data))
        self.steps = [step.amended(event.data) if step.origin == (key, seq) else step for step in self.steps]

    def _level_of(self, key: int) -> int:
        return sorted(self.above).index(key)  # a lot is recorded after its parent

    def periods(self) -> list[Period]:
        """Return its periods, one for each counting event in their order; none if it is gone."""
        if self.is_gone:
            return []
        facts: dict[str, str] = {}
        for level in self.facts:
            facts |= level
        since = next((day for name in _SINCE if (day := _ordinal(facts.get(name))) is not None), None)
        days = [step.day for step in self.steps]
        days[0] = min([days[0] if since is None else since, *days[1:]])
        keys = self.credit.canonical
        found = []
        buyer = ""
        for place, step in enumerate(self.steps):
            buyer = step.party if step.type is EventType.SOLD else buyer
            cell = Cell(
                keys.registry,
                keys.project_name,
                canonical(facts.get("project_id", "")),
                self.credit.vintage,
                step.type,
                buyer if step.type is EventType.SALE_REVERSED else step.party,
                int((since if place == 0 else step.stated_day) is not None),
            )
            later = days[place + 1 :]
            found.append(Period(cell, days[place], max(days[place], min(later)) if later else None))
        return found


def advanced(
    history: History | None, key: int, event: Event, zone: tzinfo, credit: Credit | None = None
) -> History:
    """Return the history on a path down the splits after one more event on it.

    `credit` is that of a CREATED event, if it was read already.
    """
    if event.type is EventType.CREATED:
        credit = credit or credit_from_event(event)
        if history:
            return history.lot(key, credit, event.credit_id)
        return History.created(key, credit, event, zone)
    if history is None:
        raise ValueError("a history begins with a CREATED event")
    history.follow(key, event, zone)
    return history


@dataclass
class KnownPeriod:
    """A row of standings: a period of a credit, with the positions from and to which it is known."""

    step: int
    known_from: int
    period: Period
    known_to: int | None = None


@dataclass
class FollowedCredit:
    """A history with its periods so far, and what became known since it was loaded.

    `rows` are new. `ended` has the steps of earlier rows, each with the position at which it ended.
    """

    history: History
    periods: list[Period]
    rows: list[KnownPeriod] = field(default_factory=list)
    ended: list[tuple[int, int]] = field(default_factory=list)
    _open: dict[int, KnownPeriod] = field(default_factory=dict)

    def changed(self, position: int) -> Iterator[tuple[int, Period]]:
        """Note the periods that differ since the last time, as known from a position on.

        Yields the periods that ended (-1) and that began (1) with it.
        """
        before, after = self.periods, self.history.periods()
        for step in range(max(len(before), len(after))):
            old = before[step] if step < len(before) else None
            new = after[step] if step < len(after) else None
            if old == new:
                continue
            if old:
                self._end(step, position)
                yield -1, old
            if new:
                self._open[step] = KnownPeriod(step, position, new)
                self.rows.append(self._open[step])
                yield 1, new
        self.periods = after

    def _end(self, step: int, position: int) -> None:
        row = self._open.pop(step, None)
        if row:
            row.known_to = position
        else:
            self.ended.append((step, position))


def zone_named(name: str) -> tzinfo:
    """Return the time zone. Raises zoneinfo.ZoneInfoNotFoundError."""
    return UTC if name == "UTC" else ZoneInfo(name)


def recorded_day(event: Event, zone: tzinfo) -> int:
    """Return the ordinal of the day on which an event was recorded, in the time zone of reports."""
    if zone is UTC:
        return date.fromisoformat(event.recorded_at[:10]).toordinal()
    return datetime.fromisoformat(event.recorded_at).astimezone(zone).date().toordinal()


def _ordinal(text: object) -> int | None:
    """Return the ordinal of a stated day; None if there is none, or it is no day in an old log."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return date.fromisoformat(text).toordinal()
    except ValueError:
        return None
