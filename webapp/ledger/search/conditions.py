"""Parse search texts to conditions: on words, serial numbers and the start of the id. Pure code.

The exact rules are in "Search" in docs/ledger.md. ``conditions_sql`` converts the conditions to SQL.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from webapp.domain.lifecycle import NOT_HOLDING, Status
from webapp.domain.registry_names import RegistryNames
from webapp.domain.serial_number import DIGITS_MAX, SerialBlock, parse_numbers, single_numbers
from webapp.domain.serial_spelling import without_prefix
from webapp.domain.text import canonical
from webapp.domain.unicode14 import SURROGATE
from webapp.ledger.storage.search_text import as_search_text, separated

# Shorter words match only whole words, because they occur in too many others.
PART_MIN: Final = 3
# A number with fewer digits is not searched for in blocks by itself, because it may be a year.
_NUMBER_DIGITS_MIN: Final = 5
_NUMBER: Final = re.compile(rf"0|[1-9][0-9]{{0,{DIGITS_MAX - 1}}}")
# A number as users write it: with a leading #, commas between thousands, in quotation marks, with
# punctuation or an asterisk at the end.
_QUOTES: Final = "\"'\u2018\u2019\u201c\u201d\xab\xbb"
_DIGITS: Final = r"[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+"
_WRITTEN: Final = re.compile(rf"[#{_QUOTES}]*({_DIGITS})[.,;*{_QUOTES}]*")
# Two numbers, such as the first and last of a part of a block.
_TWO_WRITTEN: Final = re.compile(rf"({_DIGITS})[-\u2010\u2012-\u2015\u2212]({_DIGITS})")
_ID_START: Final = re.compile("[0-9a-f]{6,64}")
# An ellipsis is not a word, as in "VCS … 941467200". In canonical form "…" is three dots.
_LEFT_OUT: Final = re.compile(r"\.{2,}")
_WORDS_MAX: Final = 100
_PRIVATE: Final = "\ue000"


@dataclass(frozen=True)
class Text:
    """The search text of the credit (see ``storage.search_text``) contains the pattern.

    With a `serial_pattern`, the serial number alone contains that; it may have accents.
    """

    pattern: str
    serial_pattern: str | None = None


@dataclass(frozen=True)
class Numbers:
    """The credit's block has any of these numbers, in this series, or in any if it is None.

    With `is_given_up`, blocks that are no longer held match as well.
    """

    first: int
    last: int
    series: str | None
    is_given_up: bool


@dataclass(frozen=True)
class IdStart:
    """The id of the credit starts with these digits."""

    digits: str


@dataclass(frozen=True)
class Fact:
    """The credit has this fact, in canonical form. `name` is one of FILTERED_FACTS."""

    name: str
    value_key: str


@dataclass(frozen=True)
class OfImport:
    """An import recorded an event of the credit, or of one that it was split from."""

    number: int


@dataclass(frozen=True)
class OneOf:
    """A column of credit_states has one of these canonical names."""

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Listed:
    """The credit was created at one of these feed positions."""

    positions: tuple[int, ...]


@dataclass(frozen=True)
class Between:
    """A column of credit_states lies between two values, or equals one."""

    column: str
    first: str | int
    last: str | int


@dataclass(frozen=True)
class AllOf:
    """All of the parts are true."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one of the parts is true."""

    parts: tuple["Condition", ...]


Condition = Text | Numbers | IdStart | Fact | OfImport | OneOf | Listed | Between | AllOf | AnyOf
_NO_ALIASES: Final = RegistryNames()


def key_of(text: str) -> str:
    """Return the canonical form of a search text, without characters that a database cannot encode.

    Null bytes and surrogates are replaced by a private-use character. No recorded text has any of these,
    so the search finds nothing.
    """
    askable = (_PRIVATE if c == "\0" or c in SURROGATE else c for c in text)
    return canonical("".join(askable))


def words_of(text: str) -> list[str]:
    """Return the first hundred distinct words of a search in canonical form, without mere punctuation.

    There is a limit because databases limit the number of conditions in a query.
    """
    words = dict.fromkeys(_LEFT_OUT.sub(" ", key_of(text)).split(" "))
    return [word for word in words if as_search_text(word).strip(" ")][:_WORDS_MAX]


def condition_of(
    q: str,
    serial: str,
    statuses: tuple[Status, ...],
    names: RegistryNames = _NO_ALIASES,
) -> AllOf | None:
    """Return the condition of a search, None if there is nothing to search for.

    `q` searches all texts, `serial` the serial number only. Either may be a serial number as a whole.
    Blocks that are no longer held are searched only if one of the `statuses` filtered for is not held by
    anybody (SPLIT or CANCELLED). A word in one name of a registry finds the credits under its
    other `names` too.
    """
    is_given_up = not set(NOT_HOLDING).isdisjoint(statuses)
    of_q = _of_q(q, names, is_given_up=is_given_up)
    parts = (*of_q, *_of_serial(serial, is_given_up=is_given_up))
    return AllOf(parts) if parts else None


