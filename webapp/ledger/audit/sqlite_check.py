"""Checks for SQLite only: the database file, the types of stored values, and the search index.

PostgreSQL enforces column types and maintains its own index. Reads only.
"""

from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from webapp.ledger.audit.findings import Finding
from webapp.ledger.storage import statements
from webapp.ledger.storage.triggers_sqlite import SQLITE_SEARCH

DAMAGE_LIMIT: Final = 20
# The columns that are hashed, parsed or sorted by, with their types. A rowid is always an integer.
TYPES: Final[dict[str, dict[str, str]]] = {
    "events": {"subject": "integer", "seq": "integer", "type": "text", "hash": "blob", "body": "text"},
    "feed": {"subject": "integer", "seq": "integer"},
    "splits": {"envelope": "text"},
    "subjects": {"key": "integer", "name": "text"},
    "credit_states": {"credit": "integer"},
    "serial_claims": {"credit": "integer"},
    "account_log": {
        "position": "integer",
        "recorded_at": "text",
        "actor": "text",
        "act": "text",
        "subject": "text",
        "data": "text",
    },
    "users": {"name": "text", "role": "text", "password_hash": "text"},
    "tokens": {
        "name": "text",
        "role": "text",
        "secret_hash": "text",
        "added_at": "text",
        "expires_at": "text",
    },
    "sessions": {"secret_hash": "text", "user_id": "integer", "started_at": "text", "expires_at": "text"},
}
# The tables of an FTS5 index without its texts, which are in credit_states.
_PARTS: Final = ("data", "idx", "docsize", "config")


def check_types(connection: Connection, table: str) -> list[Finding]:
    """Check the types of the values in a table.

    SQLite can store a number or bytes in a text column, and then the other checks would fail.
    """
    columns = TYPES[table].items()
    counts = ", ".join(f"total(typeof({name}) <> '{stored}')" for name, stored in columns)
    (row,) = statements.fetch(connection, f"SELECT {counts} FROM {table}")  # noqa: S608
    return [
        Finding(f"table {table}", f"{int(count)} values of {name} are not of type {stored}")
        for (name, stored), count in zip(columns, row, strict=True)
        if count
    ]


def check_file(connection: Connection) -> list[Finding]:
    """Run SQLite's integrity check of every page, index and constraint."""
    damages = statements.fetch(connection, f"PRAGMA integrity_check({DAMAGE_LIMIT})")
    return [Finding("database file", str(damage)) for (damage,) in damages if damage != "ok"]


def check_search(connection: Connection) -> list[Finding]:
    """Run FTS5's check of the search index against the texts of the credits.

    The check is an INSERT into the index, which would hold SQLite's write lock while it runs. So the index
    is copied to the temporary database of this connection, with a view of the texts, and the copy is
    checked.
    """
    savepoint = connection.begin_nested()
    try:
        _copy_search(connection)
        connection.exec_driver_sql(
            "INSERT INTO temp.search_copy (search_copy, rank) VALUES ('integrity-check', 1)"
        )
    except DatabaseError as error:
        return [Finding("table credit_search", f"does not match the credits: {error.orig}")]
    finally:
        savepoint.rollback()
    return []


def _copy_search(connection: Connection) -> None:
    connection.exec_driver_sql(
        "CREATE TEMP VIEW search_texts AS SELECT created_position, search_text FROM main.credit_states"
    )
    copy = SQLITE_SEARCH.replace("TABLE credit_search", "TABLE temp.search_copy")
    connection.exec_driver_sql(copy.replace("'credit_states'", "'search_texts'"))
    for part in _PARTS:
        connection.exec_driver_sql(f"DELETE FROM temp.search_copy_{part}")  # noqa: S608
        connection.exec_driver_sql(
            f"INSERT INTO temp.search_copy_{part} SELECT * FROM main.credit_search_{part}"  # noqa: S608
        )
