"""A small run of `make fuzz`, with one seed."""

import pytest

from tests.fixtures.ledger import MakeDatabase
from tests.fixtures.server import Serve, assert_verified_within
from tests.system.fuzzing import ALL_PHASES, REACHING_A_DATABASE, a_program, fuzz


@pytest.mark.parametrize(
    ("dialect", "phases", "examples", "requests", "accepted"),
    [("sqlite", ALL_PHASES, 3, 500, 50), ("postgresql", REACHING_A_DATABASE, 10, 200, 25)],
)
def test_every_answer_to_generated_requests_is_as_the_document_says(
    dialect: str,
    phases: str,
    examples: int,
    requests: int,
    accepted: int,
    make_database: MakeDatabase,
    serve: Serve,
) -> None:
    server = serve(make_database(dialect))
    fuzzed = fuzz(server, a_program(server.database_url), seed=1, examples=examples, phases=phases)
    assert not fuzzed.found, fuzzed.found
    assert fuzzed.requests > requests
    assert fuzzed.statuses[200] > accepted
    assert_verified_within(server.database_url)
