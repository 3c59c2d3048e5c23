"""Insert many rows: with COPY on PostgreSQL, with executemany on SQLite.

Triggers fire and constraints are checked as for INSERT, with the same SQLAlchemy exceptions.
"""

import re
from collections.abc import Sequence
from typing import Final

import psycopg
from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

from webapp.ledger.storage import statements
from webapp.ledger.storage.statements import Parameters

# The number of rows from which COPY is used. For fewer, INSERT is as fast, and its error names the row.
COPIED_FROM: Final = 50
_COLUMNS: Final = re.compile(r"INSERT INTO \w+ (\([^)]*\))")


def insert_rows(connection: Connection, table: Table, insert: str, rows: Sequence[Parameters]) -> None:
    """Insert the rows in order. `insert` is an INSERT statement that names the table and its columns.

    Raises sqlalchemy.exc.DBAPIError, such as IntegrityError.
    """
    if len(rows) < COPIED_FROM or connection.dialect.name != "postgresql":
        statements.send(connection, insert, rows)
        return
    named = _COLUMNS.match(insert)
    if named is None:
        raise ValueError("this statement does not name its columns")
    copy_in = f'COPY "{table.name}" {named[1]} FROM STDIN'
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("not a connection of psycopg")
    try:
        with driver.cursor() as cursor, cursor.copy(copy_in) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(copy_in, None, error, psycopg.Error, dialect=connection.dialect) from error
