"""Parser for serial numbers: the range of numbers in a text, and the series it belongs to.

Only the text counts, not the name of the registry. A text in a known notation is a clear range: a
*block*, one number for each tonne. A range in another notation is not clear; its numbers are reserved,
but it is not a block. Other texts have no numbers. The rules and notations are in "Serial blocks" in
docs/ledger.md.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from webapp.domain.serial_notations import (
    DIGITS_MAX,
    NUMBER,
    Range,
    Word,
    ranges_in,
    ranges_with_marks,
    single_in,
    words_of,
)
from webapp.domain.serial_spelling import AS_HYPHENS, core_of, series_of, with_hyphens, with_zeros
from webapp.domain.text import canonical

__all__ = ["DIGITS_MAX", "SerialBlock", "parse_block", "parse_numbers", "parse_range", "single_numbers"]

_TO: Final = re.compile(" to ")
_TWO_NUMBERS: Final = re.compile("[0-9].*[^0-9].*[0-9]")
# Marks of a registry at the start of a text.
_MARKED: Final = re.compile(r"(?:acr|art|car|corc|fcpf|gs[0-9]+|pc|pcc|pv|wcc)-|[0-9]+-[0-9]+-(?:vcs-)?vcu-")


@dataclass(frozen=True)
class SerialBlock:
    """The numbers `first` to `last`, both included, of a series.

    `series` is the canonical text with "#" in place of the numbers. `notation` has the three parts of
    the recorded text before, between and after the two numbers, for writing a part of the block in the
    same notation. If `is_clear` is false, the text may also mean something else. With a `width`, numbers
    are written with their last digits, this many.
    """

    series: str
    first: int
    last: int
    notation: tuple[str, str, str]
    is_clear: bool = True
    width: int = 0

    @property
    def length(self) -> int:
        """The count of numbers; less than 1 if the block runs backwards."""
        return self.last - self.first + 1

    def part(self, start: int, length: int) -> str:
        """Return the serial number of `length` numbers from index `start` on (0 is the first)."""
        head, between, tail = self.notation
        first = self.first + start
        return f"{head}{self._written(first)}{between}{self._written(first + length - 1)}{tail}"

    def number_of(self, digits: str) -> int:
        """Return the number that is written with these digits in the notation of the block."""
        above = self.first - self.first % 10**self.width if len(digits) <= self.width else 0
        return above + int(digits)

    def _written(self, number: int) -> str:
        return f"{number % 10**self.width:0{self.width}}" if self.width else str(number)

    def overlaps(self, other: "SerialBlock") -> bool:
        """Return whether the blocks have numbers in common."""
        return self.series == other.series and self.first <= other.last and other.first <= self.last


def in_common(one: SerialBlock, other: SerialBlock) -> tuple[int, int]:
    """Return the first and the last number that overlapping blocks have in common."""
    return max(one.first, other.first), min(one.last, other.last)


def is_inside(one: SerialBlock, other: SerialBlock) -> bool:
    """Return whether `other` has every number of `one`."""
    return other.first <= one.first and one.last <= other.last


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
    key = canonical(serial_number or "")
    start, end = core_of(key)
    plain = key[start:end].translate(AS_HYPHENS)
    found = dict(_singles(plain))
    separated = with_hyphens(plain)
    if separated != plain and _MARKED.match(separated):
        found |= dict(_singles(separated))
    return [SerialBlock(series, number, number, ("", "", "")) for series, number in found.items()]


def _singles(plain: str) -> Iterator[tuple[str, int]]:
    words = words_of(plain)
    twice = words_of(_TO.sub("-", plain))
    half = len(twice) // 2
    if [word.text for word in twice[:half]] == [word.text for word in twice[half:]]:
        words = twice[:half]  # the same serial twice
    texts = [word.text for word in words]
    single = single_in("-".join(texts))
    if single:
        yield single
    for place, text in enumerate(texts):
        digits = with_zeros(text)
        if len(texts) > 1 and NUMBER.fullmatch(digits):
            yield series_of(texts[:place], texts[place + 1 :]), int(digits)


def parse_range(serial_number: str | None) -> SerialBlock | None:
    """Return the range in the serial number, if any; also one that is not clear or runs backwards.

    A prefix, a note at the end, the letter O for a zero, and other separators than hyphens do not
    matter, where the text is a range without them.
    """
    if serial_number is None:
        return None
    key = canonical(serial_number)
    if not _TWO_NUMBERS.search(key):
        return None
    for found, start in _readings(key):
        if not (NUMBER.fullmatch(found.first.text) and NUMBER.fullmatch(found.last.text)):
            continue
        first, last = (Word(word.text, start + word.start) for word in (found.first, found.last))
        # With leading zeros, as in 007 to 12, the number of digits is ambiguous.
        has_zeros = any(word.text != "0" and word.text.startswith("0") for word in (first, last))
        is_clear = found.is_clear and (found.width > 0 or not has_zeros)
        cut = _cut(serial_number, key, first, last)
        return SerialBlock(found.series, *found.numbers, cut, is_clear, found.width)
    return None


def _readings(key: str) -> Iterator[tuple[Range, int]]:
    """Yield the ranges of all readings of a text, the most literal first, and where each reading starts."""
    start, end = core_of(key)
    for text in dict.fromkeys((key[start:], key[start:end])):
        plain = text.translate(AS_HYPHENS)
        for digits in dict.fromkeys((plain, with_zeros(plain))):
            for found in ranges_in(text, digits):
                yield found, start
            separated = with_hyphens(digits)
            if separated != digits:
                for found in ranges_with_marks(separated):
                    yield found, start


def _cut(serial_number: str, key: str, first: Word, last: Word) -> tuple[str, str, str]:
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
