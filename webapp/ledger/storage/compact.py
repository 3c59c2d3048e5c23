"""Give the disk back that a SQLite database holds and does not use, such as that of a migration's old tables.

SQLite writes all that is used into a new file beside it and copies that over the old one, in one
transaction. Readers go on meanwhile; nobody can write.
"""

import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from webapp.domain.errors import LedgerUnavailable
from webapp.ledger.storage.engine import db, require_file, write_lock

# The new file, and the log of what is written over the old one: each as large as what is used.
_COPIES: Final = 2


@dataclass(frozen=True)
class Sizes:
    """The bytes of the database file before and after."""

    before: int
    after: int


def compact() -> Sizes:
    """Rewrite the SQLite database without its unused pages, in the writer's turn.

    Raises SchemaOutdated where there is no file, and LedgerUnavailable where the disk has too little room
    or somebody outside this program keeps the database locked; then nothing is changed.
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
    # A copy of the whole database is no temporary table that would better be in memory.
    (temp_store,) = driver.execute("PRAGMA temp_store").fetchone()
    driver.execute("PRAGMA temp_store = FILE")
    try:
        driver.execute("VACUUM")
    finally:
        driver.execute(f"PRAGMA temp_store = {temp_store}")
    # The file itself shrinks once its write-ahead log is copied into it.
    driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return Sizes(before, _size(driver))


def _size(driver: sqlite3.Connection, pages: str = "page_count") -> int:
    (count,), (size,) = (driver.execute(f"PRAGMA {name}").fetchone() for name in (pages, "page_size"))
    return int(count) * int(size)
