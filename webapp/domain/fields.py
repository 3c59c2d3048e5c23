"""The types of field that credits and events have: text, vintage, quantity, id, date.

A field converts an input (a JSON value or a form text) to the recorded value, or raises FieldError. The
fields themselves are listed in ``credit`` and ``event``. Forms and API schemas are built from those
lists, so all inputs have the same rules.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Final

from webapp.domain.canonical_json import Number
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.text import (
    COMPOSED_OF_MAX,
    ForbiddenCharacter,
    canonical,
    length_before_composing,
    recorded,
    strip_edges,
)

E4: Final = 10_000
VINTAGE_MIN: Final = 1990
VINTAGE_MAX: Final = 2100
QUANTITY_MAX_E4: Final = 100_000_000 * E4

QUANTITY_PATTERN: Final = r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?"
VINTAGE_PATTERN: Final = r"[0-9]{4}(\.0)?"
_QUANTITY: Final = re.compile(QUANTITY_PATTERN)
_VINTAGE: Final = re.compile(VINTAGE_PATTERN)
ID_PATTERN: Final = r"[0-9a-f]{64}"
_ID: Final = re.compile(ID_PATTERN)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class FieldError(ValueError):
    """The value is invalid. The message is for the user who entered it."""


@dataclass(frozen=True)
class Field(ABC):
    """Base class: a name in JSON, a label on pages, and a hint."""

    name: str
    label: str
    required: bool = False
    hint: str = ""
    example: str = ""

    @abstractmethod
    def parse(self, value: object) -> str | int | None:
        """Return the recorded value, None if the field is absent. Raises FieldError."""

    def require(self) -> None:
        """Raise FieldError if the field is required. Called for a missing value."""
        if self.required:
            raise FieldError("This is required.")


@dataclass(frozen=True)
class TextField(Field):
    """Text of 1 to `max_length` code points as recorded; `newlines` allows line breaks."""

    max_length: int = 300
    newlines: bool = False

    def parse(self, value: object) -> str | None:
        """Return the recorded text. A text whose canonical form is empty counts as absent."""
        if value is None:
            self.require()
            return None
        if not isinstance(value, str) or isinstance(value, Number):
            raise FieldError("Must be text.")
        if len(value) > COMPOSED_OF_MAX * self.max_length:
            length = length_before_composing(value, newlines=self.newlines)
            if length > COMPOSED_OF_MAX * self.max_length:
                raise self._too_long(length)
        try:
            text = recorded(value, newlines=self.newlines)
        except ForbiddenCharacter as error:
            raise FieldError(str(error)) from None
        # Check the length first, because a canonical form can be eighteen times as long as the text.
        if len(text) > self.max_length:
            raise self._too_long(len(text))
        if not canonical(text):
            self.require()
            return None
        return text

    def _too_long(self, length: int) -> FieldError:
        return FieldError(f"At most {self.max_length:,} characters; this has {length:,}.")


@dataclass(frozen=True)
class VintageField(Field):
    """A year from 1990 to 2100, given as a JSON number or as text with four ASCII digits."""

    def parse(self, value: object) -> int | None:
        """Return the year."""
        text = _number_text(value)
        if text is None:
            self.require()
            return None
        if not _VINTAGE.fullmatch(text) or not VINTAGE_MIN <= int(text[:4]) <= VINTAGE_MAX:
            raise FieldError(f"Must be a year from {VINTAGE_MIN} to {VINTAGE_MAX}.")
        return int(text[:4])


@dataclass(frozen=True)
class QuantityField(Field):
    """Tonnes with at most four decimals, recorded as an integer of ten-thousandths."""

    def parse(self, value: object) -> int | None:
        """Return ten-thousandths of a tonne, 1 to 10^12."""
        text = _number_text(value)
        if text is None:
            self.require()
            return None
        if not _QUANTITY.fullmatch(text):
            raise FieldError(
                "Must be tonnes in plain digits with at most 4 decimals, such as 100 or 2765.37: "
                "no sign, exponent or thousands separator."
            )
        quantity_e4 = quantity_from_text(text)
        if not 0 < quantity_e4 <= QUANTITY_MAX_E4:
            raise FieldError("Must be more than 0 and at most 100,000,000 tonnes.")
        return quantity_e4


@dataclass(frozen=True)
class IdField(Field):
    """The id of a credit: 64 lower-case hexadecimal digits."""

    def parse(self, value: object) -> str | None:
        """Return the id."""
        if value is None:
            self.require()
            return None
        is_text = isinstance(value, str) and not isinstance(value, Number)
        text = strip_edges(str(value)) if is_text else None
        if text == "":
            self.require()
            return None
        if text is None or not _ID.fullmatch(text):
            raise FieldError("Must be the id of a credit: 64 hexadecimal digits, lower case.")
        return text


@dataclass(frozen=True)
class PastDateField(Field):
    """A day, `YYYY-MM-DD`, that is not before `earliest` and not after `latest` (None: any day)."""

    earliest: date | None = None
    latest: date | None = None

    def parse(self, value: object) -> str | None:
        """Return the day in ISO form."""
        if value is None:
            self.require()
            return None
        if not isinstance(value, str) or isinstance(value, Number):
            raise FieldError("Must be a date as text, YYYY-MM-DD.")
        text = strip_edges(value)
        if not text:
            self.require()
            return None
        day = _day(text)
        if self.earliest and day < self.earliest:
            raise FieldError(f"Must be {self.earliest} or later.")
        if self.latest and day > self.latest:
            raise FieldError("Must not be in the future.")
        return day.isoformat()


def parse_fields(fields: Sequence[Field], values: Mapping[str, object]) -> dict[str, str | int | None]:
    """Return the recorded value of every field by name, None for absent ones.

    Raises InvalidFields with all invalid fields and all names that no field has.
    """
    parsed: dict[str, str | int | None] = {}
    problems: list[Problem] = []
    for field in fields:
        value = values.get(field.name)
        if value is None and not field.required:
            parsed[field.name] = None
            continue
        try:
            parsed[field.name] = field.parse(value)
        except FieldError as refusal:
            problems.append(Problem(field.name, str(refusal)))
    if problems or not values.keys() <= parsed.keys():
        problems += [Problem(name, "There is no such field.") for name in unknown(fields, values)]
    if problems:
        raise InvalidFields(problems)
    return parsed


def unknown(fields: Sequence[Field], values: Mapping[str, object]) -> list[str]:
    """Return the names in `values` that no field has, in order."""
    names = {field.name for field in fields}
    return [name for name in values if name not in names]


def quantity_text(quantity_e4: int) -> str:
    """Return ten-thousandths as plain decimal text without trailing zeros: 27653700 is 2765.37."""
    whole, rest = divmod(quantity_e4, E4)
    if not rest:
        return str(whole)
    return f"{whole}.{rest:04}".rstrip("0").rstrip(".")


def tonnes(quantity_e4: int) -> str:
    """Return ten-thousandths as text for people, thousands grouped: 97505000 is "9,750.5 t"."""
    whole, _, decimals = quantity_text(quantity_e4).partition(".")
    return f"{int(whole):,}.{decimals} t" if decimals else f"{int(whole):,} t"


def quantity_from_text(text: str) -> int:
    """Return the ten-thousandths of a decimal text that matches QUANTITY_PATTERN."""
    whole, _, decimals = text.partition(".")
    return int(whole) * E4 + int(decimals.ljust(4, "0"))


def _day(text: str) -> date:
    # The pattern first, because date.fromisoformat accepts other formats as well.
    if _DATE.fullmatch(text):
        with suppress(ValueError):
            return date.fromisoformat(text)
    raise FieldError("Must be a date, YYYY-MM-DD.")


def _number_text(value: object) -> str | None:
    """Return the text of a number given as JSON number or text, None if it is absent."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise FieldError("Must be a number.")
    return strip_edges(value) or None
