"""Read delimited text in any dialect: comma, semicolon, tab or pipe, with quoted cells."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Final

from webapp.domain.errors import TooManyRows, UnreadableFile
from webapp.imports.readers.bounds import (
    CELLS_MAX,
    COLUMNS_MAX,
    ROW_CHARACTERS_MAX,
    ROWS_MAX,
    too_many_cells,
    too_many_columns,
)
from webapp.imports.readers.source import FileKind, ReadAs, Source
from webapp.imports.readers.table import HEADERS_WITHIN, LINES_MAX, Line, find_table, stripped
from webapp.imports.readers.text_encoding import Decoded

# The first of equally good ones is taken.
DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
# The most bytes that a character has in any encoding that is read.
_CHARACTER_BYTES_MAX: Final = 4
EMPTY_LINES_MAX: Final = 100_000
_TOO_MANY_EMPTY: Final = (
    f"This file has more than {EMPTY_LINES_MAX:,} empty lines. Delete the empty lines under the table."
)
NO_ROWS: Final = "There are no rows in this file: it has nothing but a line of headers."
_SAMPLE_CHARACTERS: Final = 60_000
_SAMPLE_LINES: Final = 200
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")
# What spreadsheet programs write as the first line to name the delimiter.
_NAMED_DELIMITER: Final = re.compile(r'"?sep=([,;\t|])"?[\r\n]', re.IGNORECASE)
_NUMBER: Final = re.compile(r"[-+]?[0-9][0-9.,]*")


def refuse_long_lines(content: bytes) -> None:
    """Raise UnreadableFile if a line is longer than any row may be, before the bytes become text."""
    longest = ROW_CHARACTERS_MAX * _CHARACTER_BYTES_MAX
    place = 0
    while len(content) - place > longest:
        end = max(content.rfind(mark, place, place + longest) for mark in (b"\n", b"\r"))
        if end < place:
            number = content.count(b"\n", 0, place) + 1
            raise UnreadableFile(_too_long(number))
        place = end + 1


def read_csv(decoded: Decoded, read_as: ReadAs) -> Source:
    """Return the rows of delimited text. Raises UnreadableFile and TooManyRows."""
    text = decoded.text
    if not text.strip():
        raise UnreadableFile("This file is empty.")
    delimiter, skipped = delimiter_of(text, read_as)
    lines = _lines(text, delimiter, skipped)
    if any(map(has_space_before_quote, lines)):
        lines = _lines(text, delimiter, skipped, spaces_before_quotes=True)
    table = find_table(lines, missing="", extra_cells=False)
    if table is None:
        raise UnreadableFile(NO_ROWS)
    return Source(
        FileKind.CSV,
        table.headers,
        table.rows,
        encoding=decoded.encoding,
        delimiter=delimiter,
        notes=table.notes,
    )


def delimiter_of(text: str, read_as: ReadAs) -> tuple[str, int]:
    """Return the delimiter of a text or its beginning, and how many lines only name it."""
    named = _NAMED_DELIMITER.match(text)
    if read_as.delimiter:
        delimiter = _chosen(read_as.delimiter)
    else:
        delimiter = named[1] if named else _delimiter_of(text)
    return delimiter, 1 if named else 0


def has_space_before_quote(line: Line) -> bool:
    """Return whether a cell of the line begins with a space before a quotation mark."""
    return any(isinstance(cell, str) and cell.startswith(' "') for cell in line[1])


def _chosen(delimiter: str) -> str:
    if delimiter not in DELIMITERS:
        raise UnreadableFile(f"The separator must be one of these: {', '.join(DELIMITERS.values())}.")
    return delimiter


class _PhysicalLines:
    """The lines of a text with their ends, as long as those of one row together are short enough."""

    def __init__(self, lines: Iterator[str]) -> None:
        """Take the lines, none empty but that after the last. Begin with the first."""
        self._lines = lines
        self._characters = 0
        self.row = 1

    def __iter__(self) -> Iterator[str]:
        """Return itself."""
        return self

    def __next__(self) -> str:
        """Return the next line, or end."""
        line = next(self._lines)
        if not line:
            raise StopIteration
        self._characters += len(line)
        if self._characters > ROW_CHARACTERS_MAX:
            raise UnreadableFile(_too_long(self.row))
        return line

    def next_row(self) -> None:
        """Say that the lines up to here are a row."""
        self._characters = 0
        self.row += 1


def _lines(text: str, delimiter: str, skipped: int, *, spaces_before_quotes: bool = False) -> list[Line]:
    """Return the lines of the sheet that are not empty, with their numbers."""
    lines: list[Line] = []
    cells = 0
    for line in sheet_lines(
        lines_of(text), delimiter, skipped=skipped, spaces_before_quotes=spaces_before_quotes
    ):
        lines.append(line)
        cells += len(stripped(line[1]))
        if len(lines) > LINES_MAX:
            raise TooManyRows(ROWS_MAX)
        if cells > CELLS_MAX:
            raise UnreadableFile(too_many_cells())
    return lines


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines of a text with their ends, and an empty one after the last."""
    return (match.group() for match in _LINE.finditer(text))


