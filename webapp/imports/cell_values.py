"""Read what people write in a cell as the strict value of a field: quantities, dates, vintages.

A value is accepted where it has one reading. A sign or order that makes two readings possible is decided
for a whole column, by `column_reading` and `date_column_reading`, or by a person. All functions are pure;
limits that depend on the day or on other fields are checked later.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Literal

from webapp.domain.canonical_json import Number
from webapp.domain.fields import VINTAGE_MAX, VINTAGE_MIN, FieldError
from webapp.domain.text import canonical

DecimalSign = Literal[".", ","]
Order = Literal["dmy", "mdy", "ymd"]

DAY_MIN: Final = "1990-01-01"
MISSING_TEXTS: Final = frozenset(
    "|-|--|–|—|n/a|#n/a|n.a.|na|null|none|nil|nan|not public|not applicable|not available".split("|")  # noqa: RUF001
)
_SHOWN_MAX: Final = 80

_SPACES: Final = " \u00a0\u2009\u202f"
_UNIT: Final = re.compile(rf"[{_SPACES}]*(?:t|tco[2₂](?:e|eq)?|tonnes?)\Z", re.IGNORECASE)
# Thousands, grouped by one separator; lakhs by a comma.
_GROUPS: Final = {
    **{sign: re.compile(rf"[1-9][0-9]{{0,2}}(?:{re.escape(sign)}[0-9]{{3}})+") for sign in ".'’"},  # noqa: RUF001
    ",": re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}"),
    " ": re.compile(rf"[1-9][0-9]{{0,2}}(?:(?P<space>[{_SPACES}])[0-9]{{3}})(?:(?P=space)[0-9]{{3}})*"),
}
_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_DIGITS: Final = re.compile("[0-9]+")

_MONTHS: Final = (
    "january february march april may june july august september october november december".split()
)
_MONTH: Final = rf"(?P<name>{'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in _MONTHS)}|sept)\.?"
_TIME: Final = (
    r"(?:(?:T|,? +)[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?: ?[AP]M)?"
    r"(?: ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?)?"
)
_YEAR_FIRST: Final = re.compile(
    rf"(?P<y>[0-9]{{4}})(?P<sign>[-/.])(?P<m>[0-9]{{1,2}})(?P=sign)(?P<d>[0-9]{{1,2}}){_TIME}", re.IGNORECASE
)
_YEAR_LAST: Final = re.compile(
    rf"(?P<first>[0-9]{{1,2}})(?P<sign>[-/.])(?P<second>[0-9]{{1,2}})(?P=sign)(?P<y>[0-9]{{4}}){_TIME}",
    re.IGNORECASE,
)
_NAMED: Final = (
    re.compile(rf"(?P<d>[0-9]{{1,2}})(?:[-/ ]|\. ?){_MONTH}[-/ ,]+(?P<y>[0-9]{{4}}){_TIME}", re.IGNORECASE),
    re.compile(rf"{_MONTH} ?(?P<d>[0-9]{{1,2}}),? (?P<y>[0-9]{{4}}){_TIME}", re.IGNORECASE),
    re.compile(rf"(?P<y>[0-9]{{4}})[- ]{_MONTH}[- ](?P<d>[0-9]{{1,2}}){_TIME}", re.IGNORECASE),
)
_EIGHT_DIGITS: Final = re.compile("[0-9]{8}")
_YEAR: Final = re.compile(r"([0-9]{4})(?:\.0+)?")
# Between the two ends of a period; the first that leaves two readable ends is taken.
_BETWEEN: Final = tuple(
    re.compile(pattern)
    for pattern in (r" +(?:-|–|—|/|to|until|bis|au?|à) +", r" *[–—] *", "/", "-")  # noqa: RUF001
)


class Ambiguous(FieldError):
    """The value has two readings, and the column or a person must decide."""


@dataclass(frozen=True)
class Vintage:
    """The year in which a vintage period ends, and the first and last day of the period where written."""

    year: int
    start: str | None = None
    end: str | None = None


def is_missing(value: object, *, is_serial_number: bool = False, is_country: bool = False) -> bool:
    """Return whether a cell says that there is no value, in words or by being empty.

    For a serial number, 0 says it too. In a column of countries, NA is Namibia.
    """
    if value is None:
        return True
    if not isinstance(value, str):
        return False
    text = canonical(value) if len(value) <= _SHOWN_MAX else value
    if is_serial_number and text == "0":
        return True
    return text in MISSING_TEXTS and not (is_country and text == "na")


def read_quantity(value: object, decimal: DecimalSign | None = None) -> str | None:
    """Return tonnes as plain decimal text, None for a missing value.

    `decimal` is the decimal sign of the column. Without it, a text must have one reading. Raises
    FieldError, whose message has the value; Ambiguous where both signs are possible.
    """
    text = _text(value, "a quantity")
    if text is None:
        return None
    readings = _number(text) if isinstance(value, Number) else _quantities(text)
    if decimal and not isinstance(value, Number):
        readings = {sign: reading for sign, reading in readings.items() if sign == decimal}
    plain = {_plain(reading) for reading in readings.values()}
    if len(plain) > 1:
        raise Ambiguous(
            f"{_shown(value)} can be {' or '.join(sorted(plain, key=len))}. "
            "Choose the decimal sign of the column."
        )
    if not plain:
        sign = f" with “{decimal}” before the decimals" if decimal else ""
        raise FieldError(f"{_shown(value)} is not a quantity in plain digits{sign}, such as 1234.5.")
    return plain.pop()


def column_reading(values: Iterable[object]) -> DecimalSign | Literal["ambiguous"] | None:
    """Return the decimal sign of a column of quantities.

    One value that has a single reading decides for all. "ambiguous": there are values with two readings
    and none that decides, or some that decide differently. None: each value has one reading by itself.
    """
    signs: set[DecimalSign] = set()
    is_ambiguous = False
    for text in _texts(values):
        readings = _quantities(text)
        is_ambiguous |= len({_plain(reading) for reading in readings.values()}) > 1
        if len(readings) == 1:
            signs.update(readings)
    if len(signs) == 1:
        return signs.pop()
    return "ambiguous" if is_ambiguous else None


def _number(text: str) -> dict[DecimalSign, str]:
    """Return what a number of JSON or of a workbook is: itself, without a sign or an exponent."""
    return {".": text} if _NUMBER.fullmatch(text) else {}


@lru_cache(maxsize=4096)
def _quantities(text: str) -> Mapping[DecimalSign, str]:
    """Return the number that a text is with each decimal sign, as digits with a point."""
    number = _UNIT.sub("", text)
    readings: dict[DecimalSign, str] = {}
    for sign in (".", ","):
        whole, mark, decimals = number.partition(sign)
        digits = _whole(whole, sign)
        if digits is None or decimals.strip("0123456789") or not (digits or decimals):
            continue
        # "0425" has one reading; "01,234" could be either.
        if not (mark and len(digits) > 1 and digits.startswith("0")):
            readings[sign] = f"{digits}{'.' if mark else ''}{decimals}"
    return readings


def _whole(text: str, decimal: DecimalSign) -> str | None:
    """Return the digits before the decimal sign without the signs between thousands, None if not a number."""
    if not text or _DIGITS.fullmatch(text):
        return text
    if any(groups.fullmatch(text) for sign, groups in _GROUPS.items() if sign != decimal):
        return "".join(_DIGITS.findall(text))
    return None


def _plain(number: str) -> str:
    whole, _, decimals = number.partition(".")
    whole, decimals = whole.lstrip("0") or "0", decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def read_date(value: object, order: Order | None = None) -> str | None:
    """Return the day as written, in ISO form; None for a missing value.

    A time and a zone are accepted and change nothing. `order` is that of day, month and year in the
    column; eight digits are a date only with it. Raises FieldError, whose message has the value;
    Ambiguous where day and month can be exchanged.
    """
    text = _text(value, "a date")
    if text is None:
        return None
    days = _days(text) if not isinstance(value, Number) else {}
    if _EIGHT_DIGITS.fullmatch(text) and not order:
        days = {}
    possible = {days[key] for key in days if order is None or key in (order, None)}
    if len(possible) > 1:
        raise Ambiguous(
            f"{_shown(value)} can be {' or '.join(sorted(possible))}. Choose the order of day and month."
        )
    if not possible:
        written = f" in the order {order}" if order and days else ""
        raise FieldError(f"{_shown(value)} is not a date{written}, such as 2026-04-13.")
    day = possible.pop()
    if day < DAY_MIN:
        raise FieldError(f"{_shown(value)} is before {DAY_MIN}.")
    return day


def date_column_reading(values: Iterable[object]) -> Order | Literal["ambiguous"] | None:
    """Return the order of day, month and year of a column of dates.

    One value that has a single reading decides for all. "ambiguous": there are values with two readings
    and none that decides, or some that decide differently. None: each value has one reading by itself.
    """
    orders: set[Order] = set()
    possible: set[Order] = set()
    is_ambiguous = has_digits_only = False
    for text in _texts(values):
        days: dict[Order, str] = {key: day for key, day in _days(text).items() if key}
        is_ambiguous |= len(set(days.values())) > 1
        has_digits_only |= bool(days and _EIGHT_DIGITS.fullmatch(text))
        possible.update(days)
        if len(days) == 1:
            orders.update(days)
    if len(orders) == 1:
        return orders.pop()
    if is_ambiguous or (orders and has_digits_only):
        return "ambiguous"
    return min(possible) if has_digits_only else None


def _days(text: str) -> dict[Order | None, str]:
    """Return the day that a text is in each order; the key None for a text whose order is plain."""
    if match := _YEAR_FIRST.fullmatch(text):
        return _valid([(None, match["y"], match["m"], match["d"])])
    if match := _YEAR_LAST.fullmatch(text):
        first, second, year = match["first"], match["second"], match["y"]
        return _valid([("dmy", year, second, first), ("mdy", year, first, second)])
    if match := next((found for form in _NAMED if (found := form.fullmatch(text))), None):
        month = 1 + [name[:3] for name in _MONTHS].index(match["name"][:3].lower())
        return _valid([(None, match["y"], str(month), match["d"])])
    if _EIGHT_DIGITS.fullmatch(text):
        days = _valid(
            [
                ("dmy", text[4:], text[2:4], text[:2]),
                ("mdy", text[4:], text[:2], text[2:4]),
                ("ymd", text[:4], text[4:6], text[6:]),
            ]
        )
        return {key: day for key, day in days.items() if DAY_MIN <= day <= f"{VINTAGE_MAX}-12-31"}
    return {}


def _valid(candidates: Iterable[tuple[Order | None, str, str, str]]) -> dict[Order | None, str]:
    days: dict[Order | None, str] = {}
    for order, year, month, day in candidates:
        with suppress(ValueError):
            days[order] = date(int(year), int(month), int(day)).isoformat()
    return days


def read_vintage(value: object, order: Order | None = None) -> Vintage | None:
    """Return the vintage that a year, a date or a period is; None for a missing value.

    A period of years begins on the first day of the first and ends on the last day of the last. Where the
    order of day and month is not known, the days are left out, and the year is the same in both orders.
    Raises FieldError, whose message has the value.
    """
    text = _text(value, "a vintage")
    if text is None:
        return None
    vintage = _vintage(text, order, is_number=isinstance(value, Number))
    if vintage is None:
        raise FieldError(f"{_shown(value)} is not a year, a date or a period, such as 2020.")
    if not VINTAGE_MIN <= vintage.year <= VINTAGE_MAX:
        raise FieldError(f"{_shown(value)} is not a vintage from {VINTAGE_MIN} to {VINTAGE_MAX}.")
    return vintage


def _vintage(text: str, order: Order | None, *, is_number: bool) -> Vintage | None:
    if match := _YEAR.fullmatch(text):
        return Vintage(int(match[1]))
    if is_number:
        return None
    if not _EIGHT_DIGITS.fullmatch(text) and (period := _period([text, text], order)):
        return period
    for between in _BETWEEN:
        for match in between.finditer(text):
            if period := _period([text[: match.start()], text[match.end() :]], order):
                return period
    return None


def _period(ends: list[str], order: Order | None) -> Vintage | None:
    """Return the vintage of a period from one day or year to another, None if the texts are not that."""
    if all(_YEAR.fullmatch(end) for end in ends):
        days = [f"{ends[0][:4]}-01-01", f"{ends[1][:4]}-12-31"]
        return Vintage(int(ends[1][:4]), *days) if days[0] < days[1] else None
    readings = [_days(end) for end in ends]
    start, end = (_day(days, order or date_column_reading(ends)) for days in readings)
    if start and end:
        return Vintage(int(end[:4]), start, end) if start <= end else None
    years = [{day[:4] for day in days.values()} for days in readings]
    if order is None and all(len(year) == 1 for year in years):
        first, last = (int(year.pop()) for year in years)
        return Vintage(last) if first <= last else None
    return None


def _day(days: dict[Order | None, str], order: Order | Literal["ambiguous"] | None) -> str | None:
    """Return the day in an order, or the one that is the same in all orders; None if there is neither."""
    if order and order != "ambiguous":
        return days.get(order) or days.get(None)
    different = set(days.values())
    return different.pop() if len(different) == 1 else None


def _text(value: object, kind: str) -> str | None:
    """Return the text of a cell without spaces and invisible characters around it, None if missing."""
    if is_missing(value):
        return None
    if not isinstance(value, str):
        raise FieldError(f"{_shown(value)} is not {kind}.")
    text = _trimmed(value)
    if len(text) > _SHOWN_MAX:
        raise FieldError(f"{_shown(value)} is not {kind}.")
    return text


def _texts(values: Iterable[object]) -> Iterator[str]:
    """Yield the texts among the values; a number of JSON or of a workbook has one reading."""
    for value in values:
        if isinstance(value, str) and not isinstance(value, Number) and not is_missing(value):
            text = _trimmed(value)
            if len(text) <= _SHOWN_MAX:
                yield text


def _trimmed(text: str) -> str:
    return text.strip(f"\t\r\n{_SPACES}\u200b\u200c\u200d\u2060\ufeff")


def _shown(value: object) -> str:
    """Return the value in quotation marks, shortened, on one line."""
    text = " ".join(str(value)[: _SHOWN_MAX * 2].split())
    return f"“{text[:_SHOWN_MAX]}…”" if len(text) > _SHOWN_MAX else f"“{text}”"
