"""Bound what a ZIP file inflates to, before a library opens it."""

import zipfile
import zlib
from typing import BinaryIO, Final

from webapp.domain.errors import FileTooLarge, UnreadableFile

ENTRIES_MAX: Final = 5_000
# Unpacked, of a workbook that is read at once, and of one that is read line by line in the background.
INFLATED_BYTES_MAX: Final = 100_000_000
STREAMED_BYTES_MAX: Final = 2_000_000_000
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
_TOO_DENSE: Final = (
    f"A part of this workbook becomes more than {RATIO_MAX} times as large when it is unpacked, and no "
    "table of credits does. Export the table as CSV."
)


def names_in_zip(file: BinaryIO) -> list[str]:
    """Return the names of the files in it. Raises UnreadableFile if there are too many, or it is damaged."""
    if _count_of_marks(file) > ENTRIES_MAX:
        raise UnreadableFile(f"This ZIP file has more than {ENTRIES_MAX:,} files in it.")
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.namelist()
    except _ZIP_ERRORS:
        raise _damaged() from None


def refuse_large_zip(file: BinaryIO, bytes_max: int = INFLATED_BYTES_MAX) -> None:
    """Raise FileTooLarge or UnreadableFile if the sizes in the directory are larger than may be read.

    A library that reads no more of an entry than its stated size is bounded by them. For others, see
    `refuse_lying_zip`.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except _ZIP_ERRORS:
        raise _damaged() from None
    if any(entry.file_size > max(_SMALL_BYTES, entry.compress_size * RATIO_MAX) for entry in entries):
        raise UnreadableFile(_TOO_DENSE)
    if sum(entry.file_size for entry in entries) > bytes_max:
        raise FileTooLarge(
            f"Unpacked, this workbook is larger than {bytes_max // 1_000_000:,} MB, which is more than a "
            "table of credits needs. Export the table as CSV."
        )
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise UnreadableFile(PROTECTED)
    if any(entry.compress_type not in _METHODS for entry in entries):
        raise UnreadableFile("This workbook is packed in a way that is not read. Save it as XLSX again.")


def refuse_lying_zip(file: BinaryIO) -> None:
    """Inflate everything, a part at a time, and raise UnreadableFile if something is larger than stated."""
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                with archive.open(entry) as opened:
                    while opened.read(_CHUNK_BYTES):
                        pass
    except _ZIP_ERRORS:
        raise _damaged() from None


def _count_of_marks(file: BinaryIO) -> int:
    """Return how often the mark of an entry of a directory is in the file."""
    file.seek(0)
    count, end = 0, b""
    while block := file.read(_CHUNK_BYTES):
        block = end + block
        count += block.count(_ENTRY_MARK)
        end = block[1 - len(_ENTRY_MARK) :]
    return count


def _damaged() -> UnreadableFile:
    return UnreadableFile("This file is damaged or not complete. Save or download it again.")
