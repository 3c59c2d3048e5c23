"""Normalisation of texts: the recorded form, and the canonical form by which texts are compared.

The limits of each field are in ``credit`` and ``event``. The rules are in "Fields" and "Identity" in
docs/ledger.md.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from webapp.domain.unicode14 import (
    ASSIGNED,
    BIDIRECTIONAL_CONTROL,
    CONTROL,
    DEFAULT_IGNORABLE,
    FORMAT,
    PRIVATE_USE,
    SURROGATE,
)

# The White_Space property of Unicode 14.0. The first five and U+0085 are control characters, which are
# accepted only at the edges of a text, where they are stripped.
_SPACES: Final = (
    " \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_WHITE: Final = "\t\n\v\f\r\x85" + _SPACES
_SPACE_RUN: Final = re.compile(f"[{_SPACES}]+")
_WHITE_RUN: Final = re.compile(f"[{_WHITE}]+")
# NFC composes at most this many code points to one.
COMPOSED_OF_MAX: Final = 4
# Only short texts are cached, because a canonical form can be eighteen times as long as its text.
CACHED_LENGTH_MAX: Final = 80
_DROPPED: Final = re.compile(f"[{FORMAT.ranges}{DEFAULT_IGNORABLE.ranges}]+")


class ForbiddenCharacter(ValueError):
    """The text has a character that no field accepts. The message has the character and its position."""


def recorded(text: str, *, newlines: bool = False) -> str:
    """Return the recorded form: NFC, stripped at the edges, with runs of white space collapsed.

    With `newlines`, line breaks inside the text are kept (CR LF and CR become LF).
    Raises ForbiddenCharacter.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip(" ")
    stripped = _one_kind_of_line_break(strip_edges(text), newlines=newlines)
    _refuse_characters(stripped, newlines=newlines)
    return _collapsed(unicodedata.normalize("NFC", stripped), newlines=newlines)


def length_before_composing(text: str, *, newlines: bool) -> int:
    """Return the length of the recorded form without NFC, which is at most COMPOSED_OF_MAX times longer.

    Used to reject long texts before NFC, which takes quadratic time in a run of combining marks.
    """
    return len(_collapsed(_one_kind_of_line_break(strip_edges(text), newlines=newlines), newlines=newlines))


def strip_edges(text: str) -> str:
    """Return the text without the white space, line breaks and tabs at its edges."""
    return text.strip(_WHITE)


def canonical(text: str) -> str:
    """Return the canonical form, which is equal for texts that count as the same. Idempotent.

    It ignores case, compatibility variants, invisible characters and runs of white space.
    """
    return canonical_of_short(text) if len(text) <= CACHED_LENGTH_MAX else _canonical(text)


@lru_cache(maxsize=4096)
def canonical_of_short(text: str) -> str:
    """Return the canonical form of a short text, cached."""
    return _canonical(text)


def _canonical(text: str) -> str:
    if text.isascii():
        folded = text.lower()
    else:
        folded = text
        for _ in range(2):
            folded = unicodedata.normalize("NFKC", folded).casefold()
        folded = unicodedata.normalize("NFKC", folded)
        folded = unicodedata.normalize("NFKC", _DROPPED.sub("", folded))
    return _WHITE_RUN.sub(" ", folded).strip(" ")


def _one_kind_of_line_break(text: str, *, newlines: bool) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if newlines else text


def _collapsed(text: str, *, newlines: bool) -> str:
    if newlines:
        lines = (_SPACE_RUN.sub(" ", line).strip(" ") for line in text.split("\n"))
        return "\n".join(lines).strip("\n")
    return _SPACE_RUN.sub(" ", text).strip(" ")


def without_surrogates(text: str) -> str:
    """Return the text with a question mark for each half of a surrogate pair, so that it can be stored."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _refuse_characters(text: str, *, newlines: bool) -> None:
    if text.isascii() and text.isprintable():
        return
    # Look at each distinct character once, because a text can be as long as a request.
    refused = {c: reason for c in set(text) if (reason := _why_refused(c))}
    if newlines:
        refused.pop("\n", None)
    if refused:
        place = next(place for place, c in enumerate(text) if c in refused)
        code = f"U+{ord(text[place]):04X}"
        raise ForbiddenCharacter(f"Character {place + 1} ({code}) is {refused[text[place]]}.")


@lru_cache(maxsize=4096)
def _why_refused(character: str) -> str | None:
    if character in CONTROL:
        return "a control character, which is not accepted"
    if character in SURROGATE:
        return "half of a surrogate pair, which is not text"
    if character in PRIVATE_USE:
        return "a private-use character, which has no agreed meaning"
    if character in BIDIRECTIONAL_CONTROL:
        return "a control of text direction, which can make a text read differently"
    if character not in ASSIGNED:
        return "not assigned in Unicode 14.0"
    return None
