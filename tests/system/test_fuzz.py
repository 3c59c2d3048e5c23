"""A small run of `make fuzz`, with one seed."""

import pytest

from tests.fixtures.ledger import DIALECTS, MakeDatabase
from tests.fixtures.server import Serve, assert_verified_within
from tests.system.fuzzing import BOUNDS_OF_FIELDS, REACHING_A_DATABASE, a_program, fuzz


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_answer_to_generated_requests_is_as_the_document_says(
    dialect: str, make_database: MakeDatabase, serve: Serve
) -> None:
    server = serve(make_database(dialect))
    token = a_program(server.database_url)
    fuzzed = fuzz(server, token, seed=1, examples=3, phases=REACHING_A_DATABASE)
    assert not fuzzed.found, fuzzed.found
    assert fuzzed.requests > 150
    assert fuzzed.statuses[200] > 20
    assert_verified_within(server.database_url)


def test_every_answer_to_values_at_the_bounds_of_a_credit_is_as_the_document_says(
    make_database: MakeDatabase, serve: Serve
) -> None:
    server = serve(make_database("sqlite"))
    token = a_program(server.database_url)
    fuzzed = fuzz(server, token, seed=1, examples=1, phases=BOUNDS_OF_FIELDS, operation="create_record")
    assert not fuzzed.found, fuzzed.found
    assert fuzzed.statuses[422] > 50
