"""The file of a large import, in compressed parts in the database, so that any process can read it."""

import io
import zlib
from typing import Any, BinaryIO, Final

from sqlalchemy import Connection, delete, func, insert, select

from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.import_tables import import_file_parts

PART_BYTES: Final = 1024 * 1024
_LEVEL: Final = 1


def keep_part(connection: Connection, import_id: int, number: int, content: bytes) -> None:
    """Keep a part of the file."""
    part = {"import_id": import_id, "number": number, "content": zlib.compress(content, _LEVEL)}
    connection.execute(insert(import_file_parts), part)


def delete_parts(connection: Connection, import_id: int, limit: int) -> int:
    """Delete some parts of the file, and return how many there were."""
    first = connection.scalar(
        select(func.min(import_file_parts.c.number)).where(import_file_parts.c.import_id == import_id)
    )
    if first is None:
        return 0
    some = (import_file_parts.c.import_id == import_id) & (import_file_parts.c.number < first + limit)
    return int(connection.execute(delete(import_file_parts).where(some)).rowcount)


def open_stored(import_id: int) -> BinaryIO:
    """Open the file for reading."""
    return io.BufferedReader(_StoredFile(import_id), PART_BYTES)


class _StoredFile(io.RawIOBase):
    """The parts one after another. Each is read in a transaction of its own."""

    def __init__(self, import_id: int) -> None:
        self._import_id = import_id
        self._next = 0
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - collections.abc.Buffer is of Python 3.12
        target = memoryview(buffer)
        if not self._left:
            self._left = memoryview(self._read_part())
        length = min(len(target), len(self._left))
        target[:length] = self._left[:length]
        self._left = self._left[length:]
        return length

    def _read_part(self) -> bytes:
        query = select(import_file_parts.c.content).where(
            import_file_parts.c.import_id == self._import_id, import_file_parts.c.number == self._next
        )
        with reading() as connection:
            content = connection.scalar(query)
        self._next += 1
        return b"" if content is None else zlib.decompress(content)
