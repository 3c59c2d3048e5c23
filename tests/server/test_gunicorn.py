"""The parts of gunicorn that `server/worker.py` builds on are where and what they were.

None of them is a public interface. Where a test here fails after an upgrade, compare the new
`gunicorn/workers/gthread.py` with what the worker assumes, run tests/hostile, and see whether decision
0005 still holds; then change the expectation.
"""

import inspect
import re
import socket
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final

import gunicorn
import pytest
from gunicorn.config import Config
from gunicorn.http import errors, get_parser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers import gthread
from gunicorn.workers.gthread import TConn, ThreadWorker

from server.worker import BufferedUnreader, BufferingWorker
from webapp.config import ROOT

REVIEWED_RANGE: Final = "gunicorn>=27,<28"
REVIEWED_VERSIONS: Final = r"27\.\d+\.\d+"
SIGNATURES: Final[dict[Callable[..., Any], str]] = {
    ThreadWorker.__init__: "(self, *args, **kwargs)",
    ThreadWorker.accept: "(self, listener)",
    ThreadWorker.enqueue_req: "(self, conn)",
    ThreadWorker.finish_request: "(self, conn, fs)",
    ThreadWorker.handle: "(self, conn)",
    ThreadWorker.handle_error: "(self, req, client, addr, exc)",
    ThreadWorker.handle_request: "(self, req, conn)",
    ThreadWorker.murder_pending: "(self)",
    TConn.__init__: "(self, cfg, sock, client, server)",
    TConn.init: "(self)",
    TConn.close: "(self, graceful=False)",
    SocketUnreader.__init__: "(self, sock, max_chunk=8192)",
    SocketUnreader.chunk: "(self, size_hint=None)",
    SocketUnreader.read: "(self, size=None, read_ahead=None)",
    SocketUnreader.take_buffered: "(self)",
    SocketUnreader.unread: "(self, data)",
}
# Statements in gunicorn that the worker relies on without calling or overriding them.
STATEMENTS: Final[dict[str, tuple[Callable[..., Any], tuple[str, ...]]]] = {
    "each round of the loop closes idle connections and stops accepting at the limit": (
        ThreadWorker.run,
        ("self.murder_pending()", "self.nr_conns < self.worker_connections"),
    ),
    "a deferred connection waits in the poller, with the time of its last byte": (
        ThreadWorker.finish_request,
        (
            "if result is _DEFER and self.alive:",
            "conn.timeout = time.monotonic() + self.cfg.keepalive",
            "self.pending_conns.append(conn)",
            "self.poller.register(conn.sock",
            "self.keepalived_conns.append(conn)",
            "self.nr_conns -= 1",
            "if conn.parser.unreader.buf.getvalue():",
        ),
    ),
    "a new connection goes to a thread": (ThreadWorker.accept, ("TConn(", "self.enqueue_req(conn)")),
    "a thread runs handle": (ThreadWorker.enqueue_req, ("self.tpool.submit(self.handle, conn)",)),
    "a connection with data is parsed and answered at once": (
        ThreadWorker.handle,
        (
            "not conn.initialized and not conn.data_ready",
            "conn.sock.setblocking(True)",
            "conn.init()",
            "next(conn.parser)",
            "self.handle_request(req, conn)",
            "self.handle_error(req, conn.sock, conn.client, e)",
        ),
    ),
}


@pytest.fixture
def connection() -> Iterator[TConn]:
    """Return gunicorn's connection, on which a request that expects 100 Continue has arrived."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        yield TConn(Config(), ours, ("127.0.0.1", 1), ("127.0.0.1", 2))


def test_the_versions_are_those_that_the_worker_was_reviewed_with() -> None:
    assert REVIEWED_RANGE in (ROOT / "requirements.in").read_text().splitlines()
    assert re.fullmatch(REVIEWED_VERSIONS, gunicorn.__version__)


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda function: function.__qualname__)
def test_a_function_that_is_called_or_overridden_has_its_signature(function: Callable[..., Any]) -> None:
    assert str(inspect.signature(function)) == SIGNATURES[function]


@pytest.mark.parametrize(("function", "statements"), STATEMENTS.values(), ids=STATEMENTS)
def test_a_function_does_what_the_worker_relies_on(
    function: Callable[..., Any], statements: tuple[str, ...]
) -> None:
    source = inspect.getsource(function)
    assert [statement for statement in statements if statement not in source] == []


def test_the_worker_overrides_methods_that_exist() -> None:
    own = {name for name, value in vars(BufferingWorker).items() if inspect.isfunction(value)}
    overridden = {name for name in own if hasattr(ThreadWorker, name)}
    assert overridden == {
        "__init__",
        "finish_request",
        "handle",
        "handle_error",
        "handle_request",
        "murder_pending",
    }
    assert {name for name in vars(BufferedUnreader) if hasattr(SocketUnreader, name)} >= {"chunk"}


def test_a_worker_has_the_attributes_that_are_used() -> None:
    config = Config()
    worker = BufferingWorker(1, 1, [], None, 30, config, None)
    worker.tmp.close()
    assert isinstance(worker.pending_conns, deque)
    assert isinstance(worker.keepalived_conns, deque)
    assert worker.nr_conns == 0
    assert worker.worker_connections == config.worker_connections
    assert worker.alive is True
    assert {"poller", "cfg", "log"} <= vars(worker).keys()
    assert "self.poller = selectors.DefaultSelector()" in inspect.getsource(ThreadWorker.init_process)
    assert (bool(config.is_ssl), config.keepalive) == (False, 2)
    assert type(gthread._DEFER) is object


def test_a_connection_parses_from_its_unreader(connection: TConn) -> None:
    assert (connection.initialized, connection.data_ready, connection.timeout) == (False, False, None)
    connection.init()
    assert connection.initialized
    assert type(connection.parser.unreader) is SocketUnreader
    connection.parser.unreader = BufferedUnreader(connection.sock)
    request = next(connection.parser)
    assert request._expected_100_continue is True
    request.force_close()
    assert request.should_close()


def test_buffered_bytes_are_parsed_before_the_socket_is_read() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        parser = get_parser(Config(), ours, ("127.0.0.1", 1))
        parser.unreader = BufferedUnreader(ours)
        parser.unreader.feed(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
        theirs.sendall(b"cd")
        request = next(parser)
        assert (request.path, request.body.read()) == ("/a", b"abcd")


def test_errors_of_the_client_and_of_the_server_have_their_classes() -> None:
    kinds = {kind for kind in vars(errors).values() if inspect.isclass(kind)}
    parsing = {kind.__name__ for kind in kinds if issubclass(kind, errors.ParseException)}
    assert parsing == set(
        "ParseException ConfigurationProblem InvalidRequestLine InvalidRequestMethod ExpectationFailed "
        "InvalidHTTPVersion InvalidHeader ObsoleteFolding InvalidHeaderName InvalidResponseHeader "
        "InvalidResponseHeaderName UnsupportedTransferCoding InvalidChunkSize ChunkMissingTerminator "
        "InvalidChunkExtension LimitRequestLine LimitRequestHeaders InvalidProxyLine InvalidProxyHeader "
        "ForbiddenProxyRequest InvalidSchemeHeaders InvalidH2CPreface".split()
    )
