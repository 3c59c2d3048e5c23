"""Splits by serial numbers: each stated range of a block becomes a lot, and so does what is left between.

The rules are in "Splitting" in docs/ledger.md.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from webapp.domain.credit import Credit
from webapp.domain.errors import InvalidFields, Problem, are, numbers_text
from webapp.domain.fields import E4
from webapp.domain.serial_number import DIGITS_MAX, SerialBlock, parse_block, single_numbers
from webapp.domain.serial_spelling import AS_HYPHENS
from webapp.domain.split import LOTS_MAX, parse_quantities
from webapp.domain.text import canonical

RANGES_MAX: Final = LOTS_MAX - 1
EXAMPLE: Final = "941467200 to 941467249"
NOT_RANGES: Final = f'Must be a list of 1 to {RANGES_MAX} ranges of serial numbers, such as "{EXAMPLE}".'
NOT_BOTH: Final = "State quantities or numbers, not both."
NO_BLOCK: Final = "This credit is not a block of serial numbers. Split it by quantities."
ALL_OF_IT: Final = "These are all numbers of the block, so there is nothing to split."
_FIELDS: Final = frozenset({"quantities", "numbers"})
_SHOWN_MAX: Final = 60
_RANGE: Final = re.compile(r"([0-9]+)(?: ?(?:to|-|\.{2,}) ?([0-9]+))?")

# The first and last number of a lot.
_Pair = tuple[int, int]


@dataclass(frozen=True)
class RequestedSplit:
    """What a request to split states: the quantities of all lots, or the numbers of some."""

    quantities_e4: tuple[int, ...] = ()
    ranges: tuple[str, ...] = ()

    def quantities_of(self, credit: Credit) -> list[int]:
        """Return the quantities of the lots, in ten-thousandths of a tonne. Raises InvalidFields."""
        if not self.ranges:
            return list(self.quantities_e4)
        if credit.block is None:
            raise InvalidFields([Problem("numbers", NO_BLOCK)])
        lots = _lots_of_ranges(credit.block, self.ranges)
        return [(last - first + 1) * E4 for first, last in lots]


def parse_split(values: Mapping[str, object]) -> RequestedSplit:
    """Return what `{"quantities": [50, 50]}` or `{"numbers": ["1 to 50"]}` states. Raises InvalidFields."""
    if "numbers" not in values:
        return RequestedSplit(tuple(parse_quantities(values)))
    problems = [Problem(name, "There is no such field.") for name in values if name not in _FIELDS]
    if "quantities" in values:
        problems.append(Problem("numbers", NOT_BOTH))
    given = values["numbers"]
    texts = [text for text in given if type(text) is str] if isinstance(given, list) else []
    if not isinstance(given, list) or not 1 <= len(given) <= RANGES_MAX or len(texts) < len(given):
        problems.append(Problem("numbers", NOT_RANGES))
    if problems:
        raise InvalidFields(problems)
    return RequestedSplit(ranges=tuple(texts))


def _lots_of_ranges(block: SerialBlock, texts: tuple[str, ...]) -> list[_Pair]:
    """Return the first and last number of each lot, in order."""
    problems, ranges = [], []
    for text in texts:
        try:
            ranges.append(_numbers_in(block, text))
        except ValueError as error:
            problems.append(Problem("numbers", str(error)))
    ranges.sort()
    problems += [Problem("numbers", message) for message in _overlaps(ranges)]
    if problems:
        raise InvalidFields(problems)
    lots, start = [], block.first
    for first, last in ranges:
        if start < first:
            lots.append((start, first - 1))
        lots.append((first, last))
        start = last + 1
    if start <= block.last:
        lots.append((start, block.last))
    if len(lots) == 1:
        raise InvalidFields([Problem("numbers", ALL_OF_IT)])
    if len(lots) > LOTS_MAX:
        message = f"These ranges make {len(lots)} lots, with what is left between them. At most {LOTS_MAX}."
        raise InvalidFields([Problem("numbers", message)])
    return lots


def _overlaps(ranges: list[_Pair]) -> Iterator[str]:
    for (_, reached), (first, last) in pairwise(ranges):
        if first <= reached:
            yield f"{numbers_text(first, min(last, reached))} {are(first, min(last, reached))} in two ranges."


def _numbers_in(block: SerialBlock, text: str) -> _Pair:
    """Return the first and last number of a range. Raises ValueError with the reason."""
    first, last = _stated(block, text)
    if first > last:
        raise ValueError(f"The range runs backwards, from {first} to {last}.")
    if first < block.first or last > block.last:
        outside = f"{numbers_text(first, last)} {are(first, last)}"
        raise ValueError(f"{outside} not within the block, {block.first} to {block.last}.")
    return first, last


def _stated(block: SerialBlock, text: str) -> _Pair:
    key = canonical(text)
    found = _RANGE.fullmatch(key.translate(AS_HYPHENS))
    if found and max(map(len, found.groups(""))) <= DIGITS_MAX:
        first, last = (block.number_of(digits) for digits in (found[1], found[2] or found[1]))
        return first, last
    for stated in (parse_block(key), *single_numbers(key)):
        if stated and stated.series == block.series:
            return stated.first, stated.last
    shown = text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
    raise ValueError(f"“{shown}” is not a range of numbers of this block, such as {EXAMPLE}.")
