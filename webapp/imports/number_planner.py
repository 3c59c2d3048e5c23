"""Plan the rows of an import that name numbers: cut them where the ledger or other rows differ.

Rows that have numbers in common form a cluster, which is planned and refused as one unit. The result does
not depend on the order of the rows.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any, Final

from sqlalchemy import Connection

from webapp.domain.credit import Credit
from webapp.domain.errors import RowConflict, are, numbers_text
from webapp.domain.fields import E4
from webapp.domain.import_row import ImportRow
from webapp.domain.lifecycle import Status
from webapp.domain.serial_number import SerialBlock
from webapp.imports.number_ranges import NumberLine, Run, clusters
from webapp.imports.plan import Kind, Plan
from webapp.ledger import holdings
from webapp.ledger.holdings import Holding
from webapp.ledger.row_decisions import Decision, Outcome, decide

_VINTAGE_HERE: Final = "{} {} recorded with the vintage {}. Correct the one that is wrong."
_NO_PARTS: Final = "{} {} held by credit {}, which cannot be split by its numbers. Act on that credit."
_VOID: Final = "{} {} recorded before and void, credit {}. To record them again, correct that credit."
_OTHER_ROW: Final = "Row {} names some of the same numbers with another {}. Keep the row that is right."
_WITH_ROW: Final = "Row {}, which names some of the same numbers, cannot be recorded."
# Rows with different ends that overlap at one number; above this, the cluster is refused.
_OPEN_MAX: Final = 100


class _ClusterError(Exception):
    """A row of a cluster cannot be recorded, so none of them is."""

    def __init__(self, place: int, message: str, field_name: str = "serial_number") -> None:
        super().__init__(message)
        self.place = place
        self.field = field_name


class VoidNumbers:
    """The numbers that void credits had. They are free, but a file must not record them again unasked."""

    def __init__(self, connection: Connection, series: Iterable[str]) -> None:
        """Read the void blocks of these series."""
        self._found = {
            name: sorted(blocks, key=lambda block: block.first)
            for name, blocks in holdings.void_numbers(connection, series).items()
        }
        # For each block in order: the block up to it that reaches farthest.
        self._reaching = {name: list(accumulate(blocks, _farther)) for name, blocks in self._found.items()}

    def problem(self, block: SerialBlock, first: int, last: int) -> str | None:
        """Return why these numbers of a block must not be recorded as active, None if they may be."""
        before = [void for void in self._found.get(block.series, []) if void.first <= last]
        if not before:
            return None
        void = self._reaching[block.series][len(before) - 1]
        if void.last < first:
            return None
        common = max(first, void.first), min(last, void.last)
        return _VOID.format(numbers_text(*common), are(*common), void.credit_id)


def _farther(one: Holding, other: Holding) -> Holding:
    return other if other.last > one.last else one


def group_by_numbers(rows: Sequence[ImportRow], places: Iterable[int]) -> list[list[int]]:
    """Return the indexes of rows with blocks, in groups of rows that have numbers in common."""
    by_series: dict[str, list[tuple[int, int, int]]] = {}
    for place in places:
        block = block_of(rows[place])
        by_series.setdefault(block.series, []).append((block.first, block.last, place))
    return [[place for _, _, place in group] for ranges in by_series.values() for group in clusters(ranges)]


def block_of(row: ImportRow) -> SerialBlock:
    """Return the block of a row that has one."""
    if row.credit is None or row.credit.block is None:
        raise ValueError(f"row {row.number} has no block")
    return row.credit.block


def plan_clusters(
    connection: Connection,
    plan: Plan,
    groups: Sequence[Sequence[int]],
    left_out: Collection[int],
    refused: Sequence[ImportRow],
) -> None:
    """Plan groups of rows that have numbers in common.

    `left_out` are rows of the groups that are not recorded themselves; what they say ended is not
    recorded as active. `refused` are rows that say in another way that their tonnes are not active.
    """
    lines = _ledger_lines(connection, plan, [p for group in groups for p in group if p not in left_out])
    void = VoidNumbers(connection, lines)
    drafts = []
    for group in groups:
        draft = _Draft(plan.rows, group, left_out, lines, void)
        try:
            draft.make()
        except _ClusterError as error:
            reason = Decision(
                plan.rows[error.place], Outcome.CONFLICTING, RowConflict(error.field, str(error))
            )
            _refuse(plan, draft.own, error.place, reason)
        else:
            drafts.append(draft)
    candidates = [(draft, place, credit) for draft in drafts for place, credit in draft.new]
    if candidates:
        asked = [ImportRow(plan.rows[place].number, credit) for _, place, credit in candidates]
        decisions = decide(connection, [*refused, *asked])[len(refused) :]
        for (draft, place, _), decision in zip(candidates, decisions, strict=True):
            if decision.outcome is not Outcome.NEW:
                draft.refused = draft.refused or (place, replace(decision, row=plan.rows[place]))
    for draft in drafts:
        if draft.refused:
            _refuse(plan, draft.own, *draft.refused)
        else:
            draft.add_to(plan)


def _ledger_lines(
    connection: Connection, plan: Plan, places: Sequence[int]
) -> dict[str, NumberLine[Holding]]:
    """Return who holds the numbers of these rows, by series."""
    blocks = [block_of(plan.rows[place]) for place in places]
    found: dict[str, dict[int, Holding]] = {block.series: {} for block in blocks}
    for block, holders in zip(blocks, holdings.holders_of_numbers(connection, blocks), strict=True):
        found[block.series] |= {holder.key: holder for holder in holders}
        plan.held |= {holder.credit_id: holder for holder in holders}
    return {
        series: NumberLine(Run(holder.first, holder.last, holder) for holder in holders.values())
        for series, holders in found.items()
    }


def _refuse(plan: Plan, places: Sequence[int], at: int, decision: Decision) -> None:
    """Refuse a row for a reason, and the rows that have numbers in common with it."""
    plan.refuse_as(at, decision)
    for place in places:
        plan.refuse(
            place,
            Outcome.CONFLICTING,
            RowConflict("serial_number", _WITH_ROW.format(plan.rows[at].number)),
        )


@dataclass(frozen=True)
class _New:
    """A new credit of an active row, and its numbers."""

    place: int
    credit: Credit
    first: int
    last: int


@dataclass
class _Draft:
    """The plan of one group, before the ledger has been asked whether what is new may be recorded."""

    rows: Sequence[ImportRow]
    group: Sequence[int]
    left_out: Collection[int]
    ledger: Mapping[str, NumberLine[Holding]]
    void: VoidNumbers
    new: list[tuple[int, Credit]] = field(default_factory=list)
    refused: tuple[int, Decision] | None = None
    _pieces: list[tuple[int, Kind, int, str | None, tuple[int, int]]] = field(default_factory=list)
    _ends: list[tuple[int, str, int, int, tuple[int, int]]] = field(default_factory=list)
    _recorded: list[_New] = field(default_factory=list)
    _taken: NumberLine[_New] = field(default_factory=NumberLine)
    _ended: NumberLine[int] = field(default_factory=NumberLine)
    _not_ours: NumberLine[int] = field(default_factory=NumberLine)

    @property
    def own(self) -> list[int]:
        """The rows of the group that are not left out."""
        return [place for place in self.group if place not in self.left_out]

    def make(self) -> None:
        """Cut the rows, the active ones first. Raises _ClusterError."""
        self._require_agreement()
        for place in set(self.group) & set(self.left_out):
            _fill(self._not_ours, block_of(self.rows[place]), place)
        # By what the rows say, so that the result does not depend on their order.
        for place in sorted(self.own, key=self._rank):
            if self.rows[place].end is None:
                self._cut_active(place)
            else:
                self._cut_ended(place)

    def add_to(self, plan: Plan) -> None:
        """Add what was found to the plan."""
        for place, credit in sorted(self.new, key=lambda new: new[0]):
            if credit.id not in plan.new:
                plan.new[credit.id] = credit
                plan.row_of_new[credit.id] = place
        for new in self._recorded:
            # What another row ends is counted there.
            for run in self._ended.cut(new.first, new.last):
                kind = Kind.NEW if run.holder is None else Kind.EQUAL
                plan.add(new.place, kind, run.length * E4, new.credit.id, (run.first, run.last))
        for piece in self._pieces:
            plan.add(*piece)
        for end in self._ends:
            plan.end(*end)

    def _rank(self, place: int) -> tuple[object, ...]:
        row, block = self.rows[place], block_of(self.rows[place])
        end = row.end
        stated = (-end.stated, end.type, end.occurred_on or "", sorted(end.data.items())) if end else ()
        return end is not None, block.first, -block.last, stated, row.number

    def _require_agreement(self) -> None:
        """Raise _ClusterError if rows of the group contradict each other."""
        first = self.group[0]
        for place in self.own:
            if self._vintage(place) != self._vintage(first):
                raise _ClusterError(place, _OTHER_ROW.format(self.rows[first].number, "vintage"), "vintage")
        open_ends: list[tuple[int, int]] = []
        for place in self.own:  # in the order of their first numbers
            end, block = self.rows[place].end, block_of(self.rows[place])
            if end is None:
                continue
            open_ends = [(last, other) for last, other in open_ends if last >= block.first]
            for _, other in open_ends:
                other_end = self.rows[other].end
                if (other_end and not end.agrees_with(other_end)) or len(open_ends) > _OPEN_MAX:
                    number = self.rows[other].number
                    raise _ClusterError(place, _OTHER_ROW.format(number, "retirement"))
            open_ends.append((block.last, place))

    def _cut_active(self, place: int) -> None:
        """Cut a row that does not say that its numbers ended: only what is not held is recorded."""
        block = block_of(self.rows[place])
        for run in self._held(place, block):
            if run.holder:
                self._piece(place, Kind.EXISTING, run, run.holder.credit_id)
                continue
            for gap in self._not_ours.cut(run.first, run.last):
                if gap.holder is not None:
                    self._piece(place, Kind.LEFT_OUT, gap)
                    continue
                for part in self._taken.cut(gap.first, gap.last):
                    if part.holder:
                        self._piece(place, Kind.EQUAL, part, part.holder.credit.id)
                    else:
                        self._record_active(place, block, part.first, part.last)

    def _record_active(self, place: int, block: SerialBlock, first: int, last: int) -> None:
        problem = self.void.problem(block, first, last)
        if problem:
            raise _ClusterError(place, problem)
        new = _New(place, self._part(place, block, first, last), first, last)
        self.new.append((place, new.credit))
        self._recorded.append(new)
        self._taken.add(Run(first, last, new))

    def _cut_ended(self, place: int) -> None:
        """Cut a row that says that its numbers ended: what is open ends, what is not held is recorded."""
        block = block_of(self.rows[place])
        for run in self._held(place, block):
            for part in self._ended.cut(run.first, run.last):
                if part.holder is not None:
                    self._piece(place, Kind.EQUAL, part)
                    continue
                self._ended.add(Run(part.first, part.last, place))
                if run.holder:
                    self._end_held(place, run.holder, part)
                else:
                    self._end_new(place, block, part.first, part.last)

    def _end_held(self, place: int, holder: Holding, part: Run[int]) -> None:
        if holder.is_open:
            self._end(place, holder.credit_id, holder.first, part.first, part.last)
        else:
            self._piece(place, Kind.EXISTING, part, holder.credit_id)

    def _end_new(self, place: int, block: SerialBlock, first: int, last: int) -> None:
        for part in self._taken.cut(first, last):
            if part.holder:
                self._end(place, part.holder.credit.id, part.holder.first, part.first, part.last)
            else:
                credit = self._part(place, block, part.first, part.last)
                self.new.append((place, credit))
                self._end(place, credit.id, part.first, part.first, part.last)

    def _end(self, place: int, credit_id: str, begins: int, first: int, last: int) -> None:
        """End the numbers `first` to `last` of a credit that begins with the number `begins`."""
        start_e4, quantity_e4 = (first - begins) * E4, (last - first + 1) * E4
        self._ends.append((place, credit_id, start_e4, quantity_e4, (first, last)))

    def _piece(self, place: int, kind: Kind, run: Run[Any], credit_id: str | None = None) -> None:
        self._pieces.append((place, kind, run.length * E4, credit_id, (run.first, run.last)))

    def _held(self, place: int, block: SerialBlock) -> list[Run[Holding]]:
        """Return the runs of a row's numbers. Raises _ClusterError if a holder contradicts the row."""
        runs = list(self.ledger[block.series].cut(block.first, block.last))
        for run in runs:
            holder = run.holder
            if holder is None:
                continue
            what = numbers_text(run.first, run.last), are(run.first, run.last)
            if holder.vintage != self._vintage(place):
                raise _ClusterError(place, _VINTAGE_HERE.format(*what, holder.vintage), "vintage")
            is_whole = holder.is_exact and (run.first, run.last) == (holder.first, holder.last)
            if holder.status is Status.SPLIT or not (is_whole or holder.is_block):
                raise _ClusterError(place, _NO_PARTS.format(*what, holder.credit_id))
        return runs

    def _part(self, place: int, block: SerialBlock, first: int, last: int) -> Credit:
        credit = self._credit(place)
        if (first, last) == (block.first, block.last):
            return credit
        length = last - first + 1
        serial_number = block.part(first - block.first, length)
        return replace(credit, quantity_e4=length * E4, serial_number=serial_number)

    def _vintage(self, place: int) -> int:
        return self._credit(place).vintage

    def _credit(self, place: int) -> Credit:
        credit = self.rows[place].credit
        if credit is None:
            raise ValueError(f"row {place} has no credit")
        return credit


def _fill(line: NumberLine[int], block: SerialBlock, place: int) -> None:
    """Put the numbers of a block on the line where it has none yet."""
    for run in list(line.cut(block.first, block.last)):
        if run.holder is None:
            line.add(Run(run.first, run.last, place))
