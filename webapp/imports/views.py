"""Read imports, their problems and their rows, for pages, the API and the command line."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, func, select

from webapp.domain.errors import UnknownImport
from webapp.imports.background.job import JobView
from webapp.imports.background.job import view_of as job_view
from webapp.imports.file_rows import FileRows, read_file
from webapp.imports.options import ImportOptions
from webapp.imports.staging import DIFFERENCE
from webapp.ledger.queries import find_credits
from webapp.ledger.serial_conflicts import SerialConflict, conflict_over
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.import_tables import import_jobs, import_problems, import_rows, imports
from webapp.ledger.views import CreditView


class State(StrEnum):
    """The state of an import.

    Small files are checked and written while the request waits, so `checking` and `writing` are those of
    large ones, which have a job. A small import whose writing was interrupted is still `checked`. In
    `unmapped` a person has to say what the columns mean.
    """

    CHECKING = "checking"
    UNMAPPED = "unmapped"
    CHECKED = "checked"
    WRITING = "writing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class PlanSummary:
    """What the plan does by kind, each with `rows` and `e4` (ten-thousandths); and how the file was read.

    `undated` are the rows that say that their tonnes ended, and not when. `row_notes` has the number of
    rows for each sentence about rows. Empty for an import of an older
    version.
    """

    kinds: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    kind: str = ""
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    sheets: Sequence[str] = ()
    notes: Sequence[str] = ()
    format: str = ""
    meaning: str = ""
    is_public_export: bool = False
    undated: int = 0
    row_notes: Mapping[str, int] = field(default_factory=dict)

    @property
    def total_e4(self) -> int:
        """The tonnes of all rows, in ten-thousandths; tonnes that several rows name count in each."""
        return sum(found["e4"] for kind, found in self.kinds.items() if kind != DIFFERENCE)


@dataclass(frozen=True)
class ImportView:
    """An import: its file, its actor, its times and its results. Sizes in bytes."""

    id: int
    state: State
    actor: str
    filename: str
    sha256: str
    size_bytes: int
    uploaded_at: str
    finished_at: str | None
    message: str | None
    not_recorded: tuple[str, ...]
    total: int
    new: int
    existing: int
    conflicting: int
    invalid: int
    written: int
    options: ImportOptions
    summary: PlanSummary
    job: JobView | None = None

    @property
    def has_problems(self) -> bool:
        """Whether a row cannot be written."""
        return bool(self.conflicting or self.invalid)

    @property
    def is_open(self) -> bool:
        """Whether it can still be written or cancelled."""
        return self.state in {State.CHECKED, State.UNMAPPED}

    @property
    def needs_choice(self) -> bool:
        """Whether the file is a registry's export of the whole market, and nobody chose what to record."""
        return self.summary.is_public_export and not self.options.is_chosen and bool(self.new)

    @property
    def needs_date(self) -> bool:
        """Whether some retirements have no date, and nobody gave one or said that it is not known."""
        is_given = bool(self.options.end_date or self.options.is_undated)
        return bool(self.summary.undated and self.new) and not is_given


@dataclass(frozen=True)
class ProblemView:
    """One problem of one row.

    `holder` is the credit that holds the row's serial number; `conflict` says which numbers of the row's
    block, and what can be done with it as it is now.
    """

    row: int
    field: str
    message: str
    holder: str | None
    conflict: SerialConflict | None = None


@dataclass(frozen=True)
class RowView:
    """Some tonnes of a row and what the plan does with them. `cells` is the row as the file has it."""

    number: int
    row: int
    kind: str
    quantity_e4: int
    credit_id: str | None
    detail: str
    project_name: str | None
    serial_number: str | None
    cells: dict[str, str]


def find(import_id: int) -> ImportView:
    """Return the import. Raises UnknownImport."""
    with reading() as connection:
        view = view_of(row_of(connection, import_id))
        found = connection.execute(select(*_JOB).where(import_jobs.c.import_id == import_id)).first()
    return replace(view, job=job_view(found)) if found else view


def list_imports(before: int | None = None, limit: int = 50) -> list[ImportView]:
    """Return imports with a number below `before`, newest first."""
    query = select(*_VIEWED).order_by(imports.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(imports.c.id < before)
    with reading() as connection:
        return [view_of(row) for row in connection.execute(query)]


def problems(import_id: int, after: int = 0, limit: int = 200) -> list[ProblemView]:
    """Return the problems of an import after problem number `after`, in row order."""
    query = (
        select(import_problems)
        .where(import_problems.c.import_id == import_id, import_problems.c.number > after)
        .order_by(import_problems.c.number)
        .limit(limit)
    )
    with reading() as connection:
        rows = connection.execute(query).all()
        holders = find_credits([row.holder for row in rows if row.holder])
    return [_problem_view(row, holders.get(row.holder)) for row in rows]


def count_problems(import_id: int) -> int:
    """Return the number of problems of the import; a row can have several."""
    query = select(func.count()).where(import_problems.c.import_id == import_id)
    with reading() as connection:
        return int(connection.scalar(query) or 0)


def rows(import_id: int, kind: str | None = None, after: int = 0, limit: int = 50) -> list[RowView]:
    """Return the rows of one kind, or of all, after the row with the number `after`, in order."""
    query = select(import_rows).where(import_rows.c.import_id == import_id, import_rows.c.number > after)
    if kind is not None:
        query = query.where(import_rows.c.kind == kind)
    with reading() as connection:
        found = connection.execute(query.order_by(import_rows.c.number).limit(limit)).all()
    return [
        RowView(
            row.number,
            row.row,
            row.kind,
            row.quantity_e4,
            row.credit,
            row.detail,
            row.project_name,
            row.serial_number,
            json.loads(row.cells),
        )
        for row in found
    ]


def file_of(found: ImportView) -> FileRows | None:
    """Read the file of an open import again, as its options say; None if it was deleted."""
    with reading() as connection:
        content = row_of(connection, found.id, imports.c.content).content
    return None if content is None else read_file(content, found.options)


def _problem_view(row: Row[Any], holder: CreditView | None) -> ProblemView:
    """Return the problem with advice for the current status of its holder."""
    conflict = None
    if holder is not None and row.first is not None:
        conflict = conflict_over(holder, row.first, row.last)
    message = f"{row.message} {conflict.advice}" if conflict else row.message
    return ProblemView(row.row, row.field, message, row.holder, conflict)


_VIEWED: Final = [column for column in imports.c if column.name != "content"]
_JOB: Final = [column for column in import_jobs.c if column.name not in {"settings", "source", "facts"}]


def row_of(connection: Connection, import_id: int, *more: ColumnElement[Any]) -> Row[Any]:
    row = connection.execute(select(*_VIEWED, *more).where(imports.c.id == import_id)).first()
    if row is None:
        raise UnknownImport("There is no such import.")
    return row


def view_of(row: Row[Any]) -> ImportView:
    facts = dict(row._mapping)
    facts["state"] = State(row.state)
    facts["not_recorded"] = tuple(json.loads(row.not_recorded))
    facts["options"] = ImportOptions.from_json(row.options)
    facts["summary"] = PlanSummary(**json.loads(row.summary)) if row.summary else PlanSummary()
    return ImportView(**facts)
