"""A file becomes credits: received and checked, looked at, then written whole or not at all.

An import is a desk, not a part of the log: it may change its state and lose its file. What it
writes are CREATED events like any other, in one transaction, every row decided again on what the
ledger holds at that moment.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from webapp.domain import events
from webapp.domain.credits import Credit
from webapp.domain.errors import ImportNotOpen, UnknownImport
from webapp.domain.import_file import Row as FileRow
from webapp.domain.import_file import parse_row, row_texts
from webapp.ledger import clock, log
from webapp.ledger.database import reading, transact
from webapp.ledger.findings import Progress, no_progress
from webapp.ledger.holders import HeldNumbers, numbers_held
from webapp.ledger.import_decisions import Decided, Outcome, counts_of, decide
from webapp.ledger.queries import credit_view
from webapp.ledger.tables import credit_states, import_problems, imports

FILENAME_LENGTH_MAX: Final = 200
_TOLD_EVERY: Final = 100
# A preview on which nobody decides is given up when another file comes after so many days.
OPEN_DAYS: Final = 7
GIVEN_UP: Final = f"Nobody decided about it within {OPEN_DAYS} days."


class State(StrEnum):
    """Where an import stands.

    Up to 10,000 rows are checked and written while the request waits, so `checking` and `writing`
    are never seen from outside: an import that is there has been checked, and one that was being
    written when the machine stopped is still `checked`.
    """

    CHECKING = "checking"
    CHECKED = "checked"
    WRITING = "writing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class ImportView:
    """An import: who brought which file when, and what became of it. Sizes in bytes."""

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
    """One thing wrong with one row.

    `holder` is the credit that holds the row's serial number; `held` says which numbers of the row's
    block, and what can be done with it as it is now.
    """

    row: int
    field: str
    message: str
    holder: str | None
    held: HeldNumbers | None = None


@dataclass(frozen=True)
class RowView:
    """A row as it would be written now."""

    row: int
    outcome: Outcome
    credit: Credit | None
    credit_id: str | None


def receive(content: bytes, filename: str, actor: str, progress: Progress = no_progress) -> int:
    """Check every row of the file and keep both; nothing is written to the ledger.

    `progress` is told the number of rows read. Previews that nobody decided about in `OPEN_DAYS` days
    are given up at the same time, so that neither they nor their files pile up. Returns the
    import's number. Raises UnreadableFile, UnsupportedFile and TooManyRows.
    """
    rows = _parse(content, progress=progress)
    with reading(snapshot=True) as connection:
        decided = decide(connection, rows)
    facts = {
        "state": State.CHECKED,
        "actor": actor,
        "filename": display_name(filename),
        "sha256": sha256(content).hexdigest(),
        "size_bytes": len(content),
        "content": content,
        "uploaded_at": events.time_text(clock.now()),
        "not_recorded": json.dumps(_unknown_fields(rows), ensure_ascii=False),
        "written": 0,
        **counts_of(decided),
    }

    def act(connection: Connection) -> int:
        _give_up_abandoned(connection)
        import_id: int = connection.execute(
            insert(imports).values(facts).returning(imports.c.id)
        ).scalar_one()
        _keep_problems(connection, import_id, decided)
        return import_id

    return transact(act)


def write(
    import_id: int,
    progress: Progress = no_progress,
    *,
    skip_invalid: bool = False,
    ignore_unknown: bool = False,
    actor: str,
) -> ImportView:
    """Write the rows that are new, all in one transaction, each decided again.

    Rows that are invalid or in conflict, and fields that would not be recorded, mean that nothing
    is written unless they are to be left out: then the import stays `checked`, with counts as
    they are now. `progress` is told the number of rows that are about to be written.
    Raises UnknownImport and ImportNotOpen.
    """
    with reading() as connection:
        content = _open(connection, import_id).content
    rows = _parse(content, progress=progress)

    def act(connection: Connection) -> ImportView:
        found = _open(connection, import_id, to_write=True)
        decided = decide(connection, rows)
        counts = counts_of(decided)
        problems = counts["conflicting"] + counts["invalid"]
        connection.execute(delete(import_problems).where(import_problems.c.import_id == import_id))
        _keep_problems(connection, import_id, decided)
        if problems and not skip_invalid:
            message = "Nothing was written: some rows are invalid or in conflict."
            _change(connection, import_id, message=message, **counts)
        elif json.loads(found.not_recorded) and not ignore_unknown:
            message = "Nothing was written: some fields of the file would not be recorded."
            _change(connection, import_id, message=message, **counts)
        else:
            new = [item.row.credit for item in decided if item.outcome is Outcome.NEW]
            _finish(connection, import_id, State.DONE, None, written=len(new), **counts)
            # The log last: it holds the feed's lock until the commit.
            now = events.time_text(clock.now())
            log.append(connection, [events.created(credit, actor, now) for credit in new if credit])
        return _view(_row(connection, import_id))

    return transact(act)


def cancel(import_id: int) -> None:
    """Give the import up; nothing is written. Raises UnknownImport and ImportNotOpen."""
    _end(import_id, State.CANCELLED, None)


def fail(import_id: int, message: str) -> None:
    """End the import with the reason it failed. Raises UnknownImport and ImportNotOpen."""
    _end(import_id, State.FAILED, message)


def find(import_id: int) -> ImportView:
    """Return the import. Raises UnknownImport."""
    with reading() as connection:
        return _view(_row(connection, import_id))


def list_imports(before: int | None = None, limit: int = 50) -> list[ImportView]:
    """Return imports, the newest first, those with numbers under `before`."""
    query = select(*_VIEWED).order_by(imports.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(imports.c.id < before)
    with reading() as connection:
        return [_view(row) for row in connection.execute(query)]


def problems(import_id: int, after: int = 0, limit: int = 200) -> list[ProblemView]:
    """Return the problems of an import in the order of its rows, past the first `after`."""
    query = (
        select(import_problems, credit_states)
        .join_from(
            import_problems,
            credit_states,
            credit_states.c.credit_id == import_problems.c.holder,
            isouter=True,
        )
        .where(import_problems.c.import_id == import_id, import_problems.c.number > after)
        .order_by(import_problems.c.number)
        .limit(limit)
    )
    with reading() as connection:
        rows = connection.execute(query).all()
    return [_problem_view(row) for row in rows]


def count_problems(import_id: int) -> int:
    """Return how many problems the import has in all; a row can have several."""
    query = select(func.count()).where(import_problems.c.import_id == import_id)
    with reading() as connection:
        return int(connection.scalar(query) or 0)


def sample_rows(import_id: int, limit: int = 20) -> list[RowView]:
    """Return the first rows as they would be written now, none where the file is gone.

    Raises UnknownImport.
    """
    with reading(snapshot=True) as connection:
        content = _row(connection, import_id, imports.c.content).content
        if content is None:
            return []
        decided = decide(connection, _parse(content, limit))
    return [
        RowView(
            item.row.number,
            item.outcome,
            item.row.credit,
            item.row.credit.id if item.outcome is Outcome.EXISTING and item.row.credit else None,
        )
        for item in decided
    ]


def display_name(filename: str) -> str:
    """Return the last part of a file's name as text that is safe to keep and to show."""
    last = re.split(r"[/\\]", filename)[-1]
    printable = "".join(character for character in last if character.isprintable())
    return printable.strip()[:FILENAME_LENGTH_MAX] or "unnamed"


