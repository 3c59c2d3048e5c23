"""The triggers of both databases know in raw SQL which sale stands."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import a_credit, retired, sale_reversed, sold
from tests.fixtures.ledger import DIALECTS, MakeDatabase, RawClient, connected, opened
from tests.ledger.invariants import assert_sound
from tests.ledger.triggers.rows import (
    REFUSALS,
    assert_insert_refused,
    event_row,
    feed_row,
    insert,
    key_of,
    next_event,
    put,
    rolled_back,
)
from webapp.accounts.actors import LOCAL
from webapp.domain.credit import parse_credit
from webapp.domain.event import NO_PREVIOUS_HASH, Event
from webapp.domain.fields import E4
from webapp.domain.lifecycle import EventType
from webapp.domain.split import LotPlace, lots_of, split_data, split_events
from webapp.ledger import archive, queries
from webapp.ledger.commands import amend_credit, sell_credit
from webapp.ledger.event_log import envelope_of, parse_stored

AFTER_LATER = datetime(2100, 1, 2, tzinfo=UTC)
SALE = Event("", 2, EventType.SOLD, {"occurred_on": "2026-11-20"}, LOCAL, "", NO_PREVIOUS_HASH)


@pytest.fixture(scope="module", params=DIALECTS)
def raw(request: pytest.FixtureRequest, make_module_database: MakeDatabase) -> Iterator[RawClient]:
    url = make_module_database(request.param)
    with opened(url):
        reversed_sale = sale_reversed(serial_number="1")
        sale_reversed(serial_number="2")
        sold_again = sale_reversed(serial_number="3")
        sell_credit(sold_again, {"buyer": "Zoë"}, LOCAL)
        sold(serial_number="4")
        retired(serial_number="5")
        amend_credit(reversed_sale, {"amends": "2", "buyer": "Acme"}, LOCAL)
        amend_credit(sold_again, {"amends": "2", "buyer": "Acme"}, LOCAL)
    with connected(url) as client:
        yield client


def id_of(serial: str) -> str:
    return parse_credit(a_credit(serial_number=serial)).id


def split_row(raw: RawClient, serial: str, sale: Event | None) -> dict[str, object]:
    """Return the row of a split into 25 t and 75 t, whose lots carry the sale over if there is one."""
    whole = parse_credit(a_credit(serial_number=serial))
    lots = lots_of(whole, LotPlace(serial, 0, whole.quantity_e4), [25 * E4, 75 * E4], None)
    split = next_event(raw, whole.id, "SPLIT", data=split_data(lots))
    return {"subject": key_of(raw, whole.id), "envelope": envelope_of(split_events(split, lots, sale))}


# After a reversal, with or without an amendment behind it; after another sale.
@pytest.mark.parametrize(
    ("serial", "event_type", "is_accepted"),
    [
        (serial, event_type, event_type in allowed)
        for serials, allowed in (
            ("12", {"SOLD", "RETIRED", "WITHDRAWN", "CANCELLED"}),
            ("34", {"SALE_REVERSED", "RETIRED", "WITHDRAWN"}),
            ("5", set()),
        )
        for serial in serials
        for event_type in ("SOLD", "SALE_REVERSED", "RETIRED", "WITHDRAWN", "CANCELLED")
    ],
)
def test_the_last_counting_event_decides_what_may_follow(
    raw: RawClient, serial: str, event_type: str, *, is_accepted: bool
) -> None:
    row = event_row(raw, next_event(raw, id_of(serial), event_type))
    if is_accepted:
        with rolled_back(raw):
            insert(raw, "events", row)
    else:
        assert_insert_refused(raw, "events", row)


@pytest.mark.parametrize(("serial", "is_sold"), [("1", False), ("2", False), ("3", True), ("4", True)])
def test_the_lots_of_a_split_are_sold_exactly_where_a_sale_stands(
    raw: RawClient, serial: str, *, is_sold: bool
) -> None:
    right, wrong = (SALE, None) if is_sold else (None, SALE)
    with rolled_back(raw):
        insert(raw, "splits", split_row(raw, serial, right))
    assert_insert_refused(raw, "splits", split_row(raw, serial, wrong))


def test_an_active_lot_has_no_sale_to_reverse(raw: RawClient) -> None:
    with rolled_back(raw):
        insert(raw, "splits", split_row(raw, "1", None))
        event = next_event(raw, lots_below(raw, "1")[0], "SALE_REVERSED", data={"reason": "Twice"})
        with pytest.raises(REFUSALS):
            insert(raw, "events", event_row(raw, event))


def test_sold_reversed_split_and_sold_in_raw_sql_the_lots_are_what_they_should_be(
    database_url: str, set_clock: SetClock
) -> None:
    with opened(database_url):
        sale_reversed(serial_number="1")
    with connected(database_url) as raw:
        row = split_row(raw, "1", None)
        insert(raw, "splits", row)
        for sealed in json.loads(str(row["envelope"])):
            insert(raw, "feed", feed_row(raw, parse_stored(sealed["body"])))
        sold_lot, other = lots_below(raw, "1")
        put(raw, next_event(raw, sold_lot, "SOLD", data={"buyer": "Zoë", "occurred_on": "2026-11-20"}))
    with opened(database_url):
        archive.rebuild()
        states = [(credit.status, credit.buyer) for credit in map(queries.credit, (sold_lot, other))]
        assert states == [("SOLD", "Zoë"), ("ACTIVE", None)]
        set_clock.moment = AFTER_LATER
        assert_sound()


def lots_below(raw: RawClient, serial: str) -> list[str]:
    query = "SELECT id FROM credits WHERE parent = ? ORDER BY offset_e4"
    return [lot_id.hex() for (lot_id,) in raw.execute(query, key_of(raw, id_of(serial)))]
