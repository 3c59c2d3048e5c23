"""The text of a credit that a search reads, in one form for Python and for both databases.

It is the canonical project, registry and serial number, each character that parts words made a
space, with a space at either end. So " ke " is the whole word "ke", and `GS11603-16` is found in
any punctuation. The databases compute the column; a search makes its own words the same way.
"""

from typing import Final

# What stands between words besides a space. It is short because SQLite computes the column again for
# each row that a search looks at.
PARTING: Final = "-.,/()_:'\u2013"

_TO_SPACES: Final = dict.fromkeys(map(ord, PARTING), " ")


def as_search_text(canonical_text: str) -> str:
    """Return a canonical text with every parting character made a space."""
    return canonical_text.translate(_TO_SPACES)


def _sql(texts: str) -> str:
    """Return the SQL of texts with a space at either end, every parting character made a space."""
    expression = f"' ' || {texts} || ' '"
    for character in PARTING:
        quoted = character.replace("'", "''")
        expression = f"replace({expression}, '{quoted}', ' ')"
    return expression


# The column search_text of credit_states, for both databases.
SEARCH_TEXT_SQL: Final = _sql("project_key || ' ' || registry_key || ' ' || coalesce(serial_key, '')")
# The serial number alone in the same form.
SERIAL_TEXT_SQL: Final = _sql("coalesce(serial_key, '')")
