"""Reads. They return frozen views, never rows, and each runs in a transaction of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, and_, exists, literal, or_, select

from webapp.domain.credits import is_credit_id
from webapp.domain.errors import UnknownCredit
from webapp.domain.events import Data, phrase
from webapp.domain.fields import quantity_text
from webapp.domain.lifecycle import COUNTED, OPEN_ACTS, EventType, Status
from webapp.ledger.database import reading
from webapp.ledger.log import parse_stored
from webapp.ledger.tables import credit_states, credits, events, feed, parties, registries, totals

# A page shows no larger family; a program walks it by `parent` and `lots`.
FAMILY_MAX: Final = 1000
_ORIGIN: Final = (credits.c.parent, credits.c.offset_e4, credits.c.replaces)
_WITH_ORIGIN: Final = select(credit_states, *_ORIGIN).join_from(
    credit_states, credits, credits.c.id == credit_states.c.credit_id
)
_SALE: Final = events.alias("sale")
# A lot of a sold credit begins as sold, so the sale that it has is never its own.
_PARENT_SALE: Final = (credits.c.parent == _SALE.c.credit_id) & (_SALE.c.type == EventType.SOLD)
_PARENT_SOLD: Final = exists().where(credits.c.id == feed.c.credit_id, _PARENT_SALE).correlate(feed)


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
    def open_acts(self) -> tuple[EventType, ...]:
        """The acts that its status still allows."""
        return OPEN_ACTS[self.status]


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

    @property
    def offset(self) -> str | None:
        """Where in its parent the lot begins, tonnes as exact decimal text."""
        return None if self.offset_e4 is None else quantity_text(self.offset_e4)


@dataclass(frozen=True)
class Relations:
    """A credit's origin, the lots it was split into, in order, and what was recorded in its place."""

    origin: Origin
    lots: Sequence[CreditView]
    replaced_by: Sequence[str]


@dataclass(frozen=True)
class Member:
    """One credit of a family. `start_e4` is where it begins in the root, the root's depth is 0."""

    credit: CreditView
    origin: Origin
    start_e4: int
    depth: int


@dataclass(frozen=True)
class Family:
    """All that became of one recorded credit: the root, and the lots of lots under it.

    `members` are in the order of a tree that is read from top to bottom: each lot stands under its
    parent, the first tonnes first. `is_whole` says that none was left out.
    """

    members: Sequence[Member]
    is_whole: bool
    replaced_by: Sequence[str]

    @property
    def root(self) -> Member:
        """The credit that was recorded first."""
        return self.members[0]


@dataclass(frozen=True)
class Record:
    """A credit with its whole history and its nearest relations."""

    credit: CreditView
    events: Sequence[EventView]
    relations: Relations


@dataclass(frozen=True)
class Sum:
    """A number of credits and their tonnes in ten-thousandths."""

    credits: int = 0
    quantity_e4: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        """Add both."""
        return Sum(self.credits + other.credits, self.quantity_e4 + other.quantity_e4)

    @property
    def quantity(self) -> str:
        """Tonnes as exact decimal text."""
        return quantity_text(self.quantity_e4)


@dataclass(frozen=True)
class StatusSums:
    """Sums by status under one name, such as a registry's or a vintage's."""

    name: str
    by_status: Mapping[Status, Sum]

    def __getitem__(self, status: str) -> Sum:
        """Return the sum of a status, zero where there is none."""
        return self.by_status.get(Status(status), Sum())

    @property
    def all(self) -> Sum:
        """The sum over every status that is counted: each tonne once, in the credit that holds it."""
        return sum((self[status] for status in COUNTED), Sum())


@dataclass(frozen=True)
class Totals:
    """What the dashboard says: all of the ledger, then by registry and by vintage."""

    ledger: StatusSums
    registries: Sequence[StatusSums]
    vintages: Sequence[StatusSums]


def credit(credit_id: str) -> CreditView:
    """Return the credit. Raises UnknownCredit."""
    with reading() as connection:
        return _credit(connection, credit_id)


