"""gunicorn's worker with threads, so that a slow client costs a connection and not a thread.

gunicorn hands a connection to a thread with its first byte, and the thread then waits for the rest.
A handful of clients that never send what their Content-Length promises would hold all of them, and
nobody else would be served. Here the worker's own loop collects a request, and a thread gets it
when it is whole. The limits of size are the program's; what cannot be understood is handed on at
once, for gunicorn to find out what is wrong with it; the answer
to that is given here too.
"""

from __future__ import annotations

import contextlib
import errno
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from ssl import SSLError
from typing import TYPE_CHECKING, Any, Final, Protocol

from gunicorn.http.errors import (
    ConfigurationProblem,
    ExpectationFailed,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import _DEFER, ThreadWorker

if TYPE_CHECKING:
    from collections import deque

    from _typeshed import ReadableBuffer

# The same as the program's own (webapp.config), which answers whatever is larger.
BODY_BYTES_MAX: Final = 16 * 1024 * 1024
HEAD_BYTES_MAX: Final = 64 * 1024
# How long a client may say nothing in the middle of a request, and how long all of it may take.
SILENT_FOR_S: Final = 10
WHOLE_WITHIN_S: Final = 300
# How long the answer to a request that was not read to its end waits for the client to notice.
LINGER_S: Final = 10
# How long a thread waits for a client in one read or write.
WAIT_S: Final = 20
# Bodies beyond this wait in memory, so only so many at a time may be under way in one worker.
LARGE_BYTES: Final = 256 * 1024
LARGE_AT_ONCE: Final = 8

_PIECE: Final = 64 * 1024
_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*(?=\r\n)", re.IGNORECASE)
_OTHER_LENGTH: Final = re.compile(rb"\r\n(content-length|transfer-encoding)[ \t]*:", re.IGNORECASE)
_EXPECTS: Final = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)

_LATE: Final = "408 Request Timeout", "The request did not arrive in time."
_CROWDED: Final = (
    "408 Request Timeout",
    "The request was not there in time, and others waited for its place. Please try again.",
)
_LONG_HEAD: Final = "431 Request Header Fields Too Large", "The headers are too long."
_LONG_LINE: Final = "414 URI Too Long", "The address is too long."
_TOO_MANY: Final = "503 Service Unavailable", "Too many files are being sent at once. Please try again."
_BAD: Final = "400 Bad Request", "This is not a request that can be read."
_BROKEN: Final = "500 Internal Server Error", "Something went wrong here, and it has been logged."
# What gunicorn cannot read; all other kinds are _BAD.
_REFUSALS: Final = {
    LimitRequestLine: _LONG_LINE,
    LimitRequestHeaders: ("431 Request Header Fields Too Large", "The headers are too many or too long."),
    ExpectationFailed: ("417 Expectation Failed", "Only 100-continue can be expected."),
    UnsupportedTransferCoding: ("501 Not Implemented", "This Transfer-Encoding is not known."),
}
# Kinds of the same family that are no mistake of the client.
_OURS: Final = (ConfigurationProblem, InvalidResponseHeader, InvalidResponseHeaderName)


def _answer(sock: socket.socket, status: str, sentence: str) -> None:
    """Send a plain-text response for a request that does not reach the application."""
    # Imported here: the worker has loaded the application by now, and the arbiter must not.
    from webapp.http.request_security import security_headers

    body = f"{sentence}\n".encode()
    headers = {
        "Connection": "close",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        **security_headers(over_tls=False),
    }
    if status.startswith("503"):
        headers["Retry-After"] = "5"
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items()), "\r\n"]
    with contextlib.suppress(OSError):
        sock.send("\r\n".join(lines).encode() + body)


class ImpatientSocket(socket.socket):
    """A connection on which a thread waits for a while and then takes the client for gone."""

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - as the standard library has it
        if self.fileno() >= 0:  # gunicorn closes once more what was closed in a thread
            self.settimeout(WAIT_S if flag else 0)

    def sendall(self, data: ReadableBuffer, flags: int = 0) -> None:
        try:
            super().sendall(data, flags)
        except TimeoutError:
            raise ConnectionResetError(errno.ECONNRESET, "the client does not read") from None

    def recv(self, size: int, flags: int = 0) -> bytes:
        try:
            return super().recv(size, flags)
        except TimeoutError:
            raise ConnectionResetError(errno.ECONNRESET, "the client does not send") from None


