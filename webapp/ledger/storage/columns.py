"""Column types and options of tables, for both databases."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Dialect,
    LargeBinary,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from webapp.ledger.storage.engine import Base

# PostgreSQL compares bytes, as SQLite does, so that both sort in the same order.
STRING: Final[TypeEngine[str]] = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
# On SQLite, only a primary key of type INTEGER is the rowid.
ROW_ID: Final[TypeEngine[int]] = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")
# Without a rowid, there is no hidden key through which INSERT OR REPLACE could replace a row.
WITHOUT_ROWID: Final = {"sqlite_with_rowid": False}


class Digest32(TypeDecorator[str]):
    """A SHA-256 hash: 64 lower-case hexadecimal digits in Python, 32 bytes in the database."""

    impl: Any = LargeBinary
    cache_ok: bool | None = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Return the bytes of the digits."""
        del dialect
        return None if value is None else bytes.fromhex(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        """Return the digits of the bytes."""
        del dialect
        return None if value is None else value.hex()


def table_of(model: type[Base]) -> Table:
    """Return the SQLAlchemy Core table of a model."""
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is not mapped to a table")
    return table
