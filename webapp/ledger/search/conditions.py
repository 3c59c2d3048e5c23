"""What a search asks of a credit: words of its texts, numbers of its block, the beginning of its id.

Pure: text becomes conditions. What they mean exactly is "Search" in docs/ledger.md; ``conditions_sql`` asks
the databases for them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from webapp.domain.lifecycle import NOT_COUNTED, Status
from webapp.domain.serial_number import DIGITS_MAX, SerialBlock, parse_numbers, single_numbers
from webapp.domain.text import canonical
from webapp.domain.unicode14 import SURROGATE
from webapp.ledger.storage.columns import as_search_text

# Shorter ones are too common as parts of words, so they stand for whole words.
PART_MIN: Final = 3
# Fewer digits are too many things, such as a year, to stand for a number of a block by themselves.
_NUMBER_DIGITS_MIN: Final = 5
_NUMBER: Final = re.compile(rf"0|[1-9][0-9]{{0,{DIGITS_MAX - 1}}}")
# As people write one: with a sign before it, commas between thousands, the end of a sentence.
_WRITTEN: Final = re.compile(r"#?([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)[.,;]?")
_ID_START: Final = re.compile("[0-9a-f]{6,64}")
# Dashes by themselves are no word but what stands between two, as in "VCS \u2014 941467200".
_DASHES: Final = "\u2010\u2012\u2014\u2015\u2212"
# What stands for what was left out, as in "VCS … 941467200"; in canonical form "…" is three dots.
_LEFT_OUT: Final = re.compile(r"\.{2,}")
_WORDS_MAX: Final = 100
_PRIVATE: Final = "\ue000"


@dataclass(frozen=True)
class Text:
    """The texts of the credit, or its serial number alone, hold this, in the form of ``storage.columns``."""

    pattern: str
    in_serial: bool = False


@dataclass(frozen=True)
class Numbers:
    """The block of the credit has any of these numbers, of this series or of whichever there is.

    Numbers that it has given up count where `is_given_up` says so.
    """

    first: int
    last: int
    series: str | None
    is_given_up: bool


@dataclass(frozen=True)
class IdStart:
    """The id of the credit begins with these digits."""

    digits: str


@dataclass(frozen=True)
class AllOf:
    """Each of these."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class AnyOf:
    """One of these at least."""

    parts: tuple["Condition", ...]


Condition = Text | Numbers | IdStart | AllOf | AnyOf


def key_of(text: str) -> str:
    """Return the canonical form, with what no database can be asked for made something it can.

    No recorded text holds a null byte, half a surrogate pair or the private-use character that
    stands for them here, so a search for them finds nothing.
    """
    askable = (_PRIVATE if c == "\0" or c in SURROGATE else c for c in text)
    return canonical("".join(askable))


def words_of(text: str) -> list[str]:
    """Return the different words of a search, canonical, without what only stands between them.

    The first hundred of them: a database has a limit to the conditions of one query.
    """
    words = dict.fromkeys(_LEFT_OUT.sub(" ", key_of(text)).split(" "))
    return [word for word in words if as_search_text(word).strip(f" {_DASHES}")][:_WORDS_MAX]


def condition_of(q: str, serial: str, status: Status | None) -> AllOf | None:
    """Return what a credit must be to be found, None where nothing is asked.

    `status` is the one that the list is narrowed to: credits that hold their numbers no more are
    found by them only in a list of such.
    """
    is_given_up = status in NOT_COUNTED
    parts = (*_of_words(words_of(q), is_given_up=is_given_up), *_of_serial(serial, is_given_up=is_given_up))
    return AllOf(parts) if parts else None


def _of_words(words: Sequence[str], *, is_given_up: bool) -> Iterator[Condition]:
    """Yield what each word asks of the texts, of the id, or of the block where it is a number.

    A short number is that of a block only beside words that its serial number holds: by itself it
    is a word.
    """
    names = [_text(word, in_serial=True) for word in words if _number_of(word) is None]
    for word in words:
        ways: list[Condition] = [_text(word)]
        if _ID_START.fullmatch(word):
            ways.append(IdStart(word))
        number = _number_of(word)
        if number is not None and len(number) >= _NUMBER_DIGITS_MIN:
            ways += [_text(number), _one_number(number, is_given_up=is_given_up)]
        elif number is not None and names:
            ways += [_text(number), AllOf((*names, _one_number(number, is_given_up=is_given_up)))]
        yield _any_of(ways)


def _of_serial(serial: str, *, is_given_up: bool) -> Iterator[Condition]:
    """Yield what is asked of the serial number: each word is in it, or is a number of the block.

    Or the whole is a block, or one number of a series, and the credit has any of that.
    """
    parts: list[Condition] = []
    for word in words_of(serial):
        number = _number_of(word)
        ways: list[Condition] = [_text(word, in_serial=True)]
        if number is not None:
            ways += [_text(number, in_serial=True), _one_number(number, is_given_up=is_given_up)]
        parts.append(_any_of(ways))
    if not parts:
        return
    stated = [Numbers(b.first, b.last, b.series, is_given_up) for b in _blocks(key_of(serial))]
    yield from parts if not stated else [_any_of([AllOf(tuple(parts)), *stated])]


def _any_of(ways: Sequence[Condition]) -> Condition:
    different = tuple(dict.fromkeys(ways))
    return different[0] if len(different) == 1 else AnyOf(different)


def _text(word: str, *, in_serial: bool = False) -> Text:
    text = as_search_text(word)
    inner = text.strip(" ")
    return Text(f" {inner} " if len(inner) < PART_MIN else text, in_serial)


def _number_of(word: str) -> str | None:
    """Return the digits of a word that is a number in one of the ways in which people write one."""
    written = _WRITTEN.fullmatch(word)
    digits = written[1].replace(",", "") if written else ""
    return digits if _NUMBER.fullmatch(digits) else None


def _one_number(digits: str, *, is_given_up: bool) -> Numbers:
    return Numbers(int(digits), int(digits), None, is_given_up)


def _blocks(serial: str) -> Iterator[SerialBlock]:
    """Yield the block that the canonical text states, and one number of every series it may be of.

    A credit of one tonne, or a number out of a block, is often written as the series with that
    number in the place of its two.
    """
    block = parse_numbers(serial)
    if block:
        yield block
    yield from single_numbers(serial)
