import io
import zipfile

import pytest

from webapp.domain.errors import UnreadableFile, UnsupportedFile
from webapp.imports.readers.open_file import read_source
from webapp.imports.readers.source import FileKind

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def ole_of(stream: str) -> bytes:
    """Return the beginning of an OLE file with an entry for the stream in its directory."""
    name = f"{stream}\0".encode("utf-16-le")
    return OLE + name.ljust(64, b"\0") + bytes([len(name), 0]) + bytes(62)


def zip_of(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF"),
        (b"\x89PNG\r\n\x1a\n", "an image (PNG)"),
        (b"\xff\xd8\xff\xe0", "an image (JPEG)"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "an image (WebP)"),
        (b"PAR1\x15\x04\x15\x00PAR1", "a Parquet file"),
        (b"SQLite format 3\x00", "an SQLite database"),
        (b"{\\rtf1\\ansi", "an RTF document"),
        (b"\x1f\x8b\x08\x00", "a gzip file"),
        (b"BZh91AY&SY", "a bzip2 file"),
        (b"\xfd7zXZ\x00", "a xz file"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z file"),
        (b"Rar!\x1a\x07\x01\x00", "a RAR file"),
        (zip_of("credits.csv"), "a zip file"),
        (zip_of("[Content_Types].xml", "word/document.xml"), "a Word document"),
        (zip_of("Index/Document.iwa"), "an Apple Numbers"),
        (ole_of("WordDocument"), "a Word document"),
        (OLE, "an Office document"),
        (b"<!DOCTYPE html>\n<html>", "a web page (HTML)"),
        (b"\xef\xbb\xbf\n<table><tr><td>1", "a web page (HTML)"),
        ("<html>".encode("utf-16"), "a web page (HTML)"),
        (b'<?xml version="1.0"?>\n<html xmlns="x">', "a web page (HTML)"),
        (b'<?xml version="1.0"?><Workbook>', "XML"),
        (bytes(range(256)) * 4, "neither text nor an Excel workbook"),
    ],
)
def test_a_file_of_another_kind_is_named_with_the_next_step(content: bytes, kind: str) -> None:
    with pytest.raises(UnsupportedFile) as refused:
        read_source(content)
    assert str(refused.value).startswith(f"This is {kind}")
    assert any(step in str(refused.value) for step in ("Export the table", "Unpack it", "save it as CSV"))


def test_a_workbook_with_a_password_is_named() -> None:
    with pytest.raises(UnreadableFile, match="protected with a password"):
        read_source(ole_of("EncryptedPackage"))


@pytest.mark.parametrize(
    "text", ["PAR1,b\n1,2\n", "<5 t,b\n1,2\n", "%,b\n1,2\n", "name <x>,b\n1,2\n", "null,b\n1,2\n"]
)
def test_a_table_that_begins_like_another_kind_is_read(text: str) -> None:
    assert read_source(text.encode()).kind is FileKind.CSV


@pytest.mark.parametrize("content", [b"", b" \r\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_file_is_named(content: bytes) -> None:
    with pytest.raises(UnreadableFile, match="empty"):
        read_source(content)