@dataclass
class Arrival:
    """A request on its way: what is there of it, and how many bytes it will have once that is known.

    `ends_at` stays None for a request that is not to be read to its end: it is refused unread.
    """

    content: bytearray = field(default_factory=bytearray)
    ends_at: int | None = None
    is_handed_on: bool = False
    is_encouraged: bool = False
    is_answered: bool = False
    begun_at: float = field(default_factory=time.monotonic)

    def look(self) -> tuple[str, str] | None:
        """Decide whether it can be handed on by now. Returns why it is refused, if it is."""
        if self.ends_at is None:
            end = self.content.find(_HEAD_END)
            line, _, _ = self.content.partition(b"\n")
            if end < 0 and len(self.content) > HEAD_BYTES_MAX:
                return _LONG_HEAD if len(line) < HEAD_BYTES_MAX else _LONG_LINE
            if end < 0:
                # No request at all: a line that ends otherwise, or begins with what no method has.
                has_line = len(line) < len(self.content)
                self.is_handed_on = has_line and not line.endswith(b"\r")
                return None
            length = self._body_length(bytes(self.content[: end + 2]))
            if length is None or length > BODY_BYTES_MAX:
                self.is_handed_on = True
                return None
            self.ends_at = end + len(_HEAD_END) + length
        self.is_handed_on = len(self.content) >= self.ends_at
        return None

    @staticmethod
    def _body_length(head: bytes) -> int | None:
        """Return the bytes of the body, None where that is not stated plainly."""
        lengths = _LENGTH.findall(head)
        if len(_OTHER_LENGTH.findall(head)) != len(lengths) or len(lengths) > 1:
            return None
        return int(lengths[0]) if lengths else 0

    @property
    def missing(self) -> int:
        """How much may be read now: no more than belongs to this request, once that is known."""
        return _PIECE if self.ends_at is None else min(self.ends_at - len(self.content), _PIECE)

    @property
    def is_late(self) -> bool:
        return time.monotonic() - self.begun_at > WHOLE_WITHIN_S

    @property
    def is_large(self) -> bool:
        return self.ends_at is not None and self.ends_at > LARGE_BYTES


class Connection(Protocol):
    """The part of gunicorn's connection that is used here, and the arrival that is kept with it."""

    sock: Any
    parser: Any
    initialized: bool
    data_ready: bool
    timeout: float
    arrival: Arrival

    def init(self) -> None: ...
    def close(self) -> None: ...


