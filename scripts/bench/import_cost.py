"""Measures the necessary parts of an import: parsing its rows, and inserting into the tables with triggers.

Only this module of the benchmark depends on the program's tables and domain.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import sql

from scripts.bench.ledgers import copy_sqlite, file_of
from webapp.accounts.actors import CLI
from webapp.domain.event import created_event, time_text
from webapp.imports.mapping import propose
from webapp.imports.readers.open_file import read_source
from webapp.imports.row_meaning import parse_rows
from webapp.ledger import clock

ROUNDS: Final = 3

# The tables that an import fills, each after those that its triggers read.
TABLES: Final = (
    "events",
    "credits",
    "feed",
    "serial_claims",
    "serial_blocks",
    "registries",
    "credit_states",
    "credit_search",
    "totals",
)
MADE_BY_TRIGGERS: Final = frozenset({"credits"})
# SQLite's full-text table; its rowid is not among its columns.
SEARCH: Final = "credit_search"


class Rows(NamedTuple):
    """All rows of a table."""

    table: str
    columns: list[str]
    values: list[tuple[Any, ...]]


def preparing_seconds(content: bytes) -> float:
    """Return the CPU seconds to parse an import file and compute its ids, event texts and hashes."""

    def prepare() -> None:
        now = time_text(clock.now())
        source = read_source(content)
        for row in parse_rows(source, propose(source)):
            if row.credit is None:
                raise ValueError(f"row {row.number} of the file is not a credit")
            _ = created_event(row.credit, CLI, now).hash

    return median(_cpu_of(prepare) for _ in range(ROUNDS))


def inserting_into_sqlite_seconds(source: str, empty: str, *, is_guarded: bool) -> float:
    """Return the CPU seconds of the driver's executemany for all rows of a ledger, in one transaction.

    `empty` is a migrated database without rows, which is copied. If `is_guarded` is False, the tables have
    no triggers and CHECKs.
    """
    with closing(sqlite3.connect(file_of(source))) as connection:
        rows = [_rows_of_sqlite(connection, table) for table in TABLES]
    seconds = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(dir=file_of(empty).parent) as folder:
            file = Path(folder) / "filled.sqlite3"
            copy_sqlite(empty, file)
            seconds.append(_insert_into_sqlite(rows, file, is_guarded=is_guarded))
    return median(seconds)


def copying_into_postgresql_seconds(source: str, empty: str, server_cpu: Callable[[], float]) -> float:
    """Return the CPU seconds of COPY for all rows of a ledger into an empty one, in one transaction.

    `server_cpu` returns the CPU time of the database server, which is included. Measured once.
    """
    with psycopg.connect(source) as connection:
        rows = [_rows_of_postgresql(connection, table) for table in TABLES if table != SEARCH]
    before = server_cpu()

    def copy() -> None:
        with psycopg.connect(empty) as connection, connection.cursor() as cursor:
            for table, columns, values in rows:
                if table in MADE_BY_TRIGGERS:
                    continue
                names = sql.SQL(", ").join(map(sql.Identifier, columns))
                statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
                with cursor.copy(statement) as copied:
                    for row in values:
                        copied.write_row(row)

    return _cpu_of(copy) + server_cpu() - before


def _cpu_of(act: Callable[[], None]) -> float:
    before = time.process_time()
    act()
    return time.process_time() - before


def _rows_of_sqlite(connection: sqlite3.Connection, table: str) -> Rows:
    # This pragma leaves out generated columns.
    columns = [f'"{row[1]}"' for row in connection.execute(f"PRAGMA table_info({table})")]
    if table == SEARCH:
        columns.insert(0, "rowid")
    values = connection.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()  # noqa: S608 - constants
    return Rows(table, columns, values)


def _rows_of_postgresql(connection: psycopg.Connection[Any], table: str) -> Rows:
    asked = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        " AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position",
        [table],
    )
    columns = [str(row[0]) for row in asked]
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    # In the order of recording: PostgreSQL may read a large table in several processes.
    query = sql.SQL("SELECT {} FROM {} ORDER BY 1, 2").format(names, sql.Identifier(table))
    values = connection.execute(query).fetchall()
    return Rows(table, columns, values)


def _insert_into_sqlite(rows: list[Rows], file: Path, *, is_guarded: bool) -> float:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "recursive_triggers = ON",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")
        if not is_guarded:
            _drop_guards(connection)

        def insert() -> None:
            connection.execute("BEGIN IMMEDIATE")
            for table, columns, values in rows:
                if is_guarded and table in MADE_BY_TRIGGERS:
                    continue
                places = ", ".join("?" * len(columns))
                statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - constants
                connection.executemany(statement, values)
            connection.execute("COMMIT")

        return _cpu_of(insert)


def _drop_guards(connection: sqlite3.Connection) -> None:
    """Drop the triggers, and ignore the CHECKs on this connection."""
    triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("PRAGMA ignore_check_constraints = ON")
