"""Files and refusals are tested on SQLite; what is read from the ledger sets `both_databases`."""

import pytest

from tests.fixtures.ledger import DIALECTS

both_databases = pytest.mark.parametrize("dialect", DIALECTS)


@pytest.fixture(params=["sqlite"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)
