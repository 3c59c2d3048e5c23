"""Column types for both databases."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Dialect,
    LargeBinary,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

# PostgreSQL compares bytes, as SQLite does, so that both sort in the same order.
STRING: Final[TypeEngine[str]] = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
# On SQLite, only a primary key of type INTEGER is the rowid.
ROW_ID: Final[TypeEngine[int]] = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")


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
