"""A ledger that was filled before there were lots and blocks keeps all it has, and goes on."""

from collections.abc import Iterator

import pytest
from flask_migrate import upgrade

from tests.fixtures.credits import a_credit
from tests.fixtures.ledger import RawClient, connected, opened
from tests.ledger.raw_sql.rows import (
    AT,
    assert_insert_refused,
    assert_refused,
    event_row,
    feed_row,
    insert,
    next_event,
)
from tests.ledger.soundness import assert_sound
from tests.ledger.test_migrations import EmptyDatabases, empty, schema_of
from webapp.domain.credits import parse_credit
from webapp.domain.errors import BlockHeld
from webapp.domain.events import Event, created
from webapp.ledger import queries
from webapp.ledger.actors import LOCAL
from webapp.ledger.commands import cancel_credit, create_credit, retire_credit

__all__ = ["empty"]

Values = dict[str, object]

BLOCK: Values = {"registry": "ACR", "quantity": "10", "serial_number": "ACR-X-2025-1 to 10"}
OVERLAPPING: Values = {"registry": "acr", "quantity": "6", "serial_number": "ACR-X-2025-5 to 10"}
FALSE_BLOCK: Values = {"registry": "ACR", "quantity": "3", "serial_number": "ACR-Y-2025-1 to 10"}
PLAIN: Values = {"serial_number": "VCS-0001"}


def put(raw: RawClient, event: Event) -> None:
    insert(raw, "events", event_row(event))
    insert(raw, "feed", feed_row(raw, event))


def id_of(values: Values) -> str:
    return parse_credit(a_credit(**values)).id


@pytest.fixture
def old(empty: EmptyDatabases) -> Iterator[tuple[str, RawClient]]:
    """Fill a ledger of revision 0001 as a client of it did."""
    url = empty.make("old")
    with opened(url):
        upgrade(revision="0001")
    with connected(url) as raw:
        for values in (BLOCK, OVERLAPPING, FALSE_BLOCK, PLAIN):
            put(raw, created(parse_credit(a_credit(**values)), "local", AT))
        put(raw, next_event(raw, id_of(PLAIN), "SOLD", data={"buyer": "Acme"}, recorded_at=AT))
        put(raw, next_event(raw, id_of(PLAIN), "RETIRED", data={}, recorded_at=AT))
        yield url, raw


def test_an_upgrade_keeps_every_event_and_every_refusal(old: tuple[str, RawClient], raw: RawClient) -> None:
    url, client = old
    query = "SELECT * FROM events ORDER BY credit_id, seq"
    before = (client.execute(query), client.execute("SELECT * FROM feed ORDER BY position"))
    with opened(url):
        upgrade()
        assert (client.execute(query), client.execute("SELECT * FROM feed ORDER BY position")) == before
        assert_sound()
    assert schema_of(client) == schema_of(raw)
    for table in ("credits", "events", "feed"):
        assert_refused(client, f"DELETE FROM {table}")
    assert_refused(client, "UPDATE events SET actor = 'somebody'")
    for event_type in ("SOLD", "RETIRED", "SPLIT", "CANCELLED"):
        event = next_event(client, id_of(PLAIN), event_type)
        assert_insert_refused(client, "events", event_row(event))


def test_an_upgrade_gives_blocks_to_who_came_first(old: tuple[str, RawClient]) -> None:
    url, client = old
    with opened(url):
        upgrade()
        assert client.execute("SELECT credit_id, first, last FROM serial_blocks") == [(id_of(BLOCK), 1, 10)]
        with pytest.raises(BlockHeld) as refusal:
            create_credit(a_credit(registry="ACR", quantity="2", serial_number="ACR-X-2025-9 to 10"), LOCAL)
        assert refusal.value.holder == id_of(BLOCK)


def test_a_credit_whose_block_another_holds_can_still_be_split_and_cancelled(
    old: tuple[str, RawClient],
) -> None:
    url, client = old
    with opened(url):
        upgrade()
        acted = retire_credit(id_of(OVERLAPPING), {"quantity": "2"}, LOCAL)
        assert queries.credit(acted.credit_id).serial_number == "ACR-X-2025-5 to 6"
        assert client.execute("SELECT count(*) FROM serial_blocks") == [(1,)]
        cancel_credit(id_of(BLOCK), {"reason": "Listed twice"}, LOCAL)
        retire_credit(str(acted.rest_id), {"quantity": "1"}, LOCAL)
        held = client.execute("SELECT first, last FROM serial_blocks ORDER BY first")
        assert held == [(7, 7), (8, 10)]
        assert_sound()
