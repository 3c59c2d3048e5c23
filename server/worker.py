"""A gunicorn thread worker that buffers: a slow client occupies a connection, not a thread.

gunicorn's own thread worker gives a connection to a thread at its first byte, and the thread blocks
until the client has sent the rest; a few clients that never finish block all of them. Here a thread
reads what has arrived without blocking and returns the connection to the poller, until the request is
complete or must be rejected. What gunicorn's parser has to reject is passed to it at once.

In the same way a thread does not wait for a client to read. What the client does not take at once is kept
(``unsent``), and the event loop sends it as the client reads. Files to download are made by a few threads
of their own, in which they wait for one another and for nobody else.

The limits are explained in decision 0004, and why this is not gunicorn's own worker in decision 0005.
`tests/server/test_gunicorn.py` fails where the parts of gunicorn that this file builds on change.
"""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from ssl import SSLError
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

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

from server.buffered_request import CHUNK_BYTES, IDLE_TIMEOUT_S, LONG_LINE, BufferedRequest
from server.unsent import PatientSocket

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

# How long a connection stays open after an error, so that the client can read the response.
LINGER_S: Final = 10
# How long a client may take nothing of a response.
READ_TIMEOUT_S: Final = 20
# The threads of each worker that make files to download.
DOWNLOAD_THREADS: Final = 2
# How many large requests a worker receives at once.
LARGE_MAX: Final = 8
# The same of imports that are spooled to a file.
SPOOLED_MAX: Final = 2

_DOWNLOAD: Final = re.compile(rb"GET /[a-z0-9/-]+\.(?:csv|json)[? ]")
# What `handle` returns for a connection that is not finished.
_TO_DOWNLOADS: Final = object()
_SENDING: Final = object()
_EXPECTS: Final = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)

# Error responses: the status line and the sentence in the body.
_TIMED_OUT: Final = "408 Request Timeout", "The request did not arrive in time."
_DISPLACED: Final = (
    "408 Request Timeout",
    "The request was not complete when the server ran out of connections. Please try again.",
)
_TOO_MANY: Final = "503 Service Unavailable", "Too many files are being sent at once. Please try again."
_BAD_REQUEST: Final = "400 Bad Request", "This is not a request that can be read."
_SERVER_ERROR: Final = "500 Internal Server Error", "Something went wrong here, and it has been logged."
# The responses to the parser's errors; _BAD_REQUEST for the others.
_PARSE_ERRORS: Final = {
    LimitRequestLine: LONG_LINE,
    LimitRequestHeaders: ("431 Request Header Fields Too Large", "The headers are too many or too long."),
    ExpectationFailed: ("417 Expectation Failed", "Only 100-continue can be expected."),
    UnsupportedTransferCoding: ("501 Not Implemented", "This Transfer-Encoding is not known."),
}
# Subclasses of ParseException that are errors of the server, not of the client.
_OWN_ERRORS: Final = (ConfigurationProblem, InvalidResponseHeader, InvalidResponseHeaderName)


def _respond(sock: socket.socket, status: str, sentence: str) -> None:
    """Send an error as plain text, with the security headers of all other responses."""
    # Imported late: the worker has loaded the program by now, and the arbiter should not load it.
    from webapp.http.observability import REQUEST_ID_HEADER, new_request_id, request_id
    from webapp.http.request_security import security_headers

    body = f"{sentence}\n".encode()
    headers = {
        "Connection": "close",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        REQUEST_ID_HEADER: request_id() or new_request_id(),
        **security_headers(over_tls=False),
    }
    if status.startswith("503"):
        headers["Retry-After"] = "5"
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items()), "\r\n"]
    with contextlib.suppress(OSError):
        sock.send("\r\n".join(lines).encode() + body)


class Connection(Protocol):
    """What is used of gunicorn's connection (TConn), and the request that is added to it."""

    sock: Any
    parser: Any
    initialized: bool
    data_ready: bool
    timeout: float
    request: BufferedRequest

    def init(self) -> None: ...
    def close(self) -> None: ...


