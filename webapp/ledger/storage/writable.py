"""Check that the database takes writes, without writing."""

import os
import shutil
from pathlib import Path
from typing import Final

from sqlalchemy import text

from webapp.domain.errors import LedgerUnavailable
from webapp.ledger.storage.engine import db, reading
from webapp.ledger.storage.write_lock import write_lock_file

# Less is soon used up by the -wal file of a group of writes.
FREE_MIN_BYTES: Final = 16 * 1024**2


def require_writable() -> None:
    """Raise LedgerUnavailable if the database is read-only, or its disk is full (SQLite)."""
    if db.engine.dialect.name == "sqlite":
        _require_writable_file(Path(db.engine.url.database or ""))
        return
    with reading() as connection:
        if connection.scalar(text("SELECT current_setting('transaction_read_only')")) == "on":
            raise LedgerUnavailable("The database is read-only, so nothing can be recorded.")


def _require_writable_file(file: Path) -> None:
    # Not by opening the file: closing it again would release the locks that SQLite has on it.
    lock = write_lock_file(db.engine)
    places = [file, file.parent, *([lock] if lock.exists() else [])]
    read_only = [place.name for place in places if place.exists() and not os.access(place, os.W_OK)]
    if read_only:
        raise LedgerUnavailable(f"Nothing can be recorded: {', '.join(read_only)} is read-only.")
    if shutil.disk_usage(file.parent).free < FREE_MIN_BYTES:
        raise LedgerUnavailable("The disk of the database is full, so nothing can be recorded.")
