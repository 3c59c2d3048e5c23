"""Find out whether a database has tables of another program, without changing anything in it.

A migration must not mix the tables of the ledger with those of another program. Opening a SQLite file as
the ledger does already changes it (its mode and its journal), so it is read here in read-only mode.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, text

# Tables that each version of the ledger has.
_OURS: Final = frozenset({"alembic_version", "credits", "events", "feed"})
_SHOWN_MAX: Final = 3
_SQLITE: Final = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'"
# Tables of extensions, such as spatial_ref_sys, belong to no program.
_POSTGRESQL: Final = text(
    "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace ="
    " (SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
    " AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE classid = 'pg_class'::regclass"
    " AND objid = pg_class.oid AND deptype = 'e')"
)


def tables_of_another_program(engine: Engine) -> list[str]:
    """Return the names of the tables, sorted, if the database is not empty and no ledger; otherwise none."""
    if engine.dialect.name == "sqlite":
        names = _sqlite_tables(Path(engine.url.database or ""))
    else:
        with engine.connect() as connection:
            names = set(connection.scalars(_POSTGRESQL))
    return [] if names >= _OURS else sorted(names)


def refusal_of(engine: Engine, tables: list[str]) -> str:
    """Return why the database cannot be used, and what to do, in one line."""
    named = ", ".join(tables[:_SHOWN_MAX]) + (", …" if len(tables) > _SHOWN_MAX else "")
    return (
        f"The database {engine.url.database} has tables of another program ({named}). Nothing was changed. "
        "Set DATABASE_URL to an empty database; docs/other-programs.md says how to bring the data of "
        "another program."
    )


def _sqlite_tables(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    # Without a write-ahead log nobody has the file open, and SQLite needs no further file to read it.
    has_log = path.with_name(f"{path.name}-wal").exists()
    address = f"{path.absolute().as_uri()}?{'mode=ro' if has_log else 'immutable=1'}"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            return {name for (name,) in connection.execute(_SQLITE)}
    except sqlite3.Error:  # not readable, or no SQLite file: the migration itself says so
        return set()
