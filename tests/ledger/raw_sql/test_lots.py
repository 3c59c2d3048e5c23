"""What the database itself refuses of lots, replacements and blocks, on both databases alike."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from tests.fixtures.credits import recorded, sold
from tests.fixtures.ledger import DIALECTS, MakeDatabase, RawClient, connected, opened
from tests.ledger.raw_sql.rows import (
    LATER,
    REFUSALS,
    assert_insert_refused,
    assert_refused,
    event_row,
    first_event,
    insert,
    log_of,
    next_event,
    rolled_back,
)
from webapp.domain.credits import Credit
from webapp.domain.events import Event, created
from webapp.domain.fields import E4
from webapp.domain.json_text import encode
from webapp.domain.lifecycle import EventType
from webapp.domain.lots import Place, lots_of, split_data, split_events
from webapp.ledger.actors import LOCAL
from webapp.ledger.commands import cancel_credit, split_credit

Sealed = list[Event]
WHOLE = Credit("Mangrove Restoration Project", "VCS", 2023, 100 * E4, "VCS-0001")


@dataclass(frozen=True)
class Family:
    """A credit to split, a sold one, a split one with its lots, and a cancelled one."""

    raw: RawClient
    active: str
    sold: str
    split: str
    lots: list[str]
    cancelled: str


@pytest.fixture(scope="module", params=DIALECTS)
def family(request: pytest.FixtureRequest, make_module_database: MakeDatabase) -> Iterator[Family]:
    url = make_module_database(request.param)
    with opened(url):
        active = recorded()
        bought = sold(serial_number="VCS-0002")
        split = recorded(registry="ACR", quantity="10", serial_number="ACR-X-2025-1 to 10")
        lots = split_credit(split, {"quantities": ["4", "6"]}, LOCAL)
        cancelled = recorded(serial_number="VCS-0003")
        cancel_credit(cancelled, {"reason": "Typo"}, LOCAL)
    with connected(url) as raw:
        yield Family(raw, active, bought, split, lots, cancelled)


def sealed(family: Family, quantities: list[int], credit_id: str | None = None) -> Sealed:
    """Return the events of an honest split into these tonnes, whatever they add up to."""
    whole = replace(WHOLE, quantity_e4=sum(quantities) * E4)
    place = Place("VCS-0001", 0, whole.quantity_e4)
    parts = lots_of(whole, place, [q * E4 for q in quantities], None)
    of = credit_id or family.active
    parts = [replace(part, parent=of) for part in parts]
    split = next_event(family.raw, of, "SPLIT", data=split_data(parts))
    return split_events(split, parts, None)


def row_of(events: Sealed, credit_id: str | None = None) -> dict[str, object]:
    envelope = [{"hash": event.hash, "body": event.text} for event in events]
    return {"credit_id": credit_id or events[0].credit_id, "envelope": encode(envelope)}


def changed(events: Sealed, place: int, **data: str | int | list[str]) -> Sealed:
    """Return the events with other data in one of them."""
    event = events[place]
    return [*events[:place], replace(event, data={**event.data, **data}), *events[place + 1 :]]


def test_an_honest_split_is_accepted(family: Family) -> None:
    with rolled_back(family.raw):
        insert(family.raw, "splits", row_of(sealed(family, [25, 75])))
        query = "SELECT count(*) FROM credits WHERE parent = ?"
        assert family.raw.execute(query, family.active) == [(2,)]


def test_lots_that_do_not_partition_their_parent_are_refused(family: Family) -> None:
    honest = sealed(family, [25, 75])
    for events in (
        sealed(family, [25, 74]),  # less than the whole
        sealed(family, [25, 76]),  # more than the whole
        changed(honest, 2, offset="24"),  # an overlap
        changed(honest, 2, offset="26"),  # a gap
        changed(honest, 2, offset="0"),  # in the same place
        changed(changed(honest, 1, offset="1"), 2, offset="26"),  # does not begin at the beginning
        changed(honest, 1, quantity="26"),
        changed(honest, 1, project_name="Another"),
        changed(honest, 1, registry="GS"),
        changed(honest, 1, vintage=2022),
        honest[:2],  # a lot is missing
        honest[1:],  # lots without their split
        honest[:1],  # a split without lots
        [],
        sealed(family, [100, 100])[:2],  # one lot of the whole
        [honest[0], *changed(honest, 2, parent=family.sold)[1:]],  # a lot of somebody else
    ):
        assert_insert_refused(family.raw, "splits", row_of(events, family.active))


@pytest.mark.parametrize(
    "stated",
    [
        ["75", "25"],
        ["25", "76"],
        ["25"],
        ["25", "75", "0"],
        ["25.0", "75"],
        [25, 75],
        [],
        "25",
        None,
        {"0": "25"},
    ],
    ids=repr,
)
def test_a_split_that_states_other_quantities_than_its_lots_have_is_refused(
    family: Family, stated: list[str]
) -> None:
    events = changed(sealed(family, [25, 75]), 0, quantities=stated)
    with pytest.raises(REFUSALS, match="must state the quantities of its lots"):
        insert(family.raw, "splits", row_of(events))
    assert_insert_refused(family.raw, "splits", row_of(events))


def test_a_split_that_states_no_quantities_is_refused(family: Family) -> None:
    honest = sealed(family, [25, 75])
    assert_insert_refused(family.raw, "splits", row_of([replace(honest[0], data={}), *honest[1:]]))


def test_a_split_of_a_hundred_lots_states_them_in_the_order_of_their_places(family: Family) -> None:
    with rolled_back(family.raw):
        insert(family.raw, "splits", row_of(sealed(family, [1] * 99 + [1])))


def test_lots_of_a_sold_credit_without_the_sale_are_refused(family: Family) -> None:
    events = sealed(family, [25, 75], family.sold)
    assert_insert_refused(family.raw, "splits", row_of(events))
    sale = Event(events[1].credit_id, 2, EventType.SOLD, {}, "local", LATER, events[1].hash)
    assert_insert_refused(family.raw, "splits", row_of([*events, sale]))


def test_lots_of_an_unsold_credit_that_bring_a_sale_are_refused(family: Family) -> None:
    events = sealed(family, [25, 75])
    sale = Event(events[1].credit_id, 2, EventType.SOLD, {}, "local", LATER, events[1].hash)
    assert_insert_refused(family.raw, "splits", row_of([*events, sale]))


def test_a_lot_from_nowhere_is_refused(family: Family) -> None:
    for parent in (family.active, family.split, "e" * 64):
        lot = first_event(parent=parent, offset="0", serial_number="1–1 of 10")  # noqa: RUF001
        assert_insert_refused(family.raw, "events", event_row(lot))
    for data in ({"parent": family.split}, {"offset": "0"}, {"parent": 7, "offset": "0"}):
        assert_insert_refused(family.raw, "events", event_row(first_event(**data)))


def test_a_split_without_its_row_of_splits_is_refused(family: Family) -> None:
    for credit_id in (family.active, family.sold):
        split = next_event(family.raw, credit_id, "SPLIT", data={"quantities": ["25", "75"]})
        assert_insert_refused(family.raw, "events", event_row(split))


def test_a_second_split_is_refused(family: Family) -> None:
    assert_insert_refused(family.raw, "splits", row_of(sealed(family, [3, 7], family.split)))
    for event_type in ("SPLIT", "SOLD", "RETIRED", "CANCELLED"):
        event = next_event(family.raw, family.split, event_type)
        assert_insert_refused(family.raw, "events", event_row(event))


def test_a_split_of_a_credit_that_is_not_there_is_refused(family: Family) -> None:
    events = [replace(event, credit_id="e" * 64) for event in sealed(family, [25, 75])[:1]]
    for envelope in (row_of(events), {"credit_id": "e" * 64, "envelope": "[]"}):
        assert_insert_refused(family.raw, "splits", envelope)


@pytest.mark.parametrize("envelope", ["", "x", "{}", "[1]", "[[]]", '[{"hash":"x"}]', None, b"[]"], ids=repr)
def test_an_envelope_that_is_none_is_refused(family: Family, envelope: object) -> None:
    assert_insert_refused(family.raw, "splits", {"credit_id": family.active, "envelope": envelope})


def test_a_hidden_retirement_in_an_envelope_must_keep_to_the_lifecycle(family: Family) -> None:
    events = sealed(family, [25, 75])
    for event_type in ("SOLD", "RETIRED"):
        hidden = next_event(family.raw, family.cancelled, event_type)
        assert_insert_refused(family.raw, "splits", row_of([*events, hidden]))


def test_a_recorded_split_cannot_be_changed_or_taken_away(family: Family) -> None:
    assert_refused(family.raw, "UPDATE splits SET envelope = envelope")
    assert_refused(family.raw, "UPDATE splits SET credit_id = credit_id")
    assert_refused(family.raw, "DELETE FROM splits")
    if family.raw.dialect == "postgresql":
        assert_refused(family.raw, "TRUNCATE splits")
    for column in ("parent", "offset_e4", "replaces"):
        assert_refused(family.raw, f"UPDATE credits SET {column} = {column}")


@pytest.mark.parametrize("clause", ["OR REPLACE", "OR IGNORE", "OR FAIL", "OR ROLLBACK"])
def test_no_clause_of_sqlite_opens_a_way_to_a_bad_split(family: Family, clause: str) -> None:
    if family.raw.dialect == "postgresql":
        clause = ""
    before = log_of(family.raw)
    honest = sealed(family, [25, 75])
    for events, credit_id in (
        (sealed(family, [25, 74]), family.active),
        (changed(honest, 2, offset="24"), family.active),
        (changed(honest, 1, vintage=1), family.active),
        (sealed(family, [3, 7], family.split), family.split),
    ):
        with pytest.raises(REFUSALS):
            insert(family.raw, "splits", row_of(events, credit_id), clause)
    assert log_of(family.raw) == before


def test_a_lot_can_be_cancelled_once(family: Family) -> None:
    event = next_event(family.raw, family.lots[0], "CANCELLED", data={"reason": "x"})
    with rolled_back(family.raw):
        insert(family.raw, "events", event_row(event))
        again = next_event(family.raw, family.lots[0], "CANCELLED", data={"reason": "x"})
        with pytest.raises(REFUSALS, match="may not follow"):
            insert(family.raw, "events", event_row(again))


def test_only_an_active_credit_can_be_cancelled(family: Family) -> None:
    for credit_id in (family.sold, family.split, family.cancelled):
        event = next_event(family.raw, credit_id, "CANCELLED", data={"reason": "x"})
        assert_insert_refused(family.raw, "events", event_row(event))


@pytest.mark.parametrize("status", ["active", "sold", "split", "unknown"])
def test_a_replacement_of_a_credit_that_is_not_cancelled_is_refused(family: Family, status: str) -> None:
    replaced = getattr(family, status, "e" * 64)
    event = created(replace(WHOLE, replaces=replaced), "local", LATER)
    assert_insert_refused(family.raw, "events", event_row(event))


def test_a_replacement_of_a_cancelled_credit_is_accepted(family: Family) -> None:
    event = created(replace(WHOLE, replaces=family.cancelled), "local", LATER)
    with rolled_back(family.raw):
        insert(family.raw, "events", event_row(event))


@pytest.mark.parametrize("clause", ["", "OR REPLACE", "OR IGNORE", "OR FAIL"])
def test_a_second_replacement_of_a_credit_is_refused(family: Family, clause: str) -> None:
    if family.raw.dialect == "postgresql":
        clause = ""
    first, second = (
        created(replace(WHOLE, replaces=family.cancelled, vintage=vintage), "local", LATER)
        for vintage in (2021, 2022)
    )
    query = "SELECT id FROM credits WHERE replaces = ?"
    with rolled_back(family.raw):
        insert(family.raw, "events", event_row(first))
        family.raw.execute("SAVEPOINT second")
        with pytest.raises(REFUSALS, match=r"replaced already|uq_credits_replaces"):
            insert(family.raw, "events", event_row(second), clause)
        family.raw.execute("ROLLBACK TO second")
        assert family.raw.execute(query, family.cancelled) == [(first.credit_id,)]


BLOCK_INSERT = "INSERT INTO serial_blocks (credit_id, series, first, last) VALUES (?, 'acr-x-2025-#', ?, ?)"


@pytest.mark.parametrize(("first", "last"), [(1, 4), (4, 4), (4, 5), (0, 1), (10, 99), (0, 99), (6, 7)])
def test_a_block_that_overlaps_is_refused(family: Family, first: int, last: int) -> None:
    assert_refused(family.raw, BLOCK_INSERT, "e" * 64, first, last)
    if family.raw.dialect == "sqlite":
        replacing = BLOCK_INSERT.replace("INSERT", "INSERT OR REPLACE")
        assert_refused(family.raw, replacing, "e" * 64, first, last)
        assert_refused(family.raw, replacing, family.lots[0], first, last)
    assert len(family.raw.execute("SELECT * FROM serial_blocks")) == 2


def test_a_block_beside_the_others_or_of_another_series_is_accepted(family: Family) -> None:
    with rolled_back(family.raw):
        family.raw.execute(BLOCK_INSERT, "e" * 64, 11, 20)
        family.raw.execute(BLOCK_INSERT.replace("acr-x", "acr-y"), "d" * 64, 1, 10)


@pytest.mark.parametrize(
    "change", ["last = 5", "last = 10", "first = 0, last = 99", "first = 5, last = 5", "first = last + 1"]
)
def test_a_block_cannot_be_moved_onto_another(family: Family, change: str) -> None:
    assert_refused(family.raw, f"UPDATE serial_blocks SET {change} WHERE first = 1")
    if family.raw.dialect == "sqlite":
        assert_refused(family.raw, f"UPDATE OR REPLACE serial_blocks SET {change} WHERE first = 1")
    assert len(family.raw.execute("SELECT * FROM serial_blocks")) == 2


def test_a_block_cannot_take_the_row_of_another_credit(family: Family) -> None:
    clause = "OR REPLACE" if family.raw.dialect == "sqlite" else ""
    change = f"UPDATE {clause} serial_blocks SET credit_id = ? WHERE first = 1"
    assert_refused(family.raw, change, family.lots[1])
