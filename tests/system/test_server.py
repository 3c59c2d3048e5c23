"""What gunicorn does with our settings before a request reaches the program."""

import socket
import sys
from contextlib import ExitStack
from urllib.parse import urlsplit

from tests.fixtures.ledger import MakeDatabase
from tests.fixtures.server import NOT_PRELOADED, PATIENCE_S, Serve

SILENT = 40
# Only Linux can keep a connection from gunicorn until its first byte (TCP_DEFER_ACCEPT).
ANSWER_WITHIN_S = 2 if sys.platform == "linux" else PATIENCE_S


def test_connections_that_say_nothing_keep_nobody_waiting(serve: Serve, make_database: MakeDatabase) -> None:
    server = serve(make_database("sqlite"), **NOT_PRELOADED)
    place = urlsplit(server.url)
    with ExitStack() as silent:
        for _ in range(SILENT):
            silent.enter_context(socket.create_connection((str(place.hostname), place.port)))
        assert server.client().get("/healthz").seconds < ANSWER_WITHIN_S


def test_a_server_that_just_started_is_ready(serve: Serve, make_database: MakeDatabase) -> None:
    server = serve(make_database("sqlite"), **NOT_PRELOADED)
    answer = server.client().get("/readyz")
    assert (answer.status, answer.json["status"]) == (200, "ready")
