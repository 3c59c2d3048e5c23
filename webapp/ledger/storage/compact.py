"""Compact a SQLite database: return unused pages, such as those of dropped tables, to the disk.

VACUUM writes the used pages to a new file and copies that over the database, in one transaction.
Meanwhile reads work and writes wait.
"""

import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from webapp.domain.errors import LedgerUnavailable
from webapp.ledger.storage.engine import db, require_file
from webapp.ledger.storage.write_lock import write_lock

# The new file and the write-ahead log, each as large as the used pages.
_COPIES: Final = 2


@dataclass(frozen=True)
class Sizes:
    """The size of the database file before and after, in bytes."""

    before: int
    after: int


def compact() -> Sizes:
    """Rewrite the SQLite database without its unused pages, under the write lock.

    Raises SchemaOutdated if there is no database file, and LedgerUnavailable if the disk has too little
    free space or another program has locked the database; then nothing is changed.
    """
    require_file()
    with write_lock(db.engine):
        pooled = db.engine.raw_connection()
        try:
            driver: Any = pooled.driver_connection
            return _rewrite(driver)
        except sqlite3.OperationalError as error:
            raise LedgerUnavailable(f"The database was not made smaller: {error}.") from error
        finally:
            pooled.close()


def _rewrite(driver: sqlite3.Connection) -> Sizes:
    before, unused = _size(driver), _size(driver, "freelist_count")
    free = shutil.disk_usage(Path(db.engine.url.database or "").parent).free
    if free < _COPIES * (before - unused):
        raise LedgerUnavailable(
            f"This needs {_COPIES * (before - unused):,} bytes of free disk, and there are {free:,}."
        )
    # The copy of the whole database must not be in memory, unlike other temporary data.
    (temp_store,) = driver.execute("PRAGMA temp_store").fetchone()
    driver.execute("PRAGMA temp_store = FILE")
    try:
        driver.execute("VACUUM")
    finally:
        driver.execute(f"PRAGMA temp_store = {temp_store}")
    # The file shrinks when the write-ahead log is copied into it.
    driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return Sizes(before, _size(driver))


def _size(driver: sqlite3.Connection, pages: str = "page_count") -> int:
    (count,), (size,) = (driver.execute(f"PRAGMA {name}").fetchone() for name in (pages, "page_size"))
    return int(count) * int(size)
