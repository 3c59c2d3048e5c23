"""The types of columns that the two databases hold in ways of their own."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Computed,
    Dialect,
    LargeBinary,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy.types import TypeEngine

# Both databases must sort alike, so PostgreSQL compares bytes as SQLite does.
STRING: Final[TypeEngine[str]] = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
# An integer primary key of SQLite is its row id, which only the type INTEGER makes it.
ROW_ID: Final[TypeEngine[int]] = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")


class Digest32(TypeDecorator[str]):
    """A SHA-256 as 64 lower-case hexadecimal digits in Python and 32 bytes in the database."""

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


class ComputedText(Computed):
    """A text that the database computes: PostgreSQL stores it, SQLite makes it when it is read."""


@compiles(ComputedText, "sqlite")
def _on_sqlite(computed: Computed, compiler: DDLCompiler, **_options: object) -> str:
    text = compiler.sql_compiler.process(computed.sqltext, include_table=False, literal_binds=True)
    return f"GENERATED ALWAYS AS ({text}) VIRTUAL"
