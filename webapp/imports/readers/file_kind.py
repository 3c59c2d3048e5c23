"""Judge what a file is by its content, never by its name."""

import io
import re
from enum import Enum, auto
from typing import BinaryIO, Final

from webapp.domain.canonical_json import compressed_as
from webapp.domain.errors import UnreadableFile, UnsupportedFile
from webapp.imports.readers.zip_bounds import PROTECTED, names_in_zip

_EXPORT: Final = "Export the table as CSV or Excel, and choose that file."

# How a file of each kind begins, and what it is. Two of them are letters that a table can begin with
# too, so they count only beside zero bytes.
_BEGINNINGS: Final = (
    (b"%PDF-", "a PDF"),
    (b"\x89PNG\r\n", "an image (PNG)"),
    (b"\xff\xd8\xff", "an image (JPEG)"),
    (b"GIF87a", "an image (GIF)"),
    (b"GIF89a", "an image (GIF)"),
    (b"II*\0", "an image (TIFF)"),
    (b"MM\0*", "an image (TIFF)"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"Obj\x01", "an Avro file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"{\\rtf", "an RTF document"),
    (b"\x7fELF", "a program"),
)
_LETTERS_ONLY: Final = (b"PAR1", b"ARROW1")
_ARCHIVES: Final = ((b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07", "RAR"))
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Names in the directory of an OLE file, and what has them.
_OLE_STREAMS: Final = (
    ("EncryptedPackage", ""),
    ("WordDocument", "a Word document"),
    ("PowerPoint Document", "a PowerPoint presentation"),
    ("__properties_version1.0", "an Outlook message"),
)
_OLE_WORKBOOKS: Final = ("Workbook", "Book")
_OLE_NAME_BYTES: Final = 64
# Names in a ZIP file, and what has them.
_XLSX: Final = "xl/workbook.xml"
_OTHER_WORKBOOKS: Final = ("xl/workbook.bin", "content.xml")
_ZIPPED: Final = (
    ("word/", "a Word document"),
    ("ppt/", "a PowerPoint presentation"),
    ("Index/Document.iwa", "an Apple Numbers or Pages document"),
    ("META-INF/MANIFEST.MF", "a Java program"),
)
_HTML: Final = re.compile(r"<(?:!doctype html|html|head|body|table|meta|div)\b", re.IGNORECASE)
_XML: Final = re.compile(r"<\?xml\b|<[A-Za-z][\w:.-]*(?:\s|>|/>)")


class Content(Enum):
    """The kind of content, which decides how a file is read."""

    TEXT = auto()
    XLSX = auto()
    OTHER_ZIPPED_WORKBOOK = auto()
    OLE_WORKBOOK = auto()


def content_of(content: bytes, file: BinaryIO | None = None) -> Content:
    """Return how a file is read. `content` may be its beginning if `file` is all of it.

    Raises UnsupportedFile for a file that is not read, naming what it is, and UnreadableFile.
    """
    if content.startswith(_OLE):
        return _ole(content)
    for beginning, kind in _BEGINNINGS:
        if content.startswith(beginning) and (beginning not in _LETTERS_ONLY or b"\0" in content):
            raise UnsupportedFile(f"This is {kind}. {_EXPORT}")
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        raise UnsupportedFile(f"This is an image (WebP). {_EXPORT}")
    for beginning, kind in _ARCHIVES:
        if content.startswith(beginning):
            raise _archive(kind)
    compressed = compressed_as(content)
    if compressed == "zip":
        return _zip(file or io.BytesIO(content))
    if compressed:
        raise _archive(compressed)
    return Content.TEXT


def refuse_markup(text: str) -> None:
    """Raise UnsupportedFile if the text is HTML or XML."""
    start = text.lstrip()[:1000]
    if _HTML.match(start) or (_XML.match(start) and "<html" in start.lower()):
        raise UnsupportedFile(
            "This is a web page (HTML), although its name ends otherwise. Open it in a spreadsheet program "
            "and save it as CSV or Excel (.xlsx)."
        )
    if _XML.match(start):
        raise UnsupportedFile(
            "This is XML. Open it in a spreadsheet program and save it as CSV or Excel (.xlsx)."
        )


def _ole(content: bytes) -> Content:
    for stream, kind in _OLE_STREAMS:
        if _ole_entry(stream) in content:
            if not kind:
                raise UnreadableFile(PROTECTED)
            raise UnsupportedFile(f"This is {kind}. {_EXPORT}")
    if any(_ole_entry(stream) in content for stream in _OLE_WORKBOOKS):
        return Content.OLE_WORKBOOK
    raise UnsupportedFile(f"This is an Office document, and not an Excel workbook. {_EXPORT}")


def _ole_entry(stream: str) -> bytes:
    """Return how the entry of a stream begins: its name in UTF-16, padded, and the length of the name."""
    name = f"{stream}\0".encode("utf-16-le")
    return name.ljust(_OLE_NAME_BYTES, b"\0") + len(name).to_bytes(2, "little")


def _zip(file: BinaryIO) -> Content:
    names = names_in_zip(file)
    lower = {name.lower() for name in names}
    if _XLSX in lower:
        return Content.XLSX
    if not lower.isdisjoint(_OTHER_WORKBOOKS):
        return Content.OTHER_ZIPPED_WORKBOOK
    for beginning, kind in _ZIPPED:
        if any(name.startswith(beginning) for name in names):
            raise UnsupportedFile(f"This is {kind}. {_EXPORT}")
    raise _archive("zip")


def _archive(kind: str) -> UnsupportedFile:
    return UnsupportedFile(f"This is a {kind} file. Unpack it and choose the table in it.")