def sheet_lines(
    lines: Iterator[str], delimiter: str, *, skipped: int, spaces_before_quotes: bool
) -> Iterator[Line]:
    """Yield the lines of the sheet that are not empty, with their numbers, without the first `skipped`.

    The first lines keep the empty cells at their end, since these can be columns without a header.
    Raises UnreadableFile.
    """
    physical = _PhysicalLines(lines)
    reader = csv.reader(physical, delimiter=delimiter, strict=True, skipinitialspace=spaces_before_quotes)
    count = 0
    try:
        for row in reader:
            number = physical.row
            physical.next_row()
            kept = stripped(row)
            if not kept or number <= skipped:
                if number - count > EMPTY_LINES_MAX:
                    raise UnreadableFile(_TOO_MANY_EMPTY)
                continue
            if len(kept) > COLUMNS_MAX:
                raise UnreadableFile(too_many_columns(number, len(kept)))
            yield number, row[:COLUMNS_MAX] if count < HEADERS_WITHIN else kept
            count += 1
    except csv.Error as error:
        raise UnreadableFile(_wrong_quotes(physical.row, str(error))) from None


def _wrong_quotes(number: int, reason: str) -> str:
    if "field larger" in reason:
        return _too_long(number)
    if "unexpected end" in reason:
        return f"A quotation mark opens in line {number} and does not close."
    return (
        f"Line {number}: a quotation mark closes in the middle of a cell. Write a quotation mark that "
        "belongs to the text twice."
    )


def _delimiter_of(text: str) -> str:
    """Return the delimiter that makes the most regular table of the first lines."""
    sample = text[:_SAMPLE_CHARACTERS]
    if len(text) > len(sample):
        sample = sample[: sample.rfind("\n") + 1] or sample
    return max(DELIMITERS, key=lambda delimiter: _regularity(sample, delimiter))


def _regularity(sample: str, delimiter: str) -> float:
    """Return how much the text is a table with this delimiter, from 0 to 1.

    It is the share of rows that are equally wide, times the share of their cells without another
    delimiter in them, times a factor for more columns. A comma in a number or before a space is text.
    """
    reader = csv.reader(_PhysicalLines(lines_of(sample)), delimiter=delimiter)
    rows: list[list[str]] = []
    with suppress(csv.Error, UnreadableFile):  # what is wrong with a line is said when the file is read
        rows += (row for row in islice(reader, _SAMPLE_LINES) if row)
    widths = Counter(len(row) for row in rows if len(row) > 1)
    if not widths:
        return 0.0
    width, count = widths.most_common(1)[0]
    cells = [cell for row in rows if len(row) == width for cell in row]
    others = "".join(other for other in DELIMITERS if other != delimiter)
    other_inside = re.compile(rf"[{re.escape(others)}](?! )")
    clean = sum(not other_inside.search(cell) or bool(_NUMBER.fullmatch(cell)) for cell in cells)
    return count / len(rows) * clean / len(cells) * (width - 1) / width


def _too_long(number: int) -> str:
    return (
        f"The row in line {number:,} is longer than {ROW_CHARACTERS_MAX:,} characters. "
        "Look for a quotation mark that does not close, or for line breaks that are missing."
    )
