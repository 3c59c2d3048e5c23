"""The way into the readers: the bytes of a file become rows, for every kind of file."""

import io
from typing import Final

from webapp.domain.errors import UnreadableFile
from webapp.imports.readers.csv_file import read_csv, refuse_long_lines
from webapp.imports.readers.file_kind import Content, content_of, refuse_markup
from webapp.imports.readers.json_file import read_json
from webapp.imports.readers.source import ReadAs, Source
from webapp.imports.readers.text_encoding import decode_file
from webapp.imports.readers.workbook import read_workbook
from webapp.imports.readers.zip_bounds import refuse_large_zip, refuse_lying_zip

_AUTOMATIC: Final = ReadAs()
_BEGINNING_BYTES: Final = 4000
# White space, and the bytes of the byte-order marks.
_MARKS_AND_SPACE: Final = b" \t\r\n\xef\xbb\xbf\xff\xfe"


def read_source(content: bytes, read_as: ReadAs = _AUTOMATIC) -> Source:
    """Return the rows of a file, and how it was read.

    Raises UnsupportedFile, UnreadableFile and TooManyRows, each with a sentence that names the reason and
    what to do. FileTooLarge, a kind of UnreadableFile, says that it may be read in the background.
    """
    kind = content_of(content)
    if kind is not Content.TEXT:
        if kind is not Content.OLE_WORKBOOK:
            refuse_large_zip(io.BytesIO(content))
            refuse_lying_zip(io.BytesIO(content))
        return read_workbook(content, read_as)
    if not content or content.isspace():
        raise UnreadableFile("This file is empty.")
    is_json = not read_as.delimiter and begins_like_json(content)
    if not is_json:
        refuse_long_lines(content)
    decoded = decode_file(content, read_as.encoding)
    if is_json:
        return read_json(decoded)
    refuse_markup(decoded.text)
    return read_csv(decoded, read_as)


def begins_like_json(content: bytes) -> bool:
    """Return whether the first character is a bracket, in any encoding that is read."""
    beginning = content[:_BEGINNING_BYTES].replace(b"\0", b"").lstrip(_MARKS_AND_SPACE)
    return beginning.startswith((b"[", b"{"))
