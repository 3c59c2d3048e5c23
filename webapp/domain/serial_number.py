"""Parser for serial numbers: the range of numbers in a text, and the series it belongs to.

Only the text counts, not the name of the registry. A text in a known notation is a clear range: a
*block*, one number for each tonne. A range in another notation is not clear; its numbers are reserved,
but it is not a block. Other texts have no numbers. The rules and notations are in "Serial blocks" in
docs/ledger.md.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

from webapp.domain.text import canonical

# The databases store numbers as 64-bit integers, which have room for 18 digits.
DIGITS_MAX: Final = 18

_NUMBER: Final = re.compile(rf"[0-9]{{1,{DIGITS_MAX}}}")
_ALL_NUMBERS: Final = re.compile("[0-9]+")
_GOLD_STANDARD: Final = re.compile("gs[0-9]+")
_RANGE: Final = re.compile(rf"({_NUMBER.pattern}) to ({_NUMBER.pattern})")

# Figure dash, en dash, em dash, horizontal bar and minus sign can mean "to". Together with U+2010, the
# canonical form of the non-breaking hyphen, they are also read as hyphens.
_WIDE_DASHES: Final = "\u2012\u2013\u2014\u2015\u2212"
_AS_HYPHENS: Final = dict.fromkeys(map(ord, "\u2010" + _WIDE_DASHES), "-")
_TO: Final = re.compile(" to ")
_SPACED_DASH: Final = re.compile(" - ?|- ")
_WIDE_DASH: Final = re.compile(f"(?<! )[{_WIDE_DASHES}](?! )")


@dataclass(frozen=True)
class SerialBlock:
    """The numbers `first` to `last`, both included, of a series.

    `series` is the canonical text with "#" in place of the numbers. `notation` has the three parts of
    the recorded text before, between and after the two numbers, for writing a part of the block in the
    same notation. If `is_clear` is false, the text may also mean something else.
    """

    series: str
    first: int
    last: int
    notation: tuple[str, str, str]
    is_clear: bool = True

    @property
    def length(self) -> int:
        """The count of numbers; less than 1 if the block runs backwards."""
        return self.last - self.first + 1

    def part(self, start: int, length: int) -> str:
        """Return the serial number of `length` numbers from index `start` on (0 is the first)."""
        head, between, tail = self.notation
        first = self.first + start
        return f"{head}{first}{between}{first + length - 1}{tail}"

    def overlaps(self, other: "SerialBlock") -> bool:
        """Return whether the blocks have numbers in common."""
        return self.series == other.series and self.first <= other.last and other.first <= self.last


def in_common(one: SerialBlock, other: SerialBlock) -> tuple[int, int]:
    """Return the first and the last number that overlapping blocks have in common."""
    return max(one.first, other.first), min(one.last, other.last)


def is_inside(one: SerialBlock, other: SerialBlock) -> bool:
    """Return whether `other` has every number of `one`."""
    return other.first <= one.first and one.last <= other.last


class _Word(NamedTuple):
    """A part of a canonical text between dashes, with its start index in the text."""

    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class _Range(NamedTuple):
    """The first and last number of a range, and the words before and after them."""

    head: Sequence[_Word]
    first: _Word
    last: _Word
    tail: Sequence[_Word]
    is_clear: bool


def parse_block(serial_number: str | None) -> SerialBlock | None:
    """Return the clear range in the serial number, if any; also one that runs backwards."""
    return block_in(parse_range(serial_number))


def parse_numbers(serial_number: str | None) -> SerialBlock | None:
    """Return the range in the serial number, clear or not, if any; never one that runs backwards."""
    return numbers_in(parse_range(serial_number))


def block_in(found: SerialBlock | None) -> SerialBlock | None:
    """Return the range if it is clear, otherwise None."""
    return found if found and found.is_clear else None


def numbers_in(found: SerialBlock | None) -> SerialBlock | None:
    """Return the range unless it runs backwards."""
    return found if found and found.length > 0 else None


def single_numbers(serial_number: str | None) -> list[SerialBlock]:
    """Return each number in the text as a block of one, with the rest of the text as its series.

    The text "GS1-1-GS500-3-2019-2233" may be one number of several series, one for each position.
    """
    plain = canonical(serial_number or "").translate(_AS_HYPHENS)
    words = _words(plain)
    twice = _words(_TO.sub("-", plain))
    half = len(twice) // 2
    if [word.text for word in twice[:half]] == [word.text for word in twice[half:]]:
        words = twice[:half]  # the same serial twice
    return [
        SerialBlock(_series(words[:place], words[place + 1 :]), int(word.text), int(word.text), ("", "", ""))
        for place, word in enumerate(words)
        if len(words) > 1 and _NUMBER.fullmatch(word.text)
    ]


def parse_range(serial_number: str | None) -> SerialBlock | None:
    """Return the range in the serial number, if any; also one that is not clear or runs backwards."""
    if serial_number is None:
        return None
    key = canonical(serial_number)
    plain = key.translate(_AS_HYPHENS)
    for head, first, last, tail, is_clear in chain(
        _pairs(key, plain), _ranges(_words(plain)), _loose_ranges(key, plain)
    ):
        if not (_NUMBER.fullmatch(first.text) and _NUMBER.fullmatch(last.text)):
            continue
        # With leading zeros, as in 007 to 12, the number of digits is ambiguous.
        has_zeros = any(word.text != "0" and word.text.startswith("0") for word in (first, last))
        cut = _cut(serial_number, key, first, last)
        series = _series(head, tail)
        return SerialBlock(series, int(first.text), int(last.text), cut, is_clear and not has_zeros)
    return None


def _words(plain: str, start: int = 0, end: int | None = None) -> list[_Word]:
    """Split a text at its hyphens, without the spaces around them."""
    words, place = [], start
    for piece in plain[start:end].split("-"):
        text = piece.strip(" ")
        words.append(_Word(text, place + piece.index(text)))
        place += len(piece) + 1
    return words


def _series(head: Sequence[_Word], tail: Sequence[_Word]) -> str:
    return "-".join([*(word.text for word in head), "#", *(word.text for word in tail)])


def _pairs(key: str, plain: str) -> Iterator[_Range]:
    """Yield the ranges of two full serials that differ in one number: "… - …", "… to …", "…–…"."""  # noqa: RUF002
    if " " not in plain and key.isascii():
        return
    for separator in chain(_TO.finditer(plain), _SPACED_DASH.finditer(plain), _only(_WIDE_DASH, key)):
        one, other = _words(plain, 0, separator.start()), _words(plain, separator.end())
        if len(one) != len(other):
            continue
        places = [place for place in range(len(one)) if one[place].text != other[place].text]
        # The same serial twice is one number. It could be any number in the text; take the last.
        places = places or [p for p, word in enumerate(one) if _NUMBER.fullmatch(word.text)][-1:]
        if len(places) == 1 and places[0]:
            place = places[0]
            yield _Range(one[:place], one[place], other[place], one[place + 1 :], is_clear=True)


def _ranges(words: Sequence[_Word]) -> Iterator[_Range]:
    """Yield the ranges in the notations of the registries."""
    texts = [word.text for word in words]
    # Verra: batch-first-last-VCS-VCU-…, and the older batch-first-last-VCU-…
    if texts[3:5] == ["vcs", "vcu"] or texts[3:4] == ["vcu"]:
        tail = texts[5 if texts[3] == "vcs" else 4 :]
        if _ALL_NUMBERS.fullmatch(texts[0]) and any(tail) and not any(" " in text for text in texts):
            yield _Range(words[:1], words[1], words[2], words[3:], is_clear=True)
    # Gold Standard: GS1-…-first-last
    if len(words) > 3 and _GOLD_STANDARD.fullmatch(texts[0]):  # noqa: PLR2004 - and a word between
        yield _Range(words[:-2], words[-2], words[-1], (), is_clear=True)
    # ACR, CAR, ART: …-first to last
    stated = _RANGE.fullmatch(texts[-1])
    if stated and any(texts[:-1]):
        start = words[-1].start
        first, last = (_Word(stated[number], start + stated.start(number)) for number in (1, 2))
        yield _Range(words[:-1], first, last, (), is_clear=True)


def _loose_ranges(key: str, plain: str) -> Iterator[_Range]:
    """Yield "…-first - last" and "…-first–last", if this kind of dash occurs once in the text."""  # noqa: RUF002
    if " " not in plain and key.isascii():
        return
    for separator in chain(_only(_SPACED_DASH, plain), _only(_WIDE_DASH, key)):
        *head, first = _words(plain, 0, separator.start())
        last = _words(plain, separator.end())
        if head and len(last) == 1:
            yield _Range(head, first, last[0], (), is_clear=False)


def _only(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    """Return the match if there is exactly one. Several mean that the text uses this dash as a hyphen."""
    found = list(pattern.finditer(text))
    return found if len(found) == 1 else []


def _cut(serial_number: str, key: str, first: _Word, last: _Word) -> tuple[str, str, str]:
    """Return the parts of the recorded text before, between and after the two numbers.

    `first` and `last` have indexes in the canonical form. If those do not fit the recorded text, because
    canonical forms of single characters have other lengths, the parts are cut from the canonical form.
    """
    text = serial_number if _is_in_step(serial_number, key) else key
    return text[: first.start], text[first.end : last.start], text[last.end :]


def _is_in_step(text: str, key: str) -> bool:
    """Return whether `key` has, at each index, the canonical form of the text's character there."""
    if len(text) != len(key):
        return False
    return text.isascii() or all(
        one == other or canonical(one) == other for one, other in zip(text, key, strict=True)
    )
