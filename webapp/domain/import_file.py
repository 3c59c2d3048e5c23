"""From the bytes of a file to rows, and from a row to a credit. What the ledger holds is not known.

A file is a JSON array, an object with exactly one array in it, or newline-delimited JSON. It is
cut into rows before any of it is decoded, so that neither a record of 200 MB nor a million
brackets ever becomes a tree in memory.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from webapp.domain.credits import NEW_FIELDS, CanonicalCredit, Credit, parse_credit
from webapp.domain.errors import (
    InvalidFields,
    Problem,
    TooManyRows,
    UnreadableFile,
    UnsupportedFile,
)
from webapp.domain.fields import FieldRefused, IdField, QuantityField, unknown
from webapp.domain.json_text import MAX_DEPTH, NotJson, compressed_as, decode_text, text_of
from webapp.domain.lifecycle import Status
from webapp.domain.row_status import not_active, says_inactive

ROWS_MAX: Final = 10_000
_TOLD_EVERY: Final = 100
ROW_CHARACTERS_MAX: Final = 200_000
FRAME_CHARACTERS_MAX: Final = 1_000_000
# More than a record of our own API has; each may hold as many rows as a file.
ARRAYS_MAX: Final = 8

# Different fields that a credit does not have, and how much of the name of each is kept.
UNKNOWN_FIELDS_MAX: Final = 1000
_NAME_KEPT_MAX: Final = 80
# How many characters the canonical texts of all credits may have: an allowance, and so many for each
# character of the texts themselves. Nearly all have as many as their text, but a single character can
# have eighteen in canonical form, which then lie in memory and in the database several times.
_CANONICAL_ALLOWED: Final = 100_000
_CANONICAL_FOR_EACH: Final = 2

# What our own API adds to the fields of a credit. An import may carry it; of these only `id`,
# `status`, `parent` and `offset` are read.
OWN_FIELDS: Final = (
    "id",
    "status",
    "created_at",
    "parent",
    "offset",
    "lots",
    "replaced_by",
    "rest",
    "events",
)
_PARENT: Final = IdField("parent", "Parent", required=True)
_OFFSET: Final = QuantityField("offset", "Offset", required=True)

_MARK: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},]', re.DOTALL)
_JSON_SPACE: Final = " \t\r\n"


@dataclass(frozen=True)
class Row:
    """A row as it was understood: its credit, or every problem that keeps it from being one.

    `number` counts from 1; `unknown_fields` are those that no row before it has; `status` is what the
    field of that name says, ACTIVE where it says nothing; `not_active` is why the row cannot be recorded
    as active stock, where it says so in any other way.
    """

    number: int
    credit: Credit | None
    problems: list[Problem] = field(default_factory=list)
    unknown_fields: list[str] = field(default_factory=list)
    status: Status = Status.ACTIVE
    not_active: Problem | None = None

    @property
    def is_active(self) -> bool:
        """Whether nothing in the row says that its tonnes are no longer active."""
        return self.status is Status.ACTIVE and self.not_active is None


def row_texts(content: bytes) -> list[str]:
    """Return the JSON text of every row, in order, at least one.

    Raises UnsupportedFile, UnreadableFile and TooManyRows.
    """
    if kind := compressed_as(content):
        raise UnsupportedFile(f"This is a {kind} file. Unpack it and choose the JSON in it.")
    try:
        text = text_of(content).strip(_JSON_SPACE)
    except NotJson as error:
        raise UnreadableFile(str(error)) from None
    if not text:
        raise UnreadableFile("This file is empty.")
    if text[0] == "[":
        rows, end = _elements(text, 0)
        if text[end:].strip(_JSON_SPACE):
            raise UnreadableFile("There is something after the end of the array.")
    elif text[0] == "{":
        rows = _lines(text) or _rows_in_object(text)
    else:
        raise UnreadableFile("This is not JSON: it must begin with [ or {.")
    if not rows:
        raise UnreadableFile("There are no rows in this file.")
    return rows


def read_rows(
    content: bytes, limit: int | None = None, progress: Callable[[int], None] = lambda _done: None
) -> list[Row]:
    """Return the rows of a file, the first `limit` of them; `progress` is told how many are read.

    Raises UnsupportedFile, UnreadableFile and TooManyRows.
    """
    rows = []
    for row in parse_rows(row_texts(content)[:limit]):
        rows.append(row)
        if row.number % _TOLD_EVERY == 0:
            progress(row.number)
    return rows


def parse_rows(texts: Iterable[str]) -> Iterator[Row]:
    """Yield each row of a file as it is understood.

    Raises UnreadableFile where one is not JSON, and where the file would take far more memory than it
    is large: by ever new names of fields, or by texts that are many times as long in canonical form.
    """
    names: set[str] = set()
    recorded, compared = 0, 0
    for number, text in enumerate(texts, start=1):
        row = parse_row(number, text)
        new = [name for name in row.unknown_fields if name not in names]
        names.update(new)
        if len(names) > UNKNOWN_FIELDS_MAX:
            raise UnreadableFile(
                f"Row {number}: there are more than {UNKNOWN_FIELDS_MAX:,} different fields in this file "
                "that a credit does not have."
            )
        if row.credit:
            recorded += _length_of_texts(row.credit)
            compared += _length_of_texts(row.credit.canonical)
        if compared > _CANONICAL_ALLOWED + _CANONICAL_FOR_EACH * recorded:
            raise UnreadableFile(
                f"Row {number}: in the form in which they are compared, the texts up to here have "
                f"{compared:,} characters, and as they are written {recorded:,}. A file may have at most "
                "about twice as many."
            )
        yield replace(row, unknown_fields=new) if new != row.unknown_fields else row


def _length_of_texts(credit: Credit | CanonicalCredit) -> int:
    return len(credit.project_name) + len(credit.registry) + len(credit.serial_number or "")


def parse_row(number: int, text: str) -> Row:
    """Return the row that this text states. Raises UnreadableFile where it is not JSON."""
    try:
        value = decode_text(text)
    except NotJson as error:
        raise UnreadableFile(f"Row {number}: {error}") from None
    if not isinstance(value, dict):
        problem = Problem("", "A row must be an object with the fields of a credit.")
        return Row(number, None, [problem])
    others = (name[:_NAME_KEPT_MAX] for name in unknown(NEW_FIELDS, value) if name not in OWN_FIELDS)
    unknown_fields = list(dict.fromkeys(others))
    problems: list[Problem] = []
    credit = None
    try:
        names = {spec.name for spec in NEW_FIELDS}
        credit = parse_credit({name: item for name, item in value.items() if name in names})
    except InvalidFields as refusal:
        problems += refusal.problems
    if credit and value.get("parent") is not None:
        credit = _lot(credit, value, problems)
    if credit and value.get("id") not in (None, credit.id):
        problems.append(Problem("id", f"This is not the id of these fields, which is {credit.id}."))
    status = _status(value, problems)
    inactive = not_active(value)
    if inactive and problems:
        problems.insert(0, inactive)
    return Row(number, None if problems else credit, problems, unknown_fields, status, inactive)


def _lot(credit: Credit, value: Mapping[str, object], problems: list[Problem]) -> Credit:
    """Return the lot that the row states: its id follows from its parent and its place there."""
    place: dict[str, str | int | None] = {"offset": 0}
    for spec in (_PARENT, _OFFSET):
        if spec is _OFFSET and value.get("offset") == "0":  # where the first lot begins
            continue
        try:
            place[spec.name] = spec.parse(value.get(spec.name))
        except FieldRefused as refusal:
            problems.append(Problem(spec.name, str(refusal)))
            return credit
    return replace(credit, parent=str(place["parent"]), offset_e4=int(place["offset"] or 0))


def _status(value: Mapping[str, object], problems: list[Problem]) -> Status:
    given = value.get("status")
    if given is None:
        return Status.ACTIVE
    try:
        return Status(str(given))
    except ValueError:
        if not says_inactive(given):  # then the row is refused for what it says
            problems.append(Problem("status", f"Must be one of {', '.join(Status)}."))
        return Status.ACTIVE


def _lines(text: str) -> list[str]:
    """Return the rows of newline-delimited JSON, none where the text is one object."""
    rows: list[str] = []
    first, _, rest = text.partition("\n")
    try:
        decode_text(first[:ROW_CHARACTERS_MAX])
    except NotJson:
        return rows
    if not rest:
        return rows
    for line in text.split("\n", ROWS_MAX * 2):
        if line.strip(_JSON_SPACE):
            rows.append(line)
            if len(rows) > ROWS_MAX:
                raise TooManyRows(ROWS_MAX)
            if len(line) > ROW_CHARACTERS_MAX:
                raise UnreadableFile(_too_long(len(rows)))
    return rows


def _rows_in_object(text: str) -> list[str]:
    """Return the rows of the one array among the members of an object, or the object itself.

    A record of our own API is an object with an array, its events; so an object that names a
    project is a row.
    """
    arrays: list[list[str]] = []
    frame: list[str] = []
    framed, copied, depth, place, end = 0, 0, 0, 0, len(text)
    while match := _MARK.search(text, place):
        mark, place = match.group()[0], match.end()
        if mark == "[" and depth == 1:
            rows, after = _elements(text, match.start())
            arrays.append(rows)
            frame += (text[copied : match.start()], "[]")
            framed += match.start() - copied
            copied = place = after
        elif mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
        if depth == 0 and mark in "]}":
            end = place
            break
        too_large = framed + place - copied > FRAME_CHARACTERS_MAX or len(arrays) > ARRAYS_MAX
        if depth > MAX_DEPTH or too_large:
            raise UnreadableFile("This is not an object with one array of credits in it.")
    frame.append(text[copied:end])
    try:
        members = decode_text("".join(frame) + text[end : end + 100])
    except NotJson as error:
        raise UnreadableFile(f"Outside the array of rows: {error}") from None
    if isinstance(members, dict) and "project_name" in members:
        return [text]
    if len(arrays) != 1:
        raise UnreadableFile(
            f"An object must have exactly one array of credits in it; this has {len(arrays)}."
        )
    return arrays[0]


def _elements(text: str, start: int) -> tuple[list[str], int]:
    """Cut the array that begins at `start` into the texts of its elements.

    Returns them and the place after the array. Whether each is JSON shows when it is decoded.
    """
    elements: list[str] = []
    depth, begin = 0, start + 1
    for match in _MARK.finditer(text, start):
        mark, place = match.group()[0], match.start()
        if match.end() - begin > ROW_CHARACTERS_MAX:
            raise UnreadableFile(_too_long(len(elements) + 1))
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise UnreadableFile(f"Row {len(elements) + 1}: nested deeper than {MAX_DEPTH} levels.")
        elif mark in "]}":
            depth -= 1
        if (mark == "," and depth == 1) or depth == 0:
            element = text[begin:place]
            if depth or elements or element.strip(_JSON_SPACE):
                elements.append(element)
            begin = match.end()
            if len(elements) > ROWS_MAX:
                raise TooManyRows(ROWS_MAX)
        if depth == 0:
            return elements, match.end()
    raise UnreadableFile(f"The file is cut off in row {len(elements) + 1}.")


def _too_long(number: int) -> str:
    return f"Row {number} is longer than {ROW_CHARACTERS_MAX:,} characters."
