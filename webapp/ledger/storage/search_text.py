"""The texts of a credit as a search compares them: without accents, with one kind of word separator.

`search_text` of credit_states is the canonical project, registry and serial number, with word separators
replaced by spaces, a space at either end, and accents removed. So " ke " matches the whole word "ke",
`GS11603-16` matches with any punctuation, and "foret" finds "for\u00eat". The words of a search are
converted in the same way. The canonical texts themselves keep their accents: they decide what is the same
credit, and what is the same registry.
"""

import re
import unicodedata
from typing import Final

# The word separators besides the space.
WORD_SEPARATORS: Final = "-.,/()_:'\u2013"
# What is written for a hyphen or an apostrophe: other dashes, quotation marks, modifier letters, primes.
_DASHES: Final = "\u2010\u2011\u2012\u2014\u2015\u2212"
_APOSTROPHES: Final = "\u2018\u2019\u201a\u201b\u2032`\u02b9\u02bb\u02bc\ua78c"
_TO_SPACES: Final = dict.fromkeys(map(ord, WORD_SEPARATORS), " ")
# Letters with a stroke or the like, which Unicode does not decompose into a letter and a mark.
_LETTERS: Final = {
    "\u00e6": "ae",
    "\u0153": "oe",
    "\u00f8": "o",
    "\u0142": "l",
    "\u0111": "d",
    "\u00f0": "d",
    "\u00fe": "th",
    "\u0127": "h",
    "\u0167": "t",
    "\u0131": "i",
    "\u014b": "n",
}
_FOLDED: Final = str.maketrans(dict.fromkeys(_DASHES + _APOSTROPHES, " ") | _LETTERS)
# The combining marks of Latin, Greek and Cyrillic. Those of other scripts are letters of their own.
_ACCENTS: Final = re.compile("[\u0300-\u036f]+")


def separated(canonical_text: str) -> str:
    """Return a canonical text with word separators replaced by spaces."""
    return canonical_text.translate(_TO_SPACES)


def as_search_text(canonical_text: str) -> str:
    """Return a canonical text with word separators replaced by spaces, and without accents."""
    text = separated(canonical_text)
    if text.isascii():
        return text.replace("`", " ")
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", bare).translate(_FOLDED)


def search_text_of(project_key: str, registry_key: str, serial_key: str) -> str:
    """Return the search text of a credit with these canonical texts."""
    return as_search_text(f" {project_key} {registry_key} {serial_key} ")


def _sql(texts: str) -> str:
    """Return the SQL of `separated`, with a space at either end."""
    expression = f"' ' || {texts} || ' '"
    for character in WORD_SEPARATORS:
        quoted = character.replace("'", "''")
        expression = f"replace({expression}, '{quoted}', ' ')"
    return expression


# The serial number alone, with its accents.
SERIAL_TEXT_SQL: Final = _sql("coalesce(serial_key, '')")
