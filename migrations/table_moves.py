"""Helpers for migrations that copy rows from old tables to new ones, in batches, on both databases."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

import sqlalchemy

from migrations.runner import execute_file

BATCH: Final = 1000

Row = tuple[Any, ...]


class Database:
    """The driver's connection, on which a percent sign in SQL needs no escape."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        """Use the connection, which is in a transaction."""
        self.dialect = connection.dialect.name
        self._connection = connection
        self.path = connection.engine.url.database or ""
        self._driver: Any = connection.connection.driver_connection
        self._names = (f"moving_{number}" for number in count())

    @property
    def is_postgresql(self) -> bool:
        return self.dialect == "postgresql"

    @contextmanager
    def prepared(self, tables: str) -> Iterator[None]:
        """Lock the tables against other transactions, and define the SQL functions that are used."""
        if self.is_postgresql:
            self._driver.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
            yield
            return
        self._driver.create_function("unhex", 1, bytes.fromhex, deterministic=True)
        # With secure_delete, each page of a dropped table would be overwritten with zeros.
        secure_delete = self.value("PRAGMA secure_delete")
        self._driver.execute("PRAGMA secure_delete = OFF")
        try:
            yield
        finally:
            self._driver.execute(f"PRAGMA secure_delete = {secure_delete}")
            self._driver.create_function("unhex", 1, None)

    def digits(self, column: str) -> str:
        """Return SQL for the hexadecimal digits of bytes."""
        return f"encode({column}, 'hex')" if self.is_postgresql else f"nullif(lower(hex({column})), '')"

    def bytes_of(self, column: str) -> str:
        """Return SQL for the bytes of hexadecimal digits."""
        return f"decode({column}, 'hex')" if self.is_postgresql else f"unhex({column})"

    def value(self, query: str) -> Any:  # noqa: ANN401 - any type of a column
        """Return the single value of a query."""
        return self._driver.execute(query).fetchone()[0]

    def find(self, query: str, *parameters: object) -> list[Row]:
        """Return all rows of a query with parameters, one `?` for each."""
        found: list[Row] = self._driver.execute(self._spelled(query), parameters).fetchall()
        return found

    def batches(self, query: str) -> Iterator[list[Row]]:
        """Yield the rows of a query in batches, from a cursor."""
        if not self.is_postgresql:
            cursor = self._driver.execute(query)
            while batch := cursor.fetchmany(BATCH):
                yield batch
            return
        with self._driver.cursor(name=next(self._names)) as cursor:
            cursor.execute(query)
            while batch := cursor.fetchmany(BATCH):
                yield batch

    def rows(self, query: str) -> Iterator[Row]:
        """Yield the rows of a query."""
        for batch in self.batches(query):
            yield from batch

    def insert(self, table: str, columns: str, rows: Sequence[Row]) -> None:
        """Insert the rows in order."""
        if self.is_postgresql:
            with self._driver.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join("?" * len(columns.split(",")))
        self.send(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)

    def send(self, statement: str, rows: Sequence[Row]) -> None:
        """Execute a statement for each row of parameters, one `?` for each."""
        self._driver.cursor().executemany(self._spelled(statement), rows)

    def copy(self, query: str, table: str, columns: str, convert: Callable[[Row], Row] = tuple) -> None:
        """Insert the rows of a query, each converted by `convert`."""
        for batch in self.batches(query):
            self.insert(table, columns, [convert(row) for row in batch])

    def run_file(self, name: str) -> None:
        """Execute the statements of a file of `sql`; `{}` in its name is the database's."""
        execute_file(self._connection, name)

    def _spelled(self, statement: str) -> str:
        return statement.replace("?", "%s") if self.is_postgresql else statement
