"""Authorization does not depend on the database, so these tests run on SQLite, with a fast password hash."""

import pytest


@pytest.fixture
def dialect() -> str:
    return "sqlite"


@pytest.fixture(autouse=True)
def _quick(quick_passwords: None, ledger_app: object) -> None:
    """Open the ledger, with a fast password hash."""
