"""No number of a series is held twice: commands and imports refuse it and name the holder."""

import json
from typing import Any

import pytest

from tests.fixtures.credits import a_credit, recorded
from tests.ledger.invariants import assert_sound
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import (
    AlreadyCancelled,
    AlreadySold,
    AlreadySplit,
    BlockHeld,
    InvalidFields,
    ReplacedBefore,
    SerialHeld,
)
from webapp.imports import jobs, views
from webapp.ledger import queries, summaries
from webapp.ledger.commands import (
    cancel_credit,
    correct_credit,
    create_credit,
    retire_credit,
    sell_credit,
    split_credit,
)

pytestmark = pytest.mark.usefixtures("ledger_app")
REASON = {"reason": "Typo"}


def block(first: int, last: int, **changes: object) -> dict[str, object]:
    """Return the fields of a credit with a block in ACR's notation that matches its quantity."""
    serial = f"ACR-X-2025-{first} to {last}"
    return a_credit(registry="ACR", quantity=str(last - first + 1), serial_number=serial) | changes


def checked(*rows: dict[str, object]) -> tuple[Any, list[Any]]:
    """Check a file of these rows; return the import and its problems."""
    number = jobs.receive(json.dumps(rows).encode(), "rows.json", LOCAL).import_id
    return views.find(number), views.problems(number)


@pytest.mark.parametrize(
    ("first", "last", "common", "is_inside"),
    [
        (1, 5, (5, 5), False),
        (14, 20, (14, 14), False),
        (7, 9, (7, 9), True),
        (5, 13, (5, 13), True),
        (1, 99, (5, 14), False),
    ],
)
def test_a_block_that_overlaps_is_refused_with_its_holder_and_the_numbers(
    first: int, last: int, common: tuple[int, int], *, is_inside: bool
) -> None:
    holder = create_credit(block(5, 14), LOCAL).credit_id
    for registry in ("ACR", "American Carbon Registry", "acr "):
        with pytest.raises(BlockHeld) as refusal:
            create_credit(block(first, last, registry=registry), LOCAL)
        held = refusal.value
        assert (held.holder, (held.first, held.last), held.is_inside) == (holder, common, is_inside)
        assert str(common[0]) in str(held)
    assert_sound()


def test_blocks_beside_each_other_are_recorded() -> None:
    for first, last in ((5, 14), (15, 20), (1, 4)):
        assert create_credit(block(first, last), LOCAL).is_new
    assert_sound()


def test_a_block_that_is_not_the_quantity_or_runs_backwards_is_refused() -> None:
    with pytest.raises(InvalidFields, match="has 10 units, but the quantity is 9 t\\."):
        create_credit(block(5, 14, quantity="9"), LOCAL)
    with pytest.raises(InvalidFields, match="runs backwards, from 14 to 5"):
        create_credit(block(14, 5, quantity="10"), LOCAL)


def test_the_lots_of_a_block_hold_its_numbers() -> None:
    whole = create_credit(block(1, 100), LOCAL).credit_id
    lots = split_credit(whole, {"quantities": ["40", "60"]}, LOCAL).lot_ids
    for first, last, lot in ((1, 39, lots[0]), (42, 100, lots[1]), (10, 11, lots[0])):
        with pytest.raises(BlockHeld) as refusal:
            create_credit(block(first, last, vintage="2001"), LOCAL)
        assert refusal.value.holder == lot
    with pytest.raises(SerialHeld):
        create_credit(block(1, 100, vintage="2001"), LOCAL)
    assert not create_credit(block(1, 100), LOCAL).is_new


def test_a_retired_block_stays_held() -> None:
    whole = create_credit(block(1, 100), LOCAL).credit_id
    retire_credit(whole, {}, LOCAL)
    with pytest.raises(BlockHeld):
        create_credit(block(100, 101), LOCAL)


def test_a_cancellation_frees_the_block_and_the_serial_number() -> None:
    wrong = create_credit(block(1, 100), LOCAL).credit_id
    cancel_credit(wrong, REASON, LOCAL)
    assert create_credit(block(1, 100, vintage="2001"), LOCAL).is_new
    assert_sound()


