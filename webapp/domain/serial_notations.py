"""The notations in which registries state a range of serial numbers.

Each function yields the ranges that it finds in a text, with the places of their two numbers. They take
texts in canonical form with every dash made a hyphen (``serial_spelling``), which keeps all places.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from webapp.domain.serial_spelling import WIDE_DASHES, series_of

# The databases store numbers as 64-bit integers, which have room for 18 digits.
DIGITS_MAX: Final = 18

NUMBER: Final = re.compile(rf"[0-9]{{1,{DIGITS_MAX}}}")
_ALL_NUMBERS: Final = re.compile("[0-9]+")
_GOLD_STANDARD: Final = re.compile("gs[0-9]+")
_RANGE: Final = re.compile(rf"({NUMBER.pattern}) to ({NUMBER.pattern})")

_TO: Final = re.compile(" to ")
_SPACED_DASH: Final = re.compile(" - ?|- ")
_WIDE_DASH: Final = re.compile(f"(?<! )[{WIDE_DASHES}](?! )")
_DOTS: Final = re.compile(r" ?\.{2,} ?")
_HYPHEN: Final = re.compile("-")

_YEAR: Final = "(?:19|20)[0-9]{2}"
_DAY: Final = "[0-9]{8}"
_BARE: Final = "[0-9]+-[0-9]+"
# Notations with a bare hyphen between the two numbers: the parts that they must have, and the index of
# the first number among them. Other texts have such parts as well, so each demands its registry's own.
_PARTS: Final = tuple(
    (re.compile(pattern), index)
    for pattern, index in (
        # UK Land Carbon Registry: Woodland Carbon Code and Peatland Code
        (
            f"(?:wcc|pcc?)-(?:wcu|piu|pcu)-[a-z]{{2}}-[0-9]+-{_DAY}-{_DAY}-{_BARE}-[a-z]+-[0-9]+-[a-z]+",
            -5,
        ),
        (f"(?:corc|pv)-[0-9]+-{_YEAR}-{_BARE}", -2),  # Puro, Plan Vivo
        (f"[a-z]{{2}}-[0-9]+-[0-9]+-[0-9]+-{_BARE}-{_YEAR}", -3),  # UNDP
        (f"acr-[0-9]+-{_YEAR}-{_BARE}", -2),
        (f"(?:acr|art|fcpf)-[a-z]{{2}}-[0-9]+-{_YEAR}-[0-9]+-{_BARE}", -2),
        (f"car-[0-9]+-[a-z]{{2}}-[0-9]+-[0-9]+-[0-9]+-[a-z]{{2}}-{_YEAR}-[0-9]+-{_BARE}", -2),
    )
)
# Verra's parts in another order, or with a space in place of a hyphen.
_VERRA_BEHIND: Final = re.compile(r"((?:vcs-)?vcu-[^ ,]+) ([0-9]+)-([0-9]+)-([0-9]+)")
_VERRA_SPACED: Final = re.compile(r"([0-9]+)-([0-9]+)-([0-9]+) ((?:vcs-)?vcu-[^ ,]+)")
# Cercarbono and EcoRegistry: …_first a last
_CERCARBONO: Final = re.compile(r"((?:[a-z]+ ?- ?)?cdc_[a-z0-9_]+)(?:_| ?- ?)([0-9]+) (?:a|to) ([0-9]+)")
# Marks of the registries whose range is "first to last", for texts with other separators than hyphens.
_TO_MARKS: Final = frozenset({"acr", "art", "car", "fcpf"})
# CADT: a text that ends in digits.
_ENDS_IN_DIGITS: Final = re.compile(rf"([a-z0-9]*[a-z]{{3,}})([0-9]{{3,{DIGITS_MAX}}})")
# Guarantees of origin, I-REC: digits alone, or in groups with a dot before the last one.
_LONG_NUMBER: Final = re.compile(r"[0-9]+(?:(?:-[0-9]+)*\.[0-9]+)?")
_LONG_NUMBERS: Final = re.compile(r"[0-9][-0-9. to]+[0-9]")
_LONG_DIGITS_MIN: Final = 16
_LONG_DIGITS_MAX: Final = 30


class Word(NamedTuple):
    """A part of a text between dashes, with its start index in the text."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """Its end index."""
        return self.start + len(self.text)


class Range(NamedTuple):
    """The series of a range, and the words of its first and last number.

    `is_clear` is false if the text may mean something else. With a `width`, the numbers are written with
    this many digits, and `above` is what all of them have above these digits.
    """

    series: str
    first: Word
    last: Word
    is_clear: bool = True
    width: int = 0
    above: int = 0

    @property
    def numbers(self) -> tuple[int, int]:
        """The first and the last number."""
        return self.above + int(self.first.text), self.above + int(self.last.text)

    @property
    def is_forwards(self) -> bool:
        """Whether the numbers are small enough to be compared, and the last is not before the first."""
        return bool(
            NUMBER.fullmatch(self.first.text)
            and NUMBER.fullmatch(self.last.text)
            and int(self.first.text) <= int(self.last.text)
        )


def words_of(plain: str, start: int = 0, end: int | None = None) -> list[Word]:
    """Split a text at its hyphens, without the spaces around them."""
    words, place = [], start
    for piece in plain[start:end].split("-"):
        text = piece.strip(" ") if " " in piece else piece
        words.append(Word(text, place if text is piece else place + piece.index(text)))
        place += len(piece) + 1
    return words


def ranges_in(key: str, plain: str) -> Iterator[Range]:
    """Yield the ranges in a text, the surest first. `key` is the text with its own dashes."""
    words = words_of(plain)
    yield from _long_numbers(key, plain)
    yield from _pairs(key, plain)
    yield from _registries(words)
    yield from _loose(key, plain)
    yield from _other_notations(plain, words)
    yield from _ending_in_digits(key, plain)


def ranges_with_marks(plain: str) -> Iterator[Range]:
    """Yield the ranges in notations that have the marks of a registry, the surest first."""
    words = words_of(plain)
    if " to " not in plain or words[0].text in _TO_MARKS:
        yield from _registries(words)
    yield from _other_notations(plain, words)


def single_in(text: str) -> tuple[str, int] | None:
    """Return the series and the number of a text that names one number in a notation without parts."""
    ending = _ENDS_IN_DIGITS.fullmatch(text)
    if ending:
        return f"{ending[1]}#", int(ending[2])
    long = _long_number(text)
    return long and (long.series, long.numbers[0])


def _series(head: Sequence[Word], tail: Sequence[Word] = ()) -> str:
    return series_of([word.text for word in head], [word.text for word in tail])


def _pairs(key: str, plain: str) -> Iterator[Range]:
    """Yield the ranges of two full serials that differ in one number: "… - …", "… to …", "…–…"."""  # noqa: RUF002
    if " " not in plain and key.isascii():
        return
    for separator in chain(_TO.finditer(plain), _SPACED_DASH.finditer(plain), _only(_WIDE_DASH, key)):
        one, other = words_of(plain, 0, separator.start()), words_of(plain, separator.end())
        if len(one) != len(other):
            continue
        places = [place for place in range(len(one)) if one[place].text != other[place].text]
        # The same serial twice is one number. It could be any number in the text; take the last.
        places = places or [p for p, word in enumerate(one) if NUMBER.fullmatch(word.text)][-1:]
        if len(places) == 1 and places[0]:
            place = places[0]
            yield Range(_series(one[:place], one[place + 1 :]), one[place], other[place])


def _registries(words: Sequence[Word]) -> Iterator[Range]:
    """Yield the ranges in the notations of Verra, Gold Standard, ACR, CAR and ART."""
    texts = [text for text, _ in words]
    # Verra: batch-first-last-VCS-VCU-…, and the older batch-first-last-VCU-…
    if texts[3:5] == ["vcs", "vcu"] or texts[3:4] == ["vcu"]:
        tail = texts[5 if texts[3] == "vcs" else 4 :]
        if _ALL_NUMBERS.fullmatch(texts[0]) and any(tail) and not any(" " in text for text in texts):
            yield Range(_series(words[:1], words[3:]), words[1], words[2])
    # Gold Standard: GS1-…-first-last
    if len(words) > 3 and _GOLD_STANDARD.fullmatch(texts[0]):  # noqa: PLR2004 - and a word between
        yield Range(_series(words[:-2]), words[-2], words[-1])
    # ACR, CAR, ART: …-first to last
    stated = _RANGE.fullmatch(texts[-1])
    if stated and any(texts[:-1]):
        first, last = (Word(stated[n], words[-1].start + stated.start(n)) for n in (1, 2))
        yield Range(_series(words[:-1]), first, last)


def _other_notations(plain: str, words: Sequence[Word]) -> Iterator[Range]:
    """Yield the ranges in the other notations with marks of a registry, if they run forwards."""
    joined = "-".join([text for text, _ in words])
    for pattern, index in _PARTS:
        if pattern.fullmatch(joined):
            place = len(words) + index
            found = Range(_series(words[:place], words[place + 2 :]), words[place], words[place + 1])
            if found.is_forwards:
                yield found
    if " " in plain:
        yield from _with_spaces(plain)


def _with_spaces(plain: str) -> Iterator[Range]:
    """Yield the ranges in notations with marks of a registry in which a space separates the parts."""
    for pattern, batch, tail in ((_VERRA_BEHIND, 2, 1), (_VERRA_SPACED, 1, 4)):
        found = pattern.fullmatch(plain)
        if found:
            numbers = range(batch + 1, batch + 3)
            first, last = (Word(found[n], found.start(n)) for n in numbers)
            yield Range(series_of([found[batch]], found[tail].split("-")), first, last)
    found = _CERCARBONO.fullmatch(plain)
    if found:
        first, last = (Word(found[n], found.start(n)) for n in (2, 3))
        yield Range(_series(words_of(found[1])), first, last)


def _sides(key: str, plain: str) -> Iterator[tuple[Word, Word]]:
    """Yield the two halves of a text that a dash, "to" or dots may divide."""
    middle = (plain.count("-") - 1) // 2
    separators = chain(
        _TO.finditer(plain),
        _SPACED_DASH.finditer(plain),
        _only(_WIDE_DASH, key),
        _DOTS.finditer(plain),
        list(_HYPHEN.finditer(plain))[middle : middle + 1] if plain.count("-") % 2 else (),
    )
    for separator in separators:
        one, other = Word(plain[: separator.start()], 0), Word(plain[separator.end() :], separator.end())
        if len(one.text) == len(other.text) or _ENDS_IN_DIGITS.fullmatch(one.text):
            yield one, other


def _ending_in_digits(key: str, plain: str) -> Iterator[Range]:
    """Yield the range of two texts that differ in their last digits (CADT)."""
    if not _ENDS_IN_DIGITS.match(plain):
        return
    for one, other in _sides(key, plain):
        start, end = _ENDS_IN_DIGITS.fullmatch(one.text), _ENDS_IN_DIGITS.fullmatch(other.text)
        if not start or not end or start[1] != end[1]:
            continue
        has_zeros = start[2].startswith("0") or end[2].startswith("0")
        if has_zeros and len(start[2]) != len(end[2]):
            continue
        first, last = (Word(m[2], word.start + m.start(2)) for m, word in ((start, one), (end, other)))
        found = Range(f"{start[1]}#", first, last, width=len(first.text) if has_zeros else 0)
        if found.is_forwards:
            yield found


def _long_number(text: str) -> Range | None:
    """Return a number of 16 to 30 digits as a range of one.

    The series has the digits before the last eighteen. Of digits in groups, the last group is written.
    """
    digits = text.replace("-", "").replace(".", "")
    if not _LONG_DIGITS_MIN <= len(digits) <= _LONG_DIGITS_MAX or not _LONG_NUMBER.fullmatch(text):
        return None
    written = text.rpartition(".")[2][-DIGITS_MAX:]
    above = int(digits[-DIGITS_MAX:]) - int(written)
    word = Word(written, len(text) - len(written))
    return Range(f"{digits[:-DIGITS_MAX]}/#", word, word, width=len(written), above=above)


def _long_numbers(key: str, plain: str) -> Iterator[Range]:
    """Yield the range of two long numbers of equal length (guarantees of origin, I-REC)."""
    if len(plain) <= 2 * _LONG_DIGITS_MIN or not _LONG_NUMBERS.fullmatch(plain):
        return
    for one, other in _sides(key, plain):
        start, end = _long_number(one.text), _long_number(other.text)
        if not start or not end or one.text[: start.first.start] != other.text[: end.first.start]:
            continue
        last = Word(end.first.text, other.start + end.first.start)
        found = start._replace(last=last)
        if found.is_forwards:
            yield found


def _loose(key: str, plain: str) -> Iterator[Range]:
    """Yield "…-first - last" and "…-first–last", if this kind of dash occurs once in the text."""  # noqa: RUF002
    if " " not in plain and key.isascii():
        return
    for separator in chain(_only(_SPACED_DASH, plain), _only(_WIDE_DASH, key)):
        *head, first = words_of(plain, 0, separator.start())
        last = words_of(plain, separator.end())
        if head and len(last) == 1:
            yield Range(_series(head), first, last[0], is_clear=False)


def _only(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    """Return the match if there is exactly one. Several mean that the text uses this dash as a hyphen."""
    found = list(pattern.finditer(text))
    return found if len(found) == 1 else []
