"""The read models: frozen views of credits, events and records, and their conversion from rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

from webapp.domain.action_warnings import buyer_warnings, date_warnings
from webapp.domain.amendment import AMENDS, amendments_of, present_data, present_facts, words_of
from webapp.domain.credit import Credit
from webapp.domain.entry import Entry, EntryType
from webapp.domain.event import Data, Event, EventHead
from webapp.domain.facts import facts_in
from webapp.domain.fields import quantity_text
from webapp.domain.lifecycle import ALLOWED_ACTIONS, STATUS_AFTER, EventType, Status, sale_in_force
from webapp.ledger.storage.statements import Row

# The sequence numbers that a credit's last event may have for an action; None accepts any. Otherwise
# CreditMoved.
ExpectedSeqs = Collection[int] | None


@dataclass(frozen=True)
class CreditView:
    """A credit for lists and pages. Texts are as recorded; times have the format of events.

    `happened_on` is the day on which a SOLD, RETIRED or WITHDRAWN credit became that; where it is not stated,
    the day on which that was recorded (UTC).
    """

    id: str
    project_name: str
    registry: str
    vintage: int
    quantity_e4: int
    serial_number: str | None
    status: Status
    created_at: str
    changed_at: str
    created_position: int
    buyer: str | None
    beneficiary: str | None
    happened_on: str | None = None

    @property
    def quantity(self) -> str:
        """The quantity in tonnes as exact decimal text."""
        return quantity_text(self.quantity_e4)

    @property
    def allowed_actions(self) -> tuple[EventType, ...]:
        """The event types that its status allows next."""
        return ALLOWED_ACTIONS[self.status]


@dataclass(frozen=True)
class EventView:
    """An event with its feed position, and the project and quantity of its credit.

    `is_carried` is true for the SOLD event of a lot that is a copy of its parent's.
    """

    position: int
    credit_id: str
    seq: int
    event_type: EventType
    data: Data
    actor: str
    recorded_at: str
    prev_hash: str
    hash: str
    project_name: str
    quantity_e4: int
    is_carried: bool

    @property
    def event(self) -> Event:
        """The event of the domain."""
        return Event(
            self.credit_id,
            self.seq,
            self.event_type,
            self.data,
            self.actor,
            self.recorded_at,
            self.prev_hash,
        )

    @property
    def quantity(self) -> str:
        """The credit's quantity in tonnes as exact decimal text."""
        return quantity_text(self.quantity_e4)


def happened_on(event: "EventView | EntryView") -> str | None:
    """Return the day on which a sale, its reversal, a retirement or a withdrawal happened, if it is known.

    An amendment that restates a day did not happen on it.
    """
    if isinstance(event, EntryView) or event.event_type is EventType.AMENDED:
        return None
    day = event.data.get("occurred_on")
    return None if day is None else str(day)


@dataclass(frozen=True)
class EntryView:
    """An entry of the feed about another subject than a credit, with its position."""

    position: int
    subject: str
    seq: int
    event_type: EntryType
    data: Mapping[str, str]
    actor: str
    recorded_at: str
    prev_hash: str
    hash: str


@dataclass(frozen=True)
class Origin:
    """The credit that a lot was split from, with the lot's offset, or the credit that one replaces."""

    parent: str | None = None
    offset_e4: int | None = None
    replaces: str | None = None


@dataclass(frozen=True)
class Relations:
    """A credit's origin, its lots in order, and the ids of its replacements (at most one)."""

    origin: Origin
    lots: Sequence[CreditView]
    replaced_by: Sequence[str]


@dataclass(frozen=True)
class SplitNode:
    """A credit in a split tree. `start_e4` is its start in the root; the root's depth is 0."""

    credit: CreditView
    origin: Origin
    start_e4: int
    depth: int


@dataclass(frozen=True)
class SplitTree:
    """A root credit and all lots below it.

    `nodes` are in depth-first order, lots in order of their offset. `is_whole` is false if the limit cut
    some off. `replaced_by` has the ids of the root's replacements (at most one).
    """

    nodes: Sequence[SplitNode]
    is_whole: bool
    replaced_by: Sequence[str]

    @property
    def root(self) -> SplitNode:
        """The credit at the top of the tree."""
        return self.nodes[0]