def record(credit_id: str) -> Record:
    """Return the credit with its history, oldest event first. Raises UnknownCredit."""
    with reading(snapshot=True) as connection:
        found = _credit(connection, credit_id)
        rows = connection.execute(
            select_events().where(events.c.credit_id == credit_id).order_by(events.c.seq)
        )
        history = [event_view(row) for row in rows]
        return Record(found, history, _relations(connection, credit_id))


def relations(credit_id: str) -> Relations:
    """Return the nearest relations of a credit that the ledger holds."""
    with reading() as connection:
        return _relations(connection, credit_id)


def origins(credit_ids: Sequence[str]) -> dict[str, Origin]:
    """Return where those of the credits come from that the ledger holds, by id."""
    query: Select[Any] = select(credits.c.id, *_ORIGIN).where(credits.c.id.in_(credit_ids))
    with reading() as connection:
        return {row.id: _origin(row) for row in connection.execute(query)}


def family(credit_id: str, limit: int = FAMILY_MAX) -> Family:
    """Return the family of the credit, at most `limit` of it. Raises UnknownCredit."""
    with reading(snapshot=True) as connection:
        _credit(connection, credit_id)
        rows = connection.execute(_select_family(credit_id).limit(limit + 1)).all()
        members = _tree(rows[:limit])
        replacements = select(credits.c.id).where(credits.c.replaces == members[0].credit.id)
        replaced_by = list(connection.scalars(replacements.order_by(credits.c.id)))
    return Family(members, len(rows) <= limit, replaced_by)


def find_credits(credit_ids: Sequence[str]) -> dict[str, CreditView]:
    """Return those of the credits that the ledger holds, by id."""
    with reading() as connection:
        rows = connection.execute(select(credit_states).where(credit_states.c.credit_id.in_(credit_ids)))
        return {row.credit_id: credit_view(row) for row in rows}


def ledger_totals() -> Totals:
    """Return the sums of the whole ledger, by registry (by name) and by vintage (newest first)."""
    with reading(snapshot=True) as connection:
        names = registry_names(connection)
        rows = connection.execute(select(totals)).all()
    by_registry: dict[str, dict[Status, Sum]] = {}
    by_vintage: dict[int, dict[Status, Sum]] = {}
    ledger: dict[Status, Sum] = {}
    for row in rows:
        status, amount = Status(row.status), Sum(row.credits, row.quantity_e4)
        for sums in (
            ledger,
            by_registry.setdefault(row.registry_key, {}),
            by_vintage.setdefault(row.vintage, {}),
        ):
            sums[status] = sums.get(status, Sum()) + amount
    return Totals(
        ledger=StatusSums("", ledger),
        registries=[StatusSums(names.get(key, key), sums) for key, sums in sorted(by_registry.items())],
        vintages=[StatusSums(str(year), sums) for year, sums in sorted(by_vintage.items(), reverse=True)],
    )


def filter_choices() -> tuple[list[str], list[int]]:
    """Return the registries, in their first spelling, and the vintages that there are."""
    with reading() as connection:
        names = registry_names(connection)
        years = connection.scalars(
            select(totals.c.vintage).distinct().order_by(totals.c.vintage.desc())
        ).all()
    return [name for _, name in sorted(names.items())], list(years)


def suggest_parties(role: EventType, limit: int = 100) -> list[str]:
    """Return the buyers (SOLD) or beneficiaries (RETIRED) named before, the latest first."""
    with reading() as connection:
        return list(
            connection.scalars(
                select(parties.c.name)
                .where(parties.c.role == role)
                .order_by(parties.c.last_position.desc())
                .limit(limit)
            )
        )


def select_events() -> Select[Any]:
    """Return the SELECT whose rows `event_view` understands."""
    return select(
        feed.c.position,
        events.c.body,
        events.c.hash,
        credit_states.c.project_name,
        credit_states.c.quantity_e4,
        and_(feed.c.type == EventType.SOLD, _PARENT_SOLD).label("is_carried"),
    ).select_from(
        feed.join(events, (feed.c.credit_id == events.c.credit_id) & (feed.c.seq == events.c.seq)).join(
            credit_states, credit_states.c.credit_id == feed.c.credit_id
        )
    )


