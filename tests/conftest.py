"""What all tests share: the plugins that bring the fixtures."""

import os

import pytest

pytest_plugins = ["tests.fixtures.ledger"]


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """Return the address of a PostgreSQL server on which databases may be made."""
    return os.environ["TEST_POSTGRES_SERVER"]
