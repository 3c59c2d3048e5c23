"""What is shown of the ledger: frozen views of credits, events and records, and how rows become views."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from webapp.domain.credit import Credit
from webapp.domain.event import Data, Event, EventHead, phrase
from webapp.domain.fields import quantity_text
from webapp.domain.lifecycle import ALLOWED_ACTIONS, STATUS_AFTER, EventType, Status
from webapp.ledger.storage.statements import Row


@dataclass(frozen=True)
class CreditView:
    """A credit as lists show it. Texts are as recorded, times as in the log."""

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
        """Tonnes as exact decimal text."""
        return quantity_text(self.quantity_e4)

    @property
    def allowed_actions(self) -> tuple[EventType, ...]:
        """The acts that its status still allows."""
        return ALLOWED_ACTIONS[self.status]


@dataclass(frozen=True)
class EventView:
    """An event with its place in the feed and, for people, the credit it is about.

    `is_carried` says of a sale that it is that of the credit of which this one is a lot.
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
        """The event as the log has it."""
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
    def phrase(self) -> str:
        """The event in a few words."""
        said = phrase(self.event_type, self.data)
        return f"{said}, carried over from the credit it was split from" if self.is_carried else said

    @property
    def quantity(self) -> str:
        """Tonnes of the credit as exact decimal text."""
        return quantity_text(self.quantity_e4)


@dataclass(frozen=True)
class Origin:
    """Where a credit comes from: of which credit it is a lot, or in whose place it was recorded."""

    parent: str | None = None
    offset_e4: int | None = None
    replaces: str | None = None


@dataclass(frozen=True)
class Relations:
    """A credit's origin, the lots it was split into, in order, and what was recorded in its place."""

    origin: Origin
    lots: Sequence[CreditView]
    replaced_by: Sequence[str]


@dataclass(frozen=True)
class SplitNode:
    """One credit of a family. `start_e4` is where it begins in the root, the root's depth is 0."""

    credit: CreditView
    origin: Origin
    start_e4: int
    depth: int


@dataclass(frozen=True)
class SplitTree:
    """All that became of one recorded credit: the root, and the lots of lots under it.

    `nodes` are in the order of a tree that is read from top to bottom: each lot stands under its
    parent, the first tonnes first. `is_whole` says that none was left out.
    """

    nodes: Sequence[SplitNode]
    is_whole: bool
    replaced_by: Sequence[str]

    @property
    def root(self) -> SplitNode:
        """The credit that was recorded first."""
        return self.nodes[0]


@dataclass(frozen=True)
class Record:
    """A credit with its whole history and its nearest relations. `key` is how the tables name it."""

    key: int
    credit: CreditView
    events: Sequence[EventView]
    relations: Relations

    @property
    def head(self) -> EventHead:
        """The last event: what the next one must follow."""
        last = self.events[-1]
        return EventHead(last.seq, last.event_type, last.hash, last.recorded_at)

    @property
    def stated(self) -> Credit:
        """The credit as it was recorded."""
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
    """Return the credit of a row of ``statements.CREDIT``, and where it comes from."""
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
    """Return the credit as it was after the last of these events, which are all up to then."""
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
