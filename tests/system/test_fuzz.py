"""A small run of `make fuzz`, with one seed."""

import pytest

from tests.fixtures.ledger import DIALECTS, MakeDatabase
from tests.fixtures.server import Serve, assert_verified_within
from tests.system.fuzzing import a_program, fuzz


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_answer_to_generated_requests_is_as_the_document_says(
    dialect: str, make_database: MakeDatabase, serve: Serve
) -> None:
    server = serve(make_database(dialect))
    fuzzed = fuzz(server, a_program(server.database_url), seed=1, examples=3)
    assert not fuzzed.found, fuzzed.found
    assert fuzzed.requests > 500
    assert fuzzed.statuses[200] > 50
    assert_verified_within(server.database_url)
