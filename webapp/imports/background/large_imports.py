"""Imports of large files, as pages, the API and the command line use them. ``imports.jobs`` has small ones.

The file is received at once; all else happens in the background (``runner``). Each function returns when
the job has changed, not when its work is done.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any, BinaryIO, Final

from sqlalchemy import Connection, Row

from webapp.domain.errors import FileTooLarge, ImportNotOpen, InvalidFields, Problem, UnknownImport
from webapp.imports.abandoned import give_up_abandoned
from webapp.imports.background import job, planning, runner, stored_file
from webapp.imports.background.chunk_plan import JobFile, summaries, together
from webapp.imports.background.grouping import FileFacts
from webapp.imports.background.job import Decision, Lease, Phase
from webapp.imports.background.limits import Limits
from webapp.imports.background.staged_rows import StagedSource
from webapp.imports.background.stopping import stop
from webapp.imports.file_rows import FileRows, mapping_of, save_mapping
from webapp.imports.import_facts import facts_of_file
from webapp.imports.import_records import (
    change_import,
    finish,
    insert_import,
    keep_key,
    load_open,
)
from webapp.imports.jobs import Received
from webapp.imports.options import ImportOptions
from webapp.imports.views import State, row_of
from webapp.ledger import idempotency_store
from webapp.ledger.background.owners import owner_name
from webapp.ledger.group_commit import Transaction, commit
from webapp.ledger.idempotency_store import IdempotencyKey
from webapp.ledger.storage.engine import reading

_READ_BYTES: Final = stored_file.PART_BYTES
_PARTLY_RECORDED: Final = (
    "A part of this file is recorded, so the rest is not read in another way. Record the rest as it is, or"
    " cancel, and import the file again with other choices."
)


def receive(
    file: BinaryIO,
    filename: str,
    actor: str,
    *,
    options: ImportOptions | None = None,
    decision: Decision | None = None,
    limits: Limits | None = None,
    key: IdempotencyKey | None = None,
) -> Received:
    """Store a file in parts, and begin to work on it in the background.

    With a `decision` it is recorded without a preview, if nothing that was not decided is in the way.
    Raises FileTooLarge if the file is too large.
    """
    digest, size = _digest(file)
    limits = limits or Limits()
    if size > limits.size_bytes:
        raise FileTooLarge(f"This file is larger than {limits.size_bytes // 1024**2:,} MB.")
    options = options or ImportOptions()
    facts = {
        **facts_of_file(digest, size, filename, actor),
        **dict.fromkeys(("total", "new", "existing", "conflicting", "invalid", "written"), 0),
        "state": State.CHECKING,
        "not_recorded": "[]",
        "options": options.to_json(),
    }
    owner = owner_name()

    def begin(transaction: Transaction) -> Received:
        connection = transaction.connection
        stored = key and idempotency_store.find(connection, key)
        if stored:
            return Received(int(stored.ids[0]), is_replay=True)
        give_up_abandoned(transaction)
        import_id = insert_import(connection, facts)
        job.create(connection, import_id, owner, decision, limits.rows)
        keep_key(transaction, key, "receive", import_id)
        return Received(import_id)

    received = commit(begin)
    if not received.is_replay:
        _store(file, Lease(received.import_id, owner))
        runner.wake()
    return received


def _digest(file: BinaryIO) -> tuple[str, int]:
    """Return the SHA-256 and the size of a file in bytes, and go back to its start."""
    digest, size = sha256(), 0
    file.seek(0)
    while block := file.read(_READ_BYTES):
        digest.update(block)
        size += len(block)
    file.seek(0)
    return digest.hexdigest(), size


def _store(file: BinaryIO, lease: Lease) -> None:
    number = 0
    while block := file.read(_READ_BYTES):
        part, at = block, number
        lease.write(
            lambda transaction, _job, part=part, at=at: stored_file.keep_part(  # type: ignore[misc]
                transaction.connection, lease.import_id, at, part
            )
        )
        number += 1
    lease.write(
        lambda transaction, _job: job.hand_over(transaction.connection, lease.import_id, Phase.READING, 0)
    )


def is_large(import_id: int) -> bool:
    """Return whether the import has a job in the background."""
    with reading() as connection:
        return job.find(connection, import_id) is not None


def file_of(import_id: int) -> FileRows | None:
    """Return the file of a large import without its rows, to show its columns; None if it is deleted."""
    with reading() as connection:
        row = job.find(connection, import_id)
        options = ImportOptions.from_json(row_of(connection, import_id).options)
    if row is None or row.source is None or Phase(row.phase) in {Phase.CLEANING, Phase.ENDED}:
        return None
    source = StagedSource.from_json(row.source).whole(import_id)
    return FileRows(source, mapping_of(source, options), [])


def change(import_id: int, options: ImportOptions, actor: str, key: IdempotencyKey | None = None) -> bool:
    """Plan an open import again with other options. Returns whether this is a replay.

    Refused once a part of the file is recorded: the rest is recorded in the same way, or not at all.
    Raises UnknownImport, ImportNotOpen and InvalidFields.
    """
    with reading() as connection:
        before = ImportOptions.from_json(load_open(connection, import_id).options)
        row = job.find(connection, import_id)
    reads_again = before.read_as != options.read_as or row is None or row.source is None
    if not reads_again and row is not None and options.where:
        mapping_of(StagedSource.from_json(row.source).whole(import_id), options)

    def action(transaction: Transaction) -> bool:
        connection = transaction.connection
        if key and idempotency_store.find(connection, key):
            return True
        if load_open(connection, import_id).written:
            raise InvalidFields([Problem("", _PARTLY_RECORDED)])
        if options.mapping and options.mapping.is_confirmed:
            save_mapping(connection, options.mapping, actor)
        change_import(connection, import_id, state=State.CHECKING, message=None, options=options.to_json())
        phase = Phase.READING if reads_again else Phase.GROUPING
        job.hand_over(connection, import_id, phase, 0 if reads_again or row is None else row.rows_all)
        job.change(connection, import_id, chunks_recorded=0)
        keep_key(transaction, key, "change", import_id)
        return False

    return _changed(commit(action))


def record(import_id: int, decision: Decision, key: IdempotencyKey | None = None) -> bool:
    """Begin to record an import as it was planned. Returns whether this is a replay.

    Nothing begins if a row is refused, or if a field would not be recorded, unless that was decided.
    Raises UnknownImport and ImportNotOpen.
    """

    def action(transaction: Transaction) -> bool:
        connection = transaction.connection
        if key and idempotency_store.find(connection, key):
            return True
        options = ImportOptions.from_json(load_open(connection, import_id).options)
        row = job.find(connection, import_id)
        if row is None or options.mapping is None or row.facts is None:
            raise ImportNotOpen(State.UNMAPPED)
        file = JobFile(
            import_id,
            StagedSource.from_json(row.source),
            options.mapping,
            options,
            FileFacts.from_json(row.facts),
        )
        sums = together(summaries(connection, import_id, 0, row.chunks))
        reason = planning.decide(connection, import_id, row, planning.plan_facts(file, sums), decision)
        if reason:
            change_import(connection, import_id, message=reason)
        else:
            keep_key(transaction, key, "write", import_id)
        return False

    return _changed(commit(action))


def cancel(import_id: int, actor: str, key: IdempotencyKey | None = None) -> bool:
    """Stop an import. What is recorded stays, and `resume` completes it. Returns whether this is a replay.

    Raises UnknownImport and ImportNotOpen.
    """

    def action(transaction: Transaction) -> bool:
        connection = transaction.connection
        if key and idempotency_store.find(connection, key):
            return True
        row = _job_of(connection, import_id)
        phase = Phase(row.phase)
        if phase in {Phase.PAUSED, Phase.CLEANING, Phase.ENDED}:
            raise ImportNotOpen(row_of(connection, import_id).state)
        if row.chunks_recorded:
            stop(transaction, row, actor)
        else:
            finish(connection, import_id, state=State.CANCELLED)
            job.hand_over(connection, import_id, Phase.CLEANING, 0)
        keep_key(transaction, key, "cancel", import_id)
        return False

    return _changed(commit(action))


def resume(import_id: int, actor: str, key: IdempotencyKey | None = None) -> bool:
    """Go on with an import that is recorded in part. Returns whether this is a replay.

    Where nobody has decided about the plan of the rest, it is planned, and a person is asked.

    Raises UnknownImport and ImportNotOpen.
    """

    def action(transaction: Transaction) -> bool:
        connection = transaction.connection
        if key and idempotency_store.find(connection, key):
            return True
        row = _job_of(connection, import_id)
        if Phase(row.phase) is not Phase.PAUSED:
            raise ImportNotOpen(row_of(connection, import_id).state)
        decision = Decision.from_json(row.settings)
        if decision and row.chunks_planned == row.chunks:
            resumed = Decision(actor, decision.skip_invalid, decision.ignore_unknown).to_json()
            phase, state = Phase.RECORDING, State.WRITING
        else:
            # It was stopped while the rest was planned again, so nobody has decided about this plan.
            phase, state, resumed = Phase.PLANNING, State.CHECKING, None
        change_import(connection, import_id, state=state, message=None, finished_at=None)
        job.hand_over(connection, import_id, phase, row.rows_all, row.rows_done)
        job.change(connection, import_id, settings=resumed)
        keep_key(transaction, key, "resume", import_id)
        return False

    return _changed(commit(action))


def run(import_id: int, progress: Callable[[job.JobView], None]) -> None:
    """Work on an import in this process, until it is over or a person has to decide."""
    runner.run_to_the_end(import_id, progress)


def _changed(is_replay: bool) -> bool:  # noqa: FBT001 - passed through
    runner.wake()
    return is_replay


def _job_of(connection: Connection, import_id: int) -> Row[Any]:
    row = job.find(connection, import_id)
    if row is None:
        raise UnknownImport("This import has no job.")
    return row
