"""What a real server writes into its log about requests."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from tests.fixtures.ledger import MakeDatabase
from tests.fixtures.server import NOT_PRELOADED, Serve, Server, eventually

JSON_LOG = {"LOG_FORMAT": "json", **NOT_PRELOADED}


def raw_request(server: Server, sent: bytes) -> bytes:
    """Send these bytes and return everything that comes back."""
    place = urlsplit(server.url)
    with closing(socket.create_connection((str(place.hostname), place.port))) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def lines_of(server: Server) -> Iterator[dict[str, Any]]:
    """Yield the lines of a log that is complete JSON; fail where one is not."""
    for line in server.log.splitlines():
        yield json.loads(line)


def test_every_line_of_a_json_log_is_json_and_names_its_request(
    serve: Serve, make_database: MakeDatabase
) -> None:
    server = serve(make_database("sqlite"), **JSON_LOG)
    client = server.client()
    numbers = [client.get("/shared/s3cr3t?x=1").headers["X-Request-ID"] for _ in range(2)]

    def logged() -> list[dict[str, Any]]:
        found = [line for line in lines_of(server) if line.get("path") == "/shared/***"]
        return found if len(found) == len(numbers) else []

    answers = eventually(logged, "both answers are logged")
    assert [line["request_id"] for line in answers] == numbers
    assert {(line["method"], line["status"], line["logger"]) for line in answers} == {
        ("GET", 404, "gunicorn.access")
    }
    booting = [line for line in lines_of(server) if line["message"].startswith("Booting worker")]
    assert booting
    assert not any("request_id" in line for line in booting)
    assert "s3cr3t" not in server.log


def test_a_request_that_cannot_be_read_has_an_id_of_its_own(
    serve: Serve, make_database: MakeDatabase
) -> None:
    server = serve(make_database("sqlite"), WEB_CONCURRENCY="1", **JSON_LOG)
    earlier = {server.client().get("/healthz").headers["X-Request-ID"] for _ in range(10)}
    answer = raw_request(server, b"GET / HTTP/1.1\r\nno header\r\n\r\n")
    [number] = [
        line.partition(b": ")[2].decode()
        for line in answer.split(b"\r\n")
        if line.startswith(b"X-Request-ID")
    ]

    def logged() -> list[dict[str, Any]]:
        return [line for line in lines_of(server) if line["message"].startswith("Refused a request")]

    [line] = eventually(logged, "the refusal is logged")
    assert line["request_id"] == number
    assert number not in earlier


def test_the_log_of_the_program_goes_where_gunicorn_writes(serve: Serve, make_database: MakeDatabase) -> None:
    url = make_database("sqlite")
    server = serve(url, **JSON_LOG)
    file = Path(str(make_url(url).database))
    file.rename(file.with_suffix(".moved"))

    def warned() -> list[dict[str, Any]]:
        return [line for line in lines_of(server) if line["logger"] == "webapp.ledger.standings"]

    line = eventually(warned, "the thread that follows the log warns")[0]
    assert line["level"] == "warning"
    assert line["message"].startswith("Cannot follow the log now")
