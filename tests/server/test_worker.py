"""What the worker decides about a request that is still arriving, and about a client that has stopped."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from server import unsent
from server.buffered_request import BufferedRequest
from server.unsent import PatientSocket


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
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[PatientSocket, socket.socket]]:
    """Return a blocking connection, and that of its client, who neither sends nor reads."""
    monkeypatch.setattr(unsent, "SOCKET_TIMEOUT_S", 0.01)
    ours, theirs = socket.socketpair()
    with theirs, PatientSocket(fileno=ours.detach()) as connection:
        connection.setblocking(True)
        yield connection, theirs


def read(client: socket.socket, count: int, server: PatientSocket) -> bytes:
    """Read as a slow client does, while the server sends what it can take."""
    found = b""
    while len(found) < count:
        server.send_unsent()
        found += client.recv(64_000)
    return found


def test_a_write_does_not_wait_for_a_client_that_does_not_read(
    pair: tuple[PatientSocket, socket.socket], tmp_path: Path
) -> None:
    server, client = pair
    body, more = os.urandom(3_000_000), os.urandom(2_000_000)
    file = tmp_path / "file"
    file.write_bytes(more)
    server.sendall(body)
    with file.open("rb") as opened:
        server.sendfile(opened, count=len(more))
    assert server.unsent
    assert read(client, len(body) + len(more), server) == body + more
    assert server.send_unsent()


def test_a_file_is_sent_to_its_end_after_its_maker_closed_it(
    pair: tuple[PatientSocket, socket.socket], tmp_path: Path
) -> None:
    server, client = pair
    body = os.urandom(3_000_000)
    (tmp_path / "file").write_bytes(body)
    with (tmp_path / "file").open("rb") as opened:
        server.sendfile(opened, 1_000, len(body) - 1_000)
    assert read(client, len(body) - 1_000, server) == body[1_000:]


def test_a_client_that_has_closed_counts_as_gone(pair: tuple[PatientSocket, socket.socket]) -> None:
    server, client = pair
    server.sendall(b"x" * 10_000_000)
    client.close()
    with pytest.raises(ConnectionResetError):
        server.send_unsent()


def test_a_client_that_does_not_send_counts_as_gone(pair: tuple[PatientSocket, socket.socket]) -> None:
    with pytest.raises(ConnectionResetError):
        pair[0].recv(1)