def event_view(row: Row[Any]) -> EventView:
    """Return the view of a row of `select_events`."""
    event = parse_stored(row.body)
    return EventView(
        position=row.position,
        credit_id=event.credit_id,
        seq=event.seq,
        event_type=event.type,
        data=event.data,
        actor=event.actor,
        recorded_at=event.recorded_at,
        prev_hash=event.prev_hash,
        hash=row.hash,
        project_name=row.project_name,
        quantity_e4=row.quantity_e4,
        is_carried=bool(row.is_carried),
    )


def credit_view(row: Row[Any]) -> CreditView:
    """Return the view of a row of credit_states."""
    return CreditView(
        id=row.credit_id,
        project_name=row.project_name,
        registry=row.registry,
        vintage=row.vintage,
        quantity_e4=row.quantity_e4,
        serial_number=row.serial_number,
        status=Status(row.status),
        created_at=row.created_at,
        changed_at=row.changed_at,
        created_position=row.created_position,
        buyer=row.buyer,
        beneficiary=row.beneficiary,
    )


def registry_names(connection: Connection) -> dict[str, str]:
    """Return the first spelling of every registry by its canonical name."""
    return {row.registry_key: row.name for row in connection.execute(select(registries))}


def _credit(connection: Connection, credit_id: str) -> CreditView:
    if not is_credit_id(credit_id):  # PostgreSQL would not even be asked for a text with a NUL in it
        raise UnknownCredit(credit_id)
    row = connection.execute(select(credit_states).where(credit_states.c.credit_id == credit_id)).first()
    if row is None:
        raise UnknownCredit(credit_id)
    return credit_view(row)


def _origin(row: Row[Any]) -> Origin:
    return Origin(row.parent, row.offset_e4, row.replaces)


def _relations(connection: Connection, credit_id: str) -> Relations:
    """Ask once: the credit, its lots and what replaces it are all found by an index."""
    related = or_(credits.c.id == credit_id, credits.c.parent == credit_id, credits.c.replaces == credit_id)
    query = _WITH_ORIGIN.where(related).order_by(credits.c.offset_e4, credit_states.c.created_position)
    rows = connection.execute(query).all()
    origin = next((_origin(row) for row in rows if row.credit_id == credit_id), Origin())
    return Relations(
        origin,
        lots=[credit_view(row) for row in rows if row.parent == credit_id],
        replaced_by=[row.credit_id for row in rows if row.replaces == credit_id],
    )


def _select_family(credit_id: str) -> Select[Any]:
    """Return the SELECT that goes up to the root and down from it, generation by generation."""
    above = select(credits.c.id, credits.c.parent).where(credits.c.id == credit_id).cte(recursive=True)
    above = above.union_all(
        select(credits.c.id, credits.c.parent).join_from(credits, above, credits.c.id == above.c.parent)
    )
    root = select(above.c.id, literal(0).label("depth")).where(above.c.parent.is_(None))
    below = root.cte(recursive=True)
    below = below.union_all(
        select(credits.c.id, below.c.depth + 1).join_from(below, credits, credits.c.parent == below.c.id)
    )
    found = _WITH_ORIGIN.join(below, below.c.id == credits.c.id)
    return found.order_by(below.c.depth, credits.c.offset_e4, credits.c.id)


def _tree(rows: Sequence[Row[Any]]) -> list[Member]:
    """Put the rows of a family in the order of a tree. Without recursion: a family can be deep."""
    lots: dict[str | None, list[Row[Any]]] = {}
    for row in sorted(rows, key=lambda row: row.offset_e4 or 0, reverse=True):
        lots.setdefault(row.parent, []).append(row)
    members: list[Member] = []
    open_rows = [(row, 0, 0) for row in lots.get(None, [])]
    while open_rows:
        row, parent_start_e4, depth = open_rows.pop()
        member = Member(credit_view(row), _origin(row), parent_start_e4 + (row.offset_e4 or 0), depth)
        members.append(member)
        open_rows += [(lot, member.start_e4, depth + 1) for lot in lots.get(row.credit_id, [])]
    return members
