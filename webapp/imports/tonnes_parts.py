"""Columns of tonnes that ended: the parts of a row that were retired or withdrawn, and the active rest.

A row is cut into parts only where its tonnes add up and no serial number would have to be guessed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

from webapp.domain.credit import Credit
from webapp.domain.errors import Problem
from webapp.domain.fields import FieldError, QuantityField, tonnes
from webapp.domain.import_row import ImportRow, StatedEnd
from webapp.domain.lifecycle import EventType
from webapp.imports.cell_values import is_missing
from webapp.imports.column_names import column_of
from webapp.imports.formats.format import (
    ACTIVE_TONNES,
    BUFFER,
    RETIRED_TONNES,
    WITHDRAWN_TONNES,
    Part,
    header_key,
)
from webapp.imports.inactive_status import InactiveMark, problem_of
from webapp.imports.mapping import ColumnMapping
from webapp.imports.row_values import Columns, Reading, shown
from webapp.imports.stated_end import programme_converted_to

_TONNES: Final = QuantityField("tonnes", "Tonnes")
_REASON_MAX: Final = 300
_NOT_ADDED_UP: Final = (
    "The row says {}, and its columns do not say how much of the {} is still active; leave the row out."
)
_NUMBERS_UNKNOWN: Final = (
    "The row says {} of {}, and not which serial numbers these are; leave the row out, or import the list "
    "of retirements."
)

# Tonnes of a row in ten-thousandths, with their end, None for those that are still active.
TonnesPart = tuple[int, StatedEnd | None]


@dataclass(frozen=True)
class _TonnesColumn:
    """A column of tonnes that ended."""

    header: str
    part: Part


class TonnesColumns:
    """The columns of tonnes in rows with the same headers."""

    def __init__(self, columns: Columns, targets: Mapping[str, str], mapping: ColumnMapping) -> None:
        """Bind the columns that are mapped to fields of tonnes."""
        form = mapping.format
        parts = {header_key(header): part for header, part in form.parts.items()} if form else {}
        places = {key: place for place, key in enumerate(parts)}
        self._columns = columns
        self._tonnes = [
            _TonnesColumn(header, parts.get(header_key(header)) or _part_named(header, name))
            for header, name in targets.items()
            if name in {RETIRED_TONNES, WITHDRAWN_TONNES}
        ]
        # The parts of a row are in the order of the format, in any order of columns.
        self._tonnes.sort(key=lambda column: places.get(header_key(column.header), len(places)))
        self.headers = frozenset(column.header for column in self._tonnes)
        self._active_tonnes = columns.header_of.get(ACTIVE_TONNES)
        # Whether the quantity is that of all tonnes, those that ended included.
        self._is_total = mapping.is_confirmed or bool(parts)

    def read(
        self,
        values: Mapping[str, object],
        credit: Credit | None,
        said: Sequence[InactiveMark],
        reading: Reading,
    ) -> tuple[list[TonnesPart], Problem | None]:
        """Return the parts of the quantity that ended, and the active rest; empty if no column has any.

        The problem is that of a row whose tonnes do not add up, or whose parts have no numbers.
        """
        found: list[tuple[int, _TonnesColumn]] = []
        for column in self._tonnes:
            stated = [mark for mark in said if mark.header == column.header]
            try:
                found += [(self._tonnes_e4(column.header, mark.raw), column) for mark in stated]
            except FieldError as refusal:
                reading.problems.append(Problem(shown(column.header), str(refusal)))
        if credit is None:
            return [], problem_of(said) if found else None
        if not found:
            return [], self._not_all_active(values, credit)
        if not all(amount for amount, _ in found):
            return [], problem_of(said)
        whole = credit.quantity_e4
        ended = sum(amount for amount, _ in found)
        named = "; ".join(f"{shown(column.header)}: {tonnes(amount)}" for amount, column in found)
        others = any(mark.header not in self.headers for mark in said)
        if ended > whole or (ended < whole and (others or not self._adds_up(values, whole, found))):
            return [], Problem(shown(found[0][1].header), _NOT_ADDED_UP.format(named, tonnes(whole)))
        if (ended < whole or len(found) > 1) and credit.serial_number is not None:
            return [], Problem(shown(found[0][1].header), _NUMBERS_UNKNOWN.format(named, tonnes(whole)))
        parts = [(amount, _end_of(column.part)) for amount, column in found]
        rest: list[TonnesPart] = [(whole - ended, None)] if ended < whole else []
        return [*rest, *_joined(parts)], None

    def _tonnes_e4(self, header: str, value: object) -> int:
        """Return the ten-thousandths of a tonne in a cell, 0 if missing. Raises FieldError."""
        text = self._columns.tonnes(header, value)
        if text is None or not text.strip("0."):
            return 0
        return _TONNES.parse(text) or 0

    def _not_all_active(self, values: Mapping[str, object], credit: Credit) -> Problem | None:
        """Return the problem of a row whose active tonnes are not its quantity, with no reason for it."""
        header = self._active_tonnes
        if header is None or is_missing(values.get(header)):
            return None
        try:
            active = self._tonnes_e4(header, values[header])
        except FieldError as refusal:
            return Problem(shown(header), str(refusal))
        if active == credit.quantity_e4:
            return None
        whole = tonnes(credit.quantity_e4)
        return Problem(shown(header), _NOT_ADDED_UP.format(f"{shown(header)}: {tonnes(active)}", whole))

    def _adds_up(
        self, values: Mapping[str, object], whole: int, found: Sequence[tuple[int, _TonnesColumn]]
    ) -> bool:
        """Return whether the active and the ended tonnes of the row are its quantity.

        The active tonnes of a registry may include those that went into a buffer later, so that some of
        the parts are already missing in them and others are not.
        """
        if self._active_tonnes is None:
            return self._is_total
        try:
            active = self._tonnes_e4(self._active_tonnes, values.get(self._active_tonnes))
        except FieldError:
            return False
        amounts = [amount for amount, _ in found]
        if not self._is_total:
            return active + sum(amounts) == whole
        return any(
            active + sum(some) == whole
            for count in range(len(amounts) + 1)
            for some in combinations(amounts, count)
        )


def _end_of(part: Part) -> StatedEnd:
    facts = {"converted_to": part.converted_to} if part.converted_to else {}
    return StatedEnd(part.type, None, {"reason": part.reason}, facts)


def _joined(parts: Iterable[tuple[int, StatedEnd]]) -> list[tuple[int, StatedEnd]]:
    """Return the parts with those of the same end added up."""
    joined: list[tuple[int, StatedEnd]] = []
    for amount, end in parts:
        place = next((n for n, (_, other) in enumerate(joined) if other == end), None)
        if place is None:
            joined.append((amount, end))
        else:
            joined[place] = (joined[place][0] + amount, end)
    return joined


def rows_of_parts(row: ImportRow, parts: Sequence[TonnesPart]) -> list[ImportRow]:
    """Return a row for each part, all with the number of the row."""
    credit = row.credit
    return [
        replace(
            row,
            credit=None if credit is None else replace(credit, quantity_e4=amount),
            end=end,
            is_issuance=end is None and row.is_issuance,
        )
        for amount, end in parts
    ]


def _part_named(header: str, name: str) -> Part:
    """Return the part of a column that no format has: its header is the reason."""
    kind = EventType.RETIRED if name == RETIRED_TONNES else EventType.WITHDRAWN
    if kind is EventType.WITHDRAWN and column_of(header).adjective.startswith("Buffer"):
        return BUFFER
    return Part(kind, header[:_REASON_MAX], programme_converted_to([header]))