class StatedFacts(NamedTuple):
    """The data of an event that may state facts of its credit, with the position of the event."""

    position: int
    event_type: EventType
    data: Data


def stated_facts(event: EventView) -> StatedFacts | None:
    """Return what lots inherit of an event of a credit: the creation of a root, and amendments."""
    if event.event_type is EventType.AMENDED or (
        event.event_type is EventType.CREATED and "parent" not in event.data
    ):
        return StatedFacts(event.position, event.event_type, event.data)
    return None


@dataclass(frozen=True)
class Restatement:
    """An AMENDED event, and what the words that it restates said before, by name, facts among them.

    A text is empty where there was no such word.
    """

    event: EventView
    before: Mapping[str, str]


@dataclass(frozen=True)
class Record:
    """A credit with all its events and its direct relations. `key` is its integer key in the tables.

    `inherited` has what the credits that it was split from say of their facts, the root first.
    """

    key: int
    credit: CreditView
    events: Sequence[EventView]
    relations: Relations
    inherited: Sequence[StatedFacts] = ()

    @property
    def head(self) -> EventHead:
        """The head of the credit's chain, as far as the next event depends on it."""
        last = self.events[-1]
        types = tuple(event.event_type for event in self.events)
        return EventHead(last.seq, last.hash, last.recorded_at, types)

    @property
    def last_counting(self) -> EventView:
        """The event that gave the credit its status, with its present data."""
        event = _last_counting(self.events)
        return replace(event, data=self.present_data(event))

    @property
    def sold_on(self) -> str | None:
        """The day of the sale in force, as it is now; None if there is none or the day is not known."""
        return self._day_of_sale(self.events)

    @property
    def warnings(self) -> list[str]:
        """What may be a mistake in its last sale, reversal or retirement, a sentence for each."""
        last = self.last_counting
        before = [event for event in self.events if event.seq < last.seq]
        sold_on = self._day_of_sale(before)
        warnings = date_warnings(last.event_type, happened_on(last), self.credit.vintage, sold_on)
        sale = _sale_in_force(before)
        if last.event_type is EventType.RETIRED and sale:
            buyer, beneficiary = self.present_data(sale).get("buyer"), last.data.get("beneficiary")
            named = None if beneficiary is None else str(beneficiary)
            warnings += buyer_warnings(self.credit.quantity_e4, None if buyer is None else str(buyer), named)
        return warnings

    def _day_of_sale(self, history: Sequence[EventView]) -> str | None:
        """Return the day of the sale in force after these first events, as it is now."""
        sale = _sale_in_force(history)
        return happened_on(replace(sale, data=self.present_data(sale))) if sale else None

    @property
    def facts(self) -> dict[str, str]:
        """The facts beside its identity as they are now; those of its root, if it is a lot."""
        own = ((event.event_type, event.data) for event in self.events)
        return present_facts(chain(((each.event_type, each.data) for each in self.inherited), own))

    @property
    def facts_of_lots(self) -> tuple[StatedFacts, ...]:
        """What its lots inherit."""
        return (*self.inherited, *filter(None, map(stated_facts, self.events)))

    @property
    def amended(self) -> list[EventView]:
        """Its events that were amended, as recorded."""
        seqs = {event.data.get(AMENDS) for event in self.events if event.event_type is EventType.AMENDED}
        return [event for event in self.events if event.seq in seqs]

    @property
    def position(self) -> int:
        """The last feed position of its events, and of those whose facts it inherits."""
        return max([self.events[-1].position, *(event.position for event in self.inherited)])

    def until(self, position: int) -> "Record":
        """Return the record as of a feed position, without its relations of then."""
        events = [event for event in self.events if event.position <= position]
        inherited = [event for event in self.inherited if event.position <= position]
        return replace(self, credit=credit_after(self.credit, events), events=events, inherited=inherited)

    def amendments_of(self, event: EventView) -> list[Restatement]:
        """Return the amendments of one of its events, oldest first, with what the words said before."""
        found = []
        for each in self.events:
            if each.event_type is EventType.AMENDED and each.data.get(AMENDS) == event.seq:
                before = self.until(each.position - 1)
                data = before.present_data(event)
                facts = before.facts if event.event_type is EventType.CREATED else facts_in(data)
                found.append(Restatement(each, words_of(each.data, data, facts)))
        return found

    def present_data(self, event: EventView) -> Data:
        """Return the data of one of its events, overlaid by the amendments of that event."""
        return _present_data(event, self.events)

    @property
    def stated(self) -> Credit:
        """The credit of the domain, as recorded."""
        credit, origin = self.credit, self.relations.origin
        return Credit(
            project_name=credit.project_name,
            registry=credit.registry,
            vintage=credit.vintage,
            quantity_e4=credit.quantity_e4,
            serial_number=credit.serial_number,
            replaces=origin.replaces,
            parent=origin.parent,
            offset_e4=origin.offset_e4,
            facts=facts_in(self.events[0].data),
        )


