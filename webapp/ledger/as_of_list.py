"""Lists of credits as of a day, as known at a time: what each was then. See ``as_of``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from webapp.domain.fields import quantity_text
from webapp.domain.lifecycle import STATUS_AFTER, EventType, Status
from webapp.ledger.as_of import EVERYTHING, Cut, Where, balances
from webapp.ledger.storage import standing_sql as sql
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import Row, fetch

PAGE: Final = 50
# Up to this many credits, a page is found by their cells and sorted.
_FEW: Final = 20_000
_BATCH: Final = 1_000


@dataclass(frozen=True)
class Standing:
    """A credit as it was: its immutable values, and what the last event until then made it.

    `happened_on` is the day of that event, or of its recording where `is_dated` is false. `party` is the
    buyer or the beneficiary, empty if there was none. `key` says where a page goes on.
    """

    key: int
    id: str
    project_name: str
    registry: str
    vintage: int
    quantity_e4: int
    serial_number: str | None
    parent: str | None
    event_type: EventType
    project_id: str
    happened_on: str
    is_dated: bool
    party: str

    @property
    def status(self) -> Status:
        """The status that the event gave it."""
        return STATUS_AFTER[self.event_type]

    @property
    def quantity(self) -> str:
        """The quantity in tonnes as exact decimal text."""
        return quantity_text(self.quantity_e4)


class StandingPage(NamedTuple):
    """A page of a list, the credit recorded last first. `next` is the `before` of the following page."""

    items: Sequence[Standing]
    next: int | None


def list_standings(
    cut: Cut,
    where: Where = EVERYTHING,
    before: int | None = None,
    limit: int = PAGE,
    *,
    found: int | None = None,
) -> StandingPage:
    """Return the credits that stood in the cells at the end of the day.

    `found` is their number, if it is known: it decides how they are read.
    """
    if found is None:
        found = _number_of(cut, where)
    rows = _rows(cut, where, before, limit + 1, are_few=found <= _FEW)
    items = [_standing(row) for row in rows]
    return StandingPage(items[:limit], items[limit - 1].key if len(items) > limit else None)


def every_standing(cut: Cut, where: Where = EVERYTHING) -> Iterator[Standing]:
    """Yield all of them, in the order of the list."""
    before: int | None = None
    found = _number_of(cut, where)
    while True:
        page = list_standings(cut, where, before, _BATCH, found=found)
        yield from page.items
        if page.next is None:
            return
        before = page.next


def _number_of(cut: Cut, where: Where) -> int:
    return sum(amount.credits for amount in balances(cut, [], where))


def _rows(cut: Cut, where: Where, before: int | None, limit: int, *, are_few: bool) -> Sequence[Row]:
    condition, parameters = where.condition(cut)
    condition = condition or "1 = 1"
    with reading() as connection:
        if before is None:
            newest = fetch(connection, sql.NEWEST_AT, cut.position)
            before = newest[0][0] + 1 if newest else 0
        stands = (cut.day, cut.day, cut.position, cut.position, before)
        if are_few:
            statement = sql.LISTED_BY_CELL.format(condition)
            return fetch(connection, statement, *parameters, *stands, limit)
        return fetch(connection, sql.LISTED_BY_CREDIT.format(condition), *stands, *parameters, limit)


def _standing(row: Row) -> Standing:
    key, digest, project_name, registry, vintage, quantity_e4, serial_number, parent, *then = row
    kind, project_id, day, is_dated, party = then
    return Standing(
        key=key,
        id=bytes(digest).hex(),
        project_name=project_name,
        registry=registry,
        vintage=vintage,
        quantity_e4=quantity_e4,
        serial_number=serial_number,
        parent=bytes(parent).hex() if parent else None,
        event_type=EventType(kind),
        project_id=project_id,
        happened_on=date.fromordinal(day).isoformat(),
        is_dated=bool(is_dated),
        party=party,
    )
