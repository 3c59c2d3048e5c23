"""Imports: receive and check a file, plan it, and write the plan in one transaction or not at all.

Imports are working data; only their events belong to the log. Their state can change and their file
can be deleted. Ids and texts of the rows are computed before the write lock is taken. Under the lock the
plan is made again, because the ledger may have changed since it was shown; if it is another one, it is
shown and asked about again.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection

from webapp.imports import reconciliation, staging
from webapp.imports.abandoned import give_up_abandoned
from webapp.imports.fact_additions import add_facts
from webapp.imports.file_rows import FileRows, read_file, save_mapping
from webapp.imports.formats.format import FileMeaning
from webapp.imports.import_facts import (
    PlanFacts,
    facts_of_file,
    facts_of_plan,
    kinds_of,
    why_not,
    with_advice,
)
from webapp.imports.import_records import (
    change_import,
    finish,
    insert_import,
    keep_key,
    load_open,
)
from webapp.imports.options import ImportOptions
from webapp.imports.plan import WRITING, Plan
from webapp.imports.planner import make_plan
from webapp.imports.recording import RecordedFile, record_plan
from webapp.imports.views import ImportView, State, row_of, view_of
from webapp.ledger import idempotency_store
from webapp.ledger.audit.findings import Progress, no_progress
from webapp.ledger.group_commit import Transaction, commit
from webapp.ledger.idempotency_store import IdempotencyKey
from webapp.ledger.storage.engine import reading

_CHANGED: Final = "Nothing was written: the ledger has changed, and so has the plan. Check it again."


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
    options: ImportOptions | None = None,
    key: IdempotencyKey | None = None,
) -> Received:
    """Check every row of the file, and store the file with the plan; the ledger does not change.

    `progress` is called with the number of rows read. Previews older than `OPEN_DAYS` days are cancelled
    in the same transaction, so that their files do not accumulate.
    Raises UnreadableFile, UnsupportedFile and TooManyRows.
    """
    options = options or ImportOptions()
    found = _prepared(content, options, progress)
    plan = _plan_now(found, options)
    facts = {
        **_facts_of_file(content, filename, actor),
        **facts_of_plan(PlanFacts.of(found, plan), options),
        "content": content,
        "written": 0,
    }

    def action(transaction: Transaction) -> Received:
        connection = transaction.connection
        stored = key and idempotency_store.find(connection, key)
        if stored:
            return Received(int(stored.ids[0]), is_replay=True)
        give_up_abandoned(transaction)
        import_id = insert_import(connection, facts)
        staging.keep_plan(connection, import_id, plan, is_open=True)
        keep_key(transaction, key, "receive", import_id)
        return Received(import_id)

    return commit(action)


def change(import_id: int, options: ImportOptions, actor: str, key: IdempotencyKey | None = None) -> Written:
    """Plan an open import again with other options. A mapping that a person made is kept for later files.

    Raises UnknownImport, ImportNotOpen, UnreadableFile and UnsupportedFile.
    """
    with reading() as connection:
        content = load_open(connection, import_id).content
    found = _prepared(content, options, no_progress)
    plan = _plan_now(found, options)

    def action(transaction: Transaction) -> Written:
        connection = transaction.connection
        stored = key and idempotency_store.find(connection, key)
        if stored:
            return Written(view_of(row_of(connection, int(stored.ids[0]))), is_replay=True)
        load_open(connection, import_id)
        if options.mapping and options.mapping.is_confirmed:
            save_mapping(connection, found.mapping, actor)
        staging.keep_plan(connection, import_id, plan, is_open=True)
        change_import(
            connection, import_id, message=None, **facts_of_plan(PlanFacts.of(found, plan), options)
        )
        keep_key(transaction, key, "change", import_id)
        return Written(view_of(row_of(connection, import_id)))

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
    """Make the plan again and write it, in one transaction.

    Nothing is written if a row is invalid or in conflict, or if a field would not be recorded, unless the
    caller chose to leave these out, nor if the plan is another one than the stored one. The import then
    stays open, with its plan updated. `progress` is called with the number of rows.
    Raises UnknownImport and ImportNotOpen.
    """
    with reading() as connection:
        stored = key and idempotency_store.find(connection, key)
        if stored:
            return Written(view_of(row_of(connection, int(stored.ids[0]))), is_replay=True)
        row = load_open(connection, import_id)
    options = ImportOptions.from_json(row.options)
    file = _prepared(row.content, options, progress)

    def action(transaction: Transaction) -> Written:
        connection = transaction.connection
        stored = key and idempotency_store.find(connection, key)
        if stored:
            return Written(view_of(row_of(connection, int(stored.ids[0]))), is_replay=True)
        found = load_open(connection, import_id)
        plan = _plan(connection, file, options)
        about = PlanFacts.of(file, plan)
        message = why_not(about, skip_invalid=skip_invalid, ignore_unknown=ignore_unknown)
        if found.options != row.options or staging.summary_of(plan) != kinds_of(found):
            message = _CHANGED
        staging.keep_plan(connection, import_id, plan, is_open=message is not None)
        facts = facts_of_plan(about, options)
        if message:
            change_import(connection, import_id, message=message, **facts)
        else:
            written = staging.rows_with(plan, WRITING)
            finish(connection, import_id, **{**facts, "state": State.DONE, "written": written})
            record_plan(transaction, plan, actor, RecordedFile(import_id, row.filename, row.sha256))
            keep_key(transaction, key, "write", import_id)
        return Written(view_of(row_of(connection, import_id)))

    return commit(action, is_exclusive=True)


def import_now(
    content: bytes,
    filename: str,
    actor: str,
    progress: Progress = no_progress,
    *,
    options: ImportOptions | None = None,
    skip_invalid: bool = False,
    ignore_unknown: bool = False,
    key: IdempotencyKey | None = None,
    how_to_skip: str = "",
    how_to_ignore: str = "",
) -> Written:
    """Write the plan of a file and its import in one transaction, without a preview.

    Where a page would ask, the import fails, and its message ends with `how_to_skip` or `how_to_ignore`:
    how the caller (API, command line) leaves such rows or fields out. The file is not stored.
    Raises UnreadableFile, UnsupportedFile and TooManyRows.
    """
    options = options or ImportOptions()
    found = _prepared(content, options, progress)
    file = _facts_of_file(content, filename, actor)

    def action(transaction: Transaction) -> Written:
        connection = transaction.connection
        stored = key and idempotency_store.find(connection, key)
        if stored:
            return Written(view_of(row_of(connection, int(stored.ids[0]))), is_replay=True)
        plan = _plan(connection, found, options)
        about = PlanFacts.of(found, plan)
        message = why_not(about, skip_invalid=skip_invalid, ignore_unknown=ignore_unknown)
        import_id = insert_import(
            connection,
            {
                **file,
                **facts_of_plan(about, options),
                "state": State.FAILED if message else State.DONE,
                "message": message and with_advice(message, how_to_skip, how_to_ignore),
                "finished_at": file["uploaded_at"],
                "written": 0 if message else staging.rows_with(plan, WRITING),
            },
        )
        staging.keep_plan(connection, import_id, plan, is_open=False)
        if not message:
            recorded = RecordedFile(import_id, str(file["filename"]), str(file["sha256"]))
            record_plan(transaction, plan, actor, recorded)
        keep_key(transaction, key, "now", import_id)
        return Written(view_of(row_of(connection, import_id)))

    return commit(action, is_exclusive=True)


def _prepared(content: bytes, options: ImportOptions, progress: Progress) -> FileRows:
    """Read the rows and compute their ids and texts, which needs no write lock."""
    found = read_file(content, options)
    for number, row in enumerate(found.rows, start=1):
        if row.credit:
            row.credit.prepare()
        if number % _TOLD_EVERY == 0:
            progress(number)
    return found


_TOLD_EVERY: Final = 100


def _facts_of_file(content: bytes, filename: str, actor: str) -> dict[str, object]:
    return facts_of_file(sha256(content).hexdigest(), len(content), filename, actor)


def _plan_now(found: FileRows, options: ImportOptions) -> Plan:
    with reading() as connection:
        return _plan(connection, found, options)


def _plan(connection: Connection, found: FileRows, options: ImportOptions) -> Plan:
    """Return the plan of a file, with the differences between file and ledger."""
    plan = make_plan(connection, found.rows, options.for_plan(found.rows))
    is_state = found.mapping.meaning is FileMeaning.STATE and found.mapping.format is not None
    plan.differences = reconciliation.compare(connection, plan, is_state=is_state)
    add_facts(connection, plan, is_wanted=options.adds_facts)
    return plan


def cancel(import_id: int, key: IdempotencyKey | None = None) -> bool:
    """Cancel the import; nothing is written. Returns whether an earlier request with the key did it.

    Raises UnknownImport and ImportNotOpen.
    """

    def action(transaction: Transaction) -> bool:
        if key and idempotency_store.find(transaction.connection, key):
            return True
        load_open(transaction.connection, import_id)
        finish(transaction.connection, import_id, state=State.CANCELLED)
        keep_key(transaction, key, "cancel", import_id)
        return False

    return commit(action)
