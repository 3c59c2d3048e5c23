"""A request as far as it has arrived: when it is complete, how long it is, and where its bytes are kept."""

from __future__ import annotations

import re
import tempfile
import time
from dataclasses import dataclass, field
from typing import IO, Final

from server.settings import import_body_max

# The limit of the program (webapp.config), which answers every larger body itself.
BODY_BYTES_MAX: Final = 16 * 1024 * 1024
# Only an import may be larger. It is not held in memory but spooled to a file.
_SPOOLED: Final = re.compile(rb"POST /(?:imports/new|records/imports)[? ]")
# How long a spooled request may take, and how many of them a worker receives at once.
SPOOLED_TIMEOUT_S: Final = 3600
HEAD_BYTES_MAX: Final = 64 * 1024
# How long a client may pause within a request, and how long the whole request may take.
IDLE_TIMEOUT_S: Final = 10
REQUEST_TIMEOUT_S: Final = 300
# Larger bodies count as large. They are held in memory, so each worker limits how many arrive at once.
LARGE_BYTES: Final = 256 * 1024

CHUNK_BYTES: Final = 64 * 1024
_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*(?=\r\n)", re.IGNORECASE)
_ANY_LENGTH: Final = re.compile(rb"\r\n(content-length|transfer-encoding)[ \t]*:", re.IGNORECASE)
LONG_HEAD: Final = "431 Request Header Fields Too Large", "The headers are too long."
LONG_LINE: Final = "414 URI Too Long", "The address is too long."


@dataclass
class BufferedRequest:
    """The part of a request that has arrived.

    `length` is the number of bytes of the head and the body together. It is None until the head is
    complete, and stays None where the body will not be read: it is too large or has no plain length.
    """

    content: bytearray = field(default_factory=bytearray)
    # The end of a large import, after `content`.
    spool: IO[bytes] | None = None
    spooled: int = 0
    length: int | None = None
    is_ready: bool = False  # gunicorn's parser can read it
    is_continue_sent: bool = False
    is_closing: bool = False  # the last response was sent; the client has not closed yet
    started_at: float = field(default_factory=time.monotonic)

    def check(self) -> tuple[str, str] | None:
        """Update `length` and `is_ready`. Returns the error response if the head is too long."""
        if self.length is None:
            end = self.content.find(_HEAD_END)
            if end < 0:
                return self._check_head()
            body_length = self._body_length(bytes(self.content[: end + 2]))
            is_spooled = bool(_SPOOLED.match(self.content))
            most = import_body_max() if is_spooled else BODY_BYTES_MAX
            if body_length is None or body_length > most:
                self.is_ready = True
                return None
            if body_length > BODY_BYTES_MAX:
                self.spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the request
            self.length = end + len(_HEAD_END) + body_length
        self.is_ready = self.received >= self.length
        return None

    def add(self, chunk: bytes) -> None:
        """Add bytes that have arrived."""
        if self.spool:
            self.spool.write(chunk)
            self.spooled += len(chunk)
        else:
            self.content += chunk

    def close(self) -> None:
        """Delete what was spooled."""
        if self.spool:
            self.spool.close()

    def _check_head(self) -> tuple[str, str] | None:
        line, newline, _ = self.content.partition(b"\n")
        if len(self.content) > HEAD_BYTES_MAX:
            return LONG_HEAD if len(line) < HEAD_BYTES_MAX else LONG_LINE
        # A first line that does not end with CRLF is no HTTP: the parser rejects it.
        self.is_ready = bool(newline) and not line.endswith(b"\r")
        return None

    @staticmethod
    def _body_length(head: bytes) -> int | None:
        """Return the length of the body in bytes, or None where the head states none or several."""
        lengths = _LENGTH.findall(head)
        if len(_ANY_LENGTH.findall(head)) != len(lengths) or len(lengths) > 1:
            return None
        return int(lengths[0]) if lengths else 0

    @property
    def received(self) -> int:
        """How many bytes have arrived."""
        return len(self.content) + self.spooled

    @property
    def readable(self) -> int:
        """How many bytes to read next: none that belong to the request after this one."""
        return CHUNK_BYTES if self.length is None else min(self.length - self.received, CHUNK_BYTES)

    @property
    def is_late(self) -> bool:
        most = SPOOLED_TIMEOUT_S if self.spool else REQUEST_TIMEOUT_S
        return time.monotonic() - self.started_at > most

    @property
    def is_large(self) -> bool:
        return self.length is not None and self.length > LARGE_BYTES
