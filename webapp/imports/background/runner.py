"""Work on the jobs of large imports: a thread of each serving process, or a terminal in its own process."""

import gc
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Final

from sqlalchemy import Row

from webapp.domain.errors import LedgerError
from webapp.imports.background import chunk_recording, file_reading, grouping, job, planning
from webapp.imports.background.chunk_plan import JobFile
from webapp.imports.background.chunk_recording import IsPermitted, anybody
from webapp.imports.background.grouping import FileFacts
from webapp.imports.background.job import Lease, Phase
from webapp.imports.background.staged_rows import StagedSource
from webapp.imports.options import ImportOptions
from webapp.imports.views import row_of
from webapp.ledger.background.leases import LeaseLost, kept
from webapp.ledger.background.owners import owner_name
from webapp.ledger.background.worker import Worker
from webapp.ledger.storage.engine import reading

_log: Final = logging.getLogger(__name__)
_WAKE: Final = threading.Event()
_NOT_RECEIVED: Final = "The file was not received to its end."
_BUG: Final = "Something went wrong here, and it has been logged."


def wake() -> None:
    """Say that there is a job, so that the thread of this process need not wait to find it."""
    _WAKE.set()


def worker(
    app_context: Callable[[], AbstractContextManager[object]], is_permitted: IsPermitted = anybody
) -> Worker:
    """Return the worker of a serving process. `is_permitted` says who may still record."""

    def work_on_next(owner: str, is_stopping: Callable[[], bool]) -> bool:
        lease = job.claim(owner)
        if lease:
            work_on(lease, is_stopping, is_permitted=is_permitted)
        return lease is not None

    return Worker("imports", app_context, work_on_next, _WAKE)


def run_to_the_end(import_id: int, progress: Callable[[job.JobView], None]) -> None:
    """Work on an import in this thread until it is over or a person has to decide.

    Where another process has it, wait for that one. `progress` is called again and again.
    """
    owner = owner_name()
    while True:
        lease = job.claim(owner, import_id)
        if lease:
            work_on(lease, lambda: False, progress)
        with reading() as connection:
            row = job.find(connection, import_id)
        if row is None or Phase(row.phase) not in {Phase.RECEIVING, *job.WORKING}:
            return
        progress(job.view_of(row))
        if not lease:
            threading.Event().wait(1)


def work_on(
    lease: Lease,
    is_stopping: Callable[[], bool],
    progress: Callable[[job.JobView], None] = lambda _view: None,
    is_permitted: IsPermitted = anybody,
) -> None:
    """Work on a job, step by step, until it is given back, over, or another's."""
    with suppress(LeaseLost):
        with kept(lease), _little_garbage():
            while not is_stopping() and step(lease, is_permitted):
                progress(job.view_of(lease.load()))
        lease.release()


def step(lease: Lease, is_permitted: IsPermitted = anybody) -> bool:
    """Do one step of the phase in which the job is. Returns whether there may be another.

    A file that cannot be imported, and a bug, end the import. Raises LeaseLost, and LedgerError if the
    database is busy or does not answer; then the job is tried again.
    """
    row = lease.load()
    phase = Phase(row.phase)
    do = _STEPS.get(phase)
    if do is None and phase is not Phase.RECORDING:
        return False
    try:
        with reading() as connection:
            import_row = row_of(connection, lease.import_id)
        if do is None:
            chunk_recording.record_next(lease, _file(row, import_row), is_permitted)
        else:
            do(lease, row, import_row)
    except file_reading.REFUSALS as refusal:
        file_reading.fail(lease, str(refusal))
    except LedgerError:
        raise
    except Exception:  # noqa: BLE001 - a job that fails again and again would keep others waiting
        _log.exception("Bug in import %d, phase %s", lease.import_id, row.phase)
        file_reading.fail(lease, _BUG)
    return True


def _fail_unreceived(lease: Lease, _job: Row[Any], _import: Row[Any]) -> None:
    file_reading.fail(lease, _NOT_RECEIVED)


def _read(lease: Lease, row: Row[Any], import_row: Row[Any]) -> None:
    options = ImportOptions.from_json(import_row.options)
    file_reading.read(lease, options, import_row.size_bytes, row.rows_max)


def _group(lease: Lease, row: Row[Any], import_row: Row[Any]) -> None:
    staged = StagedSource.from_json(row.source)
    chosen = file_reading.map_columns(lease, staged, ImportOptions.from_json(import_row.options))
    if chosen and chosen.mapping:
        grouping.group(lease, staged, chosen.mapping, chosen)


def _plan(lease: Lease, row: Row[Any], import_row: Row[Any]) -> None:
    planning.plan(lease, _file(row, import_row))


def _clean(lease: Lease, _job: Row[Any], _import: Row[Any]) -> None:
    file_reading.clean(lease)


_STEPS: Final[Mapping[Phase, Callable[[Lease, Row[Any], Row[Any]], None]]] = {
    Phase.RECEIVING: _fail_unreceived,
    Phase.READING: _read,
    Phase.GROUPING: _group,
    Phase.PLANNING: _plan,
    Phase.CLEANING: _clean,
}


def _file(row: Row[Any], import_row: Row[Any]) -> JobFile:
    """Return what the plan of a chunk needs of the whole file."""
    options = ImportOptions.from_json(import_row.options)
    if options.mapping is None:
        raise ValueError(f"import {row.import_id} has no mapping")
    staged, facts = StagedSource.from_json(row.source), FileFacts.from_json(row.facts)
    return JobFile(row.import_id, staged, options.mapping, options, facts)


@contextmanager
def _little_garbage() -> Iterator[None]:
    """Do not look for garbage among what is in memory before a job, such as all modules.

    A job makes very many objects, so Python would go through these again and again.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
