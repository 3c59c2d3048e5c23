"""What the worker decides about a request that is still arriving, and about a client that has stopped."""

from collections.abc import Iterator
from socket import socketpair

import pytest

from server import worker
from server.buffered_request import BufferedRequest
from server.worker import TimeoutSocket


def buffered(content: bytes) -> BufferedRequest:
    request = BufferedRequest(bytearray(content))
    assert request.check() is None
    return request


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"G",
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{",
        b"\x16\x03",
    ],
)
def test_the_rest_of_an_incomplete_request_is_waited_for(content: bytes) -> None:
    assert not buffered(content).is_ready


@pytest.mark.parametrize(
    ("content", "length"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 18),
        (b"POST / HTTP/1.1\r\ncontent-LENGTH:2 \r\n\r\n{}", 40),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\n", 40),
    ],
)
def test_a_complete_request_is_ready_and_its_length_is_known(content: bytes, length: int) -> None:
    request = buffered(content)
    assert request.is_ready
    assert request.length == length


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 2\r\nContent-Length: 2",
        b"Content-Length: x",
        b"Content-Length: -1",
        b"Content-Length: 2, 2",
        b"Content-Length : 2",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked",
        b"Content-Length: 16777217",
    ],
)
def test_a_request_that_will_be_rejected_is_ready_without_its_body(headers: bytes) -> None:
    request = buffered(b"POST / HTTP/1.1\r\n" + headers + b"\r\n\r\n")
    assert request.is_ready
    assert request.length is None


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Iterator[TimeoutSocket]:
    """Return a blocking connection to a client that neither sends nor reads."""
    monkeypatch.setattr(worker, "SOCKET_TIMEOUT_S", 0.01)
    ours, theirs = socketpair()
    with theirs, TimeoutSocket(fileno=ours.detach()) as connection:
        connection.setblocking(True)
        yield connection


def test_a_client_that_does_not_read_counts_as_gone(connection: TimeoutSocket) -> None:
    with pytest.raises(ConnectionResetError):
        connection.sendall(b"x" * 10_000_000)


def test_a_client_that_does_not_send_counts_as_gone(connection: TimeoutSocket) -> None:
    with pytest.raises(ConnectionResetError):
        connection.recv(1)
