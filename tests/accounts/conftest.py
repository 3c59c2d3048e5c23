"""Every test here runs on both databases, on an empty ledger in which nobody was added."""

import pytest


@pytest.fixture(autouse=True)
def _quick(quick_passwords: None, ledger_app: object) -> None:
    """Open the ledger, and let passwords cost no time."""
