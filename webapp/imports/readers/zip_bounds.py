"""Bound what a ZIP file inflates to, before a library opens it."""

import io
import zipfile
import zlib
from typing import Final

from webapp.domain.errors import UnreadableFile

ENTRIES_MAX: Final = 5_000
INFLATED_BYTES_MAX: Final = 100_000_000
# How many times as large an entry of more than a megabyte may become; XML of sheets becomes 5 to 50 times.
RATIO_MAX: Final = 300
_SMALL_BYTES: Final = 1_000_000
_CHUNK_BYTES: Final = 256 * 1024
_ENTRY_MARK: Final = b"PK\x01\x02"
_ENCRYPTED: Final = 1
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile raises for a damaged file. For a compression method that it does not know, it raises
# NotImplementedError, which is caught here and is no gap in this program.
_ZIP_ERRORS: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError)
PROTECTED: Final = "This workbook is protected with a password. Save it without one, and choose it again."
_TOO_LARGE: Final = (
    f"Unpacked, this workbook is larger than {INFLATED_BYTES_MAX // 1_000_000} MB, "
    "which is more than a table of credits needs. Export the table as CSV."
)


def names_in_zip(content: bytes) -> list[str]:
    """Return the names of the files in it. Raises UnreadableFile if there are too many, or it is damaged."""
    if content.count(_ENTRY_MARK) > ENTRIES_MAX:
        raise UnreadableFile(f"This ZIP file has more than {ENTRIES_MAX:,} files in it.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.namelist()
    except _ZIP_ERRORS:
        raise _damaged() from None


def refuse_large_zip(content: bytes) -> None:
    """Inflate everything, a part at a time, and raise UnreadableFile if it is larger than may be read.

    The sizes that the directory states are looked at first. A file that is larger than stated does not
    pass its checksum.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > INFLATED_BYTES_MAX:
                raise UnreadableFile(_TOO_LARGE)
            if any(entry.file_size > max(_SMALL_BYTES, entry.compress_size * RATIO_MAX) for entry in entries):
                raise UnreadableFile(_TOO_LARGE)
            if any(entry.flag_bits & _ENCRYPTED for entry in entries):
                raise UnreadableFile(PROTECTED)
            if any(entry.compress_type not in _METHODS for entry in entries):
                raise UnreadableFile(
                    "This workbook is packed in a way that is not read. Save it as XLSX again."
                )
            for entry in entries:
                with archive.open(entry) as file:
                    while file.read(_CHUNK_BYTES):
                        pass
    except _ZIP_ERRORS:
        raise _damaged() from None


def _damaged() -> UnreadableFile:
    return UnreadableFile("This file is damaged or not complete. Save or download it again.")