def _parse(content: bytes, limit: int | None = None, progress: Progress = no_progress) -> list[FileRow]:
    rows = []
    for number, text in enumerate(row_texts(content)[:limit], start=1):
        rows.append(parse_row(number, text))
        if number % _TOLD_EVERY == 0:
            progress(number)
    return rows


def _unknown_fields(rows: Sequence[FileRow]) -> list[str]:
    return list(dict.fromkeys(name[:80] for row in rows for name in row.unknown_fields))[:100]


def _keep_problems(connection: Connection, import_id: int, decided: Sequence[Decided]) -> None:
    found = [
        {
            "import_id": import_id,
            "row": item.row.number,
            "field": problem.field[:80],
            "message": problem.message,
            "holder": item.holder,
            "first": item.stated and item.stated.first,
            "last": item.stated and item.stated.last,
        }
        for item in decided
        for problem in item.problems
    ]
    if found:
        numbered = [{**facts, "number": number} for number, facts in enumerate(found, start=1)]
        connection.execute(insert(import_problems), numbered)


def _problem_view(row: Row[Any]) -> ProblemView:
    """Return the problem with the advice that fits what its holder is now."""
    held = None
    if row.credit_id is not None and row.first is not None:
        held = numbers_held(credit_view(row), row.first, row.last)
    message = f"{row.message} {held.advice}" if held else row.message
    return ProblemView(row.row, row.field, message, row.holder, held)


def _open(connection: Connection, import_id: int, *, to_write: bool = False) -> Row[Any]:
    """Return the import that is still open; with `to_write` nobody else can write it now."""
    query = select(imports).where(imports.c.id == import_id)
    row = connection.execute(query.with_for_update() if to_write else query).first()
    if row is None:
        raise UnknownImport("There is no such import.")
    if row.state != State.CHECKED:
        raise ImportNotOpen(row.state)
    return row


def _end(import_id: int, state: State, message: str | None) -> None:
    def act(connection: Connection) -> None:
        _open(connection, import_id, to_write=True)
        _finish(connection, import_id, state, message)

    transact(act)


def _give_up_abandoned(connection: Connection) -> None:
    now = clock.now()
    abandoned = imports.c.uploaded_at < events.time_text(now - timedelta(days=OPEN_DAYS))
    given_up = {
        "state": State.CANCELLED,
        "message": GIVEN_UP,
        "finished_at": events.time_text(now),
        "content": None,
    }
    connection.execute(update(imports).where(imports.c.state == State.CHECKED, abandoned).values(given_up))


def _finish(connection: Connection, import_id: int, state: State, message: str | None, **facts: int) -> None:
    finished_at = events.time_text(clock.now())
    _change(
        connection,
        import_id,
        state=state,
        message=message,
        finished_at=finished_at,
        content=None,
        **facts,
    )


def _change(connection: Connection, import_id: int, **facts: object) -> None:
    connection.execute(update(imports).where(imports.c.id == import_id).values(facts))


_VIEWED: Final = [column for column in imports.c if column.name != "content"]


def _row(connection: Connection, import_id: int, *more: ColumnElement[Any]) -> Row[Any]:
    row = connection.execute(select(*_VIEWED, *more).where(imports.c.id == import_id)).first()
    if row is None:
        raise UnknownImport("There is no such import.")
    return row


def _view(row: Row[Any]) -> ImportView:
    facts = dict(row._mapping)
    facts["state"] = State(row.state)
    facts["not_recorded"] = tuple(json.loads(row.not_recorded))
    return ImportView(**facts)
