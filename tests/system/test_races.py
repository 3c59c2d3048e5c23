"""A round or two of every race, with 32 clients and two workers. `make race` runs hundreds of rounds."""

from collections.abc import Iterator

import pytest

from tests.fixtures.ledger import DIALECTS, MakeDatabase
from tests.fixtures.server import Serve, Server, assert_verified_within
from tests.system import races

ROUNDS = 2
# Each round of these records dozens of credits and sends several requests for each.
LARGE = {"import equal", "confirm one import", "retire parts"}
ROUNDS_OF_LARGE = 1


@pytest.fixture(scope="module", params=DIALECTS)
def server(
    request: pytest.FixtureRequest, make_module_database: MakeDatabase, serve_module: Serve
) -> Iterator[Server]:
    """Give a server, whose ledger is verified after the races."""
    server = serve_module(make_module_database(request.param))
    yield server
    assert_verified_within(server.database_url)


@pytest.mark.parametrize("race", races.RACES)
def test_of_many_at_once_only_one_changes_the_ledger(server: Server, race: str) -> None:
    with races.crowd(server, race.replace(" ", "-")) as crowd:
        for number in range(ROUNDS_OF_LARGE if race in LARGE else ROUNDS):
            races.RACES[race](crowd, number)
