"""Read the rows of a large file one after another, in bounded memory: CSV and newline-delimited JSON.

A row becomes the JSON text of its cells, in which it is staged: a list in the order of the columns for CSV,
the object itself for JSON.
"""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from webapp.domain.canonical_json import NotJson
from webapp.domain.errors import FileTooLarge, TooManyRows, UnreadableFile
from webapp.imports.readers.bounds import ROW_CHARACTERS_MAX
from webapp.imports.readers.csv_file import (
    NO_ROWS,
    delimiter_of,
    has_space_before_quote,
    sheet_lines,
)
from webapp.imports.readers.file_kind import Content, content_of, refuse_markup
from webapp.imports.readers.json_file import NAMES_MAX, values_of_row
from webapp.imports.readers.open_file import begins_like_json
from webapp.imports.readers.source import FileKind, NotAnObject, ReadAs
from webapp.imports.readers.table import Line, TableStream
from webapp.imports.readers.text_encoding import codec_of, encoding_of_stream

BLOCK_BYTES: Final = 1024 * 1024
_BEGINNING_CHARACTERS: Final = 60_000
_NOT_STREAMED: Final = (
    "A JSON array is read up to 10,000 rows and 16 MB. For a larger one, write each object on a line of its "
    "own (NDJSON), or export the table as CSV."
)
_WORKBOOK: Final = (
    "A workbook is read up to 10,000 rows and 16 MB. Export the table as CSV, which can be larger."
)

StagedLine = tuple[int, str]


class _ReadAgainError(Exception):
    """The lines have to be read from the beginning in another way."""


@dataclass
class RowStream:
    """The rows of a large file: `rows` yields the number of each in the file, and its cells as JSON.

    `headers` and `notes` are complete after the last row. `columns` has the index of each header of a
    table; it is empty for JSON.
    """

    kind: FileKind
    encoding: str
    delimiter: str
    rows: Iterator[StagedLine]
    columns: dict[int, str] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def headers(self) -> list[str]:
        """The names of the columns, or of the members of all rows of JSON, in order."""
        return list(self.columns.values()) if self.columns else list(self.names)


def refuse_unless_streamed(beginning: bytes) -> None:
    """Raise FileTooLarge or UnsupportedFile if a file that begins so is not read in the background."""
    if content_of(beginning) is not Content.TEXT:
        raise FileTooLarge(_WORKBOOK)
    if begins_like_json(beginning):
        text = beginning.decode("utf-8-sig", errors="replace").lstrip()
        first, line_end, _ = text.partition("\n")
        try:
            values_of_row(first)
        except NotJson:
            line_end = ""
        if not text.startswith("{") or not line_end:
            raise FileTooLarge(_NOT_STREAMED)


def stream_rows(open_file: Callable[[], BinaryIO], read_as: ReadAs, rows_max: int) -> RowStream:
    """Return the rows of a file, which is opened as often as it has to be read.

    Raises UnreadableFile, UnsupportedFile and TooManyRows, at once or while the rows are read.
    """
    with open_file() as file:
        beginning = file.read(BLOCK_BYTES)
    if content_of(beginning) is not Content.TEXT:
        raise FileTooLarge(_WORKBOOK)
    if not beginning:
        raise UnreadableFile("This file is empty.")
    with open_file() as file:
        encoding = encoding_of_stream(iter(lambda: file.read(BLOCK_BYTES), b""), read_as.encoding)
    if not read_as.delimiter and begins_like_json(beginning):
        refuse_unless_streamed(beginning)
        return _json_lines(open_file, encoding, rows_max)
    return _table(open_file, encoding, read_as, rows_max)


