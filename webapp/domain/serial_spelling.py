"""Other spellings of one serial number: prefixes, notes, the letter O for a zero, zeros, separators.

A text stays as it was typed. These functions say which of its characters count when numbers, series and
serial numbers are compared. All of them take and return canonical texts (``text.canonical``).
"""

import re
from collections.abc import Sequence
from typing import Final

# Figure dash, en dash, em dash, horizontal bar and minus sign can mean "to". Together with U+2010, the
# canonical form of the non-breaking hyphen, they are also read as hyphens.
WIDE_DASHES: Final = "\u2012\u2013\u2014\u2015\u2212"
AS_HYPHENS: Final = dict.fromkeys(map(ord, "\u2010" + WIDE_DASHES), "-")
_SEPARATORS: Final = str.maketrans("_./", "---")
_SEPARATORS_OF_PLAIN: Final = str.maketrans("_/", "--")

# What people write before a serial number, such as "Serial no." or "S/N".
_PREFIX: Final = re.compile(r"(?:serials?(?: numbers?| nos?\.?)?|s/n|sn)(?: ?[:#=]+ ?| )(?=[^ ])")
_NOTE: Final = re.compile(r" ?(?:\([^()]*\)|\[[^\[\]]*\])$")
# A note that says only what became of the tonnes, and so is not a part of a serial number without a range.
_STATUS_NOTE: Final = re.compile(
    r" ?[(\[](?:active|available|buffer|cancell?ed|converted|copy|duplicate|held|invalidated|issued|retired"
    r"|sold|transferred|used|void|withdrawn)[)\]]$"
)
_NOTES_MAX: Final = 3
# Digits in which the letter O stands for some of the zeros, and an O in the place of a part by itself.
_WITH_O: Final = re.compile(r"(?<![a-z0-9])(?=[0-9]*o)[0-9o]*[0-9][0-9o]*(?![a-z0-9])|(?:^|(?<=-))o(?=-|$)")
_SPACED_HYPHEN: Final = re.compile(" ?- ?")
_PLACE_IN_A_CREDIT: Final = ","


def core_of(key: str, notes: re.Pattern[str] = _NOTE) -> tuple[int, int]:
    """Return where the serial number begins and ends in the text, without a prefix and notes."""
    prefix = _PREFIX.match(key) if key.startswith("s") else None
    start, end = prefix.end() if prefix else 0, len(key)
    for _ in range(_NOTES_MAX):
        note = notes.search(key, start, end) if key[end - 1 : end] in {")", "]"} else None
        if note is None or note.start() == start:
            break
        end = note.start()
    return start, end


def without_prefix(key: str) -> str:
    """Return the text without a prefix such as "Serial:", and without notes in brackets at its end."""
    start, end = core_of(key)
    return key[start:end]


def with_zeros(plain: str) -> str:
    """Return the text with a zero for each letter O that stands among digits. It keeps its length."""
    return _WITH_O.sub(lambda found: found[0].replace("o", "0"), plain) if "o" in plain else plain


def with_hyphens(plain: str) -> str:
    """Return a text without hyphens with some in place of underscores, dots and slashes.

    It keeps its length. A text with hyphens is returned as it is: its dots may be a part of a number.
    """
    return plain if "-" in plain else plain.translate(_SEPARATORS)


def series_word(word: str) -> str:
    """Return a part of a series as it is compared: a number without leading zeros."""
    digits = with_zeros(word)
    return _without_zeros(digits) if _is_number(digits) else word


def series_of(head: Sequence[str], tail: Sequence[str]) -> str:
    """Return the series of the numbers between these parts of a serial number.

    Of Verra's it is the batch and the unit. The numbers of a batch exist once, and a text may leave out
    the parts that follow.
    """
    if tail[1:] and len(head) == 1:
        batch, unit = series_word(head[0]), tail[1:] if tail[0] == "vcs" else tail
        if unit[0] == "vcu" and any(unit[1:]) and _is_number(batch):
            return f"{batch}-#-vcu"
    return "-".join([*map(series_word, head), "#", *map(series_word, tail)])


def claim_key(key: str) -> str:
    """Return the text by which a serial number is held once in a registry.

    Serial numbers with equal keys count as one. The key drops the prefix, a status note and leading zeros.
    It replaces each dash, underscore and slash by a hyphen, and the letter O in the last part by zero. A
    text with a comma stays as it is: it is a list, or states a place in a credit.
    """
    if _PLACE_IN_A_CREDIT in key:
        return key
    start, end = core_of(key, _STATUS_NOTE)
    plain = key[start:end].translate(AS_HYPHENS).translate(_SEPARATORS_OF_PLAIN)
    *head, last = _SPACED_HYPHEN.split(plain)
    # A lone O is a part of its own, and may be a letter, unless a number is before it.
    if last != "o" or (head and _is_number(head[-1])):
        last = with_zeros(last)
    return "-".join(_without_zeros(part) if _is_number(part) else part for part in (*head, last))


def _is_number(text: str) -> bool:
    return text.isdigit() and text.isascii()


def _without_zeros(number: str) -> str:
    return number.lstrip("0") or "0"
