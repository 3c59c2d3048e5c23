"""Splits: the lots of a credit, and the events of a split.

The lots partition the tonnes of the split credit, their parent. A lot is a credit with the project,
registry and vintage of its parent, and an id computed from the parent's id and the lot's place in it.
The rules are in "Splitting" in docs/ledger.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, islice
from typing import Final

from webapp.domain.canonical_json import Number
from webapp.domain.credit import Credit
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.event import Data, Event, created_event
from webapp.domain.fields import (
    E4,
    FieldError,
    QuantityField,
    quantity_from_text,
    quantity_text,
    tonnes,
)
from webapp.domain.lifecycle import EventType
from webapp.domain.serial_number import SerialBlock, parse_block
from webapp.domain.text import canonical

LOTS_MIN: Final = 2
LOTS_MAX: Final = 100
NOT_A_LIST: Final = f"Must be a list of {LOTS_MIN} to {LOTS_MAX} quantities."
WHOLE_TONNES: Final = "This credit is a block of serial numbers, so its lots are whole tonnes."
_QUANTITY: Final = QuantityField("quantities", "Quantities", required=True)


@dataclass(frozen=True)
class LotPlace:
    """The place of a credit in its root, the credit at the top of its split tree.

    `serial_number` and `whole_e4` are the root's serial number and quantity. `start_e4` is where the
    credit begins. Quantities are in ten-thousandths of a tonne.
    """

    serial_number: str | None
    start_e4: int
    whole_e4: int


def parse_quantities(values: Mapping[str, object]) -> list[int]:
    """Return the quantities of `{"quantities": [250, 9750]}` in ten-thousandths. Raises InvalidFields."""
    problems = [Problem(name, "There is no such field.") for name in values if name != "quantities"]
    given = values.get("quantities")
    parsed: list[int] = []
    if not isinstance(given, list) or not LOTS_MIN <= len(given) <= LOTS_MAX:
        problems.append(Problem("quantities", NOT_A_LIST))
    else:
        for number, value in enumerate(given, start=1):
            try:
                parsed.append(int(_QUANTITY.parse(value) or 0))
            except FieldError as refusal:
                problems.append(Problem("quantities", f"Lot {number}: {refusal}"))
    if problems:
        raise InvalidFields(problems)
    return parsed


def require_part(part_e4: int, whole_e4: int, block: SerialBlock | None) -> None:
    """Check a quantity to take from a credit, both in ten-thousandths of a tonne. Raises InvalidFields."""
    if part_e4 > whole_e4:
        message = f"{tonnes(part_e4)} is more than the {tonnes(whole_e4)} of this credit."
        raise InvalidFields([Problem("quantity", message)])
    if block and part_e4 % E4 and part_e4 != whole_e4:
        raise InvalidFields([Problem("quantity", WHOLE_TONNES)])


def lots_of(
    parent: Credit, place: LotPlace, quantities_e4: Sequence[int], block: SerialBlock | None
) -> list[Credit]:
    """Return the lots of the parent, in order.

    With a `block`, each lot gets its part of it as serial number; with None, a text with its place.
    Raises InvalidFields if the quantities do not add up to the parent's, or if there is a block and one
    of them is not a whole number of tonnes.
    """
    if sum(quantities_e4) != parent.quantity_e4:
        total, whole = tonnes(sum(quantities_e4)), tonnes(parent.quantity_e4)
        raise InvalidFields([Problem("quantities", f"They add up to {total}, but the credit has {whole}.")])
    if block and any(quantity_e4 % E4 for quantity_e4 in quantities_e4):
        raise InvalidFields([Problem("quantities", WHOLE_TONNES)])
    offsets = accumulate(quantities_e4[:-1], initial=0)
    return [
        Credit(
            project_name=parent.project_name,
            registry=parent.registry,
            vintage=parent.vintage,
            quantity_e4=quantity_e4,
            serial_number=block.part(offset_e4 // E4, quantity_e4 // E4)
            if block
            else _place_text(place, offset_e4, quantity_e4),
            parent=parent.id,
            offset_e4=offset_e4,
        )
        for offset_e4, quantity_e4 in zip(offsets, quantities_e4, strict=True)
    ]


def blocks_of(parent: Credit) -> list[SerialBlock | None]:
    """Return the values of `block` for `lots_of` that recorded lots may have: the current one first.

    Earlier versions recognised fewer texts as blocks, and wrote the parts of a non-ASCII serial number
    in canonical form.
    """
    if parent.block is None:
        return [None]
    serial_number = parent.serial_number or ""
    if serial_number.isascii():
        return [parent.block, None]
    return [parent.block, parse_block(canonical(serial_number)), None]


def numbers_of_lot(parent: Credit, lot: Credit) -> SerialBlock | None:
    """Return the lot's part of its parent's block, None if its serial number is only its place.

    It is not parsed from the lot's own text, because that can be ambiguous: a lot of one number can be
    written as the same full serial twice, and only the parent shows which of its numbers counts.
    """
    if parent.block is None or lot.block is None or lot.offset_e4 is None:
        return None
    first = parent.block.first + lot.offset_e4 // E4
    return replace(lot.block, series=parent.block.series, first=first, last=first + lot.block.length - 1)


def _place_text(place: LotPlace, offset_e4: int, quantity_e4: int) -> str:
    """Return the serial number of a lot without a block: the root's serial number, and the place in it."""
    start, end = place.start_e4 + offset_e4, place.start_e4 + offset_e4 + quantity_e4
    if (start % E4, end % E4, place.whole_e4 % E4) == (0, 0, 0):
        where = f"{start // E4 + 1:,}–{end // E4:,} of {place.whole_e4 // E4:,}"  # noqa: RUF001
    else:
        numbers = [quantity_text(e4) for e4 in (start, end, place.whole_e4)]
        where = f"{numbers[0]}–{numbers[1]} t of {numbers[2]} t"  # noqa: RUF001
    return where if place.serial_number is None else f"{place.serial_number}, {where}"


