"""Column types for both databases, and the computed search text of a credit.

The search text is the canonical project, registry and serial number with word separators replaced by
spaces, and a space at either end. So " ke " matches the whole word "ke", and `GS11603-16` matches with
any punctuation. The database computes the column; words of a search are converted in the same way.
"""

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


class ComputedText(Computed):
    """A computed column: stored on PostgreSQL, virtual on SQLite."""


@compiles(ComputedText, "sqlite")
def _on_sqlite(computed: Computed, compiler: DDLCompiler, **_options: object) -> str:
    text = compiler.sql_compiler.process(computed.sqltext, include_table=False, literal_binds=True)
    return f"GENERATED ALWAYS AS ({text}) VIRTUAL"


# The word separators besides the space. There are few, because SQLite computes the column for each row
# that a search reads.
WORD_SEPARATORS: Final = "-.,/()_:'\u2013"

_TO_SPACES: Final = dict.fromkeys(map(ord, WORD_SEPARATORS), " ")


def as_search_text(canonical_text: str) -> str:
    """Return a canonical text with word separators replaced by spaces."""
    return canonical_text.translate(_TO_SPACES)


def _sql(texts: str) -> str:
    """Return the SQL that converts texts in the same way and adds a space at either end."""
    expression = f"' ' || {texts} || ' '"
    for character in WORD_SEPARATORS:
        quoted = character.replace("'", "''")
        expression = f"replace({expression}, '{quoted}', ' ')"
    return expression


# The column search_text of credit_states, for both databases.
SEARCH_TEXT_SQL: Final = _sql("project_key || ' ' || registry_key || ' ' || coalesce(serial_key, '')")
# The serial number alone in the same form.
SERIAL_TEXT_SQL: Final = _sql("coalesce(serial_key, '')")
