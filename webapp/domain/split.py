"""Lots: the parts into which a credit is split, and the events that a split is made of.

A split consumes a credit and creates lots that partition it exactly. A lot is a credit like any
other, with the project, registry and vintage of its parent, and an id that follows from its
parent and its place in it. The source of the rules is "Splitting" in docs/ledger.md.
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
    """Where a credit lies in the one that was first recorded: of which it is all, or a lot.

    `start_e4` and `whole_e4` are ten-thousandths of a tonne.
    """

    serial_number: str | None
    start_e4: int
    whole_e4: int


def parse_quantities(values: Mapping[str, object]) -> list[int]:
    """Return the ten-thousandths of `{"quantities": [250, 9750]}`. Raises InvalidFields."""
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


def lots_of(
    parent: Credit, place: LotPlace, quantities_e4: Sequence[int], block: SerialBlock | None
) -> list[Credit]:
    """Return the lots that partition the parent, in order.

    `block` is the parent's own, of which each lot has its part; None where each states its place.
    Raises InvalidFields where the quantities are not all of it, or would cut through a number of
    the block.
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
    """Return the block whose parts the lots are, or ever were: the first is how it is done now.

    A log may hold lots from when fewer texts were understood as blocks, and from when a part in a
    notation of other than ASCII characters was written canonically.
    """
    if parent.block is None:
        return [None]
    serial_number = parent.serial_number or ""
    if serial_number.isascii():
        return [parent.block, None]
    return [parent.block, parse_block(canonical(serial_number)), None]


def numbers_of_lot(parent: Credit, lot: Credit) -> SerialBlock | None:
    """Return the lot's own part of its parent's block, None where it only states its place.

    The text of the lot alone would not do: one number of a pair of full serials is the same serial
    twice, and which of its numbers that is, only the parent tells.
    """
    if parent.block is None or lot.block is None or lot.offset_e4 is None:
        return None
    first = parent.block.first + lot.offset_e4 // E4
    return replace(lot.block, series=parent.block.series, first=first, last=first + lot.block.length - 1)


def _place_text(place: LotPlace, offset_e4: int, quantity_e4: int) -> str:
    """Return the serial number of the credit first recorded and the place in it, as a lot has them."""
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
    """Return the ten-thousandths of each lot of a SPLIT event. Raises ValueError."""
    given = split.data.get("quantities")
    if not isinstance(given, list):
        raise ValueError("a split states the quantities of its lots")  # noqa: TRY004
    return [quantity_from_text(text) for text in given]


def parse_split_data(data: Data) -> Data:
    """Return the data as a split records it. Raises InvalidFields."""
    given = data.get("quantities")
    texts = [Number(text) for text in given] if isinstance(given, list) else given
    quantities_e4 = parse_quantities({**data, "quantities": texts})
    return {"quantities": [quantity_text(quantity_e4) for quantity_e4 in quantities_e4]}


def split_events(split: Event, lots: Sequence[Credit], sale: Event | None) -> list[Event]:
    """Return everything that a split appends, in feed order: itself, then each lot.

    Where the parent was sold, `sale` is that event, and each lot carries it over.
    """
    result = [split]
    for lot in lots:
        first = created_event(lot, split.actor, split.recorded_at)
        result.append(first)
        if sale:
            result.append(Event(lot.id, 2, sale.type, sale.data, split.actor, split.recorded_at, first.hash))
    return result


def group_splits(history: Iterable[Event]) -> Iterator[list[Event]]:
    """Group a history, in feed order, into what was appended as one: a split, or a single event.

    A split's lots all carry a sale or none does, so the event after the first lot tells.
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
    """Of which credits something is still counted, as the events tell in feed order."""

    def __init__(self) -> None:
        """Start with no lot."""
        self._parents: dict[str, str] = {}
        self._counted: dict[str, int] = {}

    def add(self, lot_id: str, parent_id: str) -> None:
        """Add a lot when it is created. Its siblings follow before anything else does."""
        self._parents[lot_id] = parent_id
        self._counted[parent_id] = self._counted.get(parent_id, 0) + 1

    def cancel(self, credit_id: str) -> list[str]:
        """Return of which credits nothing is counted any more: of this one, and of some above it."""
        emptied = [credit_id]
        while parent_id := self._parents.get(emptied[-1]):
            self._counted[parent_id] -= 1
            if self._counted[parent_id]:
                break
            emptied.append(parent_id)
        return emptied


def flatten(grouped: Iterable[Sequence[Event]]) -> Iterator[Event]:
    """Undo `group_splits`."""
    return chain.from_iterable(grouped)
