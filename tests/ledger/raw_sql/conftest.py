"""A small history and a bare client, shared by all tests of a module.

A refusal leaves the log as it was, and every one of these tests compares it, so they can share a
ledger. What is to be accepted is tried inside `rolled_back`, or on `fresh`.
"""

from collections.abc import Iterator

import pytest

from tests.fixtures.ledger import DIALECTS, MakeDatabase, RawClient
from tests.ledger.raw_sql.rows import History, Ids, record_history


@pytest.fixture(scope="module", params=DIALECTS)
def history(request: pytest.FixtureRequest, make_module_database: MakeDatabase) -> Iterator[History]:
    """Share one history on each database. Modules for one database alone have their own."""
    yield from record_history(make_module_database(request.param))


@pytest.fixture
def fresh(database_url: str) -> Iterator[History]:
    """Record the same history for this test alone, which may change the schema."""
    yield from record_history(database_url)


@pytest.fixture
def raw(history: History) -> RawClient:
    return history.raw


@pytest.fixture
def ids(history: History) -> Ids:
    return history.ids
