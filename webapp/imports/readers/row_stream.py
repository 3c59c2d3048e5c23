"""Read the rows of a large file one after another, in bounded memory: CSV, JSON and XLSX.

A row becomes the JSON text of its cells, in which it is staged: a list in the order of the columns of a
table, the object itself for JSON.
"""

import io
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import BinaryIO, Final

from webapp.domain.canonical_json import Number, compressed_as
from webapp.domain.errors import FileTooLarge, TooManyRows, UnreadableFile
from webapp.imports.readers.bounds import ROW_CHARACTERS_MAX
from webapp.imports.readers.csv_file import (
    NO_ROWS,
    delimiter_of,
    has_space_before_quote,
    sheet_lines,
)
from webapp.imports.readers.file_kind import Content, content_of, refuse_markup
from webapp.imports.readers.json_file import JSON_SPACE, Names, row_of_line, values_of
from webapp.imports.readers.json_rows import Row, TextWindow, is_lines, rows_of_array
from webapp.imports.readers.open_file import begins_like_json
from webapp.imports.readers.source import FileKind, ReadAs
from webapp.imports.readers.table import Line, TableStream
from webapp.imports.readers.text_encoding import codec_of, encoding_of_stream
from webapp.imports.readers.workbook import WorkbookReading, no_rows
from webapp.imports.readers.zip_bounds import STREAMED_BYTES_MAX, refuse_large_zip

BLOCK_BYTES: Final = 1024 * 1024
_BEGINNING_CHARACTERS: Final = 60_000
_OTHER_WORKBOOK: Final = (
    "A workbook of this kind (.xls, .ods, .xlsb) is read up to 10,000 rows and 16 MB. Save it as an Excel "
    "workbook (.xlsx) or export the table as CSV, which can be larger."
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
    names: Names = field(default_factory=Names)
    notes: list[str] = field(default_factory=list)
    sheet: str = ""
    sheets: Sequence[str] = ()

    @property
    def headers(self) -> list[str]:
        """The names of the columns, or of the members of all rows of JSON, in order."""
        return list(self.columns.values()) if self.columns else self.names.in_order


def refuse_unless_streamed(file: BinaryIO) -> None:
    """Raise FileTooLarge, UnreadableFile or UnsupportedFile if a file is not read in the background."""
    file.seek(0)
    content = content_of(file.read(BLOCK_BYTES), file)
    if content is Content.XLSX:
        refuse_large_zip(file, STREAMED_BYTES_MAX)
    elif content is not Content.TEXT:
        raise FileTooLarge(_OTHER_WORKBOOK)


def stream_rows(open_file: Callable[[], BinaryIO], read_as: ReadAs, rows_max: int) -> RowStream:
    """Return the rows of a file, which is opened as often as it has to be read.

    Raises UnreadableFile, UnsupportedFile and TooManyRows, at once or while the rows are read.
    """
    with open_file() as file:
        beginning = file.read(BLOCK_BYTES)
    if not beginning:
        raise UnreadableFile("This file is empty.")
    if compressed_as(beginning) == "zip":
        return _workbook(open_file, read_as, rows_max)
    if content_of(beginning) is not Content.TEXT:
        raise FileTooLarge(_OTHER_WORKBOOK)
    with open_file() as file:
        encoding = encoding_of_stream(iter(lambda: file.read(BLOCK_BYTES), b""), read_as.encoding)
    if not read_as.delimiter and begins_like_json(beginning):
        return _json(open_file, encoding, rows_max)
    return _table(open_file, encoding, read_as, rows_max)


def _workbook(open_file: Callable[[], BinaryIO], read_as: ReadAs, rows_max: int) -> RowStream:
    stream = RowStream(FileKind.WORKBOOK, "", "", iter(()))

    def rows() -> Iterator[StagedLine]:
        with TemporaryFile() as file:
            with open_file() as stored:
                shutil.copyfileobj(stored, file, BLOCK_BYTES)
            refuse_unless_streamed(file)
            reading = WorkbookReading(file, read_as.sheet, rows_max)
            table = TableStream(reading.lines(), extra_cells=True)
            count = 0
            for number, cells in table.rows():
                count += 1
                if count > rows_max:
                    raise TooManyRows(rows_max)
                yield number, _text_of(cells)
            if not count:
                raise UnreadableFile(no_rows(reading.sheet))
            stream.columns, stream.notes = table.headers, [*table.notes, *reading.notes]
            stream.sheet, stream.sheets = reading.sheet, reading.sheets

    stream.rows = rows()
    return stream


def _text_of(cells: Sequence[object]) -> str:
    """Return the cells of a workbook as JSON, in which numbers are as they were read."""
    texts = (
        str(cell) if isinstance(cell, Number) else json.dumps(cell, ensure_ascii=False) for cell in cells
    )
    return f"[{','.join(texts)}]"


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


def _json(open_file: Callable[[], BinaryIO], encoding: str, rows_max: int) -> RowStream:
    with open_file() as file:
        beginning = next(_text_blocks(file, encoding), "").lstrip(JSON_SPACE)
    if beginning.startswith("{") and is_lines(beginning):
        return _json_lines(open_file, encoding, rows_max)
    stream = RowStream(FileKind.JSON, encoding, "", iter(()))

    def rows() -> Iterator[StagedLine]:
        with open_file() as file:
            found = rows_of_array(TextWindow(_text_blocks(file, encoding)), rows_max)
            yield from _named(stream, enumerate(found, start=1))

    stream.rows = rows()
    return stream


def _json_lines(open_file: Callable[[], BinaryIO], encoding: str, rows_max: int) -> RowStream:
    stream = RowStream(FileKind.NDJSON, encoding, "", iter(()))

    def lines() -> Iterator[tuple[int, Row]]:
        with open_file() as file:
            number = 0
            for line in _text_lines(file, encoding):
                text = line.strip(JSON_SPACE)
                if not text:
                    continue
                number += 1
                if number > rows_max:
                    raise TooManyRows(rows_max)
                yield number, row_of_line(number, text)

    stream.rows = _named(stream, lines())
    return stream


def _named(stream: RowStream, rows: Iterable[tuple[int, Row]]) -> Iterator[StagedLine]:
    """Yield the texts of rows of JSON, and add their names to the stream."""
    for number, (text, value) in rows:
        stream.names.add(number, values_of(value))
        yield number, text


def _text_blocks(file: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield the text in blocks, none of which is empty."""
    text = io.TextIOWrapper(file, encoding=codec_of(encoding), newline="")
    is_first = True
    while True:
        try:
            block = text.read(BLOCK_BYTES)
        except UnicodeDecodeError:
            raise UnreadableFile(
                f"This is not {encoding} text: it has an invalid byte. Choose another encoding."
            ) from None
        if not block:
            return
        if is_first:
            block = block.removeprefix("\ufeff")
            is_first = False
        if block:
            yield block
