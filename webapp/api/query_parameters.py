"""Parameters in the query of an address: each with its one rule, read and described from here.

Every operation reads its query through `read`, also one that takes none, so that a mistyped name
or a `dry_run` where there is no such thing is refused and never silently ignored.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar, cast

from flask import request, url_for
from werkzeug.datastructures import MultiDict

from webapp.domain.errors import CursorMismatch, InvalidFields, Problem
from webapp.domain.fields import (
    VINTAGE_MAX,
    VINTAGE_MIN,
    FieldError,
    TextField,
    VintageField,
)
from webapp.domain.lifecycle import EventType, Status
from webapp.ledger.listing import LIMIT, LIMIT_MAX

T = TypeVar("T")
Choice = TypeVar("Choice", bound=StrEnum)

TERM_LENGTH_MAX: Final = 300
_CURSOR: Final = (
    "Where to go on. It comes from an address in an earlier answer and belongs to the filters there; "
    "it means nothing else."
)


@dataclass(frozen=True, eq=False)
class Parameter(Generic[T]):
    """A parameter: its name, how its text is read (raising FieldError), and what it is if missing."""

    name: str
    description: str
    schema: Mapping[str, object]
    parse: Callable[[str], T]
    missing: T


class Values:
    """What a query says, by parameter."""

    def __init__(self, found: Mapping[Parameter[Any], object]) -> None:
        self._found = found

    def __getitem__(self, parameter: Parameter[T]) -> T:
        return cast("T", self._found[parameter])


def read(*parameters: Parameter[Any], form: MultiDict[str, str] | None = None) -> Values:
    """Return the value of every parameter; an empty one counts as missing.

    With `form`, parameters may stand in a submitted form as well. Raises InvalidFields with
    every bad parameter and every name that is none.
    """
    given: dict[str, list[str]] = {}
    for source in (request.args, form or MultiDict()):
        for name, texts in source.lists():
            given.setdefault(name, []).extend(texts)
    found: dict[Parameter[Any], object] = {}
    problems: list[Problem] = []
    for parameter in parameters:
        texts = given.pop(parameter.name, [])
        if len(texts) > 1:
            problems.append(Problem(parameter.name, "Must be given only once."))
            continue
        try:
            found[parameter] = parameter.parse(texts[0]) if any(texts) else parameter.missing
        except FieldError as refusal:
            problems.append(Problem(parameter.name, str(refusal)))
    problems += [Problem(name, "There is no such parameter.") for name in given]
    if problems:
        raise InvalidFields(problems)
    return Values(found)


def _text(name: str, description: str, max_length: int) -> Parameter[str]:
    field = TextField(name, name, max_length=max_length)
    schema = {"type": "string", "maxLength": max_length}
    return Parameter(name, description, schema, lambda text: field.parse(text) or "", "")


def _choice(name: str, description: str, choices: type[Choice]) -> Parameter[Choice | None]:
    def parse(text: str) -> Choice:
        try:
            return choices(text)
        except ValueError:
            raise FieldError(f"Must be one of {', '.join(choices)}.") from None

    return Parameter(name, description, {"type": "string", "enum": list(choices)}, parse, None)


def flag(name: str, description: str) -> Parameter[bool]:
    """Return a parameter that is set by 1."""

    def parse(text: str) -> bool:
        if text not in {"0", "1"}:
            raise FieldError("Must be 1 or 0.")
        return text == "1"

    return Parameter(name, description, {"type": "string", "enum": ["0", "1"]}, parse, missing=False)


def number_of(text: str) -> int | None:
    """Return the number of a row in the database, None where no row can have it."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def _limit(description: str, missing: int) -> Parameter[int]:
    def parse(text: str) -> int:
        limit = number_of(text) or 0
        if not 1 <= limit <= LIMIT_MAX:
            raise FieldError(f"Must be a number from 1 to {LIMIT_MAX}.")
        return limit

    schema = {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": missing}
    return Parameter("limit", description, schema, parse, missing)


def _parse_cursor_number(text: str) -> int | None:
    number = number_of(text)
    if number is None:
        raise FieldError(str(CursorMismatch()))
    return number


Q: Final = _text(
    "q",
    "Words, each of which must stand in the project name, the registry or the serial number, or begin the "
    "id with 6 or more digits. Any spelling will do. One or two characters must be a whole word. A number "
    "also finds the block that holds it: one of 5 or more digits by itself, a shorter one beside words that "
    "all stand in the serial number.",
    TERM_LENGTH_MAX,
)
REGISTRY: Final = _text("registry", "The registry, in any spelling: `vcs` finds `VCS`.", 50)
VINTAGE: Final = Parameter(
    "vintage",
    "The year.",
    {"type": "integer", "minimum": VINTAGE_MIN, "maximum": VINTAGE_MAX},
    VintageField("vintage", "vintage").parse,
    None,
)
STATUS: Final = _choice(
    "status",
    "What the credit is now. Without it the list has the credits that hold tonnes: none that were "
    "SPLIT or CANCELLED.",
    Status,
)
SERIAL: Final = _text(
    "serial",
    "A serial number, a part of it, or a number that its block holds, in any spelling. Of several words "
    "each must be one of these, and one or two characters a whole word. A block finds every record that "
    "holds any of its numbers. With `status=SPLIT` or `CANCELLED` it finds by the numbers that a record "
    "held before.",
    200,
)
TYPE: Final = _choice("type", "Only events of this type.", EventType)
LIMIT_OF_PAGE: Final = _limit("How many items an answer has at most.", LIMIT)
LIMIT_OF_PROBLEMS: Final = _limit("How many problems an answer has at most.", LIMIT_MAX)
CURSOR: Final = Parameter[str | None]("cursor", _CURSOR, {"type": "string"}, str, None)
CURSOR_NUMBER: Final = Parameter("cursor", _CURSOR, {"type": "string"}, _parse_cursor_number, None)


def address_from(cursor: str | None) -> str:
    """Return the address of this request's list from the cursor on, from its start if None.

    It begins with a slash, so it holds behind whatever host and port the reader used.
    """
    kept = {name: text for name, text in request.args.items() if text and name != "cursor"}
    if cursor:
        kept["cursor"] = cursor
    return url_for(f"{request.endpoint}", **{**kept, **(request.view_args or {})})


def next_address(cursor: str | None) -> str | None:
    """Return the address of the page that follows, None where there is none."""
    return address_from(cursor) if cursor else None
