"""A socket whose writes do not wait for a slow reader: what it cannot take now is kept, to be sent later."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# How long a thread blocks in one read.
SOCKET_TIMEOUT_S: Final = 20
_CHUNK_BYTES: Final = 256 * 1024


@dataclass
class Unsent:
    """The end of a response: the bytes of a file from `offset` to `end`."""

    file: IO[bytes]
    offset: int
    end: int


class PatientSocket(socket.socket):
    """A socket that blocks for at most SOCKET_TIMEOUT_S in a read, and never in a write.

    `unsent` is what was written and could not be sent yet. `send_unsent` goes on with it.
    """

    unsent: Unsent | None = None

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - the signature of the standard library
        if self.fileno() >= 0:  # gunicorn also calls this after a thread has closed the socket
            self.settimeout(SOCKET_TIMEOUT_S if flag else 0)

    def sendall(self, data: ReadableBuffer, flags: int = 0) -> None:
        del flags
        with _aborted_if_closed():
            rest = memoryview(data).cast("B")
            while rest and not self.unsent:
                try:
                    # Not `send`, which would wait. A socket with a timeout is non-blocking underneath.
                    rest = rest[os.write(self.fileno(), rest[:_CHUNK_BYTES]) :]
                except BlockingIOError:
                    break
            if rest:
                self._keep(rest)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:  # noqa: ANN401 - as in the standard library
        """Send a file. What cannot be sent now is read from it later, also after the caller closed it."""
        end = os.fstat(file.fileno()).st_size if count is None else offset + count
        if self.unsent:  # behind a head that did not fit
            file.seek(offset)
            while block := file.read(min(_CHUNK_BYTES, end - file.tell())):
                self._keep(block)
            return end - offset
        own = os.fdopen(os.dup(file.fileno()), "rb", buffering=0)
        self.unsent = Unsent(own, offset, end)
        self.send_unsent()
        return end - offset

    def send_unsent(self) -> bool:
        """Send as much as the client takes now; return whether nothing is left.

        Raises OSError if the client has closed.
        """
        unsent = self.unsent
        while unsent and unsent.offset < unsent.end:
            try:
                with _aborted_if_closed():
                    count = min(unsent.end - unsent.offset, _CHUNK_BYTES)
                    sent = os.sendfile(self.fileno(), unsent.file.fileno(), unsent.offset, count)
            except BlockingIOError:
                return False
            if not sent:
                raise ConnectionResetError(errno.ECONNRESET, "the file is shorter than announced")
            unsent.offset += sent
        self.forget_unsent()
        return True

    def recv(self, size: int, flags: int = 0) -> bytes:
        try:
            return super().recv(size, flags)
        except TimeoutError:
            raise ConnectionResetError(errno.ECONNRESET, "the client does not send") from None

    def close(self) -> None:
        self.forget_unsent()
        super().close()

    def forget_unsent(self) -> None:
        """Drop what was not sent."""
        if self.unsent:
            self.unsent.file.close()
            self.unsent = None

    def _keep(self, data: ReadableBuffer) -> None:
        if self.unsent is None:
            kept: Any = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it is sent
            self.unsent = Unsent(kept, 0, 0)
        self.unsent.file.seek(self.unsent.end)
        self.unsent.file.write(data)
        self.unsent.file.flush()
        self.unsent.end = self.unsent.file.tell()


@contextmanager
def _aborted_if_closed() -> Iterator[None]:
    """Raise ConnectionResetError where the client has closed, which gunicorn does not log."""
    try:
        yield
    except BrokenPipeError:
        raise ConnectionResetError(errno.ECONNRESET, "the client does not read") from None
