"""The phase RECORDING: write chunk after chunk, each in a transaction of its own.

Each chunk is planned again under the write lock. If it would do something else than was planned, the job
stops before it, plans the rest again, and asks; so it does if names of registries were joined or separated.
The checkpoint is in the transaction of the chunk. As the last statement of each, the person who confirmed it
is checked again: who may not record any more stops the job.
"""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, select

from webapp.imports.background import chunk_plan, job
from webapp.imports.background.chunk_plan import ChunkSummary, JobFile
from webapp.imports.background.grouping import hash_of_names
from webapp.imports.background.job import Decision, Lease, Phase
from webapp.imports.background.stopping import record_outcome, stop
from webapp.imports.import_records import change_import, finish
from webapp.imports.recording import RecordedFile, record_entry, record_events
from webapp.imports.staging import PLAIN_KINDS
from webapp.imports.views import State
from webapp.ledger.group_commit import Transaction
from webapp.ledger.projections.joined_names import registry_names
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.import_tables import import_rows, imports

NOT_PERMITTED: Final = (
    "Stopped: the person who confirmed it may not record any more. Somebody else can resume it."
)
NAMES_CHANGED: Final = (
    "Stopped: names of registries were joined or separated, so the rest was planned again. Check it again."
)
CHANGED: Final = "Stopped: the ledger has changed, and so has the plan of the rest. Check it again."


# Whether an actor may still record, as seen by an open transaction.
IsPermitted = Callable[[Connection, str], bool]


class _NotPermittedError(Exception):
    """The person who confirmed the import may not record any more, so the chunk is rolled back."""


def anybody(_connection: Connection, _actor: str) -> bool:
    """Return True: at the terminal, nobody's role is asked."""
    return True


def record_next(lease: Lease, file: JobFile, is_permitted: IsPermitted) -> None:
    """Record the chunk after the checkpoint, or finish the import after the last one."""
    row = lease.load()
    number = row.chunks_recorded
    with reading() as connection:
        if number == row.chunks:
            recorded = chunk_plan.together(chunk_plan.summaries(connection, lease.import_id, 0, number))
            lease.write(lambda transaction, job_row: _finish(transaction, job_row, recorded))
            return
        rows = file.rows_of(connection, number, is_shown=False)
        (planned,) = chunk_plan.summaries(connection, lease.import_id, number, number + 1)
        numbered = _numbered_before(connection, lease, file, number)

    def action(transaction: Transaction, job_row: Row[Any]) -> None:
        connection = transaction.connection
        if hash_of_names(registry_names(connection)) != file.facts.names:
            _group_again(transaction, job_row)
            return
        plan = file.plan(connection, rows, numbered)
        now = file.summary_of(plan)
        if now.fingerprint != planned.fingerprint:
            _ask_again(transaction, job_row, planned, now)
            return
        decision = _decision_of(job_row)
        import_row = connection.execute(select(imports).where(imports.c.id == lease.import_id)).one()
        about = RecordedFile(lease.import_id, import_row.filename, import_row.sha256)
        if not import_row.written and planned.writing:
            record_entry(transaction, about, decision.actor, file.staged.rows, {})
        record_events(transaction, plan, decision.actor, lease.import_id)
        change_import(connection, lease.import_id, written=import_row.written + planned.writing)
        job.change(
            connection,
            lease.import_id,
            chunks_recorded=number + 1,
            rows_done=job_row.rows_done + len(rows),
        )
        if not is_permitted(connection, decision.actor):
            raise _NotPermittedError

    try:
        lease.write(action, is_exclusive=True)
    except _NotPermittedError:
        lease.write(_stop_not_permitted)


def _stop_not_permitted(transaction: Transaction, row: Row[Any]) -> None:
    stop(transaction, row, _decision_of(row).actor, NOT_PERMITTED)


def _numbered_before(
    connection: Connection, lease: Lease, file: JobFile, number: int
) -> set[chunk_plan.Project]:
    """Return the projects with numbered credits in chunks before this one, where it matters.

    The lease keeps them from chunk to chunk, so that the plan of each is read once.
    """
    if not file.facts.mixed:
        return set()
    found = chunk_plan.summaries(connection, file.import_id, lease.chunks_known, number)
    lease.numbered |= chunk_plan.together(found).numbered
    lease.chunks_known = number
    return lease.numbered


def _decision_of(row: Row[Any]) -> Decision:
    decision = Decision.from_json(row.settings)
    if decision is None:
        raise ValueError(f"nobody decided to record import {row.import_id}")
    return decision


def _ask_again(transaction: Transaction, row: Row[Any], planned: ChunkSummary, now: ChunkSummary) -> None:
    connection, mine = transaction.connection, row.import_id
    changes = chunk_plan.difference_text(planned.kinds, now.kinds)
    change_import(connection, mine, state=State.CHECKING, message=f"{CHANGED} {changes}.".replace("..", "."))
    job.hand_over(connection, mine, Phase.PLANNING, row.rows_all, row.rows_done)
    job.change(connection, mine, chunks_planned=row.chunks_recorded, settings=None)


def _group_again(transaction: Transaction, row: Row[Any]) -> None:
    """Put the rest of the rows into other units: other serial numbers are the same ones now."""
    change_import(transaction.connection, row.import_id, state=State.CHECKING, message=NAMES_CHANGED)
    job.hand_over(transaction.connection, row.import_id, Phase.GROUPING, row.rows_all)
    job.change(transaction.connection, row.import_id, chunks_planned=row.chunks_recorded, settings=None)


def _finish(transaction: Transaction, row: Row[Any], recorded: ChunkSummary) -> None:
    connection, mine = transaction.connection, row.import_id
    record_outcome(transaction, mine, _decision_of(row).actor, recorded)
    finish(connection, mine, state=State.DONE)
    plain = import_rows.c.kind.in_(PLAIN_KINDS)
    connection.execute(delete(import_rows).where(import_rows.c.import_id == mine, plain))
    job.hand_over(connection, mine, Phase.CLEANING, 0)
