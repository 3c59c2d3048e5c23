"""The way into the readers: the bytes of a file become rows, for every kind of file."""

from dataclasses import replace
from typing import Final

from webapp.domain.errors import UnreadableFile
from webapp.imports.readers.csv_file import read_csv, refuse_long_lines
from webapp.imports.readers.file_kind import Content, content_of, refuse_markup
from webapp.imports.readers.json_file import read_json
from webapp.imports.readers.source import ReadAs, Source
from webapp.imports.readers.text_encoding import decode_file
from webapp.imports.readers.workbook import read_workbook
from webapp.imports.readers.zip_bounds import refuse_large_zip

_AUTOMATIC: Final = ReadAs()
_BEGINNING_BYTES: Final = 4000
# White space, and the bytes of the byte-order marks.
_MARKS_AND_SPACE: Final = b" \t\r\n\xef\xbb\xbf\xff\xfe"


def read_source(content: bytes, read_as: ReadAs = _AUTOMATIC, limit: int | None = None) -> Source:
    """Return what is in a file: its first `limit` rows, and how it was read.

    The whole file is checked against the limits of all readers. Raises UnsupportedFile, UnreadableFile
    and TooManyRows, each with a sentence that names the reason and what to do.
    """
    kind = content_of(content)
    if kind is not Content.TEXT:
        if kind is Content.ZIPPED_WORKBOOK:
            refuse_large_zip(content)
        return _first(read_workbook(content, read_as), limit)
    if not content or content.isspace():
        raise UnreadableFile("This file is empty.")
    is_json = not read_as.delimiter and begins_like_json(content)
    if not is_json:
        refuse_long_lines(content)
    decoded = decode_file(content, read_as.encoding)
    if is_json:
        return read_json(decoded, limit)
    refuse_markup(decoded.text)
    return _first(read_csv(decoded, read_as), limit)


def begins_like_json(content: bytes) -> bool:
    """Return whether the first character is a bracket, in any encoding that is read."""
    beginning = content[:_BEGINNING_BYTES].replace(b"\0", b"").lstrip(_MARKS_AND_SPACE)
    return beginning.startswith((b"[", b"{"))


def _first(source: Source, limit: int | None) -> Source:
    return source if limit is None else replace(source, rows=source.rows[:limit])
