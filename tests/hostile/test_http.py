"""Malformed requests: lengths, codings, hosts, addresses and methods; and clients that stop sending."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from select import select
from socket import socket
from typing import Final

import pytest

from tests.fixtures.credits import a_credit
from tests.fixtures.server import Server, eventually
from tests.hostile.sockets import CLOSE, HOST, JSON, connect, exchange, get, post, read_to_end
from webapp.config import ROOT
from webapp.http import request_security

CREDIT: Final = json.dumps(a_credit()).encode()
FOREIGN: Final = b"evil.example"


def length(number: int) -> bytes:
    return b"Content-Length: %d\r\n" % number


def chunks(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"
BODIES: Final = {
    "longer than any record": (post(b"/records", b"{" * 300_000, length(300_000)), 413),
    "longer than any file": (post(b"/records/imports", b"[", length(600_000_000)), 413),
    "longer than any file, on a page": (post(b"/imports/new", b"[", length(600_000_000)), 413),
    "longer than any disk": (post(b"/records", b"{", length(10**17)), 413),
    "a length of 4000 digits": (post(b"/records", b"", b"Content-Length: " + b"9" * 4000 + b"\r\n"), 413),
    "a negative length": (post(b"/records", CREDIT, length(-1)), 400),
    "a length with a sign": (post(b"/records", CREDIT, b"Content-Length: +100\r\n"), 400),
    "a length in other digits": (post(b"/records", CREDIT, b"Content-Length: \xb2\r\n"), 400),
    "two lengths": (post(b"/records", CREDIT, length(len(CREDIT)), length(1)), 400),
    "a list of lengths": (post(b"/records", CREDIT, b"Content-Length: 2, 2\r\n"), 400),
    "chunked": (post(b"/records", chunks(CREDIT), CHUNKED), 411),
    "chunked, never ended": (post(b"/records", b"5\r\n", CHUNKED), 411),
    "chunked, on a page": (post(b"/imports/new", chunks(CREDIT), CHUNKED), 411),
    "chunked, with a length": (post(b"/records", chunks(CREDIT), CHUNKED, length(5)), 400),
    "chunked behind a tab, with a length": (
        post(b"/records", chunks(CREDIT), b"Transfer-Encoding:\tchunked\r\n", length(5)),
        400,
    ),
    "chunked before a space, with a length": (
        post(b"/records", chunks(CREDIT), b"Transfer-Encoding : chunked\r\n", length(5)),
        400,
    ),
    "chunked in a folded line": (post(b"/records", CREDIT, b"X: y\r\n Transfer-Encoding: chunked\r\n"), 400),
    "gzip and chunked": (post(b"/records", chunks(CREDIT), b"Transfer-Encoding: gzip, chunked\r\n"), 411),
    "gzip alone": (post(b"/records", CREDIT, b"Transfer-Encoding: gzip\r\n"), 400),
    "a coding nobody knows": (post(b"/records", CREDIT, b"Transfer-Encoding: xchunked\r\n"), 501),
    "an expectation nobody knows": (post(b"/records", CREDIT, b"Expect: luck\r\n", length(len(CREDIT))), 417),
    "not welcome and not sent": (
        post(b"/records", b"", b"Expect: 100-continue\r\n", length(17_000_000)),
        413,
    ),
}
LINES: Final = {
    "an absolute address of another host": (
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n" + CLOSE + b"\r\n",
        400,
    ),
    "an absolute address with another Host": (
        b"GET http://localhost/ HTTP/1.1\r\nHost: evil.example\r\n" + CLOSE + b"\r\n",
        400,
    ),
    "a foreign Host": (b"GET / HTTP/1.1\r\nHost: evil.example\r\n" + CLOSE + b"\r\n", 400),
    "a Host behind an @": (b"GET / HTTP/1.1\r\nHost: localhost@evil.example\r\n" + CLOSE + b"\r\n", 400),
    "a Host that is no name": (b"GET / HTTP/1.1\r\nHost: [::1\r\n" + CLOSE + b"\r\n", 400),
    "a Host of bytes": (b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n" + CLOSE + b"\r\n", 400),
    "an empty Host": (b"GET / HTTP/1.1\r\nHost:\r\n" + CLOSE + b"\r\n", 400),
    "no Host": (b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n", 400),
    "two Hosts": (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400),
    "a null byte in an id": (get(b"/records/%00"), 404),
    "a null byte in a page": (get(b"/credits/%00"), 404),
    "a byte that is no text": (get(b"/records/%ff"), 404),
    "a byte that is no text, in a page": (get(b"/credits/%ff/sell"), 404),
    "a byte that is no text, in a query": (get(b"/records?q=%ff%00"), 422),
    "a way up": (get(b"/records/..%2f..%2fetc%2fpasswd"), 404),
    "a way up from the static files": (get(b"/static/../wsgi.py"), 404),
    "a way up from the static files, spelled": (get(b"/static/%2e%2e/wsgi.py"), 404),
    "a null byte among the static files": (get(b"/static/%00"), 404),
    "two slashes": (get(b"//evil.example/"), 404),
    "a bare null byte": (get(b"/records/\0"), 400),
    "a bare byte": (get(b"/records/\xff"), 400),
    "an address of 9000 characters": (get(b"/" + b"a" * 9000), 414),
    "an address of 200,000 characters": (get(b"/" + b"a" * 200_000), 414),
    "a header of 9000 characters": (get(b"/", b"X: " + b"a" * 9000 + b"\r\n"), 431),
    "a header of 200,000 characters": (get(b"/", b"X: " + b"a" * 200_000 + b"\r\n"), 431),
    "200 headers": (get(b"/", *(b"X%d: y\r\n" % number for number in range(200))), 431),
    "a header without a name": (get(b"/", b": y\r\n"), 400),
    "a line break of half": (b"GET / HTTP/1.1\nHost: localhost\n\n", 400),
    "TRACE": (b"TRACE / HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 405),
    "TRACE of the API": (b"TRACE /records HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 405),
    "a method nobody knows": (b"BREW /records HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 405),
    "a method of 5000 letters": (b"A" * 5000 + b" / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a tunnel": (b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 404),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "HTTP/9.9": (b"GET / HTTP/9.9\r\n" + HOST + b"\r\n", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a proxy's greeting": (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + get(b"/"), 400),
    "all bytes there are": (bytes(range(256)) + b"\r\n\r\n", 400),
}
HEADERS: Final = {
    "an Origin that is no address": (b"Origin: http://[\r\n", 403),
    "a Referer that is no address": (b"Referer: http://[\r\n", 201),
    "a cookie of bytes": (b"Cookie: session=\xff\xfe;;=;\r\n", 201),
    "dates and ranges of nonsense": (b"If-Modified-Since: x\r\nRange: bytes=-1-\r\nIf-Range: x\r\n", 201),
}


@pytest.mark.parametrize(("request_bytes", "status"), BODIES.values(), ids=BODIES)
def test_a_body_whose_length_is_not_plain_is_refused(
    unchanged: Server, request_bytes: bytes, status: int
) -> None:
    assert exchange(unchanged, request_bytes).status == status


@pytest.mark.parametrize(("request_bytes", "status"), LINES.values(), ids=LINES)
def test_a_request_that_nobody_means_is_answered_and_records_nothing(
    unchanged: Server, request_bytes: bytes, status: int
) -> None:
    answer = exchange(unchanged, request_bytes)
    assert answer.status == status
    assert FOREIGN not in answer.head


SECRET: Final = b"hunter2secret"
UNREADABLE: Final = {
    "a space in the address": (b"GET /sign in?password=" + SECRET + b" HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "no version": (b"GET /sign-in?password=" + SECRET + b"\r\n\r\n", 400),
    "a method that is none": (b"G@T/" + SECRET + b" / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a header without a colon": (get(b"/", SECRET + b"\r\n"), 400),
    "a header with a space in its name": (get(b"/", b"Cookie " + SECRET + b": x\r\n"), 400),
    "a header that goes on": (get(b"/", b"Cookie: x\r\n " + SECRET + b"\r\n"), 400),
    "a coding": (post(b"/records", b"", b"Transfer-Encoding: " + SECRET + b"\r\n"), 501),
    "an expectation": (post(b"/records", b"", b"Expect: " + SECRET + b"\r\n"), 417),
    "a long address": (get(b"/?password=" + SECRET + b"a" * 9000), 414),
    "a very long address": (get(b"/?password=" + SECRET + b"a" * 200_000), 414),
    "a long header": (get(b"/", b"Cookie: " + SECRET + b"a" * 9000 + b"\r\n"), 431),
    "a very long header": (get(b"/", b"Cookie: " + SECRET + b"a" * 200_000 + b"\r\n"), 431),
}


@pytest.mark.parametrize(("request_bytes", "status"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_repeated_nowhere_and_answered_as_safely_as_all_else(
    server: Server, request_bytes: bytes, status: int
) -> None:
    answer = exchange(server, request_bytes)
    assert answer.status == status
    assert SECRET not in answer.content
    assert SECRET.decode() not in server.log
    for header in (
        *request_security.security_headers(over_tls=False).items(),
        ("Content-Type", "text/plain; charset=utf-8"),
    ):
        assert ": ".join(header).lower().encode() in answer.head


@pytest.mark.parametrize(("header", "status"), HEADERS.values(), ids=HEADERS)
def test_a_header_of_nonsense_breaks_nothing(server: Server, header: bytes, status: int) -> None:
    credit = json.dumps(a_credit(serial_number=ascii(header))).encode()
    assert exchange(server, post(b"/records", credit, header, length(len(credit)))).status == status
    page = exchange(server, post(b"/credits/new", b"", header, length(0)))
    assert page.status == 403


def test_what_was_behind_a_doubtful_body_is_not_taken_for_a_request(unchanged: Server) -> None:
    hidden = post(b"/records", CREDIT, length(len(CREDIT)))
    for lengths in (CHUNKED + length(5), b"Transfer-Encoding: gzip, chunked\r\n", length(10**9)):
        first = b"POST /records HTTP/1.1\r\n" + HOST + JSON + lengths + b"\r\n0\r\n\r\n"
        answer = exchange(unchanged, first + hidden)
        assert answer.content.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "header",
    [
        b"X-Forwarded-Host: evil.example\r\n",
        b"Forwarded: host=evil.example;proto=https\r\n",
        b"X-Forwarded-For: 10.1.2.3\r\n",
        b"X-Forwarded-Proto: https\r\n",
        b"X-Forwarded-Prefix: /evil.example\r\n",
        b"X-Original-URL: /evil.example\r\n",
        b"X-Rewrite-URL: /evil.example\r\n",
        b"X-HTTP-Method-Override: POST\r\n",
        b"SCRIPT_NAME: /evil.example\r\n",
        b"X-Forwarded-SSL: on\r\n",
    ],
    ids=str,
)
def test_what_a_stranger_says_of_a_proxy_is_not_believed(unchanged: Server, header: bytes) -> None:
    for target in (b"/", b"/favicon.ico", b"/nix", b"/openapi.json", b"/records?limit=1"):
        answer = exchange(unchanged, get(target, header))
        assert answer.status < 500
        assert FOREIGN not in answer.content.lower()
        assert b"location: http" not in answer.head
        assert b"strict-transport-security" not in answer.head


@pytest.fixture(scope="module", autouse=True)
def begun(server: Server) -> Iterator[socket]:
    """Begin a request before all other tests, so that it has timed out by the last one."""
    with connect(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        yield connection


STALLED: Final = (
    b"P",
    b"GET / HTTP/1.1\r\n" + HOST,
    post(b"/records", b"{", length(1000)),
    post(b"/imports/new", b"-", length(200_000)),
    post(b"/records", b"5\r\n", CHUNKED),
    b"GET /records HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n5\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)


def test_requests_that_never_end_keep_nobody_waiting(server: Server) -> None:
    with ExitStack() as stalled:
        for number in range(10 * len(STALLED)):
            connection = stalled.enter_context(connect(server))
            connection.sendall(STALLED[number % len(STALLED)])
        client = server.client()
        assert client.get("/healthz").status == 200
        assert client.get("/credits").status == 200
        assert client.post("/records", a_credit(serial_number="while others stall")).status == 201


def test_only_so_many_files_are_on_their_way_at_a_time_and_small_requests_pass(server: Server) -> None:
    """Two workers accept eight each. The others get 503 at once."""
    begun = post(b"/records/imports", b"[", length(16_000_000))
    with ExitStack() as stalled:
        connections = [stalled.enter_context(connect(server)) for _ in range(40)]
        for connection in connections:
            connection.sendall(begun)

        def refused() -> list[socket]:
            answered, _, _ = select(connections, [], [], 0)
            return answered if len(answered) >= 40 - 16 else []

        for connection in eventually(refused, "those that are too many are refused"):
            answer = read_to_end(connection)
            assert answer.status == 503
            assert b"retry-after: " in answer.head
        client = server.client()
        assert client.post("/records", a_credit(serial_number="while files come")).status == 201


def test_a_request_in_small_pieces_is_read_whole(server: Server) -> None:
    credit = json.dumps(a_credit(serial_number="in pieces")).encode()
    request = post(b"/records", credit, length(len(credit)))
    with connect(server) as connection:
        for begin in range(0, len(request), 7):
            connection.sendall(request[begin : begin + 7])
        assert read_to_end(connection).status == 201


def test_requests_sent_at_once_are_answered_in_their_order(server: Server) -> None:
    credit = json.dumps(a_credit(serial_number="at once")).encode()
    kept = b"POST /records HTTP/1.1\r\n" + HOST + JSON + length(len(credit)) + b"\r\n" + credit
    answer = exchange(server, kept + b"GET /nix HTTP/1.1\r\n" + HOST + b"\r\n" + kept + get(b"/healthz"))
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer.content) == [b"201", b"404", b"200", b"200"]


def test_a_client_that_asks_first_is_told_to_send_its_body(server: Server) -> None:
    credit = json.dumps(a_credit(serial_number="asked first")).encode()
    with connect(server) as connection:
        connection.sendall(post(b"/records", b"", b"Expect: 100-continue\r\n", length(len(credit))))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(credit)
        assert read_to_end(connection).status == 201


def test_whoever_sends_a_file_that_is_too_large_reads_why(unchanged: Server) -> None:
    body = (ROOT / "tests" / "data" / "old-workbook.xls").read_bytes() + bytes(20_000_000)
    sent = post(b"/records/imports", body, length(len(body)))
    answer = exchange(unchanged, sent.replace(JSON, b"Content-Type: application/vnd.ms-excel\r\n", 1))
    assert answer.status == 413
    assert b"Save it as an Excel workbook (.xlsx)" in answer.content


def test_a_file_that_is_larger_than_other_bodies_may_be_is_received(server: Server) -> None:
    body = b"project_name\n" + b"".join(b"%d %b\n" % (n, b"x" * 90_000) for n in range(200))
    sent = post(b"/records/imports?dry_run=1", body, length(len(body)))
    answer = exchange(server, sent.replace(JSON, b"Content-Type: text/csv\r\n", 1))
    assert answer.status == 202


def test_a_request_that_does_not_go_on_is_given_up(begun: socket) -> None:
    assert read_to_end(begun).status == 408
