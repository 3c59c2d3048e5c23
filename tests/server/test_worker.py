"""The worker's decisions about a request that is on its way, and about a client that has stopped."""

from socket import socketpair

import pytest

from server import worker
from server.worker import Arrival, ImpatientSocket


def arrived(content: bytes) -> Arrival:
    arrival = Arrival(bytearray(content))
    assert arrival.look() is None
    return arrival


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
def test_a_request_with_something_missing_is_waited_for(content: bytes) -> None:
    assert not arrived(content).is_handed_on


@pytest.mark.parametrize(
    "content",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-LENGTH:2 \r\n\r\n{}",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\n",
    ],
)
def test_a_request_that_is_whole_is_handed_on_with_its_end_known(content: bytes) -> None:
    arrival = arrived(content)
    assert arrival.is_handed_on
    assert arrival.ends_at is not None


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
def test_what_will_be_refused_is_handed_on_without_its_body(headers: bytes) -> None:
    arrival = arrived(b"POST / HTTP/1.1\r\n" + headers + b"\r\n\r\n")
    assert arrival.is_handed_on
    assert arrival.ends_at is None


def test_a_client_that_does_not_read_is_taken_for_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "WAIT_S", 0.01)
    ours, theirs = socketpair()
    with theirs, ImpatientSocket(fileno=ours.detach()) as connection:
        connection.setblocking(True)
        with pytest.raises(ConnectionResetError):
            connection.sendall(b"x" * 10_000_000)


def test_a_client_that_does_not_send_is_taken_for_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "WAIT_S", 0.01)
    ours, theirs = socketpair()
    with theirs, ImpatientSocket(fileno=ours.detach()) as connection:
        connection.setblocking(True)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
