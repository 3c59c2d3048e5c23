"""Imports: receive and check a file, preview it, and write its new rows in one transaction or none.

Imports are working data; only their events belong to the log. Their state can change and their file
can be deleted. Ids and texts of the rows are computed before the write lock is taken. Under the lock
each row is decided again, because the ledger may have changed since the preview.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from webapp.domain.credit import Credit
from webapp.domain.errors import ImportNotOpen, UnknownImport
from webapp.domain.event import created_event, time_text
from webapp.domain.import_row import ImportRow
from webapp.imports.rows import read_rows
from webapp.imports.views import ImportView, State, row_of, view_of
from webapp.ledger import clock, event_log, idempotency_store
from webapp.ledger.audit.findings import Progress, no_progress
from webapp.ledger.group_commit import Transaction, commit
from webapp.ledger.idempotency_store import IdempotencyKey, StoredResult
from webapp.ledger.row_decisions import Decision, Outcome, counts_of, decide
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.tables import import_problems, imports

FILENAME_LENGTH_MAX: Final = 200
_NOT_RECORDED_SHOWN: Final = 100
# A preview on which nobody decides is given up when another file comes after so many days.
OPEN_DAYS: Final = 7
_PROBLEMS: Final = "Nothing was written: some rows are invalid or in conflict."
_UNKNOWN: Final = "Nothing was written: some fields of the file would not be recorded."
GIVEN_UP: Final = f"Nobody decided about it within {OPEN_DAYS} days."


@dataclass(frozen=True)
class Received:
    """A received import. `is_replay`: an earlier request with the same key created it."""

    import_id: int
    is_replay: bool = False


@dataclass(frozen=True)
class Written:
    """The import after an attempt to write it. `is_replay`: an earlier request with the same key made it."""

    view: ImportView
    is_replay: bool = False


def receive(
    content: bytes,
    filename: str,
    actor: str,
    progress: Progress = no_progress,
    *,
    key: IdempotencyKey | None = None,
) -> Received:
    """Check every row of the file, and store the file with the results; the ledger does not change.

    `progress` is called with the number of rows read. Previews older than `OPEN_DAYS` days are cancelled
    in the same transaction, so that their files do not accumulate.
    Raises UnreadableFile, UnsupportedFile and TooManyRows.
    """
    rows = read_rows(content, progress=progress)
    with reading() as connection:
        decisions = decide(connection, rows)
    facts = {
        **_facts_of(content, filename, actor, _unknown_fields_of(rows)),
        **counts_of(decisions),
        "state": State.CHECKED,
        "content": content,
        "written": 0,
    }

    def action(transaction: Transaction) -> Received:
        connection = transaction.connection
        stored = key and idempotency_store.find(connection, key)
        if stored:
            return Received(int(stored.ids[0]), is_replay=True)
        _give_up_abandoned(connection)
        import_id = _insert(connection, facts)
        _keep_problems(connection, import_id, decisions)
        _keep_key(transaction, key, "receive", import_id)
        return Received(import_id)

    return commit(action)


def write(
    import_id: int,
    progress: Progress = no_progress,
    *,
    skip_invalid: bool = False,
    ignore_unknown: bool = False,
    actor: str,
    key: IdempotencyKey | None = None,
) -> Written:
    """Decide each row again and write the new ones, in one transaction.

    Nothing is written if a row is invalid or in conflict, or if a field would not be recorded, unless the
    caller chose to leave these out. The import then stays `checked`, with its counts updated. `progress`
    is called with the number of rows that are about to be written.
    Raises UnknownImport and ImportNotOpen.
    """
    with reading() as connection:
        stored = key and idempotency_store.find(connection, key)
        if stored:
            return Written(view_of(row_of(connection, int(stored.ids[0]))), is_replay=True)
        content = _load_open(connection, import_id).content
    rows = _prepared(content, progress)

    def action(transaction: Transaction) -> Written:
        connection = transaction.connection
        stored = key and idempotency_store.find(connection, key)
        if stored:
            return Written(view_of(row_of(connection, int(stored.ids[0]))), is_replay=True)
        found = _load_open(connection, import_id)
        decisions = decide(connection, rows)
        counts = counts_of(decisions)
        connection.execute(delete(import_problems).where(import_problems.c.import_id == import_id))
        _keep_problems(connection, import_id, decisions)
        not_recorded = json.loads(found.not_recorded)
        message = _why_not(decisions, not_recorded, skip_invalid=skip_invalid, ignore_unknown=ignore_unknown)
        if message:
            _change(connection, import_id, message=message, **counts)
        else:
            new = _new_credits(decisions)
            _finish(connection, import_id, State.DONE, None, written=len(new), **counts)
            _append(transaction, new, actor)
            _keep_key(transaction, key, "write", import_id)
        return Written(view_of(row_of(connection, import_id)))

    return commit(action, is_exclusive=True)


def import_now(
    content: bytes,
    filename: str,
    actor: str,
    progress: Progress = no_progress,
    *,
    skip_invalid: bool = False,
    ignore_unknown: bool = False,
    key: IdempotencyKey | None = None,
    how_to_skip: str = "",
    how_to_ignore: str = "",
) -> Written:
    """Write the new rows of a file and its import in one transaction, without a preview.

    Where a page would ask, the import fails, and its message ends with `how_to_skip` or `how_to_ignore`:
    how the caller (API, command line) leaves such rows or fields out. The file is not stored.
    Raises UnreadableFile, UnsupportedFile and TooManyRows.
    """
    rows = _prepared(content, progress)
    not_recorded = _unknown_fields_of(rows)
    file = _facts_of(content, filename, actor, not_recorded)

    def action(transaction: Transaction) -> Written:
        connection = transaction.connection
        stored = key and idempotency_store.find(connection, key)
        if stored:
            return Written(view_of(row_of(connection, int(stored.ids[0]))), is_replay=True)
        decisions = decide(connection, rows)
        message = _why_not(decisions, not_recorded, skip_invalid=skip_invalid, ignore_unknown=ignore_unknown)
        advice = {_PROBLEMS: how_to_skip, _UNKNOWN: how_to_ignore}.get(message or "")
        new = [] if message else _new_credits(decisions)
        import_id = _insert(
            connection,
            {
                **file,
                **counts_of(decisions),
                "state": State.FAILED if message else State.DONE,
                "message": message and f"{message} {advice}".strip(),
                "finished_at": file["uploaded_at"],
                "written": len(new),
            },
        )
        _keep_problems(connection, import_id, decisions)
        _append(transaction, new, actor)
        _keep_key(transaction, key, "now", import_id)
        return Written(view_of(row_of(connection, import_id)))

    return commit(action, is_exclusive=True)


def _prepared(content: bytes, progress: Progress) -> list[ImportRow]:
    """Read the rows and compute their ids and texts, which needs no write lock."""
    rows = read_rows(content, progress=progress)
    for row in rows:
        if row.credit:
            row.credit.prepare()
    return rows


def _facts_of(content: bytes, filename: str, actor: str, not_recorded: list[str]) -> dict[str, object]:
    """Return the columns of an import that follow from its file and its actor."""
    return {
        "actor": actor,
        "filename": display_name(filename),
        "sha256": sha256(content).hexdigest(),
        "size_bytes": len(content),
        "uploaded_at": time_text(clock.now()),
        "not_recorded": json.dumps(not_recorded, ensure_ascii=False),
    }


def _why_not(
    decisions: Sequence[Decision], not_recorded: Sequence[str], *, skip_invalid: bool, ignore_unknown: bool
) -> str | None:
    """Return the reason why nothing can be written, None if there is none."""
    has_problems = any(item.outcome in {Outcome.CONFLICTING, Outcome.INVALID} for item in decisions)
    if has_problems and not skip_invalid:
        return _PROBLEMS
    if not_recorded and not ignore_unknown:
        return _UNKNOWN
    return None


def _new_credits(decisions: Sequence[Decision]) -> list[Credit]:
    return [item.row.credit for item in decisions if item.outcome is Outcome.NEW and item.row.credit]


def _append(transaction: Transaction, new: Sequence[Credit], actor: str) -> None:
    now = event_log.recording_time(transaction)
    event_log.append(transaction, [created_event(credit, actor, now) for credit in new], new)


def _insert(connection: Connection, facts: Mapping[str, object]) -> int:
    import_id: int = connection.execute(insert(imports).values(facts).returning(imports.c.id)).scalar_one()
    return import_id


def _keep_key(transaction: Transaction, key: IdempotencyKey | None, kind: str, import_id: int) -> None:
    if key:
        position = event_log.log_head(transaction).position
        stored = StoredResult(f"import {kind}", HTTPStatus.OK, [str(import_id)], position)
        idempotency_store.store(transaction.connection, key, stored)


def cancel(import_id: int, key: IdempotencyKey | None = None) -> bool:
    """Cancel the import; nothing is written. Returns whether an earlier request with the key did it.

    Raises UnknownImport and ImportNotOpen.
    """

    def action(transaction: Transaction) -> bool:
        if key and idempotency_store.find(transaction.connection, key):
            return True
        _load_open(transaction.connection, import_id)
        _finish(transaction.connection, import_id, State.CANCELLED, None)
        _keep_key(transaction, key, "cancel", import_id)
        return False

    return commit(action)


def display_name(filename: str) -> str:
    """Return the last part of a path as printable text of at most FILENAME_LENGTH_MAX characters."""
    last = re.split(r"[/\\]", filename)[-1]
    printable = "".join(character for character in last if character.isprintable())
    return printable.strip()[:FILENAME_LENGTH_MAX] or "unnamed"


def _unknown_fields_of(rows: Sequence[ImportRow]) -> list[str]:
    return [name for row in rows for name in row.unknown_fields][:_NOT_RECORDED_SHOWN]


def _keep_problems(connection: Connection, import_id: int, decisions: Sequence[Decision]) -> None:
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
        for item in decisions
        for problem in item.problems
    ]
    if found:
        numbered = [{**facts, "number": number} for number, facts in enumerate(found, start=1)]
        connection.execute(insert(import_problems), numbered)


def _load_open(connection: Connection, import_id: int) -> Row[Any]:
    """Return the import that is still open."""
    row = connection.execute(select(imports).where(imports.c.id == import_id)).first()
    if row is None:
        raise UnknownImport("There is no such import.")
    if row.state != State.CHECKED:
        raise ImportNotOpen(row.state)
    return row


def _give_up_abandoned(connection: Connection) -> None:
    now = clock.now()
    abandoned = imports.c.uploaded_at < time_text(now - timedelta(days=OPEN_DAYS))
    given_up = {
        "state": State.CANCELLED,
        "message": GIVEN_UP,
        "finished_at": time_text(now),
        "content": None,
    }
    connection.execute(update(imports).where(imports.c.state == State.CHECKED, abandoned).values(given_up))


def _finish(connection: Connection, import_id: int, state: State, message: str | None, **facts: int) -> None:
    finished_at = time_text(clock.now())
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
