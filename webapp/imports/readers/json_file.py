"""Read a JSON file: an array, an object with exactly one array in it, or newline-delimited JSON."""

from collections.abc import Iterator
from typing import Final

from webapp.domain.canonical_json import NotJson, decode_text
from webapp.domain.errors import FileTooLarge, TooManyRows, UnreadableFile
from webapp.imports.readers.bounds import ROW_CHARACTERS_MAX, ROWS_MAX
from webapp.imports.readers.json_rows import Row, TextWindow, is_lines, rows_of_array
from webapp.imports.readers.source import FileKind, NotAnObject, Source, SourceRow
from webapp.imports.readers.text_encoding import Decoded

# Names of members, of all rows together: far more than a file of credits has.
NAMES_MAX: Final = 5_000
# About all members and elements: a value of two characters takes a hundred times the memory when decoded.
VALUES_MAX: Final = 1_000_000

JSON_SPACE: Final = " \t\r\n"


def read_json(decoded: Decoded) -> Source:
    """Return the rows of a JSON text, decoded. Raises UnreadableFile and TooManyRows."""
    text = decoded.text.strip(JSON_SPACE)
    kind = FileKind.NDJSON if text.startswith("{") and is_lines(text) else FileKind.JSON
    found = _lines(text) if kind is FileKind.NDJSON else rows_of_array(TextWindow(iter([text])), ROWS_MAX)
    names = Names()
    rows: list[SourceRow] = []
    count = 0
    for number, (row, value) in enumerate(found, start=1):
        count += row.count(",") + row.count("[") + row.count("{")
        if count > VALUES_MAX:
            raise FileTooLarge(f"This file has more than {VALUES_MAX:,} values.")
        values = values_of(value)
        names.add(number, values)
        rows.append(SourceRow(number, values))
    return Source(kind, names.in_order, rows, encoding=decoded.encoding)


class Names:
    """The names of the members of all rows, in the order of their first appearance."""

    def __init__(self) -> None:
        """Begin without names."""
        self._names: dict[str, None] = {}

    @property
    def in_order(self) -> list[str]:
        """All names so far."""
        return list(self._names)

    def add(self, number: int, values: dict[str, object]) -> None:
        """Add the names of a row. Raises UnreadableFile if there are too many."""
        if isinstance(values, NotAnObject):
            return
        self._names.update(dict.fromkeys(values))
        if len(self._names) > NAMES_MAX:
            raise UnreadableFile(
                f"Row {number:,}: there are more than {NAMES_MAX:,} different names in this file."
            )


def values_of_row(text: str) -> dict[str, object]:
    """Return the values of a row by name, from its text. Raises NotJson."""
    return values_of(decode_text(text))


def values_of(value: object) -> dict[str, object]:
    """Return the values of a row by name."""
    return value if isinstance(value, dict) else NotAnObject({"": value})


def row_of_line(number: int, line: str) -> Row:
    """Return a row of newline-delimited JSON. Raises UnreadableFile."""
    if len(line) > ROW_CHARACTERS_MAX:
        raise UnreadableFile(f"Row {number:,} is longer than {ROW_CHARACTERS_MAX:,} characters.")
    try:
        return line, decode_text(line)
    except NotJson as error:
        raise UnreadableFile(f"Row {number:,}: {error}") from None


def _lines(text: str) -> Iterator[Row]:
    """Yield the rows of newline-delimited JSON."""
    number = 0
    for line in text.split("\n", ROWS_MAX * 2):
        if line.strip(JSON_SPACE):
            number += 1
            if number > ROWS_MAX:
                raise TooManyRows(ROWS_MAX)
            yield row_of_line(number, line)
