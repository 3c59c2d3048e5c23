"""Back up a SQLite database while it is in use, and check the copy.

The copy is made in one read transaction, so it is one snapshot; in WAL mode it does not block writes.
For PostgreSQL use pg_dump (docs/operations.md).
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

# Pages copied between two progress reports: 16 MB at 4 kB each. Ctrl-C works only between them.
_PAGES_IN_A_STEP: Final = 4096


def back_up(path: Path, progress: Progress = no_progress) -> Digest:
    """Copy the SQLite database to a new file; return the digest of the events in the copy.

    The file is written atomically and checked before it gets its name. `progress` gets the number of
    pages copied. Raises FileExistsError and other OSError, SchemaOutdated, BrokenLog if an event in the
    copy has no position, and LedgerUnavailable if the copy fails or is damaged.
    """
    # No file is replaced, because the path may be that of the ledger or of the last good backup.
    with atomic_file(path, replaces=False) as aside:
        try:
            with reading() as connection, closing(sqlite3.connect(aside, isolation_level=None)) as copy:
                _copy(connection, copy, progress)
        except sqlite3.Error as error:
            raise LedgerUnavailable(f"No backup was made: {error}.") from error
        return _digest(aside)


def _copy(connection: Connection, copy: sqlite3.Connection, progress: Progress) -> None:
    # The first read takes the snapshot. Without one, SQLite would restart the copy at every write.
    connection.exec_driver_sql("SELECT 1 FROM feed LIMIT 1")
    source = connection.connection.driver_connection
    if not isinstance(source, sqlite3.Connection):
        raise TypeError("not a connection of SQLite")
    source.backup(
        copy,
        pages=_PAGES_IN_A_STEP,
        progress=lambda _status, remaining, total: progress(total - remaining),
    )
    # Without WAL the copy is one file, which can be opened on a read-only disk. The server sets WAL again.
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
