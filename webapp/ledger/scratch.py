"""A private database for what a check gathers: on the disk beyond a small cache, gone when it is closed."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

# 64 MB at most are kept in memory.
_CACHE_KIB: Final = 65_536


@contextmanager
def scratch_database(schema: str) -> Iterator[sqlite3.Connection]:
    """Give a SQLite database with these empty tables, in one transaction that is never committed.

    An empty name is what SQLite calls a temporary file of its own (TMPDIR).
    """
    with closing(sqlite3.connect("", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA journal_mode = OFF")
        connection.executescript(schema)
        connection.execute("BEGIN")
        yield connection
