"""Pages are tested on SQLite: the commands and queries that they call are tested on both databases.

On PostgreSQL, tests/security opens every page and a browser goes through the main journey. A module about
what a database computes sets `pytestmark = both_databases`.
"""

import pytest

from tests.fixtures.ledger import DIALECTS

both_databases = pytest.mark.parametrize("dialect", DIALECTS)


@pytest.fixture(params=["sqlite"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)
