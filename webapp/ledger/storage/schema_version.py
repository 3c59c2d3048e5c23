"""Check that the database answers and has the schema revision of this program."""

from functools import cache
from pathlib import Path
from typing import Final

from alembic.script import ScriptDirectory
from sqlalchemy import text

from webapp.domain.errors import SchemaOutdated
from webapp.ledger.storage.engine import NOT_MIGRATED, reading, require_same_file

_MIGRATIONS: Final = Path(__file__).resolve().parents[3] / "migrations"
_NEWER: Final = (
    "The database was migrated by another version of this program, to revision {}, which this version "
    "does not know. Start the other version."
)


def ping() -> None:
    """Query the database and its revision. Raises LedgerUnavailable or SchemaOutdated."""
    with reading() as connection:
        require_same_file(connection)
        found = connection.scalar(text("SELECT version_num FROM alembic_version"))
        connection.exec_driver_sql("SELECT 1 FROM feed LIMIT 1")
    head, *before = _revisions()
    if found != head:
        raise SchemaOutdated(NOT_MIGRATED if found is None or found in before else _NEWER.format(found))


@cache
def _revisions() -> tuple[str, ...]:
    """Return the revisions of this program's schema, the newest first."""
    return tuple(step.revision for step in ScriptDirectory(str(_MIGRATIONS)).walk_revisions())
