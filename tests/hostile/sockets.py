"""Send requests as bytes, each on its own connection, also those that no HTTP client would send."""

import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from tests.fixtures.server import PATIENCE_S, Server

HOST: Final = b"Host: localhost\r\n"
JSON: Final = b"Content-Type: application/json\r\n"
CLOSE: Final = b"Connection: close\r\n"


@dataclass(frozen=True)
class RawAnswer:
    """Everything that the server sent until it closed the connection."""

    content: bytes

    @property
    def status(self) -> int:
        return int(self.content.split(b" ", 2)[1])

    @property
    def head(self) -> bytes:
        return self.content.partition(b"\r\n\r\n")[0].lower()


def connect(server: Server) -> socket.socket:
    """Open a connection with a timeout of PATIENCE_S."""
    place = urlsplit(server.url)
    return socket.create_connection((str(place.hostname), place.port), timeout=PATIENCE_S)


def read_to_end(connection: socket.socket) -> RawAnswer:
    """Read until the server closes the connection."""
    content = b""
    while piece := connection.recv(65536):
        content += piece
    return RawAnswer(content)


def exchange(server: Server, request: bytes) -> RawAnswer:
    """Send the bytes and read the whole answer."""
    with connect(server) as connection:
        connection.sendall(request)
        return read_to_end(connection)


def get(target: bytes, *headers: bytes) -> bytes:
    """Return a GET that asks the server to close the connection."""
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"".join(headers) + CLOSE + b"\r\n"


def post(target: bytes, body: bytes, *headers: bytes) -> bytes:
    """Return a POST with these headers about its body."""
    return b"POST " + target + b" HTTP/1.1\r\n" + HOST + JSON + b"".join(headers) + CLOSE + b"\r\n" + body
