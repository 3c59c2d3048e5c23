"""Split the text of a JSON file into the texts of its rows, and decode them.

A file is a JSON array, an object with exactly one array in it, or newline-delimited JSON. It is
split into rows before it is decoded, so that neither a record of 200 MB nor a million brackets
becomes a tree in memory.
"""

import re
from itertools import islice
from typing import Final

from webapp.domain.canonical_json import MAX_DEPTH, NotJson, decode_text
from webapp.domain.errors import TooManyRows, UnreadableFile
from webapp.imports.readers.bounds import ROW_CHARACTERS_MAX, ROWS_MAX
from webapp.imports.readers.source import FileKind, NotAnObject, Source, SourceRow
from webapp.imports.readers.text_encoding import Decoded

# Names of members, of all rows together: far more than a file of credits has.
NAMES_MAX: Final = 5_000
# Each member and element, since a value of two characters takes a hundred times the memory when decoded.
VALUES_MAX: Final = 1_000_000
FRAME_CHARACTERS_MAX: Final = 1_000_000
# More than a record of our own API has; each may hold as many rows as a file.
ARRAYS_MAX: Final = 8

_MARK: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},]', re.DOTALL)
_JSON_SPACE: Final = " \t\r\n"


def read_json(decoded: Decoded, limit: int | None = None) -> Source:
    """Return the first `limit` rows of a JSON text, decoded. Raises UnreadableFile and TooManyRows."""
    kind, texts = _rows_of(decoded.text)
    if _has_too_many_values(decoded.text):
        raise UnreadableFile(f"This file has more than {VALUES_MAX:,} values.")
    rows: list[SourceRow] = []
    names: dict[str, None] = {}
    for number, text in enumerate(texts[:limit], start=1):
        values = _values(number, text)
        if not isinstance(values, NotAnObject):
            names.update(dict.fromkeys(values))
        if len(names) > NAMES_MAX:
            raise UnreadableFile(
                f"Row {number}: there are more than {NAMES_MAX:,} different names in this file."
            )
        rows.append(SourceRow(number, values))
    return Source(kind, list(names), rows, encoding=decoded.encoding)


def _has_too_many_values(text: str) -> bool:
    if sum(text.count(mark) for mark in ",[{") <= VALUES_MAX:
        return False
    values = (match for match in _MARK.finditer(text) if match.group() in ",[{")
    return next(islice(values, VALUES_MAX, None), None) is not None


def _values(number: int, text: str) -> dict[str, object]:
    try:
        return values_of_row(text)
    except NotJson as error:
        raise UnreadableFile(f"Row {number}: {error}") from None


def values_of_row(text: str) -> dict[str, object]:
    """Return the values of a row by name, from its text. Raises NotJson."""
    value = decode_text(text)
    return value if isinstance(value, dict) else NotAnObject({"": value})


def _rows_of(content: str) -> tuple[FileKind, list[str]]:
    """Return the texts of all rows, at least one."""
    text = content.strip(_JSON_SPACE)
    if not text:
        raise UnreadableFile("This file is empty.")
    kind = FileKind.JSON
    if text[0] == "[":
        rows, end = _elements(text, 0)
        if text[end:].strip(_JSON_SPACE):
            raise UnreadableFile("There is something after the end of the array.")
    elif text[0] == "{":
        rows = _lines(text)
        if rows:
            kind = FileKind.NDJSON
        else:
            rows = _rows_in_object(text)
    else:
        raise UnreadableFile("This is not JSON: it must begin with [ or {.")
    if not rows:
        raise UnreadableFile("There are no rows in this file.")
    return kind, rows


def _lines(text: str) -> list[str]:
    """Return the rows of newline-delimited JSON, an empty list if the text is one object."""
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
    """Split the array that begins at `start` into the texts of its elements.

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
