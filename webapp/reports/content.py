"""The content of a report: its sections, each a table, with the retirements behind each row.

``report`` makes it, and pages and files show the same sections. The rules are in "Reports" in
docs/reports.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from webapp.domain.text import canonical
from webapp.ledger import retirements
from webapp.ledger.retirements import KnownNames, Retirement
from webapp.reports import lines
from webapp.reports.question import TITLES, Question

Cell = str | int | None
Form = Literal["text", "tonnes", "share", "count", "day", "time"]


class Column(NamedTuple):
    """A column: its name in data, its heading, and the form of its cells.

    Tonnes are ints of ten-thousandths. A share is a text such as "12.5 %", None of nothing. A day is
    `YYYY-MM-DD`, empty if it is not stated; a time is as in events.
    """

    name: str
    label: str
    form: Form = "text"


class TableRow(NamedTuple):
    """A row: its cells, and what is behind it.

    `line` names the retirements behind it, empty if there are none. `position` is that of the one
    retirement behind it, None for several. `level` is 1 for a part of the row above.
    """

    cells: Sequence[Cell]
    line: str = ""
    position: int | None = None
    level: int = 0


@dataclass(frozen=True)
class Section:
    """A table of a report, with a note below it."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[TableRow]
    note: str = ""


@dataclass(frozen=True)
class Party:
    """A chosen party, with all names that were joined to it, in canonical form."""

    name: str
    names: Sequence[str]

    @property
    def others(self) -> list[str]:
        """The other names of the party, whose retirements count with it."""
        return [name for name in self.names if name != canonical(self.name)]


@dataclass(frozen=True)
class Report:
    """A report. `keys` are the credits whose retirements count, `undated_keys` those that state no date.

    `notices` are sentences about what the question asks for and the ledger cannot have.
    `changes` are sections about what differs from the earlier report, None without one.
    """

    question: Question
    names: KnownNames
    parties: Sequence[Party]
    quantity_e4: int
    keys: Sequence[int]
    undated_keys: Sequence[int]
    sections: Sequence[Section]
    notices: Sequence[str] = ()
    changes: Sequence[Section] | None = None

    @property
    def title(self) -> str:
        """Its title, with the year."""
        return f"{TITLES[self.question.kind]}, {self.question.year}"

    def label_of(self, line: str) -> str:
        """Return what a line is called, empty if the report has no such line."""
        found = (
            f"{section.title}: {row.cells[0]}"
            for section in self.sections
            for row in section.rows
            if row.line == line
        )
        return next(found, "")

    def retirements(self, line: str = lines.ALL) -> Iterator[Retirement]:
        """Yield the retirements behind a line; by default all that count."""
        question = self.question
        keys = self.undated_keys if line == lines.UNDATED else self.keys
        if line == lines.UNNAMED:
            keys = retirements.keys_without_beneficiary(question.cut, question.year)
        for retirement in retirements.retirements(question.cut, keys):
            if lines.counts_in(line, retirement, self.names):
                yield retirement
