"""A serial number that clearly states a range is understood as a block of numbers.

Understood from its text, whatever the registry is called: it is the series in the serial itself
that counts. Whatever does not clearly state a range stays plain. The source of the rules and of
the notations is "Serial blocks" in docs/ledger.md.
"""

import re
from dataclasses import dataclass
from typing import Final

from webapp.domain.text import canonical

# More digits would not fit the integers of the databases.
DIGITS_MAX: Final = 18

_NUMBER: Final = rf"[0-9]{{1,{DIGITS_MAX}}}"

# A pair of full serials that differ in one number.
_PAIR: Final = (
    rf"(?P<head>.*-)(?P<first>{_NUMBER})(?P<rest>(?:-[^ ]*)?)(?P<between> - )"
    rf"(?P=head)(?P<last>{_NUMBER})(?P<tail>(?P=rest))"
)

_RANGE: Final = rf"(?P<first>{_NUMBER})(?P<between>-)(?P<last>{_NUMBER})"

# The series around two numbers, `first` and `last`. In canonical form, hence lower case.
_NOTATIONS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # Verra: batch-first-last-VCS-VCU-…, and the older batch-first-last-VCU-…
        rf"(?P<head>[0-9]+-){_RANGE}(?P<tail>-(?:vcs-)?vcu-[^ ]+)",
        # Gold Standard: GS1-…-first-last
        rf"(?P<head>gs[0-9]+-.+-){_RANGE}(?P<tail>)",
        # ACR, CAR, ART: …-first to last
        rf"(?P<head>.+-)(?P<first>{_NUMBER})(?P<between> to )(?P<last>{_NUMBER})(?P<tail>)",
        _PAIR,
    )
)


@dataclass(frozen=True)
class SerialBlock:
    """The numbers `first` to `last`, both included, of a series.

    `series` is the canonical text with the numbers taken out; `notation` is the text as recorded,
    cut at its two numbers, so that a part of the block can be written in the same way.
    """

    series: str
    first: int
    last: int
    notation: tuple[str, str, str]

    @property
    def length(self) -> int:
        """How many numbers there are, less than 1 where the block runs backwards."""
        return self.last - self.first + 1

    def part(self, start: int, length: int) -> str:
        """Write the `length` numbers from place `start` (0 is the first) as a serial number."""
        head, between, tail = self.notation
        first = self.first + start
        return f"{head}{first}{between}{first + length - 1}{tail}"

    def overlaps(self, other: "SerialBlock") -> bool:
        """Say whether the blocks have numbers in common."""
        return self.series == other.series and self.first <= other.last and other.first <= self.last


def parse_block(serial_number: str | None) -> SerialBlock | None:
    """Return the block that the serial number states, None where it states none."""
    if serial_number is None:
        return None
    key = canonical(serial_number)
    for notation in _NOTATIONS:
        match = notation.fullmatch(key)
        if match and _has_plain_numbers(match):
            series = f"{key[: match.start('first')]}#{match['tail']}"
            first, last = int(match["first"]), int(match["last"])
            return SerialBlock(series, first, last, _cut(serial_number, key, match))
    return None


def _has_plain_numbers(match: re.Match[str]) -> bool:
    """Refuse numbers with leading zeros: what 007 to 12 is made of, nobody can say."""
    return all(match[name] == "0" or not match[name].startswith("0") for name in ("first", "last"))


def _cut(serial_number: str, key: str, match: re.Match[str]) -> tuple[str, str, str]:
    """Cut the text as recorded where its canonical form was cut, or write it canonically.

    Of ASCII only the case is another. Elsewhere one character may be several in canonical form and
    several none, so that a place in the one says nothing about the other.
    """
    text = serial_number if serial_number.isascii() and len(serial_number) == len(key) else key
    return (
        text[: match.start("first")],
        text[match.end("first") : match.start("last")],
        text[match.end("last") :],
    )
