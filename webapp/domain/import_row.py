"""A parsed row of an import file, and an index of the rows whose tonnes are not active."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from webapp.domain.credit import Credit
from webapp.domain.errors import Problem
from webapp.domain.lifecycle import EventType, Status
from webapp.domain.registry_names import RegistryNames
from webapp.domain.text import canonical


@dataclass(frozen=True)
class StatedEnd:
    """How a row says that its tonnes ended: the type of the event, RETIRED or WITHDRAWN, and its data.

    `data` has the fields of the event by name (`beneficiary`, `reason`, `reference`, `note`), those that
    the row states; `facts` those of ``facts.RETIREMENT_FACTS``. `occurred_on` is the day in ISO form,
    None if the row does not state it.
    """

    type: EventType
    occurred_on: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)

    def agrees_with(self, other: "StatedEnd") -> bool:
        """Return whether both can be about the same retirement: what both state is equal."""
        if self.type is not other.type:
            return False
        if self.occurred_on and other.occurred_on and self.occurred_on != other.occurred_on:
            return False
        mine, theirs = self.data.get("beneficiary"), other.data.get("beneficiary")
        return not (mine and theirs) or canonical(mine) == canonical(theirs)

    @property
    def stated(self) -> int:
        """How many facts the row states about the end."""
        return len(self.data) + len(self.facts) + (self.occurred_on is not None)


@dataclass(frozen=True)
class ImportRow:
    """A parsed row: its credit, or None and the problems of its fields.

    `number` is that of ``SourceRow``. `unknown_fields` are the field names that no earlier row has.
    `status` is the value of the field `status` of our own files, by default ACTIVE. `end` is set if the
    row states that its tonnes were retired or withdrawn, and how. `not_active` is set if it states that
    they are no longer active in a way that cannot be recorded; the row is then refused.

    `facts` are those of ``facts.CREDIT_FACTS``. `is_issuance`: the row only says that the tonnes were
    issued, not what they are today. `notes` are sentences about the row for the plan. `values` are the
    values of the row as the file has them.

    `stated_id` is the id of a row of our own CSV file that does not follow from its fields: the row is a
    lot or a replacement, and the file does not say of which credit. `not_active` is then set as well.

    `named` is the credit of an invalid row as far as it can be read, to be compared and never recorded.
    """

    number: int
    credit: Credit | None
    problems: list[Problem] = field(default_factory=list)
    unknown_fields: list[str] = field(default_factory=list)
    status: Status = Status.ACTIVE
    not_active: Problem | None = None
    end: StatedEnd | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    is_issuance: bool = False
    notes: Sequence[str] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    stated_id: str | None = None
    named: Credit | None = None

    @property
    def is_active(self) -> bool:
        """Whether nothing in the row states that the tonnes are no longer active."""
        is_unclear = any(problem.field == "status" for problem in self.problems)
        return self.status is Status.ACTIVE and not (self.not_active or self.end or is_unclear)

    @property
    def named_e4(self) -> int:
        """The tonnes that the row names, in ten-thousandths; 0 if its quantity cannot be read."""
        if self.credit:
            return self.credit.quantity_e4
        is_read = self.named and not any(problem.field == "quantity" for problem in self.problems)
        return self.named.quantity_e4 if self.named and is_read else 0


# The first and last number of a block, and the number of its row.
_Named = tuple[int, int, int]


_NO_ALIASES: Final = RegistryNames()


class InactiveStock:
    """An index by id, serial number and block of the rows whose tonnes are no longer active."""

    def __init__(self, rows: Iterable[ImportRow], names: RegistryNames = _NO_ALIASES) -> None:
        """Index the rows of a file, all of them, by what they name in their registries."""
        self._names = names
        self._ids: dict[str, int] = {}
        self._claims: dict[tuple[str, str] | None, int] = {}
        self._blocks: dict[str, list[_Named]] = {}
        for row in rows:
            credit = row.credit or row.named
            if credit is None or row.is_active:
                continue
            self._ids[credit.id] = row.number
            if claim := names.claim(credit):
                self._claims[claim] = row.number
            for block in credit.named_numbers:
                named = (block.first, block.last, row.number)
                self._blocks.setdefault(block.series, []).append(named)
        # For each block of a series, in order of first numbers: the block up to it with the highest last.
        self._reaching = {
            series: list(accumulate(sorted(blocks), _farther)) for series, blocks in self._blocks.items()
        }
        self._starts = {
            series: sorted(block[0] for block in blocks) for series, blocks in self._blocks.items()
        }

    def row_about(self, credit: Credit) -> int | None:
        """Return the number of an inactive row with this id, serial number or overlapping block, if any."""
        if credit.id in self._ids:
            return self._ids[credit.id]
        claim = self._names.claim(credit)
        if claim in self._claims:
            return self._claims[claim]
        for block in credit.named_numbers:
            place = bisect_right(self._starts.get(block.series, []), block.last)
            if place and self._reaching[block.series][place - 1][1] >= block.first:
                return self._reaching[block.series][place - 1][2]
        return None


def _farther(one: _Named, other: _Named) -> _Named:
    """Return the block with the higher last number."""
    return other if other[1] > one[1] else one
