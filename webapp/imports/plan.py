"""The plan of an import: what each row of a file would do to the ledger.

A plan decides by numbers, not by rows. A row that names numbers is cut where the ledger, or another row
of the file, says something else about some of them: what is not held yet is recorded, what is held is
retired or withdrawn if the row says so, and what is recorded already is left alone. The order of the rows
does not matter. What may be recorded at all is decided by ``ledger.row_decisions``.

``planner`` makes a plan and ``recording`` writes it. The rules are in docs/imports.md.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from webapp.domain.credit import Credit
from webapp.domain.errors import LedgerError, RowConflict
from webapp.domain.event import Data
from webapp.domain.import_row import ImportRow
from webapp.domain.lifecycle import EventType
from webapp.ledger.holdings import Holding
from webapp.ledger.row_decisions import Decision, Outcome


class Kind(StrEnum):
    """What happens with the tonnes of a row, or of a part of it."""

    NEW = "new"
    NEW_RETIRED = "new_retired"
    NEW_WITHDRAWN = "new_withdrawn"
    RETIRED = "retired"
    WITHDRAWN = "withdrawn"
    EXISTING = "existing"
    ADDS_FACTS = "adds_facts"
    EQUAL = "equal"
    LEFT_OUT = "left_out"
    CONFLICTING = "conflicting"
    INVALID = "invalid"


# The kinds that write something.
WRITING: Final = (
    Kind.NEW,
    Kind.NEW_RETIRED,
    Kind.NEW_WITHDRAWN,
    Kind.RETIRED,
    Kind.WITHDRAWN,
    Kind.ADDS_FACTS,
)
_NEW_WITH_END: Final = {EventType.RETIRED: Kind.NEW_RETIRED, EventType.WITHDRAWN: Kind.NEW_WITHDRAWN}
_END: Final = {EventType.RETIRED: Kind.RETIRED, EventType.WITHDRAWN: Kind.WITHDRAWN}


@dataclass(frozen=True)
class Piece:
    """Some tonnes of a row, in ten-thousandths, and what happens with them.

    `place` is the index of the row. `credit_id` is the credit that is recorded, acted on or already there.
    `numbers` are the first and the last of its numbers, if the row was cut by numbers.
    """

    place: int
    kind: Kind
    quantity_e4: int
    credit_id: str | None = None
    numbers: tuple[int, int] | None = None


@dataclass(frozen=True)
class PlannedEnd:
    """A retirement or withdrawal of a part of a credit, as the row at `place` states it."""

    place: int
    start_e4: int
    quantity_e4: int


@dataclass(frozen=True)
class Difference:
    """What a row and the ledger say differently where nothing has to be recorded.

    `there` is None where the file says nothing.
    """

    place: int
    credit_id: str
    what: str
    here: str
    there: str | None
    quantity_e4: int
    # The credit, where no row names it.
    holder: Holding | None = None

    @property
    def text(self) -> str:
        """The difference as a sentence without a full stop."""
        there = f", {self.there} in the file" if self.there else ""
        return f"{self.what}: {self.here} here{there}"


@dataclass(frozen=True)
class PlanOptions:
    """What a person chose.

    `left_out` are the indexes of rows that are not recorded. `as_additional`: credits without a serial
    number are recorded beside numbered ones of the same project. `end_date` is the day, in ISO form, for
    retirements and withdrawals whose row states none; without it they have no date. `numbered` are
    the projects, as canonical registry and name, for which other rows of the file record numbered credits.
    """

    left_out: Collection[int] = frozenset()
    as_additional: bool = False
    end_date: str | None = None
    numbered: Collection[tuple[str, str]] = ()


@dataclass
class Plan:
    """The rows, and what happens with them.

    `new` are the credits to record, by id and in order; `ends` the retirements and withdrawals, by the id
    of a credit that is recorded or new. `refused` are the decisions about refused rows, by index.
    """

    rows: Sequence[ImportRow]
    pieces: list[Piece] = field(default_factory=list)
    new: dict[str, Credit] = field(default_factory=dict)
    ends: dict[str, list[PlannedEnd]] = field(default_factory=dict)
    refused: dict[int, Decision] = field(default_factory=dict)
    # The data of the event of each row that says that its tonnes ended.
    end_data: dict[int, Data] = field(default_factory=dict)
    # The recorded credits that the rows are about, by id; and the index of the row of each new credit.
    held: dict[str, Holding] = field(default_factory=dict)
    row_of_new: dict[str, int] = field(default_factory=dict)
    # The facts that amendments add, by the id of the credit.
    additions: dict[str, dict[str, str]] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    # The projects, as canonical registry and name, with new credits of the file that have serial numbers.
    numbered: set[tuple[str, str]] = field(default_factory=set)

    def tonnes(self) -> dict[Kind, int]:
        """Return the ten-thousandths of a tonne of each kind. Together they are those of the file."""
        return {kind: sum(p.quantity_e4 for p in self.pieces if p.kind is kind) for kind in Kind}

    def counts(self) -> dict[Kind, int]:
        """Return the number of rows that have tonnes of each kind; a row can have several."""
        rows: dict[Kind, set[int]] = {kind: set() for kind in Kind}
        for piece in self.pieces:
            rows[piece.kind].add(piece.place)
        return {kind: len(places) for kind, places in rows.items()}

    def outcomes(self) -> list[Outcome]:
        """Return the outcome of each row as a whole: NEW if anything of it is written."""
        outcomes = [Outcome.EXISTING] * len(self.rows)
        for piece in self.pieces:
            if piece.kind in WRITING:
                outcomes[piece.place] = Outcome.NEW
        for place, decision in self.refused.items():
            outcomes[place] = decision.outcome
        return outcomes

    def refuse(self, place: int, outcome: Outcome, error: LedgerError) -> None:
        """Refuse a row; nothing of it is written."""
        self.refuse_as(place, Decision(self.rows[place], outcome, error))

    def refuse_as(self, place: int, decision: Decision) -> None:
        """Refuse a row for the reason in the decision."""
        if place in self.refused:
            return
        self.refused[place] = decision
        self.add(place, Kind(decision.outcome), self.rows[place].named_e4)

    def add(
        self,
        place: int,
        kind: Kind,
        quantity_e4: int,
        credit_id: str | None = None,
        numbers: tuple[int, int] | None = None,
    ) -> None:
        """Add a piece of a row."""
        self.pieces.append(Piece(place, kind, quantity_e4, credit_id, numbers))

    def end(
        self,
        place: int,
        credit_id: str,
        start_e4: int,
        quantity_e4: int,
        numbers: tuple[int, int] | None = None,
    ) -> None:
        """Retire or withdraw a part of a credit that is recorded or new, as the row states it."""
        end = self.rows[place].end
        if end is None:
            raise ValueError(f"row {place} does not say that its tonnes ended")
        kinds = _NEW_WITH_END if credit_id in self.new else _END
        self.add(place, kinds[end.type], quantity_e4, credit_id, numbers)
        self.ends.setdefault(credit_id, []).append(PlannedEnd(place, start_e4, quantity_e4))

    def sort(self) -> None:
        """Put the new credits in the order of their rows."""
        order = sorted(self.new, key=lambda credit_id: self.row_of_new[credit_id])
        self.new = {credit_id: self.new[credit_id] for credit_id in order}

    def take_back(self, credit_id: str, message: str) -> None:
        """Refuse the row that records a credit, and the rows that end a part of what it records."""
        if credit_id not in self.new:
            return
        places = {piece.place for piece in self.pieces if piece.credit_id == credit_id}
        self.pieces = [piece for piece in self.pieces if piece.place not in places]
        for other in [each for each, place in self.row_of_new.items() if place in places]:
            self.new.pop(other, None)
        for other, ends in list(self.ends.items()):
            self.ends[other] = [end for end in ends if end.place not in places]
            if not self.ends[other] or (other not in self.new and other not in self.held):
                del self.ends[other]
        for place in sorted(places):
            self.refuse(place, Outcome.CONFLICTING, RowConflict("serial_number", message))
