"""Numbers in a serial number are held, even if the text is not clearly a block."""

import json
from collections.abc import Sequence

import pytest

from tests.fixtures.credits import a_credit
from tests.ledger.invariants import assert_sound
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import BlockHeld, InvalidFields
from webapp.imports import jobs, views
from webapp.ledger import queries
from webapp.ledger.commands import cancel_credit, create_credit, retire_credit, split_credit

pytestmark = pytest.mark.usefixtures("ledger_app")

Values = dict[str, object]
SERIES = "ACR-FR-1129-2025-2917"
BLOCK: Values = {"quantity": "4212", "serial_number": f"{SERIES}-30932 to 35143"}
# Texts with numbers of that block: quantity, serial number, and whether it is a block.
NAMING: Sequence[tuple[str, str, bool]] = [
    ("12.5", f"{SERIES}-35000 to 35100", False),
    ("500", f"{SERIES}-35000 - 35100", False),
    ("500", f"{SERIES}-35000\u201335100", False),
    ("500", f"{SERIES}-035000 to 35100", False),
    ("101", f"{SERIES}-35000 to {SERIES}-35100", True),
    ("101", f"{SERIES}-35000 - {SERIES}-35100", True),
    ("101", f"{SERIES}-35000 to 35100".replace("-", "\u2013"), True),
    ("101", f"{SERIES} - 35000 to 35100", True),
]


def credit(quantity: str, serial: str, **changes: object) -> Values:
    return a_credit(registry="ACR", quantity=quantity, serial_number=serial) | changes


def conflicts(*rows: Values) -> int:
    number = jobs.receive(json.dumps(rows).encode(), "rows.json", LOCAL).import_id
    return views.find(number).conflicting


def assert_held(values: Values, holder: str) -> None:
    for registry in ("ACR", "Another"):
        with pytest.raises(BlockHeld) as refusal:
            create_credit(values | {"registry": registry}, LOCAL)
        assert refusal.value.holder == holder


@pytest.mark.parametrize(("quantity", "serial", "is_block"), NAMING)
def test_overlapping_numbers_conflict_in_either_order(quantity: str, serial: str, *, is_block: bool) -> None:
    naming = credit(quantity, serial)
    block = a_credit(registry="ACR", **BLOCK)
    # Rows of a file that name the same numbers of blocks are cut; numbers that are only named are not.
    assert conflicts(naming, block) == conflicts(block, naming) == (0 if is_block else 1)
    first = create_credit(naming, LOCAL).credit_id
    assert_held(block, first)
    assert conflicts(block) == (0 if is_block else 1)
    cancel_credit(first, {"reason": "Typo"}, LOCAL)
    assert_held(naming | {"vintage": "2001"}, create_credit(block, LOCAL).credit_id)
    lot = retire_credit(
        create_credit(credit(quantity, serial.replace("2917", "9")), LOCAL).credit_id,
        {"quantity": "1"},
        LOCAL,
    )
    assert (", " in (queries.credit(lot.credit_id).serial_number or "")) is not is_block
    assert_sound()


def test_numbers_of_an_unclear_range_stay_held_until_all_lots_are_cancelled() -> None:
    root = create_credit(credit("500", f"{SERIES}-30932 - 35143"), LOCAL).credit_id
    first, rest = split_credit(root, {"quantities": ["100", "400"]}, LOCAL).lot_ids
    assert queries.credit(first).serial_number == f"{SERIES}-30932 - 35143, 1\u2013100 of 500"
    cancel_credit(first, {"reason": "Typo"}, LOCAL)
    assert_held(a_credit(**BLOCK), root)
    cancel_credit(rest, {"reason": "Typo"}, LOCAL)
    assert create_credit(a_credit(**BLOCK), LOCAL).is_new
    assert_sound()


@pytest.mark.parametrize("number", ["30932", "31000", "35143", "031000"])
def test_one_number_of_a_held_block_is_refused(number: str) -> None:
    holder = create_credit(a_credit(**BLOCK), LOCAL).credit_id
    assert_held(credit("1", f"{SERIES}-{number}"), holder)
    assert_held(credit("1", f"{SERIES} \u2013 {number}".lower()), holder)
    assert conflicts(credit("2", f"{SERIES}-1 to 2"), credit("1", f"{SERIES}-2")) == 1
    assert create_credit(credit("1", f"{SERIES}-30931"), LOCAL).is_new


def test_a_held_number_in_the_middle_of_a_serial_number_is_refused() -> None:
    verra = "19385-{}-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1"
    holder = create_credit(credit("425", verra.format("941467007-941467431")), LOCAL).credit_id
    assert_held(credit("1", verra.format("941467200")), holder)
    assert create_credit(credit("1", verra.format("941467432")), LOCAL).is_new


def test_one_number_alone_holds_nothing() -> None:
    for registry in ("VCS", "GS"):
        for serial in ("VCS-0001", "CDC_1_1_1_321_14_1_2009"):
            assert create_credit(a_credit(registry=registry, serial_number=serial), LOCAL).is_new
    assert_sound()


def test_an_unclear_range_may_have_any_quantity_and_its_numbers_are_held() -> None:
    holder = create_credit(credit("500", "ABC-2019 - 2020"), LOCAL).credit_id
    assert create_credit(credit("500", "ABC-2021 - 2022"), LOCAL).is_new
    assert_held(credit("2", "ABC-2020 to 2021"), holder)


@pytest.mark.parametrize(
    "serial", [f"{SERIES}-5 to {SERIES}-9", f"{SERIES}\u20135 to 9", f"{SERIES}-5  to  9"]
)
def test_a_block_in_any_dashes_must_be_its_quantity(serial: str) -> None:
    with pytest.raises(InvalidFields, match="has 5 units, but the quantity is 4 t\\."):
        create_credit(credit("4", serial), LOCAL)
    assert create_credit(credit("5", serial), LOCAL).is_new
