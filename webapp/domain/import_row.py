"""A row of a file as it was understood, and the tonnes that the rows say are no longer active."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate

from webapp.domain.credit import Credit
from webapp.domain.errors import (
    Problem,
)
from webapp.domain.lifecycle import Status


@dataclass(frozen=True)
class ImportRow:
    """A row as it was understood: its credit, or every problem that keeps it from being one.

    `number` counts from 1; `unknown_fields` are those that no row before it has; `status` is what the
    field of that name says, ACTIVE where it says nothing; `not_active` is why the row cannot be recorded
    as active stock, where it says so in any other way.
    """

    number: int
    credit: Credit | None
    problems: list[Problem] = field(default_factory=list)
    unknown_fields: list[str] = field(default_factory=list)
    status: Status = Status.ACTIVE
    not_active: Problem | None = None

    @property
    def is_active(self) -> bool:
        """Whether nothing in the row says that its tonnes are no longer active."""
        return self.status is Status.ACTIVE and self.not_active is None


# The canonical registry and serial number: what one credit alone may hold.
SerialClaim = tuple[str, str]


def serial_claim_of(credit: Credit) -> SerialClaim:
    """Return what a credit with a serial number claims."""
    return credit.canonical.registry, credit.canonical.serial_number


# The first and the last number of a block, and the number of the row that names it.
_Named = tuple[int, int, int]


class InactiveStock:
    """What the rows of a file that say their tonnes are no longer active name, with the row's number."""

    def __init__(self, rows: Iterable[ImportRow]) -> None:
        """Take all rows of the file."""
        self._ids: dict[str, int] = {}
        self._claims: dict[SerialClaim, int] = {}
        self._blocks: dict[str, list[_Named]] = {}
        for row in rows:
            if row.credit is None or row.is_active:
                continue
            self._ids[row.credit.id] = row.number
            if row.credit.serial_number is not None:
                self._claims[serial_claim_of(row.credit)] = row.number
            for block in row.credit.named_numbers:
                named = (block.first, block.last, row.number)
                self._blocks.setdefault(block.series, []).append(named)
        # Of the blocks of a series that begin at or before one: the one that reaches farthest.
        self._reaching = {
            series: list(accumulate(sorted(blocks), _farther)) for series, blocks in self._blocks.items()
        }
        self._starts = {
            series: sorted(block[0] for block in blocks) for series, blocks in self._blocks.items()
        }

    def row_about(self, credit: Credit) -> int | None:
        """Return the row that names this credit, its serial number or numbers of it."""
        if credit.id in self._ids:
            return self._ids[credit.id]
        if credit.serial_number is not None and serial_claim_of(credit) in self._claims:
            return self._claims[serial_claim_of(credit)]
        for block in credit.named_numbers:
            place = bisect_right(self._starts.get(block.series, []), block.last)
            if place and self._reaching[block.series][place - 1][1] >= block.first:
                return self._reaching[block.series][place - 1][2]
        return None


def _farther(one: _Named, other: _Named) -> _Named:
    """Return the one of two blocks that reaches farther."""
    return other if other[1] > one[1] else one
