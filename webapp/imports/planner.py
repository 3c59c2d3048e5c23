"""Make the plan of an import: sort the rows, plan those without numbers, and check what is new.

Rows that name numbers which the ledger or another row of the file names too are planned in
``number_planner``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from webapp.domain.action_fields import DayBounds, parse_event_data
from webapp.domain.credit import Credit
from webapp.domain.errors import BlockHeld, InvalidFields, RowConflict, SerialHeld
from webapp.domain.import_row import ImportRow, StatedEnd
from webapp.domain.lifecycle import EventType, Status
from webapp.imports.number_planner import VoidNumbers, block_of, group_by_numbers, plan_clusters
from webapp.imports.plan import Kind, Plan, PlanOptions
from webapp.ledger import clock, holdings
from webapp.ledger.holdings import Holding
from webapp.ledger.projections.joined_names import registry_names
from webapp.ledger.row_decisions import Decision, Outcome, decide

_DISAGREE: Final = "Row {} names the same tonnes with another {}. Keep the row that is right."
_PARTLY_VOID: Final = (
    "This credit is recorded, and some of its tonnes are void, credit {}. To record those again, correct "
    "that credit."
)
_BESIDE: Final = (
    "This row has no serial number, and {} has numbered credits of this project in this registry, which "
    "may be the same tonnes. Add the serial number, or say that these tonnes are additional."
)
_BESIDE_UNNUMBERED: Final = (
    "The ledger has credits of this project in this registry without a serial number, which may be the same "
    "tonnes. Void them first, or say that these tonnes are additional."
)


def make_plan(connection: Connection, rows: Sequence[ImportRow], options: PlanOptions) -> Plan:
    """Return the plan for all rows of a file."""
    return _Planner(connection, rows, options).plan()


class _Planner:
    """The plan in the making."""

    def __init__(self, connection: Connection, rows: Sequence[ImportRow], options: PlanOptions) -> None:
        self._connection = connection
        self._options = options
        self._names = registry_names(connection)
        self._plan = Plan(rows)
        # Rows that are refused for what they say, and rows without a block as they are passed to `decide`,
        # both by their index.
        self._refused: dict[int, ImportRow] = {}
        # Rows that are not recorded. What they say ended must not be recorded as active by another row.
        self._ended: list[ImportRow] = []
        self._whole: dict[int, ImportRow] = {}
        # The rows without numbers that name the same tonnes as the row at the key, which stands for them.
        self._same: dict[int, list[int]] = {}

    def plan(self) -> Plan:
        """Make the plan."""
        numbered, plain, left_out = self._sorted()
        self._group_plain(plain)
        groups, single = [], {}
        for group in group_by_numbers(self._plan.rows, [*numbered, *left_out]):
            if len(group) == 1 and self._plan.rows[group[0]].end is None:
                single[group[0]] = self._plan.rows[group[0]]
            elif not left_out.issuperset(group):
                groups.append(group)
        self._ended = [row for row in self._ended if not row.is_active]
        refused = [*self._ended, *self._refused.values()]
        groups += self._decide_whole(self._refused | single, self._ended)
        if groups:
            plan_clusters(self._connection, self._plan, groups, left_out, refused)
        # Rows without a block come last, because a single number holds nothing and may be one of a block.
        self._decide_whole(self._whole, [*refused, *self._new_blocks()])
        if not self._options.as_additional:
            self._refuse_beside()
        self._plan.sort()
        return self._plan

    def _new_blocks(self) -> list[ImportRow]:
        """Return the new credits with blocks that may contain a number named by a row without a block."""
        credits = [row.credit for row in self._whole.values() if row.credit]
        series = {block.series for credit in credits for block in credit.named_numbers}
        return [
            ImportRow(self._plan.rows[self._plan.row_of_new[credit.id]].number, credit)
            for credit in self._plan.new.values()
            if credit.block and credit.block.series in series
        ]

    def _sorted(self) -> tuple[list[int], list[int], set[int]]:
        """Return the rows with a block, those without, and those left out whose numbers ended."""
        numbered: list[int] = []
        plain: list[int] = []
        left_out: set[int] = set()
        stated_ids = holdings.leaves_of(
            self._connection, [row.stated_id for row in self._plan.rows if row.stated_id]
        )
        for place, row in enumerate(self._plan.rows):
            if row.stated_id in stated_ids and row.credit:
                self._plan.add(place, Kind.EXISTING, row.credit.quantity_e4, row.stated_id)
            elif row.credit is None:
                self._plan.refuse(place, Outcome.INVALID, InvalidFields(list(row.problems)))
                self._ended.append(row)
            elif place in self._options.left_out:
                self._plan.add(place, Kind.LEFT_OUT, row.credit.quantity_e4)
                if row.end and row.credit.block:
                    left_out.add(place)
                else:
                    self._ended.append(row)
            elif row.not_active or row.status is not Status.ACTIVE:
                self._refused[place] = row
            elif row.end and not self._has_valid_end(place, row.end):
                continue
            elif row.credit.block:
                numbered.append(place)
            else:
                plain.append(place)
        return numbered, plain, left_out

    def _has_valid_end(self, place: int, end: StatedEnd) -> bool:
        """Return whether the stated end of a row is valid. Keep its event data then, else refuse the row."""
        occurred_on = end.occurred_on or self._options.end_date
        facts = dict(end.facts)
        if occurred_on and not end.occurred_on and end.type is EventType.RETIRED:
            facts["date_source"] = "importer"
        values = {**end.data, "occurred_on": occurred_on, **({"facts": facts} if facts else {})}
        try:
            data = dict(parse_event_data(end.type, values, clock.now().date(), DayBounds(clock.latest_day())))
        except InvalidFields as error:
            self._plan.refuse(place, Outcome.INVALID, error)
            self._ended.append(self._plan.rows[place])
            return False
        if occurred_on is None:  # never today: the file does not say when
            data.pop("occurred_on", None)
        self._plan.end_data[place] = data
        return True

    def _group_plain(self, places: Iterable[int]) -> None:
        """Find rows without numbers that name the same tonnes, if one of them says that these ended."""
        groups: dict[object, list[int]] = {}
        for place in places:
            credit = self._credit(place)
            key = self._names.claim(credit) or credit.id
            groups.setdefault(key, []).append(place)
        for group in groups.values():
            ends = [place for place in group if self._plan.rows[place].end]
            if not ends:
                self._whole |= {place: self._plan.rows[place] for place in group}
            elif not self._refuse_disagreeing(group, ends):
                first = next((place for place in group if place not in ends), ends[0])
                self._whole[first] = replace(self._plan.rows[first], end=None)
                self._same[first] = group

    def _refuse_disagreeing(self, group: Sequence[int], ends: Sequence[int]) -> bool:
        """Refuse rows that name the same tonnes and say different things about them."""
        rows = self._plan.rows
        credits = [self._credit(place) for place in group]
        stated = [end for place in ends if (end := rows[place].end)]
        if any(credit.vintage != credits[0].vintage for credit in credits):
            field = "vintage"
        elif any(credit.quantity_e4 != credits[0].quantity_e4 for credit in credits):
            field = "quantity"
        elif not all(stated[0].agrees_with(end) for end in stated):
            field = ""
        else:
            return False
        for place in group:
            other = next(each for each in group if each != place)
            message = _DISAGREE.format(rows[other].number, field or "retirement")
            self._plan.refuse(place, Outcome.CONFLICTING, RowConflict(field, message))
        return True

    def _decide_whole(self, rows: Mapping[int, ImportRow], before: Sequence[ImportRow]) -> list[list[int]]:
        """Decide rows that need no cutting, after those in `before`, which are decided elsewhere.

        Returns those with numbers that the ledger holds.
        """
        if not rows:
            return []
        found = decide(self._connection, [*before, *rows.values()])[len(before) :]
        decisions = dict(zip(rows, found, strict=True))
        recorded = self._recorded(decisions)
        leaves = holdings.leaves_of(self._connection, recorded.values())
        new = [place for place, decision in decisions.items() if decision.outcome is Outcome.NEW]
        blocks = [block_of(self._plan.rows[place]) for place in new if self._credit(place).block]
        void = VoidNumbers(self._connection, (block.series for block in blocks))
        held = []
        for place, decision in decisions.items():
            credit = self._credit(place)
            of_credit = leaves.get(recorded.get(place, ""), [])
            gone = [leaf for leaf in of_credit if leaf.status is Status.CANCELLED]
            if gone and place not in self._same and self._plan.rows[place].is_active:
                message = _PARTLY_VOID.format(gone[0].credit_id)
                self._plan.refuse(place, Outcome.CONFLICTING, RowConflict("serial_number", message))
            elif place in recorded:
                self._take_recorded(place, credit, recorded[place], of_credit)
            elif decision.outcome is Outcome.NEW:
                problem = credit.block and void.problem(credit.block, credit.block.first, credit.block.last)
                if problem:
                    self._plan.refuse(place, Outcome.CONFLICTING, RowConflict("serial_number", problem))
                else:
                    self._record(place, credit)
            elif isinstance(decision.error, SerialHeld) and credit.block:
                held.append([place])
            else:
                for each in self._same.get(place, [place]):
                    self._plan.refuse_as(each, replace(decision, row=self._plan.rows[each]))
        return held

    def _recorded(self, decisions: Mapping[int, Decision]) -> dict[int, str]:
        """Return the id of the credit that the ledger, or an earlier row, has for a row, by its index.

        A row without numbers is about the credit with its serial number, vintage and quantity, also where
        the name of the project is another one, which is a difference.
        """
        found: dict[int, str] = {}
        held: dict[int, str] = {}
        for place, decision in decisions.items():
            if decision.outcome is Outcome.EXISTING:
                found[place] = decision.lot or self._credit(place).id
            elif (
                isinstance(decision.error, SerialHeld)
                and not isinstance(decision.error, BlockHeld)
                and not self._credit(place).block
            ):
                held[place] = decision.error.holder
        leaves = holdings.leaves_of(self._connection, held.values())
        for place, holder in held.items():
            of_holder, credit = leaves.get(holder, []), self._credit(place)
            quantity_e4 = sum(leaf.quantity_e4 for leaf in of_holder)
            if quantity_e4 == credit.quantity_e4 and of_holder[0].vintage == credit.vintage:
                found[place] = holder
        return found

    def _record(self, place: int, credit: Credit) -> None:
        self._plan.new[credit.id] = credit
        self._plan.row_of_new[credit.id] = place
        if place in self._same:
            self._end_same(place, credit.id, None)
        else:
            self._plan.add(place, Kind.NEW, credit.quantity_e4, credit.id)

    def _take_recorded(self, place: int, credit: Credit, credit_id: str, leaves: Sequence[Holding]) -> None:
        self._plan.held |= {leaf.credit_id: leaf for leaf in leaves}
        if place in self._same:
            self._end_same(place, credit_id, leaves)
        elif credit_id in self._plan.new:
            self._plan.add(place, Kind.EQUAL, credit.quantity_e4, credit_id)
        else:
            self._plan.add(place, Kind.EXISTING, credit.quantity_e4, credit_id)

    def _end_same(self, place: int, credit_id: str, leaves: Sequence[Holding] | None) -> None:
        """End the tonnes that a group of rows names, as its first row with an end says.

        `leaves` are those of the recorded credit, None if the credit is new.
        """
        group = self._same[place]
        ending = next(each for each in group if self._plan.rows[each].end)
        for each in group:
            if each != ending:
                self._plan.add(each, Kind.EQUAL, self._credit(each).quantity_e4, credit_id)
        if leaves is None:
            self._plan.end(ending, credit_id, 0, self._credit(ending).quantity_e4)
            return
        for leaf in leaves:
            if leaf.is_open:
                self._plan.end(ending, leaf.credit_id, 0, leaf.quantity_e4)
            else:
                self._plan.add(ending, Kind.EXISTING, leaf.quantity_e4, leaf.credit_id)

    def _refuse_beside(self) -> None:
        """Refuse new credits without a serial number beside numbered ones of the project, and the reverse."""
        unnumbered: set[tuple[str, str]] = set()
        own: set[tuple[str, str]] = set()
        for credit in self._plan.new.values():
            (unnumbered if credit.serial_number is None else own).add(self._project_of(credit))
        self._plan.numbered = own
        # Only of these: a large file names many more.
        numbered = own | {project for project in unnumbered if project in self._options.numbered}
        held_numbered = holdings.numbered_projects(self._connection, unnumbered)
        held_unnumbered = holdings.unnumbered_projects(self._connection, own)
        if not (unnumbered & (numbered | held_numbered) or own & held_unnumbered):
            return
        for credit_id, credit in list(self._plan.new.items()):
            project = self._project_of(credit)
            if credit.serial_number is None and project in held_numbered | numbered:
                where = "the ledger" if project in held_numbered else "this file"
                self._plan.take_back(credit_id, _BESIDE.format(where))
            elif credit.serial_number is not None and project in held_unnumbered:
                self._plan.take_back(credit_id, _BESIDE_UNNUMBERED)

    def _project_of(self, credit: Credit) -> tuple[str, str]:
        return self._names.key(credit.canonical.registry), credit.canonical.project_name

    def _credit(self, place: int) -> Credit:
        credit = self._plan.rows[place].credit
        if credit is None:
            raise ValueError(f"row {place} has no credit")
        return credit
