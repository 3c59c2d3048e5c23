"""Who may do what does not depend on the database, so these tests run on one; and passwords cost no time."""

import pytest


@pytest.fixture
def dialect() -> str:
    return "sqlite"


@pytest.fixture(autouse=True)
def _quick(quick_passwords: None, ledger_app: object) -> None:
    """Open the ledger, and let passwords cost no time."""
