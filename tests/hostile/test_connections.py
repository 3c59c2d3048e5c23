"""More connections than the workers allow: new ones are served, the longest idle ones are closed."""

import resource
from collections.abc import Iterator
from contextlib import ExitStack
from select import poll
from socket import socket
from typing import Final

import pytest

from tests.fixtures.credits import a_credit
from tests.fixtures.server import Server, eventually
from tests.hostile.sockets import HOST, connect, get, read_to_end

# Two workers with worker_connections = 500 each (gunicorn.conf.py).
CONNECTIONS_MAX: Final = 1000
MANY: Final = 1500
# If no idle connection were closed, a new one would wait until the first time out after 10 seconds.
AT_ONCE_S: Final = 5
HALF: Final = b"GET /credits HTTP/1.1\r\n" + HOST


@pytest.fixture(autouse=True)
def many_files() -> Iterator[None]:
    """Allow this process as many open connections as the test needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = MANY + 500
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip(f"this process may open {hard} files, and {needed} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def stalled(server: Server) -> Iterator[list[socket]]:
    """Return connections with a half-sent request, the oldest first."""
    with ExitStack() as stack:
        connections = []
        for _ in range(MANY):
            connection = stack.enter_context(connect(server))
            connection.sendall(HALF)
            connections.append(connection)
        yield connections


def answered(connections: list[socket]) -> list[socket]:
    """Return the connections that got an answer or were closed."""
    look = poll()
    by_number = {connection.fileno(): connection for connection in connections}
    for number in by_number:
        look.register(number)
    return [by_number[number] for number, event in look.poll(0) if event & 1]


@pytest.mark.usefixtures("stalled")
def test_a_new_connection_is_served_while_half_sent_requests_use_all_connections(server: Server) -> None:
    for _ in range(5):
        client = server.client()
        assert client.get("/healthz").seconds < AT_ONCE_S
    assert server.client().post("/records", a_credit(serial_number="in the crowd")).status == 201


def test_the_longest_idle_get_408_and_the_others_can_continue(server: Server, stalled: list[socket]) -> None:
    eventually(
        lambda: len(answered(stalled)) >= MANY - CONNECTIONS_MAX,
        "as many are closed as there are too many",
        8,
    )
    newest = stalled[-100:]
    assert answered(newest) == []
    told = read_to_end(answered(stalled)[0])
    assert told.status == 408
    assert b"ran out of connections" in told.content
    newest[-1].sendall(b"Connection: close\r\n\r\n")
    assert read_to_end(newest[-1]).status == 200
    assert server.client().get("/healthz").status == 200


def test_connections_that_are_idle_between_two_requests_are_closed_too(server: Server) -> None:
    with ExitStack() as stack:
        resting = [stack.enter_context(connect(server)) for _ in range(200)]
        for connection in resting:
            connection.sendall(get(b"/healthz").replace(b"Connection: close\r\n", b""))
        eventually(lambda: len(answered(resting)) == len(resting), "all are answered")
        for _ in range(CONNECTIONS_MAX):
            stack.enter_context(connect(server)).sendall(HALF)
        assert server.client().get("/healthz").seconds < AT_ONCE_S
