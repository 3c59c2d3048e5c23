"""The write lock between processes.

On SQLite it is a lock on a file beside the database: SQLite's own lock is polled, so a process could starve.
On PostgreSQL it is an advisory lock, which the first statement of a write transaction takes.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from webapp.domain.errors import LedgerUnavailable

# The id of the advisory lock for appending to the feed. No other lock of this program uses it.
FEED_LOCK: Final = 0x6C656467  # "ledg"
# How long a write waits for a row lock of a transaction outside this program (PostgreSQL).
FOREIGN_LOCK_MS: Final = 100
# PostgreSQL ends a transaction that is idle for this long. Otherwise a client whose host disappeared
# would hold the write lock until TCP notices, which takes hours.
IDLE_TIMEOUT_MS: Final = 60_000
# The first statement of a write transaction on PostgreSQL.
TAKE_LOCK: Final = (
    f"SELECT pg_advisory_xact_lock({FEED_LOCK}); SET LOCAL lock_timeout = {FOREIGN_LOCK_MS};"
    f" SET LOCAL idle_in_transaction_session_timeout = {IDLE_TIMEOUT_MS};"
    # Writes look up a few rows by key. Without statistics (a new ledger) PostgreSQL would choose sequential
    # scans, and planning a statement takes longer than running it.
    " SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off;"
    " SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_sort = off;"
    # A plan that cannot do without what is off has a huge cost, for which PostgreSQL would compile it.
    " SET LOCAL jit = off"
)


@contextmanager
def write_lock(engine: Engine) -> Iterator[None]:
    """Hold the write lock between processes. Does nothing on PostgreSQL, where the transaction takes it.

    Raises LedgerUnavailable if the lock file cannot be opened.
    """
    if engine.dialect.name != "sqlite":
        yield
        return
    file = write_lock_file(engine)
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        message = f"Nothing was recorded. The lock file cannot be opened: {file.name}: {error.strerror}."
        raise LedgerUnavailable(message) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        # Closing alone would not release the lock if a process forked meanwhile has the file open.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def write_lock_file(engine: Engine) -> Path:
    """Return the path of the lock file of a SQLite database."""
    return Path(f"{engine.url.database}-turn")
