"""The query parameters of the API, each with its rule and its description.

Every operation reads its query with `read`, also one that takes no parameters. So a mistyped name, or a
`dry_run` where the operation has none, is an error and never ignored.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from typing import Any, Final, Generic, TypeVar, cast

from flask import request, url_for
from werkzeug.datastructures import MultiDict

from webapp.domain.errors import CursorMismatch, InvalidFields, Problem
from webapp.domain.fields import VINTAGE_MAX, VINTAGE_MIN, FieldError, TextField, VintageField
from webapp.domain.lifecycle import Status
from webapp.imports.options import Where, parse_end_date
from webapp.imports.staging import ROW_KINDS
from webapp.ledger.listing import LIMIT, LIMIT_MAX, LOGGED_TYPES

T = TypeVar("T")
Choice = TypeVar("Choice", bound=StrEnum)

TERM_LENGTH_MAX: Final = 300
_NUMBER_DIGITS_MAX: Final = 18
# A column, an equals sign and a value.
WHERE_PATTERN: Final = r"^[^=]*[^=\s][^=]*=.*\S"
_DAY: Final = {"type": "string", "format": "date"}
_CURSOR: Final = (
    "Where to continue. Take it from a URL of an earlier answer, together with the filters of that URL. "
    "Its content has no other meaning."
)


@dataclass(frozen=True, eq=False)
class Parameter(Generic[T]):
    """A parameter. `parse` raises FieldError; `missing` is the value of a missing or empty one.

    One with `is_list` may be given several times: its value is a tuple, and `parse` returns the members that
    one text adds.
    """

    name: str
    description: str
    schema: Mapping[str, object]
    parse: Callable[[str], T]
    missing: T
    is_list: bool = False
    is_required: bool = False

    def parse_all(self, texts: Iterable[str]) -> T:
        """Return the value of one text, or of several for a list. Raises FieldError."""
        given = [text for text in texts if text]
        if not given:
            return self.missing
        if not self.is_list:
            return self.parse(given[0])
        members = (cast("tuple[object, ...]", self.parse(text)) for text in given)
        return cast("T", tuple(dict.fromkeys(chain.from_iterable(members))))


class Values:
    """The values of a query, by parameter."""

    def __init__(self, found: Mapping[Parameter[Any], object]) -> None:
        self.all = found

    def __getitem__(self, parameter: Parameter[T]) -> T:
        return cast("T", self.all[parameter])


def read(*parameters: Parameter[Any], form: MultiDict[str, str] | None = None) -> Values:
    """Return the value of every parameter; an empty one counts as missing.

    With `form`, parameters may also be fields of the submitted form. Raises InvalidFields with every
    parameter that is not valid and every name that is not a parameter.
    """
    given: dict[str, list[str]] = {}
    for source in (request.args, form or MultiDict()):
        for name, texts in source.lists():
            given.setdefault(name, []).extend(texts)
    found: dict[Parameter[Any], object] = {}
    problems: list[Problem] = []
    for parameter in parameters:
        texts = given.pop(parameter.name, [])
        if len(texts) > 1 and not parameter.is_list:
            problems.append(Problem(parameter.name, "Must be given only once."))
            continue
        try:
            found[parameter] = parameter.parse_all(texts)
        except FieldError as refusal:
            problems.append(Problem(parameter.name, str(refusal)))
    problems += [Problem(name, "There is no such parameter.") for name in given]
    if problems:
        raise InvalidFields(problems)
    return Values(found)


def text_parameter(name: str, description: str, max_length: int) -> Parameter[str]:
    field = TextField(name, name, max_length=max_length)
    schema = {"type": "string", "maxLength": max_length}
    return Parameter(name, description, schema, lambda text: field.parse(text) or "", "")


def _day(name: str, description: str) -> Parameter[str]:
    """Return a parameter that is a day. ``ledger.as_of`` parses it."""
    return replace(text_parameter(name, description, 10), schema=_DAY)


def choice(name: str, description: str, choices: Iterable[Choice]) -> Parameter[Choice | None]:
    """Return a parameter that is one of the choices."""
    known = {str(choice): choice for choice in choices}

    def parse(text: str) -> Choice:
        try:
            return known[text]
        except KeyError:
            raise FieldError(f"Must be one of {', '.join(known)}.") from None

    return Parameter(name, description, {"type": "string", "enum": list(known)}, parse, None)


def names_of(
    name: str, description: str, known: Sequence[str], missing: Sequence[str], one_of: Sequence[str] = ()
) -> Parameter[Sequence[str]]:
    """Return a parameter that is a list of names, each once. At most one of those in `one_of` is allowed."""

    def parse(text: str) -> Sequence[str]:
        given = [each.strip() for each in text.split(",")]
        if not set(given) <= set(known):
            raise FieldError(f"Must be some of {', '.join(known)}, each once, separated by commas.")
        if len(set(given)) < len(given):
            raise FieldError("Must have each name only once.")
        if len(set(given) & set(one_of)) > 1:
            raise FieldError(f"Must have at most one of {', '.join(one_of)}.")
        return given

    each = rf"\s*({'|'.join(known)})\s*"
    schema = {"type": "string", "pattern": f"^{each}(,{each})*$", "default": ",".join(missing)}
    return Parameter(name, description, schema, parse, missing)


def _flag(name: str, description: str) -> Parameter[bool]:
    """Return a parameter that is 1 or 0."""

    def parse(text: str) -> bool:
        if text not in {"0", "1"}:
            raise FieldError("Must be 1 or 0.")
        return text == "1"

    return Parameter(name, description, {"type": "string", "enum": ["0", "1"]}, parse, missing=False)


def number_of(text: str) -> int | None:
    """Return the text as the number of a database row, None where no row can have it."""
    return int(text) if re.fullmatch(f"[0-9]{{1,{_NUMBER_DIGITS_MAX}}}", text) else None


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


def parse_number(text: str) -> int | None:
    number = number_of(text)
    if not number:
        raise FieldError("Must be a number from 1.")
    return number


def _parse_sha256(text: str) -> str:
    if not re.fullmatch("[0-9A-Fa-f]{64}", text):
        raise FieldError("Must be 64 hexadecimal digits.")
    return text.lower()


def _parse_kind(text: str) -> str:
    if text not in ROW_KINDS:
        raise FieldError(f"Must be one of {', '.join(ROW_KINDS)}.")
    return text


Q: Final = text_parameter(
    "q",
    "Words. Each must occur in the project name, the registry or the serial number, or be the first 6 or "
    "more digits of the id. Case and Unicode form do not matter. A term of one or two characters "
    "must be a whole word. A number also finds the block that contains it: by itself if it has 5 or more "
    "digits, otherwise together with words that all occur in the serial number.",
    TERM_LENGTH_MAX,
)
SHA256: Final = Parameter(
    "sha256",
    "The SHA-256 of the file, as 64 hexadecimal digits.",
    {"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"},
    _parse_sha256,
    "",
    is_required=True,
)
REGISTRY: Final = text_parameter("registry", "The registry, in any letter case and spacing.", 50)
ALIAS: Final = text_parameter("alias", "Another name of the registry.", 50)
VINTAGE: Final = Parameter(
    "vintage",
    "The year.",
    {"type": "integer", "minimum": VINTAGE_MIN, "maximum": VINTAGE_MAX},
    VintageField("vintage", "vintage").parse,
    None,
)
STATUS: Final = choice(
    "status",
    "The current status. By default, the list has the records that are ACTIVE, SOLD or RETIRED.",
    Status,
)
SERIAL: Final = text_parameter(
    "serial",
    "A serial number, a part of one, or a number in a block, in any spelling. Each of several words must "
    "be one of these; a word of one or two characters must be a whole word there. A block finds every "
    "record that holds any of its numbers; with `status=SPLIT` or `CANCELLED`, every record that held any.",
    200,
)
_FACT: Final = (
    "Exactly, apart from case and Unicode form. Lots have the facts of the record they were split from."
)
PROJECT_ID: Final = text_parameter("project_id", f"The fact `project_id`, such as `VCS 1340`. {_FACT}", 300)
COUNTRY: Final = text_parameter("country", f"The fact `country`. {_FACT}", 300)
PROJECT_TYPE: Final = text_parameter("project_type", f"The fact `project_type`. {_FACT}", 300)
IMPORT: Final = Parameter(
    "import",
    "The number of an import: records that it created, changed or ended, and lots of them.",
    {"type": "integer", "minimum": 1, "maximum": 10**_NUMBER_DIGITS_MAX - 1},
    parse_number,
    None,
)
PROJECT: Final = text_parameter("project", "The name of the project, in any letter case and spacing.", 300)
PARTY: Final = text_parameter("party", "The buyer or the beneficiary, in any letter case and spacing.", 300)
VINTAGE_FROM: Final = Parameter(
    "vintage_from",
    "The first year.",
    VINTAGE.schema,
    VintageField("vintage_from", "vintage_from").parse,
    None,
)
VINTAGE_TO: Final = Parameter(
    "vintage_to", "The last year.", VINTAGE.schema, VintageField("vintage_to", "vintage_to").parse, None
)
NAME: Final = text_parameter("name", "The name, in any letter case and spacing.", 300)
WORDS: Final = text_parameter("q", "Words, each of which must occur in a name.", TERM_LENGTH_MAX)
BEFORE: Final = _day("before", "Only acts before this day.")
AS_OF: Final = _day("as_of", "What had happened by the end of this day counts. By default, all days do.")
KNOWN_AT: Final = replace(
    text_parameter(
        "known_at",
        "What was recorded by this time counts: a time, or a day, whose end it is. By default, "
        "everything recorded so far.",
        40,
    ),
    schema={"anyOf": [_DAY, {"type": "string", "format": "date-time", "maxLength": 40}]},
)
HAPPENED_FROM: Final = _day("happened_from", "The first day on which it happened.")
HAPPENED_TO: Final = _day("happened_to", "The last day on which it happened.")
FROM_DAY: Final = _day("from", "The earlier name of `happened_from`, which comes first.")
TO_DAY: Final = _day("to", "The earlier name of `happened_to`, which comes first.")
TYPE: Final = choice("type", "Only events of this type.", LOGGED_TYPES)
LIMIT_OF_PAGE: Final = _limit("The maximum number of items.", LIMIT)
LIMIT_OF_PROBLEMS: Final = _limit("The maximum number of problems.", LIMIT_MAX)
CURSOR: Final = Parameter[str | None]("cursor", _CURSOR, {"type": "string"}, str, None)
CURSOR_NUMBER: Final = Parameter("cursor", _CURSOR, {"type": "string"}, _parse_cursor_number, None)
DRY_RUN: Final = _flag("dry_run", "1 only checks: nothing is written, and the import stays `checked`.")
SKIP_INVALID: Final = _flag(
    "skip_invalid", "1 skips rows that are invalid or in conflict, and writes the others."
)
IGNORE_UNKNOWN: Final = _flag("ignore_unknown", "1 ignores fields that a record does not have.")
WHERE: Final = Parameter[Where | None](
    "where",
    "Record only the rows in whose column this value is, as `column=value`, such as "
    "`Account Holder=Acme Airlines`. The other rows are left out, and compared with the ledger.",
    {"type": "string", "maxLength": 700, "pattern": WHERE_PATTERN},
    Where.parse,
    None,
)
COMPARE: Final = _flag("compare", "1 records nothing, and only compares the file with the ledger.")
END_DATE: Final = Parameter[str | None](
    "end_date",
    "The day of retirements and cancellations whose row states none. Without it, they have no date.",
    _DAY,
    parse_end_date,
    None,
)
AS_ADDITIONAL: Final = _flag(
    "as_additional",
    "1 records rows without a serial number beside numbered records of the same project, and the reverse.",
)
WITHOUT_FACTS: Final = _flag("without_facts", "1 adds no facts to records that are recorded already.")
KIND: Final = Parameter[str | None](
    "kind",
    "Only rows of this kind.",
    {"type": "string", "enum": ROW_KINDS},
    _parse_kind,
    None,
)


def list_url(cursor: str | None) -> str:
    """Return the URL of the requested list from the cursor on, from its start if None.

    It is a path with a query, and so valid under any host and port.
    """
    kept = {name: [text for text in texts if text] for name, texts in request.args.lists()}
    kept["cursor"] = [cursor] if cursor else []
    return url_for(str(request.endpoint), **{**kept, **(request.view_args or {})})


def next_url(cursor: str | None) -> str | None:
    """Return the URL of the next page, None where there is none."""
    return list_url(cursor) if cursor else None
