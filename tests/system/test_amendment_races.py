"""A few rounds of the races with amendments and reversals. `make race` runs hundreds of rounds."""

import pytest

from tests.fixtures.ledger import DIALECTS, MakeDatabase
from tests.fixtures.server import Serve, Server, assert_verified_within
from tests.system import races
from tests.system.amendment_races import AMENDMENT_RACES

ROUNDS = 3


@pytest.fixture(scope="module", params=DIALECTS)
def server(request: pytest.FixtureRequest, make_module_database: MakeDatabase, serve_module: Serve) -> Server:
    return serve_module(make_module_database(request.param))


@pytest.mark.parametrize("race", AMENDMENT_RACES)
def test_what_puts_right_and_what_retires_at_once_conserve_every_tonne(server: Server, race: str) -> None:
    with races.crowd(server, race.replace(" ", "-")) as crowd:
        for number in range(ROUNDS):
            AMENDMENT_RACES[race](crowd, number)
    assert_verified_within(server.database_url)
