"""Many clients at once, against two workers, for some rounds. `python -m scripts.race` runs hundreds."""

import pytest

from tests.fixtures.ledger import DIALECTS, MakeDatabase
from tests.fixtures.server import Serve, Server, assert_verified_within
from tests.system import races

ROUNDS = 12
# Each of these writes some dozens of credits, and sends many more.
LARGE = {"import equal", "confirm one import", "retire parts"}
ROUNDS_OF_LARGE = 4


@pytest.fixture(scope="module", params=DIALECTS)
def server(request: pytest.FixtureRequest, make_module_database: MakeDatabase, serve_module: Serve) -> Server:
    return serve_module(make_module_database(request.param))


@pytest.mark.parametrize("race", races.RACES)
def test_of_many_at_once_only_one_changes_the_ledger(server: Server, race: str) -> None:
    with races.crowd(server, race.replace(" ", "-")) as crowd:
        for number in range(ROUNDS_OF_LARGE if race in LARGE else ROUNDS):
            races.RACES[race](crowd, number)
    assert_verified_within(server.database_url)
