"""Column types that differ between the two databases, and the text of a credit that a search reads.

That text is the canonical project, registry and serial number, each character that parts words made a
space, with a space at either end. So " ke " is the whole word "ke", and `GS11603-16` is found in
any punctuation. The databases compute the column; a search makes its own words the same way.
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


# What stands between words besides a space. It is short because SQLite computes the column again for
# each row that a search looks at.
WORD_SEPARATORS: Final = "-.,/()_:'\u2013"

_TO_SPACES: Final = dict.fromkeys(map(ord, WORD_SEPARATORS), " ")


def as_search_text(canonical_text: str) -> str:
    """Return a canonical text with every parting character made a space."""
    return canonical_text.translate(_TO_SPACES)


def _sql(texts: str) -> str:
    """Return the SQL of texts with a space at either end, every parting character made a space."""
    expression = f"' ' || {texts} || ' '"
    for character in WORD_SEPARATORS:
        quoted = character.replace("'", "''")
        expression = f"replace({expression}, '{quoted}', ' ')"
    return expression


# The column search_text of credit_states, for both databases.
SEARCH_TEXT_SQL: Final = _sql("project_key || ' ' || registry_key || ' ' || coalesce(serial_key, '')")
# The serial number alone in the same form.
SERIAL_TEXT_SQL: Final = _sql("coalesce(serial_key, '')")
