"""A round of each race with amendments and reversals. `make race` runs hundreds of rounds."""

from collections.abc import Iterator

import pytest

from tests.fixtures.ledger import DIALECTS, MakeDatabase
from tests.fixtures.server import Serve, Server, assert_verified_within
from tests.system import races
from tests.system.amendment_races import AMENDMENT_RACES


@pytest.fixture(scope="module", params=DIALECTS)
def server(
    request: pytest.FixtureRequest, make_module_database: MakeDatabase, serve_module: Serve
) -> Iterator[Server]:
    """Give a server, whose ledger is verified after the races."""
    server = serve_module(make_module_database(request.param))
    yield server
    assert_verified_within(server.database_url)


@pytest.mark.parametrize("race", AMENDMENT_RACES)
def test_what_puts_right_and_what_retires_at_once_conserve_every_tonne(server: Server, race: str) -> None:
    with races.crowd(server, race.replace(" ", "-")) as crowd:
        AMENDMENT_RACES[race](crowd, 0)