def test_an_import_of_a_cancelled_credit_says_how_to_replace_it() -> None:
    wrong = recorded()
    cancel_credit(wrong, REASON, LOCAL)
    found, (problem,) = checked(a_credit())
    assert (found.conflicting, problem.holder) == (1, wrong)
    assert "state that it replaces" in problem.message
    found, problems = checked(a_credit(replaces=wrong))
    assert (found.new, problems) == (1, [])
    assert jobs.write(2, actor=LOCAL).view.written == 1
    assert_sound()


def test_a_fractional_part_of_a_block_is_an_error_of_the_quantity_field() -> None:
    whole = create_credit(block(1, 100), LOCAL).credit_id
    for act in (sell_credit, retire_credit):
        with pytest.raises(InvalidFields) as refusal:
            act(whole, {"quantity": "2.5"}, LOCAL)
        assert [problem.field for problem in refusal.value.problems] == ["quantity"]
        with pytest.raises(InvalidFields, match=r"quantity: .*100 t"):
            act(whole, {"quantity": "101"}, LOCAL)


def test_acting_on_the_whole_quantity_does_not_split() -> None:
    whole = create_credit(block(1, 100), LOCAL).credit_id
    acted = retire_credit(whole, {"quantity": "100.0"}, LOCAL)
    assert (acted.credit_id, acted.rest_id) == (whole, None)


def test_a_correction_frees_and_takes_the_same_serial_number_at_once() -> None:
    wrong = create_credit(block(1, 100), LOCAL).credit_id
    right = correct_credit(wrong, block(1, 100, vintage="2001"), REASON, LOCAL).credit_id
    assert queries.credit(wrong).status == "CANCELLED"
    assert summaries.ledger_totals().ledger.all.quantity == "100"
    with pytest.raises(AlreadyCancelled):
        correct_credit(wrong, block(1, 100, vintage="2002"), REASON, LOCAL)
    with pytest.raises(ReplacedBefore) as refusal:
        create_credit(block(1, 100), LOCAL)
    assert (refusal.value.replaced, refusal.value.credit_id) == (wrong, right)
    assert not create_credit(block(1, 100, vintage="2001", replaces=wrong), LOCAL).is_new
    assert queries.credit(right).status == "ACTIVE"
    assert_sound()


def test_a_correction_that_is_refused_cancels_nothing() -> None:
    create_credit(block(200, 300), LOCAL)
    wrong = create_credit(block(1, 100), LOCAL).credit_id
    with pytest.raises(BlockHeld):
        correct_credit(wrong, block(1, 200), REASON, LOCAL)
    with pytest.raises(InvalidFields):
        correct_credit(wrong, block(1, 100, quantity="99"), REASON, LOCAL)
    with pytest.raises(InvalidFields):
        correct_credit(wrong, block(1, 100, vintage="2001"), {}, LOCAL)
    assert queries.credit(wrong).status == "ACTIVE"


def test_only_a_cancelled_credit_can_be_replaced() -> None:
    live = recorded()
    for replaced in (live, "e" * 64):
        with pytest.raises(InvalidFields, match="replaces: Must be the id of a cancelled credit"):
            create_credit(a_credit(serial_number="2", replaces=replaced), LOCAL)


def test_neither_a_sold_nor_a_split_credit_is_cancelled() -> None:
    whole = create_credit(block(1, 100), LOCAL).credit_id
    split_credit(whole, {"quantities": ["40", "60"]}, LOCAL)
    bought = recorded()
    sell_credit(bought, {}, LOCAL)
    for credit_id, refusal in ((whole, AlreadySplit), (bought, AlreadySold)):
        with pytest.raises(refusal):
            cancel_credit(credit_id, REASON, LOCAL)


def test_a_quantity_with_decimals_cannot_name_numbers_that_another_credit_holds() -> None:
    holder = create_credit(block(5, 14), LOCAL).credit_id
    evasive = block(5, 14, registry="Other", quantity="9.5")
    with pytest.raises(BlockHeld) as refused:
        create_credit(evasive, LOCAL)
    assert refused.value.holder == holder
    found, (problem,) = checked(evasive)
    assert (found.conflicting, problem.holder) == (1, holder)