class BufferedUnreader(SocketUnreader):  # type: ignore[misc] # gunicorn ships no types
    """The source of gunicorn's parser: first the buffered request, then the socket."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.content = b""
        self._position = 0
        self._spool: IO[bytes] | None = None

    def feed(self, content: bytes, spool: IO[bytes] | None = None) -> None:
        self.content, self._position, self._spool = content, 0, spool

    def chunk(self, size_hint: int | None = None) -> bytes:
        if self._position >= len(self.content):
            if self._spool and (spooled := self._spool.read(CHUNK_BYTES)):
                return spooled
            self._spool = None
            content: bytes = super().chunk(size_hint)
            return content
        start, self._position = self._position, self._position + CHUNK_BYTES
        return self.content[start : self._position]


class BufferingWorker(ThreadWorker):  # type: ignore[misc] # gunicorn ships no types
    """A worker whose threads get complete requests. Connections with TLS are left to gunicorn."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)
        self._large: set[Connection] = set()
        self._large_lock = threading.Lock()
        # Connections whose client has not read the response yet. Used by the event loop only.
        self._sending: set[Connection] = set()
        self._downloads = ThreadPoolExecutor(DOWNLOAD_THREADS, "download")

    def handle(self, conn: Connection) -> object:
        """Read what has arrived without blocking, and serve the request once it is complete.

        Runs in a thread. Returns _DEFER to wait in the poller for more, _TO_DOWNLOADS for a file to
        download, _SENDING until the client has read the response, true to keep the connection for another
        request, and false where it is closed.
        """
        if self.cfg.is_ssl:
            conn.request = BufferedRequest(length=0)
            return super().handle(conn)
        if not isinstance(conn.sock, PatientSocket):
            conn.sock = PatientSocket(fileno=conn.sock.detach())
            conn.request = BufferedRequest()
        conn.sock.setblocking(False)
        try:
            if conn.request.is_closing:
                return self._linger(conn)
            if error := self._read(conn):
                _respond(conn.sock, *error)
                return self._close_after_response(conn)
        except BlockingIOError:
            return _DEFER
        except OSError:
            return self._close(conn)
        return self._begin(conn)

    def _begin(self, conn: Connection) -> object:
        """Serve the request, unless the client has closed, or other threads serve it."""
        if not conn.request.is_ready:
            return self._close(conn)
        return _TO_DOWNLOADS if _DOWNLOAD.match(conn.request.content) else self._serve(conn)

    def finish_request(self, conn: Connection, fs: Future[object]) -> None:
        """Go on with a connection after `handle`. Called in the event loop."""
        result = fs.result() if not fs.cancelled() and fs.exception() is None else None
        if result is _TO_DOWNLOADS:
            self._submit(self._downloads, self._serve, conn)
        elif result is _SENDING:
            conn.sock.setblocking(False)
            conn.timeout = time.monotonic() + READ_TIMEOUT_S
            self._sending.add(conn)
            self.poller.register(conn.sock, selectors.EVENT_WRITE, partial(self._send_more, conn))
        else:
            super().finish_request(conn, fs)

    def _submit(self, pool: Any, work: Callable[[Connection], object], conn: Connection) -> None:  # noqa: ANN401 - gunicorn's pool or ours
        future = pool.submit(work, conn)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def _send_more(self, conn: Connection, sock: socket.socket) -> None:
        """Send more of a response to a client that can take it. Called in the event loop."""
        try:
            is_sent = conn.sock.send_unsent()
        except OSError:
            self._stop_sending(conn)
            return
        conn.timeout = time.monotonic() + READ_TIMEOUT_S
        if is_sent:
            self.poller.unregister(sock)
            self._sending.discard(conn)
            self._submit(self.tpool, self._close_after_response, conn)

    def _stop_sending(self, conn: Connection) -> None:
        """Close the connection of a client that does not read."""
        self.poller.unregister(conn.sock)
        self._sending.discard(conn)
        self.nr_conns -= 1
        self._close(conn)

    def handle_request(self, req: Any, conn: Connection) -> object:  # noqa: ANN401 - gunicorn ships no types
        """Call the program. A connection whose request was not buffered to its end is closed afterwards."""
        # The 100 Continue was sent while buffering, or the body is not wanted.
        req._expected_100_continue = False  # noqa: SLF001
        if conn.request.length is None:
            req.force_close()
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: Any, addr: object, exc: Exception) -> None:  # noqa: ANN401, ARG002 - gunicorn's signature
        """Respond to an error. Of a bad request only its class is logged: its text may hold a secret."""
        from webapp.http.observability import begin_request, request_id

        if not request_id():
            begin_request()
        if isinstance(exc, ParseException | SSLError) and not isinstance(exc, _OWN_ERRORS):
            self.log.warning("Refused a request that cannot be read: %s", type(exc).__name__)
            known = (error for kind, error in _PARSE_ERRORS.items() if isinstance(exc, kind))
            _respond(client, *next(known, _BAD_REQUEST))
            return
        method, path = getattr(req, "method", "-"), getattr(req, "path", "-")
        self.log.error("Bug in answering %s %s", method, path, exc_info=exc)
        _respond(client, *_SERVER_ERROR)

    def murder_pending(self) -> None:
        """Close idle connections, and connections whose client does not read its response.

        Called in each round of gunicorn's event loop. gunicorn accepts no connection while
        `worker_connections` are open; at that limit the longest idle ones are closed first, even if a
        request has begun.
        """
        # gunicorn sets a connection's `timeout` to the time of its last byte plus `keepalive`.
        now = time.monotonic()
        for conn in [conn for conn in self._sending if conn.timeout < now]:
            self._stop_sending(conn)
        oldest = now - IDLE_TIMEOUT_S + self.cfg.keepalive
        while self.pending_conns and self.pending_conns[0].timeout < oldest:
            self._drop_first(self.pending_conns, *_TIMED_OUT)
        while self.alive and self.nr_conns >= self.worker_connections:
            idle = [conns for conns in (self.pending_conns, self.keepalived_conns) if conns]
            if idle:
                self._drop_first(min(idle, key=lambda conns: float(conns[0].timeout)), *_DISPLACED)
            elif self._sending:
                self._stop_sending(min(self._sending, key=lambda conn: float(conn.timeout)))
            else:
                break  # all connections are being served

    def _drop_first(self, conns: deque[Connection], status: str, sentence: str) -> None:
        """Close the first of these idle connections, with an error response if a request was begun."""
        conn = conns.popleft()
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        if conn.request.content:
            _respond(conn.sock, status, sentence)
        self._close(conn)

    def _read(self, conn: Connection) -> tuple[str, str] | None:
        """Read until the request is ready or the client has closed. Returns the error response, if any.

        Raises BlockingIOError where the client has not sent the rest yet.
        """
        request = conn.request
        if conn.initialized and not request.content:
            request.add(conn.parser.unreader.take_buffered())
        while True:
            if error := request.check():
                return error
            if request.is_ready:
                return None
            if request.is_late:
                return _TIMED_OUT
            if request.is_large and not self._admit_large(conn):
                return _TOO_MANY
            if request.length and not request.is_continue_sent:
                request.is_continue_sent = True
                if _EXPECTS.search(request.content):
                    conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            chunk = conn.sock.recv(request.readable)
            if not chunk:
                return None
            request.add(chunk)

    def _admit_large(self, conn: Connection) -> bool:
        with self._large_lock:
            if conn not in self._large:
                spooled = sum(bool(other.request.spool) for other in self._large)
                if len(self._large) >= LARGE_MAX or (conn.request.spool and spooled >= SPOOLED_MAX):
                    return False
            self._large.add(conn)
            return True

    def _serve(self, conn: Connection) -> object:
        """Have gunicorn parse the buffered bytes, and the program answer the request."""
        request = conn.request
        content, is_complete = bytes(request.content), request.received == request.length
        request.content.clear()
        conn.data_ready = True
        if not conn.initialized:
            conn.init()
            conn.parser.unreader = BufferedUnreader(conn.sock)
        if is_complete:
            if request.spool:
                request.spool.seek(0)
            conn.parser.unreader.feed(content, request.spool)
        else:  # It holds the beginning of the next request, or will not be read to its end.
            conn.parser.unreader.unread(content)
        del content  # up to 16 MB, not needed twice while the program runs
        try:
            # In a copy of the context, so that the id of this request is not that of the next log line.
            is_kept = copy_context().run(super().handle, conn)
        finally:
            self._reset(conn)
        if conn.sock.unsent and conn.sock.fileno() >= 0:
            return _SENDING
        return is_kept if is_kept or conn.sock.fileno() < 0 else self._close_after_response(conn)

    def _reset(self, conn: Connection) -> None:
        """Start a new request on this connection."""
        with self._large_lock:
            self._large.discard(conn)
        conn.request.close()
        conn.request = BufferedRequest()

    def _close_after_response(self, conn: Connection) -> object:
        """Shut down the sending side, and keep the connection until the client has read the response.

        Closing at once, with bytes of the client unread, would reset the connection and could lose
        the response.
        """
        self._reset(conn)
        conn.request.is_closing = True
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            return self._linger(conn)
        except BlockingIOError:
            return _DEFER
        except OSError:
            return self._close(conn)

    def _linger(self, conn: Connection) -> object:
        """Discard what the client sends until it closes or LINGER_S have passed."""
        while conn.sock.recv(CHUNK_BYTES):
            if time.monotonic() - conn.request.started_at > LINGER_S:
                break
        return self._close(conn)

    def _close(self, conn: Connection) -> bool:
        """Close the connection here, since gunicorn's way blocks its event loop until the client closes."""
        self._reset(conn)
        conn.close()
        return False