def credit_of_row(row: Row) -> tuple[CreditView, Origin]:
    """Return the credit of a row of ``statements.CREDIT``, and its origin."""
    (_key, own_id, project_name, registry, vintage, quantity_e4, serial_number, offset_e4, *rest) = row
    (status, created_at, changed_at, created_position, buyer, beneficiary, *rest) = rest
    parent, replaces, happened_on = rest
    view = CreditView(
        id=own_id.hex(),
        project_name=project_name,
        registry=registry,
        vintage=vintage,
        quantity_e4=quantity_e4,
        serial_number=serial_number,
        status=Status(status),
        created_at=created_at,
        changed_at=changed_at,
        created_position=created_position,
        buyer=buyer,
        beneficiary=beneficiary,
        happened_on=happened_on,
    )
    return view, Origin(parent and parent.hex(), offset_e4, replaces and replaces.hex())


def event_of(event: Event, position: int, event_hash: str, project_name: str, quantity_e4: int) -> EventView:
    """Return the view of an event of a credit with this project name and quantity."""
    return EventView(
        position=position,
        credit_id=event.credit_id,
        seq=event.seq,
        event_type=event.type,
        data=event.data,
        actor=event.actor,
        recorded_at=event.recorded_at,
        prev_hash=event.prev_hash,
        hash=event_hash,
        project_name=project_name,
        quantity_e4=quantity_e4,
        is_carried=False,
    )


def entry_of(entry: Entry, position: int, entry_hash: str) -> EntryView:
    """Return the view of an entry."""
    return EntryView(
        position=position,
        subject=entry.subject,
        seq=entry.seq,
        event_type=entry.type,
        data=entry.data,
        actor=entry.actor,
        recorded_at=entry.recorded_at,
        prev_hash=entry.prev_hash,
        hash=entry_hash,
    )


def credit_after(credit: CreditView, history: Sequence[EventView]) -> CreditView:
    """Return the credit as it was after these events, which must be all of its first events."""
    last, sale = _last_counting(history), _sale_in_force(history)
    retired = last if last.event_type is EventType.RETIRED else None
    buyer = _present_data(sale, history).get("buyer") if sale else None
    beneficiary = _present_data(retired, history).get("beneficiary") if retired else None
    return replace(
        credit,
        status=STATUS_AFTER[last.event_type],
        changed_at=last.recorded_at,
        buyer=None if buyer is None else str(buyer),
        beneficiary=None if beneficiary is None else str(beneficiary),
        happened_on=_day_of_status(last, history),
    )


def _day_of_status(last: EventView, history: Sequence[EventView]) -> str | None:
    """Return the day of the event that gave the status, if it is of a kind that has one."""
    if STATUS_AFTER[last.event_type] not in {Status.SOLD, Status.RETIRED, Status.WITHDRAWN}:
        return None
    return happened_on(replace(last, data=_present_data(last, history))) or last.recorded_at[:10]


def _last_counting(history: Sequence[EventView]) -> EventView:
    return next(event for event in reversed(history) if event.event_type in STATUS_AFTER)


def _sale_in_force(history: Sequence[EventView]) -> EventView | None:
    """Return the SOLD event that was not reversed, from the first events of a credit, if there is one."""
    place = sale_in_force([event.event_type for event in history])
    return None if place is None else history[place]


def _present_data(event: EventView, history: Sequence[EventView]) -> Data:
    amendments = amendments_of(event.seq, ((each.event_type, each.data) for each in history))
    return present_data(event.data, amendments)
