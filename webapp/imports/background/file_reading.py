"""The phase READING: stage the rows of the file, and find out what its columns mean."""

from typing import Any, Final

from sqlalchemy import Row

from webapp.domain.errors import InvalidFields, TooManyRows, UnreadableFile, UnsupportedFile
from webapp.imports.background import job, staged_rows, stored_file
from webapp.imports.background.chunk_plan import ChunkSummary, JobFile
from webapp.imports.background.grouping import FileFacts
from webapp.imports.background.job import Decision, Lease, Phase
from webapp.imports.background.planning import plan_facts
from webapp.imports.background.staged_rows import StagedSource
from webapp.imports.background.stopping import stop
from webapp.imports.file_rows import is_complete, mapping_of
from webapp.imports.import_facts import facts_of_plan, why_not
from webapp.imports.import_records import change_import, finish
from webapp.imports.options import ImportOptions
from webapp.imports.readers.row_stream import BEGIN_AGAIN, stream_rows
from webapp.imports.views import State
from webapp.ledger.group_commit import Transaction

_BATCH: Final = 2_000
_DELETED_AT_ONCE: Final = 10_000
# What is wrong with a file, as against the ledger.
REFUSALS: Final = (UnreadableFile, UnsupportedFile, TooManyRows, InvalidFields)


def read(lease: Lease, options: ImportOptions, size_bytes: int, rows_max: int) -> None:
    """Stage the rows and map the columns; then group the rows, or ask a person what the columns mean.

    Begins at the start of the file, also after another process was stopped in it.
    Raises those of REFUSALS.
    """
    _delete_rows(lease)
    mine = lease.import_id
    stream = stream_rows(lambda: stored_file.open_stored(mine), options.read_as, rows_max)
    count, length, longest, waiting = 0, 0, 0, 0
    batch: list[tuple[int, int, str]] = []

    def keep() -> None:
        kept, done = list(batch), count
        batch.clear()
        # How many rows there are is not known before the end, but how much of the file they take.
        expected = max(done, round(done * size_bytes / max(length, 1)))

        def action(transaction: Transaction, _job: Row[Any]) -> None:
            staged_rows.keep_rows(transaction.connection, mine, kept)
            job.change(transaction.connection, mine, rows_done=done, rows_all=expected)

        lease.write(action)

    for row, cells in stream.rows:
        if (row, cells) == BEGIN_AGAIN:
            batch.clear()
            _delete_rows(lease)
            count, length, longest, waiting = 0, 0, 0, 0
            continue
        batch.append((count, row, cells))
        size = len(cells)
        count, length, longest, waiting = count + 1, length + size, max(longest, size), waiting + size
        if len(batch) == _BATCH or waiting > staged_rows.CHARACTERS_AT_ONCE:
            keep()
            waiting = 0
    keep()
    staged = StagedSource.of(stream, count, longest)

    def action(transaction: Transaction, _job: Row[Any]) -> None:
        job.begin(transaction.connection, mine, Phase.GROUPING, count)
        job.change(transaction.connection, mine, source=staged.to_json())

    lease.write(action)


def map_columns(lease: Lease, staged: StagedSource, options: ImportOptions) -> ImportOptions | None:
    """Return the options with the mapping of the file, or None after a person was asked for it.

    Raises InvalidFields.
    """
    source = staged.whole(lease.import_id)
    mapping = mapping_of(source, options)
    file = JobFile(lease.import_id, staged, mapping, options, FileFacts())
    about = plan_facts(file, ChunkSummary())

    def action(transaction: Transaction, row: Row[Any]) -> None:
        connection, mine = transaction.connection, lease.import_id
        facts = facts_of_plan(about, options)
        if is_complete(mapping):
            change_import(connection, mine, **{**facts, "state": State.CHECKING})
            return
        change_import(connection, mine, **facts)
        if Decision.from_json(row.settings) is None:
            job.hand_over(connection, mine, Phase.WAITING, row.rows_all)
        else:
            message = why_not(about, skip_invalid=True, ignore_unknown=True)
            finish(connection, mine, state=State.FAILED, message=message)
            job.hand_over(connection, mine, Phase.CLEANING, 0)

    lease.write(action)
    if not is_complete(mapping):
        return None
    return ImportOptions.from_json(facts_of_plan(about, options)["options"])


def fail(lease: Lease, message: str) -> None:
    """Say why an import cannot go on. What it has recorded stays, and it can be resumed then."""

    def action(transaction: Transaction, row: Row[Any]) -> None:
        connection, mine = transaction.connection, lease.import_id
        if Phase(row.phase) is Phase.CLEANING:
            # The import itself is over. What is staged of it stays.
            job.hand_over(connection, mine, Phase.ENDED, 0)
        elif row.chunks_recorded:
            decision = Decision.from_json(row.settings)
            stop(transaction, row, decision.actor if decision else None, message)
        else:
            finish(connection, mine, state=State.FAILED, message=message)
            job.hand_over(connection, mine, Phase.CLEANING, 0)

    lease.write(action)


def clean(lease: Lease) -> None:
    """Delete the staged rows and the file, a little at a time."""
    _delete_rows(lease)
    while lease.write(
        lambda transaction, _job: stored_file.delete_parts(transaction.connection, lease.import_id, 16)
    ):
        pass

    def action(transaction: Transaction, _job: Row[Any]) -> None:
        staged_rows.delete_chunks(transaction.connection, lease.import_id)
        job.hand_over(transaction.connection, lease.import_id, Phase.ENDED, 0)

    lease.write(action)


def _delete_rows(lease: Lease) -> None:
    while lease.write(
        lambda transaction, _job: staged_rows.delete_rows(
            transaction.connection, lease.import_id, _DELETED_AT_ONCE
        )
    ):
        pass
