"""Splits of a credit into lots, see "Splitting" in docs/ledger.md."""

from datetime import date
from itertools import chain

import pytest

from tests.domain.golden import GOLDEN_LOTS, MANGROVE, credit_from
from webapp.domain.action_fields import parse_action
from webapp.domain.canonical_json import Number
from webapp.domain.credit import Credit
from webapp.domain.errors import InvalidFields
from webapp.domain.event import Event, created_event
from webapp.domain.fields import E4
from webapp.domain.lifecycle import EventType
from webapp.domain.split import (
    LOTS_MAX,
    LotPlace,
    SplitTrees,
    flatten,
    group_splits,
    lots_of,
    numbers_of_lot,
    parse_quantities,
    split_data,
    split_events,
)

AT = "2026-11-20T08:09:10.000042Z"
WHOLE = credit_from("Mangrove Restoration Project", "VCS", "2023", "100", "VCS-0001")
BLOCK = credit_from("A", "ACR", "2020", "10000", "ACR-X-2025-1 to 10000")


def lots(parent: Credit, *quantities: float, place: LotPlace | None = None) -> list[Credit]:
    own = LotPlace(parent.serial_number, 0, parent.quantity_e4)
    return lots_of(parent, place or own, [round(quantity * E4) for quantity in quantities], parent.block)


def split_of(parent: Credit, *, is_sold: bool = False) -> list[Event]:
    first = created_event(parent, "local", AT)
    sale = Event(parent.id, 2, EventType.SOLD, {"buyer": "Acme"}, "local", AT, first.hash)
    last = sale if is_sold else first
    parts = lots(parent, 25, 75)
    data = split_data(parts)
    split = Event(parent.id, last.seq + 1, EventType.SPLIT, data, "local", AT, last.hash)
    return split_events(split, parts, sale if is_sold else None)


def test_lots_have_their_golden_ids_and_partition_the_credit() -> None:
    parts = lots(WHOLE, 25, 75)
    assert [(lot.offset_e4, lot.quantity_e4, lot.id) for lot in parts] == GOLDEN_LOTS
    assert {lot.parent for lot in parts} == {MANGROVE}


def test_a_lot_keeps_the_project_the_registry_and_the_vintage() -> None:
    for lot in lots(WHOLE, 25, 75):
        assert (lot.project_name, lot.registry, lot.vintage) == (
            WHOLE.project_name,
            WHOLE.registry,
            WHOLE.vintage,
        )


def test_lots_of_a_block_have_their_own_sub_blocks() -> None:
    assert [lot.serial_number for lot in lots(BLOCK, 250, 9749, 1)] == [
        "ACR-X-2025-1 to 250",
        "ACR-X-2025-251 to 9999",
        "ACR-X-2025-10000 to 10000",
    ]


def test_lots_of_a_plain_serial_number_state_their_place() -> None:
    assert [lot.serial_number for lot in lots(WHOLE, 25, 75)] == [
        "VCS-0001, 1\u201325 of 100",
        "VCS-0001, 26\u2013100 of 100",
    ]


def test_lots_of_a_credit_without_a_serial_number_state_their_place_alone() -> None:
    parent = credit_from("A", "B", "2020", "10000", None)
    assert [lot.serial_number for lot in lots(parent, 250, 9750)] == [
        "1\u2013250 of 10,000",
        "251\u201310,000 of 10,000",
    ]


def test_lots_with_decimals_state_where_they_begin_and_end() -> None:
    parent = credit_from("A", "B", "2020", "2.5", "S")
    serials = [lot.serial_number for lot in lots(parent, 1, 1.5)]
    assert serials == ["S, 0\u20131 t of 2.5 t", "S, 1\u20132.5 t of 2.5 t"]


def test_a_lot_of_a_lot_states_its_place_in_what_was_recorded() -> None:
    place = LotPlace(WHOLE.serial_number, 25 * E4, 100 * E4)
    lot = lots(WHOLE, 25, 75)[1]
    assert [part.serial_number for part in lots(lot, 5, 70, place=place)] == [
        "VCS-0001, 26\u201330 of 100",
        "VCS-0001, 31\u2013100 of 100",
    ]


