"""Read imports, their problems and their rows, for pages, the API and the command line."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, func, select

from webapp.domain.credit import Credit
from webapp.domain.errors import UnknownImport
from webapp.imports.rows import read_rows
from webapp.ledger.queries import find_credits
from webapp.ledger.row_decisions import Outcome, decide
from webapp.ledger.serial_conflicts import SerialConflict, conflict_over
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.tables import import_problems, imports
from webapp.ledger.views import CreditView


class State(StrEnum):
    """The state of an import.

    Up to 10,000 rows are checked and written while the request waits, so `checking` and `writing`
    are never visible to others: a stored import has been checked, and one whose writing was interrupted
    is still `checked`.
    """

    CHECKING = "checking"
    CHECKED = "checked"
    WRITING = "writing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


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

    @property
    def has_problems(self) -> bool:
        """Whether a row cannot be written."""
        return bool(self.conflicting or self.invalid)

    @property
    def is_open(self) -> bool:
        """Whether it can still be written or cancelled."""
        return self.state is State.CHECKED


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
    """A row as it would be written now."""

    row: int
    outcome: Outcome
    credit: Credit | None
    credit_id: str | None


def find(import_id: int) -> ImportView:
    """Return the import. Raises UnknownImport."""
    with reading() as connection:
        return view_of(row_of(connection, import_id))


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


def sample_rows(import_id: int, limit: int = 20) -> list[RowView]:
    """Return the first rows as they would be written now; an empty list if the file was deleted.

    Raises UnknownImport.
    """
    with reading() as connection:
        content = row_of(connection, import_id, imports.c.content).content
        if content is None:
            return []
        decisions = decide(connection, read_rows(content, limit))
    return [
        RowView(
            item.row.number,
            item.outcome,
            item.row.credit,
            item.row.credit.id if item.outcome is Outcome.EXISTING and item.row.credit else None,
        )
        for item in decisions
    ]


def _problem_view(row: Row[Any], holder: CreditView | None) -> ProblemView:
    """Return the problem with advice for the current status of its holder."""
    conflict = None
    if holder is not None and row.first is not None:
        conflict = conflict_over(holder, row.first, row.last)
    message = f"{row.message} {conflict.advice}" if conflict else row.message
    return ProblemView(row.row, row.field, message, row.holder, conflict)


_VIEWED: Final = [column for column in imports.c if column.name != "content"]


def row_of(connection: Connection, import_id: int, *more: ColumnElement[Any]) -> Row[Any]:
    row = connection.execute(select(*_VIEWED, *more).where(imports.c.id == import_id)).first()
    if row is None:
        raise UnknownImport("There is no such import.")
    return row


def view_of(row: Row[Any]) -> ImportView:
    facts = dict(row._mapping)
    facts["state"] = State(row.state)
    facts["not_recorded"] = tuple(json.loads(row.not_recorded))
    return ImportView(**facts)