class ArrivedFirst(SocketUnreader):  # type: ignore[misc] # gunicorn ships no types
    """What gunicorn reads a request from: first what has arrived, then the connection."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.arrived = b""
        self._place = 0

    def chunk(self, size_hint: int | None = None) -> bytes:
        if self._place >= len(self.arrived):
            content: bytes = super().chunk(size_hint)
            return content
        begin, self._place = self._place, self._place + _PIECE
        return self.arrived[begin : self._place]

    def bring(self, content: bytes) -> None:
        self.arrived, self._place = content, 0


class BufferingWorker(ThreadWorker):  # type: ignore[misc] # gunicorn ships no types
    """A worker whose threads only get whole requests. With TLS of its own it is as gunicorn's."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)
        self._large: set[Connection] = set()
        self._counting = threading.Lock()

    def handle(self, conn: Connection) -> object:
        """Collect what has come without waiting, and serve the request once it is whole."""
        if self.cfg.is_ssl:
            conn.arrival = Arrival(ends_at=0)
            return super().handle(conn)
        if not isinstance(conn.sock, ImpatientSocket):
            conn.sock = ImpatientSocket(fileno=conn.sock.detach())
            conn.arrival = Arrival()
        conn.sock.setblocking(False)
        try:
            if conn.arrival.is_answered:
                return self._linger(conn)
            if refused := self._collect(conn):
                return self._refuse(conn, *refused)
        except BlockingIOError:
            return _DEFER
        except OSError:
            return self._part(conn)
        return self._serve(conn) if conn.arrival.is_handed_on else self._part(conn)

    def handle_request(self, req: Any, conn: Connection) -> object:  # noqa: ANN401 - gunicorn ships no types
        """Serve it. What was not collected is not read either, so nothing can follow it."""
        req._expected_100_continue = False  # It was said already, or the body is not wanted.  # noqa: SLF001
        if conn.arrival.ends_at is None:
            req.force_close()
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: Any, addr: object, exc: Exception) -> None:  # noqa: ANN401, ARG002 - as gunicorn calls it
        """Refuse it and log the kind of mistake. gunicorn would repeat the line: a secret may be in it."""
        if isinstance(exc, ParseException | SSLError) and not isinstance(exc, _OURS):
            self.log.warning("Refused a request that cannot be read: %s", type(exc).__name__)
            _answer(
                client, *next((answer for kind, answer in _REFUSALS.items() if isinstance(exc, kind)), _BAD)
            )
            return
        method, path = getattr(req, "method", "-"), getattr(req, "path", "-")
        self.log.error("Bug in answering %s %s", method, path, exc_info=exc)
        _answer(client, *_BROKEN)

    def murder_pending(self) -> None:
        """Close the connections that have said nothing for too long; gunicorn's loop calls it every time.

        Where all places are taken, gunicorn accepts nobody until one of them is free. So the one that has
        been silent the longest gives way, in the middle of a request or between two.
        """
        silent_since = time.monotonic() - SILENT_FOR_S + self.cfg.keepalive
        while self.pending_conns and self.pending_conns[0].timeout < silent_since:
            self._give_up(self.pending_conns, *_LATE)
        while self.alive and self.nr_conns >= self.worker_connections:
            waiting = [conns for conns in (self.pending_conns, self.keepalived_conns) if conns]
            if not waiting:
                break  # all of them are being served
            self._give_up(min(waiting, key=lambda conns: float(conns[0].timeout)), *_CROWDED)

    def _give_up(self, conns: deque[Connection], status: str, sentence: str) -> None:
        """Close the first of the connections that wait in the loop."""
        conn = conns.popleft()
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        if conn.arrival.content:
            _answer(conn.sock, status, sentence)
        self._part(conn)

    def _collect(self, conn: Connection) -> tuple[str, str] | None:
        """Read until the request is whole or the client has gone. Returns why it is refused, if it is.

        Raises BlockingIOError where the client has not sent the rest yet.
        """
        arrival = conn.arrival
        if conn.initialized and not arrival.content:
            arrival.content += conn.parser.unreader.take_buffered()
        while True:
            if refused := arrival.look():
                return refused
            if arrival.is_handed_on:
                return None
            if arrival.is_late:
                return _LATE
            if arrival.is_large and not self._takes_large(conn):
                return _TOO_MANY
            if arrival.ends_at and not arrival.is_encouraged:
                arrival.is_encouraged = True
                if _EXPECTS.search(arrival.content):
                    conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            piece = conn.sock.recv(arrival.missing)
            if not piece:
                return None
            arrival.content += piece

    def _takes_large(self, conn: Connection) -> bool:
        with self._counting:
            if conn not in self._large and len(self._large) >= LARGE_AT_ONCE:
                return False
            self._large.add(conn)
            return True

    def _serve(self, conn: Connection) -> object:
        """Have gunicorn read the request from what has arrived, and the program answer it."""
        content, ends_at = bytes(conn.arrival.content), conn.arrival.ends_at
        conn.arrival.content.clear()
        conn.data_ready = True
        if not conn.initialized:
            conn.init()
            conn.parser.unreader = ArrivedFirst(conn.sock)
        if len(content) == ends_at:
            conn.parser.unreader.bring(content)
        else:  # The beginning of another request is with it, or it is not to be read to its end.
            conn.parser.unreader.unread(content)
        del content
        try:
            goes_on = super().handle(conn)
        finally:
            self._forget(conn)
        if goes_on or conn.sock.fileno() < 0:
            return goes_on
        return self._take_leave(conn)

    def _refuse(self, conn: Connection, status: str, sentence: str) -> object:
        _answer(conn.sock, status, sentence)
        self._forget(conn)
        return self._take_leave(conn)

    def _forget(self, conn: Connection) -> None:
        """Let go of the request, so that the next one on this connection begins anew."""
        with self._counting:
            self._large.discard(conn)
        conn.arrival = Arrival()

    def _take_leave(self, conn: Connection) -> object:
        """Say that nothing follows, and wait in the loop until the client has read the answer.

        Closed at once, with something of the client's unread, the answer could be lost on its way.
        """
        conn.arrival.is_answered = True
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            return self._linger(conn)
        except BlockingIOError:
            return _DEFER
        except OSError:
            return self._part(conn)

    def _linger(self, conn: Connection) -> object:
        while conn.sock.recv(_PIECE):
            if time.monotonic() - conn.arrival.begun_at > LINGER_S:
                break
        return self._part(conn)

    def _part(self, conn: Connection) -> bool:
        """Close the connection here: gunicorn would wait for the client in the loop of all."""
        self._forget(conn)
        conn.close()
        return False
