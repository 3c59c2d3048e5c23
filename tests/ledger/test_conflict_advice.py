"""The advice about a serial conflict fits the status of the holder and the overlap of the blocks."""

import json
from collections.abc import Callable

import pytest

from tests.fixtures.credits import a_credit, recorded
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import BlockHeld
from webapp.imports import jobs, views
from webapp.ledger import queries
from webapp.ledger.commands import cancel_credit, create_credit, retire_credit, sell_credit, split_credit
from webapp.ledger.serial_conflicts import NOT_EXACT, conflict_from_error, conflict_over

pytestmark = pytest.mark.usefixtures("ledger_app")


def block(first: int, last: int, **changes: object) -> dict[str, object]:
    serial = f"ACR-X-2025-{first} to {last}"
    return a_credit(registry="ACR", quantity=str(last - first + 1), serial_number=serial) | changes


def nothing(_credit_id: str) -> None:
    return None


def sell(credit_id: str) -> None:
    sell_credit(credit_id, {}, LOCAL)


def retire(credit_id: str) -> None:
    retire_credit(credit_id, {}, LOCAL)


def split(credit_id: str) -> None:
    split_credit(credit_id, {"quantities": ["50", "50"]}, LOCAL)


def cancel(credit_id: str) -> None:
    cancel_credit(credit_id, {"reason": "Typo"}, LOCAL)


@pytest.mark.parametrize(
    ("act", "numbers", "advice", "lots"),
    [
        (nothing, (101, 200), "Sell or retire that credit instead of", ()),
        (
            nothing,
            (111, 120),
            "Split that credit so that these numbers",
            (10, 10, 80),
        ),
        (
            nothing,
            (101, 120),
            "Split that credit so that these numbers",
            (20, 80),
        ),
        (
            nothing,
            (191, 200),
            "Split that credit so that these numbers",
            (90, 10),
        ),
        (nothing, (191, 201), "One of the two has wrong serial numbers", ()),
        (nothing, (1, 300), "One of the two has wrong serial numbers", ()),
        (sell, (101, 200), "That credit is sold. Retire it instead of", ()),
        (sell, (111, 120), "That credit is sold. Split it so that these", (10, 10, 80)),
        (sell, (100, 101), "One of the two has wrong serial numbers", ()),
        (retire, (101, 200), "That credit is retired, so nothing more", ()),
        (retire, (111, 120), "That credit is retired, so nothing more", ()),
        (retire, (111, 201), "One of the two has wrong serial numbers", ()),
        (split, (111, 120), "That credit was split, and its lots have these tonnes now", ()),
        (cancel, (111, 120), "That credit has since been cancelled", ()),
    ],
)
def test_the_advice_depends_on_the_holders_status_and_on_how_the_blocks_overlap(
    act: Callable[[str], None], numbers: tuple[int, int], advice: str, lots: tuple[int, ...]
) -> None:
    holder = recorded(**block(101, 200))
    act(holder)
    held = conflict_over(queries.credit(holder), *numbers)
    assert held is not None
    assert held.advice.startswith(advice)
    assert held.split == lots


@pytest.mark.parametrize(
    "serial_number",
    ["ACR-X-2025-111 - 120", "ACR-X-2025-000111 to 000120", "ACR-X-2025-111\u2013120", "ACR-X-2025-111"],
)
def test_numbers_of_an_unclear_range_are_offered_as_a_lot(serial_number: str) -> None:
    holder = recorded(**block(101, 200))
    numbers = 1 if serial_number.endswith("-111") else 10
    row = a_credit(registry="ACR", quantity=str(numbers), serial_number=serial_number)
    with pytest.raises(BlockHeld) as refusal:
        create_credit(row, LOCAL)
    refused = conflict_from_error(queries.credit(holder), refusal.value)
    number = jobs.receive(json.dumps([row]).encode(), "rows.json", LOCAL).import_id
    (problem,) = views.problems(number)
    assert refused == problem.conflict
    assert refused is not None
    assert refused.split == (10, numbers, 90 - numbers)


def test_no_split_is_offered_if_the_quantity_is_not_one_tonne_for_each_number() -> None:
    holder = recorded(**block(101, 200))
    row = block(111, 120, quantity="9.5")
    with pytest.raises(BlockHeld) as refusal:
        create_credit(row, LOCAL)
    refused = conflict_from_error(queries.credit(holder), refusal.value)
    number = jobs.receive(json.dumps([row]).encode(), "rows.json", LOCAL).import_id
    (problem,) = views.problems(number)
    assert refused is not None
    assert (refused.split, problem.conflict) == ((), None)
    assert refused.advice == NOT_EXACT
    assert problem.message.endswith(f"a block that another credit holds. {NOT_EXACT}")


def test_numbers_that_the_holder_does_not_have_are_not_held() -> None:
    holder = queries.credit(recorded(**block(101, 200)))
    assert conflict_over(holder, 1, 100) is None
    assert conflict_over(holder, 201, 300) is None
    assert conflict_over(queries.credit(recorded()), 1, 300) is None


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (101, 200, "This block, 101 to 200, is held by another credit"),
        (101, 199, "This block, 101 to 199, is a part of a block that another credit holds"),
        (200, 300, "The number 200 of this block is held by another credit"),
        (100, 200, "The numbers 101 to 200 of this block are held by another credit"),
    ],
)
def test_the_error_names_the_held_numbers(first: int, last: int, said: str) -> None:
    recorded(**block(101, 200))
    again = block(first, last, registry="Other")
    with pytest.raises(BlockHeld) as refusal:
        create_credit(again, LOCAL)
    assert str(refusal.value).startswith(said)


def test_rows_that_have_the_same_serial_number_are_told_to_keep_one() -> None:
    number = jobs.receive(
        json.dumps([a_credit(), a_credit(vintage="2001")]).encode(), "rows.json", LOCAL
    ).import_id
    (problem,) = views.problems(number)
    assert problem.message.startswith("Row 1 has this serial number with other fields. Keep one")
