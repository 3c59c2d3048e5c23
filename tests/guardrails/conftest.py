"""The application as it is composed, for looking at: what it holds does not matter here."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.fixtures.ledger import opened


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    path: Path = tmp_path_factory.mktemp("guardrails") / "empty.sqlite3"
    with opened(f"sqlite:///{path}") as app:
        yield app
