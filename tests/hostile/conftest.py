"""One server for the tests of a module, on a ledger that stays empty unless a test says otherwise."""

from collections.abc import Iterator

import pytest

from tests.fixtures.ledger import MakeDatabase
from tests.fixtures.server import Serve, Server


@pytest.fixture(scope="module")
def server(serve_module: Serve, make_module_database: MakeDatabase) -> Server:
    """Return a server on SQLite: what is refused here never reaches a database."""
    return serve_module(make_module_database("sqlite"))


@pytest.fixture
def unchanged(server: Server) -> Iterator[Server]:
    """Return the server, and fail where the test recorded anything."""
    before = server.client().get("/events?limit=500").json["resume"]
    yield server
    assert server.client().get("/events?limit=500").json["resume"] == before