def _of_q(q: str, names: RegistryNames, *, is_given_up: bool) -> Iterator[Condition]:
    """Yield the conditions on the words of a search, or one if the whole may be a serial number."""
    yield from _or_as_a_whole(
        q,
        lambda text: list(_of_words(words_of(text), names, is_given_up=is_given_up)),
        is_given_up=is_given_up,
    )


def _of_serial(serial: str, *, is_given_up: bool) -> Iterator[Condition]:
    """Yield the conditions on the serial number."""
    yield from _or_as_a_whole(
        serial,
        lambda text: list(_of_serial_words(words_of(text), is_given_up=is_given_up)),
        is_given_up=is_given_up,
    )


def _or_as_a_whole(
    asked: str, conditions_of: Callable[[str], list[Condition]], *, is_given_up: bool
) -> Iterator[Condition]:
    """Yield the conditions of the words in a text, or one that allows for more readings of the whole.

    The whole may be a serial number with a prefix or a note, or it states numbers of a series.
    """
    key = key_of(asked)
    parts = conditions_of(key)
    if not parts:
        return
    readings: list[Condition] = [AllOf(tuple(parts))]
    serial_number = without_prefix(key)
    if serial_number != key:
        readings.append(AllOf(tuple(conditions_of(serial_number))))
    readings += [Numbers(b.first, b.last, b.series, is_given_up) for b in _blocks(key)]
    yield from parts if len(readings) == 1 else [_any_of(readings)]


def _of_words(words: Sequence[str], registries: RegistryNames, *, is_given_up: bool) -> Iterator[Condition]:
    """Yield a condition for each word: it is in the texts, starts the id, or is a number of the block.

    A short number is searched for in blocks only together with words that are in the serial number.
    """
    names = [_serial_text(word) for word in words if _number_of(word) is None]
    for word in words:
        ways: list[Condition] = [_text(word)]
        if _ID_START.fullmatch(word):
            ways.append(IdStart(word))
        number = _number_of(word)
        if number is not None and len(number) >= _NUMBER_DIGITS_MIN:
            ways += [_text(number), _one_number(number, is_given_up=is_given_up)]
        elif number is not None and names:
            ways += [_text(number), AllOf((*names, _one_number(number, is_given_up=is_given_up)))]
        ways += _several_numbers(word, is_given_up=is_given_up)
        ways += _of_other_names(word, registries)
        yield _any_of(ways)


def _of_other_names(word: str, names: RegistryNames) -> list[Condition]:
    """Return the condition of a word that is in a name of a registry: the other names that lack it."""
    pattern = _pattern(as_search_text(word))
    groups = {registry: names.group(registry) for _, registry in names}
    found: set[str] = set()
    for group in groups.values():
        with_word = {name for name in group if pattern in f" {as_search_text(name).strip()} "}
        found |= {*group} - with_word if with_word else set()
    return [OneOf("registry_key", tuple(sorted(found)))] if found else []


def _of_serial_words(words: Sequence[str], *, is_given_up: bool) -> Iterator[Condition]:
    """Yield a condition for each word: it is in the serial number, or is a number of the block."""
    for word in words:
        number = _number_of(word)
        ways: list[Condition] = [_serial_text(word)]
        if number is not None:
            ways += [_serial_text(number), _one_number(number, is_given_up=is_given_up)]
        ways += _several_numbers(word, is_given_up=is_given_up)
        yield _any_of(ways)


def _any_of(ways: Sequence[Condition]) -> Condition:
    different = tuple(dict.fromkeys(ways))
    return different[0] if len(different) == 1 else AnyOf(different)


def _text(word: str) -> Text:
    return Text(_pattern(as_search_text(word)))


def _serial_text(word: str) -> Text:
    return Text(_pattern(as_search_text(word)), _pattern(separated(word)))


def _pattern(text: str) -> str:
    inner = text.strip(" ")
    return f" {inner} " if len(inner) < PART_MIN else text


def _number_of(word: str) -> str | None:
    """Return the digits of a word that is a number as users write it, otherwise None."""
    written = _WRITTEN.fullmatch(word)
    digits = written[1].replace(",", "") if written else ""
    return digits if _NUMBER.fullmatch(digits) else None


def _several_numbers(word: str, *, is_given_up: bool) -> list[Condition]:
    """Return the condition of a word that is two longer numbers: the block has any between them."""
    written = _TWO_WRITTEN.fullmatch(word)
    first, last = (_number_of(digits) or "" for digits in written.groups()) if written else ("", "")
    # Of about as many digits: a batch and a number are written in the same way.
    is_range = len(first) >= _NUMBER_DIGITS_MIN and len(first) <= len(last) <= len(first) + 1
    if not is_range or int(first) > int(last):
        return []
    return [Numbers(int(first), int(last), None, is_given_up)]


def _one_number(digits: str, *, is_given_up: bool) -> Numbers:
    return Numbers(int(digits), int(digits), None, is_given_up)


def _blocks(serial: str) -> Iterator[SerialBlock]:
    """Yield the range in the canonical text, and each single number that the text may be.

    A single number of a block is often written as the serial number with that number in place of the
    two.
    """
    block = parse_numbers(serial)
    if block:
        yield block
    yield from single_numbers(serial)
