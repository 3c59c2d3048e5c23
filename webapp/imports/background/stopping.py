"""Stop an import in the middle, and say in the log what an import has recorded."""

from typing import Any

from sqlalchemy import Row, select

from webapp.domain.fields import quantity_text
from webapp.imports.background import chunk_plan, job
from webapp.imports.background.chunk_plan import ChunkSummary
from webapp.imports.background.job import Phase
from webapp.imports.import_records import finish
from webapp.imports.recording import RecordedFile, record_entry
from webapp.imports.views import State
from webapp.ledger.group_commit import Transaction
from webapp.ledger.storage.import_tables import imports


def stop(
    transaction: Transaction, row: Row[Any], actor: str | None = None, message: str | None = None
) -> None:
    """Stop an import after some chunks are recorded, and say in the log what they did. It can be resumed.

    `row` is its job. Without an actor, the entry in the log has that of the import.
    """
    connection, import_id = transaction.connection, row.import_id
    recorded = chunk_plan.together(chunk_plan.summaries(connection, import_id, 0, row.chunks_recorded))
    record_outcome(transaction, import_id, actor, recorded)
    finish(connection, import_id, state=State.CANCELLED, message=message)
    job.hand_over(connection, import_id, Phase.PAUSED, row.rows_all, recorded.rows)


def record_outcome(
    transaction: Transaction, import_id: int, actor: str | None, recorded: ChunkSummary
) -> None:
    """Append the closing entry of an import, if it has recorded something."""
    row = transaction.connection.execute(select(imports).where(imports.c.id == import_id)).one()
    if not row.written:
        return
    tonnes = {
        f"tonnes_{kind}": quantity_text(counted["e4"])
        for kind, counted in recorded.ordered_kinds.items()
        if counted["e4"] and kind != "difference"
    }
    about = RecordedFile(import_id, row.filename, row.sha256)
    record_entry(transaction, about, actor or row.actor, recorded.rows, tonnes)
