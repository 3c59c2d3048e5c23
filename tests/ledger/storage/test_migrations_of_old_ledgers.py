"""A ledger filled before there were lots and blocks keeps its contents and works after an upgrade."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask_migrate import upgrade

from tests.fixtures.credits import a_credit
from tests.fixtures.empty_databases import OldLedger
from tests.fixtures.ledger import RawClient, connected, opened
from tests.ledger.audit.tampering import findings
from tests.ledger.invariants import assert_sound, derived
from tests.ledger.storage.rows_before_0009 import old_next_event, old_put, put_position
from tests.ledger.storage.test_migrations import schema_of
from tests.ledger.triggers.rows import (
    AT,
    assert_insert_refused,
    assert_refused,
    event_row,
    insert,
    key_of,
    next_event,
)
from webapp.accounts.actors import LOCAL
from webapp.domain.credit import parse_credit
from webapp.domain.errors import BlockHeld, SerialHeld
from webapp.domain.event import created_event
from webapp.domain.fields import E4
from webapp.domain.split import LotPlace, lots_of, split_data, split_events
from webapp.ledger import archive, queries
from webapp.ledger.commands import cancel_credit, create_credit, retire_credit
from webapp.ledger.event_log import envelope_of

pytestmark = pytest.mark.slow


Values = dict[str, object]

BLOCK: Values = {"registry": "ACR", "quantity": "10", "serial_number": "ACR-X-2025-1 to 10"}
OVERLAPPING: Values = {"registry": "acr", "quantity": "6", "serial_number": "ACR-X-2025-5 to 10"}
FALSE_BLOCK: Values = {"registry": "ACR", "quantity": "3", "serial_number": "ACR-Y-2025-1 to 10"}
PLAIN: Values = {"serial_number": "VCS-0001"}


def id_of(values: Values) -> str:
    return parse_credit(a_credit(**values)).id


NAMED_TOO = (
    f"credit {id_of(OVERLAPPING)}: the numbers 5 to 10 of acr-x-2025-# are held by"
    f" credit {id_of(BLOCK)}, and used here too"
)


@pytest.fixture
def old(old_ledger: OldLedger) -> Iterator[tuple[str, RawClient]]:
    """Fill a ledger of revision 0001 as a client of it did."""
    url = old_ledger("0001")
    with connected(url) as raw:
        for values in (BLOCK, OVERLAPPING, FALSE_BLOCK, PLAIN):
            old_put(raw, created_event(parse_credit(a_credit(**values)), "local", AT))
        old_put(raw, old_next_event(raw, id_of(PLAIN), "SOLD", data={"buyer": "Acme"}, recorded_at=AT))
        old_put(raw, old_next_event(raw, id_of(PLAIN), "RETIRED", data={}, recorded_at=AT))
        yield url, raw


def test_an_upgrade_keeps_every_event_and_every_refusal(old: tuple[str, RawClient], raw: RawClient) -> None:
    url, client = old
    before = client.execute(
        "SELECT position, feed.credit_id, feed.seq, feed.type, events.type, hash, body FROM feed JOIN events"
        " ON events.credit_id = feed.credit_id AND events.seq = feed.seq ORDER BY position"
    )
    with opened(url):
        upgrade()
        after = client.execute(
            "SELECT position, id, feed.seq, feed.type, events.type, hash, body FROM feed JOIN events"
            " ON events.subject = feed.subject AND events.seq = feed.seq"
            " JOIN credits ON key = feed.subject ORDER BY position"
        )
        as_text = [(row[0], row[1].hex(), *row[2:5], row[5].hex(), row[6]) for row in after]
        assert (as_text, len(as_text)) == (before, 6)
        assert findings() == [NAMED_TOO]
        before_rebuild = derived()
        archive.rebuild()
        assert (derived(), findings()) == (before_rebuild, [NAMED_TOO])
    assert schema_of(client) == schema_of(raw)
    for table in ("credits", "events", "feed"):
        assert_refused(client, f"DELETE FROM {table}")
    assert_refused(client, "UPDATE events SET body = '{}'")
    for event_type in ("SOLD", "RETIRED", "SPLIT", "CANCELLED"):
        event = next_event(client, id_of(PLAIN), event_type)
        assert_insert_refused(client, "events", event_row(client, event))


@pytest.mark.parametrize("revision", [f"000{number}" for number in range(1, 8)])
def test_a_ledger_of_any_revision_is_upgraded(old_ledger: OldLedger, revision: str) -> None:
    url = old_ledger(revision)
    with connected(url) as raw:
        for values in (BLOCK, PLAIN):
            old_put(raw, created_event(parse_credit(a_credit(**values)), "local", AT))
        old_put(raw, old_next_event(raw, id_of(PLAIN), "RETIRED", data={}, recorded_at=AT))
        (bodies,) = zip(*raw.execute("SELECT body FROM events ORDER BY body"), strict=True)
        with opened(url):
            upgrade()
            assert_sound()
            assert queries.credit(id_of(PLAIN)).status == "RETIRED"
        assert raw.execute("SELECT body FROM events ORDER BY body") == [(body,) for body in bodies]


def test_an_upgrade_gives_a_block_to_the_first_credit(old: tuple[str, RawClient]) -> None:
    url, client = old
    with opened(url):
        upgrade()
        held = client.execute(
            "SELECT credit, first, last FROM serial_blocks WHERE is_held = 1 ORDER BY series"
        )
        keys = [key_of(client, id_of(values)) for values in (BLOCK, FALSE_BLOCK)]
        assert held == [(key, 1, 10) for key in keys]
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
        assert client.execute("SELECT count(*) FROM serial_blocks WHERE is_held = 1") == [(2,)]
        cancel_credit(id_of(BLOCK), {"reason": "Listed twice"}, LOCAL)
        retire_credit(str(acted.rest_id), {"quantity": "1"}, LOCAL)
        held = client.execute(
            "SELECT first, last FROM serial_blocks WHERE is_held = 1 AND credit <> ? ORDER BY first",
            key_of(client, id_of(FALSE_BLOCK)),
        )
        assert held == [(7, 7), (8, 10)]
        assert findings() == [NAMED_TOO]


# Read as a block only since it may be a pair with "to", so it was split into places then.
PAIR: Values = {"registry": "ACR", "quantity": "10", "serial_number": "ACR-X-2025-1 to ACR-X-2025-10"}
LOT_TEXT: Values = {"serial_number": "VCS-0001, 1\u201340 of 100"}


def put_split(raw: RawClient, values: Values, quantities: list[int]) -> list[str]:
    """Split a credit as revision 0002 did, with a place in each lot; return the lots."""
    whole = parse_credit(a_credit(**values))
    place = LotPlace(whole.serial_number, 0, whole.quantity_e4)
    lots = lots_of(whole, place, [quantity * E4 for quantity in quantities], None)
    split = old_next_event(raw, whole.id, "SPLIT", data=split_data(lots), recorded_at=AT)
    events = split_events(split, lots, None)
    insert(raw, "splits", {"credit_id": whole.id, "envelope": envelope_of(events)})
    for event in events:
        put_position(raw, event)
    return [lot.id for lot in lots]


@dataclass(frozen=True)
class Split:
    """A ledger of revision 0002, and the lots of two credits in it."""

    url: str
    pair: list[str]
    plain: list[str]


@pytest.fixture
def with_lots(old_ledger: OldLedger) -> Split:
    """Fill a ledger of revision 0002 as a client of it did."""
    url = old_ledger("0002")
    with connected(url) as raw:
        for values in (PAIR, PLAIN):
            old_put(raw, created_event(parse_credit(a_credit(**values)), "local", AT))
        pair, plain = put_split(raw, PAIR, [4, 6]), put_split(raw, PLAIN, [40, 60])
    return Split(url, pair, plain)


def test_an_upgrade_fills_the_serial_index_for_lots(with_lots: Split) -> None:
    with opened(with_lots.url):
        upgrade()
        assert_sound()
        for values, holder in ((BLOCK, id_of(PAIR)), (LOT_TEXT, with_lots.plain[0])):
            with pytest.raises(SerialHeld) as refusal:
                create_credit(a_credit(**values, vintage="2001"), LOCAL)
            assert refusal.value.holder == holder


def test_the_lots_of_a_ledger_from_before_can_be_cancelled(with_lots: Split) -> None:
    with opened(with_lots.url):
        upgrade()
        for lot in (*with_lots.pair, *with_lots.plain):
            cancel_credit(lot, {"reason": "Listed twice"}, LOCAL)
        for values in (BLOCK, {**PLAIN, "vintage": "2001"}):
            assert create_credit(a_credit(**values), LOCAL).is_new
        assert_sound()


def test_a_conflict_with_a_lot_from_before_the_rule_is_named(
    with_lots: Split,
) -> None:
    with connected(with_lots.url) as raw:
        old_put(raw, created_event(parse_credit(a_credit(**LOT_TEXT)), "local", AT))
    with opened(with_lots.url):
        upgrade()
        wrong = f"its serial number is held by {with_lots.plain[0]}, which was recorded earlier"
        assert findings() == [f"credit {id_of(LOT_TEXT)}: {wrong}"]


def test_the_history_of_a_ledger_from_before_can_be_restored(
    with_lots: Split, database_url: str, tmp_path: Path
) -> None:
    with opened(with_lots.url):
        upgrade()
        exported = archive.export_to(tmp_path / "archive")
    with opened(database_url):
        assert archive.restore(tmp_path / "archive") == exported
        assert_sound()
