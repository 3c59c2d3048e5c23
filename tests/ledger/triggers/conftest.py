"""A small history and a bare client, shared by all tests of a module.

A refusal leaves the log as it was, and every one of these tests compares it, so they can share a
ledger. What is to be accepted is tried inside `rolled_back`, or on `fresh`.
"""

from collections.abc import Iterator

import pytest

from tests.fixtures.credits import recorded, sold
from tests.fixtures.ledger import DIALECTS, MakeDatabase, RawClient, connected, opened
from tests.ledger.triggers.rows import Family, History, Ids, record_history
from webapp.accounts.actors import LOCAL
from webapp.ledger.commands import cancel_credit, split_credit


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


@pytest.fixture(scope="module", params=DIALECTS)
def family(request: pytest.FixtureRequest, make_module_database: MakeDatabase) -> Iterator[Family]:
    """Share one split tree on each database."""
    url = make_module_database(request.param)
    with opened(url):
        active = recorded()
        bought = sold(serial_number="VCS-0002")
        split = recorded(registry="ACR", quantity="10", serial_number="ACR-X-2025-1 to 10")
        lots = split_credit(split, {"quantities": ["4", "6"]}, LOCAL).lot_ids
        cancelled = recorded(serial_number="VCS-0003")
        cancel_credit(cancelled, {"reason": "Typo"}, LOCAL)
    with connected(url) as raw:
        yield Family(raw, active, bought, split, lots, cancelled)
