"""The read models: frozen views of credits, events and records, and their conversion from rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from webapp.domain.credit import Credit
from webapp.domain.event import Data, Event, EventHead
from webapp.domain.fields import quantity_text
from webapp.domain.lifecycle import ALLOWED_ACTIONS, STATUS_AFTER, EventType, Status
from webapp.ledger.storage.statements import Row


@dataclass(frozen=True)
class CreditView:
    """A credit for lists and pages. Texts are as recorded; times have the format of events."""

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


@dataclass(frozen=True)
class Record:
    """A credit with all its events and its direct relations. `key` is its integer key in the tables."""

    key: int
    credit: CreditView
    events: Sequence[EventView]
    relations: Relations

    @property
    def head(self) -> EventHead:
        """The head of the credit's chain: its last event."""
        last = self.events[-1]
        return EventHead(last.seq, last.event_type, last.hash, last.recorded_at)

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
        )


def credit_of_row(row: Row) -> tuple[CreditView, Origin]:
    """Return the credit of a row of ``statements.CREDIT``, and its origin."""
    (_key, own_id, project_name, registry, vintage, quantity_e4, serial_number, offset_e4, *rest) = row
    (status, created_at, changed_at, created_position, buyer, beneficiary, parent, replaces) = rest
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


def credit_after(credit: CreditView, history: Sequence[EventView]) -> CreditView:
    """Return the credit as it was after these events, which must be all of its first events."""
    said = {event.event_type: event.data for event in history}
    buyer = said.get(EventType.SOLD, {}).get("buyer")
    beneficiary = said.get(EventType.RETIRED, {}).get("beneficiary")
    return replace(
        credit,
        status=STATUS_AFTER[history[-1].event_type],
        changed_at=history[-1].recorded_at,
        buyer=None if buyer is None else str(buyer),
        beneficiary=None if beneficiary is None else str(beneficiary),
    )
