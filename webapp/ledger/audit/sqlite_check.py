"""What SQLite can check of itself: its file, the types of what it stores, and its search index.

PostgreSQL keeps to the types of its columns, and keeps its index by itself. Nothing is written here.
"""

from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from webapp.ledger.audit.findings import Finding
from webapp.ledger.storage import statements
from webapp.ledger.storage.triggers_sqlite import SQLITE_SEARCH

DAMAGE_LIMIT: Final = 20
# What is hashed, parsed or put in order. A row id is an integer in any case.
TYPES: Final[dict[str, dict[str, str]]] = {
    "events": {"subject": "integer", "seq": "integer", "type": "text", "hash": "blob", "body": "text"},
    "feed": {"subject": "integer", "seq": "integer"},
    "splits": {"envelope": "text"},
    "credit_states": {"credit": "integer"},
    "serial_claims": {"credit": "integer"},
}
# The tables in which FTS5 keeps an index, but for the texts, which are those of the credits.
_PARTS: Final = ("data", "idx", "docsize", "config")


def check_types(connection: Connection, table: str) -> list[Finding]:
    """Check that what is read of a table has the type for it.

    SQLite would store a number or bytes in a column of texts, and then nothing could be compared.
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
    """Let SQLite check its file: every page, index and constraint."""
    damages = statements.fetch(connection, f"PRAGMA integrity_check({DAMAGE_LIMIT})")
    return [Finding("database file", str(damage)) for (damage,) in damages if damage != "ok"]


def check_search(connection: Connection) -> list[Finding]:
    """Let SQLite compare its search index with the texts of the credits.

    It spells this check as an INSERT into the index, which would keep every other writer out for
    as long as it takes. So the index is copied into the temporary database of this connection,
    beside a view of the texts, and the copy is checked: in that the ledger is only read.
    """
    savepoint = connection.begin_nested()
    try:
        _copy_search(connection)
        connection.exec_driver_sql(
            "INSERT INTO temp.search_copy (search_copy, rank) VALUES ('integrity-check', 1)"
        )
    except DatabaseError as error:
        return [Finding("table credit_search", f"does not agree with the credits: {error.orig}")]
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
