"""Actions on parts of a credit: all splits at once, then one event for each part.

A file can retire several parts of one credit. The credit is then split at all the places where a part
begins or ends, so that each part is a lot of its own. A split makes at most LOTS_MAX lots; more parts
take lots of lots.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import NamedTuple

from webapp.domain.credit import Credit
from webapp.domain.event import Data, Event, EventHead
from webapp.domain.lifecycle import EventType
from webapp.domain.split import LOTS_MAX, LotPlace, lots_of, split_data, split_events


class Stamp(NamedTuple):
    """Who records the events, and when."""

    actor: str
    recorded_at: str


@dataclass(frozen=True)
class PartAction:
    """An event for a part of a credit: where the part begins, and its size, in ten-thousandths."""

    start_e4: int
    quantity_e4: int
    type: EventType
    data: Data


@dataclass(frozen=True)
class _Segment:
    """A stretch of a credit, with the action on it if there is one."""

    quantity_e4: int
    action: PartAction | None = None


_Waiting = tuple[Credit, LotPlace, EventHead, Sequence[_Segment]]


@dataclass
class _Result:
    """The events and lots so far."""

    stamp: Stamp
    splits: list[Event] = field(default_factory=list)
    actions: list[Event] = field(default_factory=list)
    lots: list[Credit] = field(default_factory=list)

    def act(
        self,
        credit: Credit,
        place: LotPlace,
        head: EventHead,
        sale: Event | None,
        segments: Sequence[_Segment],
    ) -> list[_Waiting]:
        """Add the events of one credit. Returns its lots, to be acted on."""
        if len(segments) == 1:
            action = segments[0].action
            if action:
                self.actions.append(self._next(credit.id, head, action.type, action.data))
            return []
        groups = _grouped(segments)
        quantities_e4 = [sum(segment.quantity_e4 for segment in group) for group in groups]
        lots = lots_of(credit, place, quantities_e4, credit.block)
        split = self._next(credit.id, head, EventType.SPLIT, split_data(lots))
        events = split_events(split, lots, sale)
        self.splits += events
        self.lots += lots
        heads: dict[str, EventHead] = {}
        for event in events[1:]:
            heads[event.credit_id] = EventHead.after(heads.get(event.credit_id), event)
        starts = accumulate(quantities_e4, initial=place.start_e4)
        return [
            (lot, replace(place, start_e4=start_e4), heads[lot.id], group)
            for lot, group, start_e4 in zip(lots, groups, starts, strict=False)
        ]

    def _next(self, credit_id: str, head: EventHead, event_type: EventType, data: Data) -> Event:
        return Event(
            credit_id, head.seq + 1, event_type, data, self.stamp.actor, self.stamp.recorded_at, head.hash
        )


def act_on_parts(
    credit: Credit,
    place: LotPlace,
    head: EventHead,
    sale: Event | None,
    actions: Sequence[PartAction],
    stamp: Stamp,
) -> tuple[list[Event], list[Event], list[Credit]]:
    """Return the events of the splits, those of the actions, and the lots that the splits create.

    All are in the order in which they can be appended, the splits first. `head` is the last event of the
    credit, `sale` its SOLD event, if any. The parts must not overlap and must lie inside the credit.
    Raises InvalidFields if a credit with a block would be cut inside a tonne.
    """
    result = _Result(stamp)
    segments: Sequence[_Segment] = list(_segments(credit.quantity_e4, actions))
    # A list, because lots of lots can be nested as deep as there are parts.
    waiting = [(credit, place, head, segments)]
    for whole, where, before, stretch in waiting:
        waiting += result.act(whole, where, before, sale, stretch)
    return result.splits, result.actions, result.lots


def _segments(whole_e4: int, actions: Sequence[PartAction]) -> Iterator[_Segment]:
    """Yield the stretches of the whole credit, in order, acted on or not."""
    place = 0
    for action in sorted(actions, key=lambda action: action.start_e4):
        if action.start_e4 > place:
            yield _Segment(action.start_e4 - place)
        yield _Segment(action.quantity_e4, action)
        place = action.start_e4 + action.quantity_e4
    if place < whole_e4:
        yield _Segment(whole_e4 - place)


def _grouped(segments: Sequence[_Segment]) -> list[Sequence[_Segment]]:
    """Return at most LOTS_MAX groups of neighbouring segments."""
    size = -(-len(segments) // LOTS_MAX)
    return [segments[start : start + size] for start in range(0, len(segments), size)]
