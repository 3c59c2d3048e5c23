"""Receive a file of any size. A small one is checked while the request waits, a large one afterwards."""

from typing import BinaryIO

from webapp.domain.errors import FileTooLarge, LedgerError, TooManyRows
from webapp.imports import jobs
from webapp.imports.background import large_imports
from webapp.imports.background.job import Decision
from webapp.imports.background.limits import Limits
from webapp.imports.jobs import Received
from webapp.imports.options import ImportOptions
from webapp.imports.readers.row_stream import refuse_unless_streamed
from webapp.ledger.audit.findings import Progress, no_progress
from webapp.ledger.idempotency_store import IdempotencyKey


def receive(
    file: BinaryIO,
    filename: str,
    actor: str,
    progress: Progress = no_progress,
    *,
    options: ImportOptions | None = None,
    decision: Decision | None = None,
    limits: Limits | None = None,
    key: IdempotencyKey | None = None,
) -> Received:
    """Check a file, or begin to. With a `decision` it is recorded as well, without a preview.

    Raises UnreadableFile, UnsupportedFile and TooManyRows.
    """
    limits = limits or Limits()
    content = file.read(limits.small_bytes + 1)
    refusal: LedgerError | None = None
    if len(content) <= limits.small_bytes:
        try:
            return _receive_small(content, filename, actor, progress, options, decision, key)
        except (TooManyRows, FileTooLarge) as too_large:
            refusal = too_large
    del content
    try:
        refuse_unless_streamed(file)
    except LedgerError as not_streamed:
        raise refusal or not_streamed from None
    return large_imports.receive(
        file, filename, actor, options=options, decision=decision, limits=limits, key=key
    )


def _receive_small(
    content: bytes,
    filename: str,
    actor: str,
    progress: Progress,
    options: ImportOptions | None,
    decision: Decision | None,
    key: IdempotencyKey | None,
) -> Received:
    if decision is None:
        return jobs.receive(content, filename, actor, progress, options=options, key=key)
    written = jobs.import_now(
        content,
        filename,
        actor,
        progress,
        options=options,
        skip_invalid=decision.skip_invalid,
        ignore_unknown=decision.ignore_unknown,
        key=key,
        how_to_skip=decision.how_to_skip,
        how_to_ignore=decision.how_to_ignore,
    )
    return Received(written.view.id, written.is_replay)