def split_data(lots: Sequence[Credit]) -> Data:
    """Return the data of the SPLIT event: the quantities of the lots, in order."""
    return {"quantities": [quantity_text(lot.quantity_e4) for lot in lots]}


def quantities_of(split: Event) -> list[int]:
    """Return the quantities of a SPLIT event in ten-thousandths. Raises ValueError."""
    given = split.data.get("quantities")
    if not isinstance(given, list):
        raise ValueError("a SPLIT event has no list of quantities")  # noqa: TRY004
    return [quantity_from_text(text) for text in given]


def parse_split_data(data: Data) -> Data:
    """Return the data of a SPLIT event in recorded form. Raises InvalidFields."""
    given = data.get("quantities")
    texts = [Number(text) for text in given] if isinstance(given, list) else given
    quantities_e4 = parse_quantities({**data, "quantities": texts})
    return {"quantities": [quantity_text(quantity_e4) for quantity_e4 in quantities_e4]}


def split_events(split: Event, lots: Sequence[Credit], sale: Event | None) -> list[Event]:
    """Return all events of a split, in feed order: the SPLIT event, then those of each lot.

    `sale` is the parent's sale in force, with its present data (``amendment.sale_of``), if there is
    one; each lot then gets a copy of it.
    """
    result = [split]
    for lot in lots:
        first = created_event(lot, split.actor, split.recorded_at)
        result.append(first)
        if sale:
            result.append(Event(lot.id, 2, sale.type, sale.data, split.actor, split.recorded_at, first.hash))
    return result


def group_splits(history: Iterable[Event]) -> Iterator[list[Event]]:
    """Group events in feed order: all events of a split together, any other event by itself.

    Either all lots of a split have a SOLD event or none has, so the event after the first lot decides.
    """
    remaining = iter(history)
    for event in remaining:
        if event.type is not EventType.SPLIT:
            yield [event]
            continue
        count = len(event.data.get("quantities") or ())  # type: ignore[arg-type]
        group = [event, *islice(remaining, LOTS_MIN)]
        match group:
            case [_, first, Event(type=EventType.SOLD, credit_id=sold)] if sold == first.credit_id:
                count *= 2
        group += islice(remaining, count + 1 - len(group))
        yield group


class SplitTrees:
    """Tracks, event by event, which split credits still have a lot that is not cancelled."""

    def __init__(self) -> None:
        """Start without lots."""
        self._parents: dict[str, str] = {}
        self._counted: dict[str, int] = {}

    def add(self, lot_id: str, parent_id: str) -> None:
        """Add a new lot. All lots of a split must be added before any of them is cancelled."""
        self._parents[lot_id] = parent_id
        self._counted[parent_id] = self._counted.get(parent_id, 0) + 1

    def cancel(self, credit_id: str) -> list[str]:
        """Return the credits that are fully cancelled after this event: this one, then ancestors."""
        fully_cancelled = [credit_id]
        while parent_id := self._parents.get(fully_cancelled[-1]):
            self._counted[parent_id] -= 1
            if self._counted[parent_id]:
                break
            fully_cancelled.append(parent_id)
        return fully_cancelled


def flatten(grouped: Iterable[Sequence[Event]]) -> Iterator[Event]:
    """Return the events of the groups of `group_splits`, in order."""
    return chain.from_iterable(grouped)
