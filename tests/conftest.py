"""Where the whole test run is put together. Fixtures live in the plugins that are named here."""

import gc

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = [
    "pytester",
    "tests.services.postgresql",
    "tests.services.browser",
    "tests.services.not_run",
    "tests.fixtures.compiled_once",
    "tests.fixtures.concurrency",
    "tests.fixtures.clock",
    "tests.fixtures.group_commits",
    "tests.fixtures.ledger",
    "tests.fixtures.empty_databases",
    "tests.fixtures.users",
    "tests.fixtures.server",
]

# A busy machine is slow, which is no fault of a property. In CI hypothesis has a profile of its own,
# without chance; this builds on whichever profile is in force.
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Keep the thousands of collected tests out of every garbage collection."""
    gc.freeze()