def test_a_lot_of_one_number_gets_it_from_its_parent() -> None:
    pair = credit_from("A", "RW", "2020", "3", "RW-5-10-7014 - RW-5-12-7014")
    parts = lots(pair, 1, 1, 1)
    assert parts[1].serial_number == "RW-5-11-7014 - RW-5-11-7014"
    numbers = [numbers_of_lot(pair, part) for part in parts]
    assert [block and (block.series, block.first, block.last) for block in numbers] == [
        ("rw-5-#-7014", number, number) for number in (10, 11, 12)
    ]


def test_a_split_credit_is_fully_cancelled_once_all_its_lots_are() -> None:
    families = SplitTrees()
    for lot, parent in (("a", "root"), ("b", "root"), ("b1", "b"), ("b2", "b")):
        families.add(lot, parent)
    assert families.cancel("b2") == ["b2"]
    assert families.cancel("a") == ["a"]
    assert families.cancel("b1") == ["b1", "b", "root"]
    assert families.cancel("alone") == ["alone"]


def test_messages_group_the_thousands_of_quantities() -> None:
    with pytest.raises(InvalidFields, match=r"They add up to 9,750\.5 t, but the credit has 10,000 t\."):
        lots(BLOCK, 9750, 0.5)


@pytest.mark.parametrize("quantities", [(25, 74), (25, 76), (100, 100), (99.9999, 0.0002)])
def test_lots_that_do_not_add_up_to_the_credit_are_refused(quantities: tuple[float, ...]) -> None:
    with pytest.raises(InvalidFields, match=r"They add up to .* t, but the credit has 100 t\."):
        lots(WHOLE, *quantities)


def test_a_block_is_split_only_at_whole_tonnes() -> None:
    with pytest.raises(InvalidFields, match="its lots are whole tonnes"):
        lots(BLOCK, 250.5, 9749.5)


@pytest.mark.parametrize(
    "quantities",
    [None, [], ["100"], "25,75", {"0": "1"}, ["1"] * (LOTS_MAX + 1)],
    ids=lambda value: repr(value)[:30],
)
def test_a_split_names_two_to_a_hundred_quantities(quantities: object) -> None:
    with pytest.raises(InvalidFields, match="Must be a list of 2 to 100 quantities"):
        parse_quantities({"quantities": quantities})


@pytest.mark.parametrize("bad", ["0", "-1", "1e3", "1.00001", "", None, True, ["1"]], ids=repr)
def test_a_bad_quantity_is_named_by_its_number(bad: object) -> None:
    with pytest.raises(InvalidFields, match="Lot 2: "):
        parse_quantities({"quantities": [Number("1"), bad]})


def test_a_split_has_no_other_field() -> None:
    with pytest.raises(InvalidFields, match="There is no such field"):
        parse_quantities({"quantities": ["1", "2"], "note": "x"})


def test_quantities_come_as_numbers_or_as_text() -> None:
    assert parse_quantities({"quantities": [Number("250"), "9750.5"]}) == [250 * E4, 97_505_000]


def test_the_lots_of_a_sold_credit_carry_the_sale_over() -> None:
    appended = split_of(WHOLE, is_sold=True)
    assert [str(event.type) for event in appended] == ["SPLIT", "CREATED", "SOLD", "CREATED", "SOLD"]
    assert [event.data for event in appended if event.type is EventType.SOLD] == [{"buyer": "Acme"}] * 2
    assert [(event.seq, event.prev_hash) for event in appended[1:3]] == [(1, "0" * 64), (2, appended[1].hash)]


def test_a_split_states_the_quantities_of_its_lots() -> None:
    assert split_of(WHOLE)[0].data == {"quantities": ["25", "75"]}


@pytest.mark.parametrize("is_sold", [False, True])
def test_a_history_is_grouped_into_splits_and_single_events(is_sold: bool) -> None:  # noqa: FBT001
    sale = parse_action(EventType.SOLD, {}, date(2026, 11, 20))
    one = Event("e" * 64, 2, EventType.SOLD, sale, "local", AT, "0" * 64)
    grouped = [[one], split_of(WHOLE, is_sold=is_sold), [one], split_of(BLOCK_OF_100, is_sold=is_sold)]
    assert list(group_splits(chain.from_iterable(grouped))) == grouped
    assert list(flatten(grouped)) == list(chain.from_iterable(grouped))


BLOCK_OF_100 = credit_from("A", "ACR", "2020", "100", "ACR-X-2025-1 to 100")
