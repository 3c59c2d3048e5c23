"""One server for all tests of a module."""

from collections.abc import Iterator

import pytest

from tests.fixtures.ledger import MakeDatabase
from tests.fixtures.server import Serve, Server


@pytest.fixture(scope="module")
def server(serve_module: Serve, make_module_database: MakeDatabase) -> Server:
    """Return a server on SQLite: requests that are rejected never reach a database."""
    return serve_module(make_module_database("sqlite"))


@pytest.fixture
def unchanged(server: Server) -> Iterator[Server]:
    """Return the server, and fail if the test records an event."""
    before = server.client().get("/events?limit=500").json["resume"]
    yield server
    assert server.client().get("/events?limit=500").json["resume"] == before
