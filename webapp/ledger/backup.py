"""A copy of the whole SQLite database, made while the server works on it, and checked.

The copy is taken in one read transaction, so it is the ledger of one moment, and in WAL mode whoever
writes meanwhile does not wait. PostgreSQL has programs of its own for this (docs/operations.md).
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, create_engine

from webapp.domain.errors import LedgerUnavailable
from webapp.ledger import archive
from webapp.ledger.audit.digest import Digest
from webapp.ledger.audit.findings import Progress, no_progress
from webapp.ledger.storage.atomic_file import atomic_file
from webapp.ledger.storage.engine import reading

# Between two steps Ctrl-C is heard and progress is told: 16 MB of pages of 4 kB.
_PAGES_IN_A_STEP: Final = 4096


def back_up(path: Path, progress: Progress = no_progress) -> Digest:
    """Copy the SQLite database into a new file; return the digest of the events in the copy.

    The file appears once it is whole, on the disk and checked. `progress` is told the number of
    pages copied. Raises FileExistsError and other OSError, SchemaOutdated, BrokenLog where an event
    of the copy has no position, and LedgerUnavailable where the copy cannot be made or is damaged.
    """
    # It replaces nothing: the name may be that of the ledger itself, or of the last good backup.
    with atomic_file(path, replaces=False) as aside:
        try:
            with reading() as connection, closing(sqlite3.connect(aside, isolation_level=None)) as copy:
                _copy(connection, copy, progress)
        except sqlite3.Error as error:
            raise LedgerUnavailable(f"No backup was made: {error}.") from error
        return _digest(aside)


def _copy(connection: Connection, copy: sqlite3.Connection, progress: Progress) -> None:
    # The transaction's snapshot is taken here. Without it SQLite would start over at every write.
    connection.exec_driver_sql("SELECT 1 FROM feed LIMIT 1")
    source = connection.connection.driver_connection
    if not isinstance(source, sqlite3.Connection):
        raise TypeError("not a connection of SQLite")
    source.backup(
        copy,
        pages=_PAGES_IN_A_STEP,
        progress=lambda _status, remaining, total: progress(total - remaining),
    )
    # One plain file, which can be opened from a read-only disk too. The server sets WAL again.
    copy.execute("PRAGMA journal_mode = DELETE")
    (found,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise LedgerUnavailable(f"No backup was made: the copy is damaged, as the ledger may be: {found}.")


def _digest(path: Path) -> Digest:
    """Return the digest of the events in the copy, recomputed from their texts."""
    engine = create_engine(URL.create("sqlite", database=str(path)))
    try:
        with engine.connect() as connection:
            return archive.write_feed(connection, lambda _line: None)
    finally:
        engine.dispose()
