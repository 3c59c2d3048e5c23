"""Connections that PostgreSQL closes while they are open, as it does when another server takes over."""

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.pool import QueuePool

from tests.fixtures.credits import recorded
from tests.fixtures.ledger import RawClient
from webapp.ledger import queries
from webapp.ledger.storage.engine import (
    begin_read_transaction,
    db,
    end_read_transaction,
    leave_read_transaction,
    reading,
)

pytestmark = pytest.mark.usefixtures("ledger_app")


@pytest.fixture(params=["postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Return the database that is a server. The connections of SQLite are files of this process."""
    return str(request.param)


def lose_connection(raw: RawClient) -> None:
    """Read in a request's transaction, and end the database's side of it."""
    begin_read_transaction()
    with reading() as connection:
        number = connection.scalar(text("SELECT pg_backend_pid()"))
    raw.execute("SELECT pg_terminate_backend(?, 10000)", number)


@pytest.mark.parametrize("leave", [end_read_transaction, leave_read_transaction])
def test_leaving_a_snapshot_whose_connection_is_lost_raises_nothing(
    raw: RawClient, leave: Callable[[], None]
) -> None:
    lose_connection(raw)
    leave()
    end_read_transaction()
    assert isinstance(db.engine.pool, QueuePool)
    assert db.engine.pool.checkedout() == 0


def test_the_next_read_has_another_connection(raw: RawClient) -> None:
    credit_id = recorded()
    lose_connection(raw)
    leave_read_transaction()
    assert queries.credit(credit_id).id == credit_id
    end_read_transaction()


def test_a_write_after_the_loss_is_recorded(raw: RawClient) -> None:
    lose_connection(raw)
    credit_id = recorded()
    end_read_transaction()
    assert queries.credit(credit_id).id == credit_id