def _text_lines(file: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield the lines of the text with their ends, and an empty one after the last."""
    text = io.TextIOWrapper(file, encoding=codec_of(encoding), newline="")
    number = 0
    while True:
        number += 1
        try:
            line = text.readline(ROW_CHARACTERS_MAX + 1)
        except UnicodeDecodeError:
            raise UnreadableFile(
                f"This is not {encoding} text: line {number:,} or one soon after it has an invalid byte. "
                "Choose another encoding."
            ) from None
        if "\0" in line:
            raise UnreadableFile(f"Line {number:,} has a zero byte, so this is not a table of text.")
        yield line.removeprefix("\ufeff") if number == 1 else line
        if not line:
            return


def _table(open_file: Callable[[], BinaryIO], encoding: str, read_as: ReadAs, rows_max: int) -> RowStream:
    with open_file() as file:
        text = io.TextIOWrapper(file, encoding=codec_of(encoding), newline="", errors="replace")
        beginning = text.read(_BEGINNING_CHARACTERS).removeprefix("\ufeff")
    refuse_markup(beginning)
    if not beginning.strip():
        raise UnreadableFile("This file begins with many empty lines. Delete them.")
    delimiter, skipped = delimiter_of(beginning, read_as)
    stream = RowStream(FileKind.CSV, encoding, delimiter, iter(()))

    def lines(file: BinaryIO, *, spaces_before_quotes: bool) -> Iterator[Line]:
        for line in sheet_lines(
            _text_lines(file, encoding),
            delimiter,
            skipped=skipped,
            spaces_before_quotes=spaces_before_quotes,
        ):
            if not spaces_before_quotes and has_space_before_quote(line):
                raise _ReadAgainError
            yield line

    def rows(*, spaces_before_quotes: bool) -> Iterator[StagedLine]:
        with open_file() as file:
            table = TableStream(lines(file, spaces_before_quotes=spaces_before_quotes), extra_cells=False)
            count = 0
            for number, cells in table.rows():
                count += 1
                if count > rows_max:
                    raise TooManyRows(rows_max)
                yield number, json.dumps(cells, ensure_ascii=False)
            if not count:
                raise UnreadableFile(NO_ROWS)
            stream.columns, stream.notes = table.headers, table.notes

    stream.rows = _again_if_needed(rows)
    return stream


def _again_if_needed(rows: Callable[..., Iterator[StagedLine]]) -> Iterator[StagedLine]:
    """Yield the rows; where a quotation mark comes after a space, begin again at number -1."""
    try:
        yield from rows(spaces_before_quotes=False)
    except _ReadAgainError:
        yield BEGIN_AGAIN
        yield from rows(spaces_before_quotes=True)


# What `RowStream.rows` yields where all rows before it are void.
BEGIN_AGAIN: Final[StagedLine] = (-1, "")


def _json_lines(open_file: Callable[[], BinaryIO], encoding: str, rows_max: int) -> RowStream:
    stream = RowStream(FileKind.NDJSON, encoding, "", iter(()))

    def rows() -> Iterator[StagedLine]:
        with open_file() as file:
            number = 0
            for line in _text_lines(file, encoding):
                text = line.strip(" \t\r\n")
                if not text:
                    continue
                number += 1
                if number > rows_max:
                    raise TooManyRows(rows_max)
                stream.names.update(dict.fromkeys(_names_in(number, text)))
                if len(stream.names) > NAMES_MAX:
                    raise UnreadableFile(
                        f"Row {number:,}: there are more than {NAMES_MAX:,} different names in this file."
                    )
                yield number, text

    stream.rows = rows()
    return stream


def _names_in(number: int, text: str) -> Iterable[str]:
    """Return the names in a row of newline-delimited JSON. Raises UnreadableFile."""
    if len(text) > ROW_CHARACTERS_MAX:
        raise UnreadableFile(f"Row {number:,} is longer than {ROW_CHARACTERS_MAX:,} characters.")
    try:
        values = values_of_row(text)
    except NotJson as error:
        raise UnreadableFile(f"Row {number:,}: {error}") from None
    return () if isinstance(values, NotAnObject) else values
