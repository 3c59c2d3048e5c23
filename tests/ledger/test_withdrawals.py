"""WITHDRAWN: tonnes that the registry cancelled keep their numbers, and are in no total."""

from collections.abc import Callable

import pytest

from tests.fixtures.credits import a_credit, acted, recorded, retired, sold, withdrawn, withdrawn_part
from tests.ledger.invariants import assert_sound
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import AlreadyRetired, AlreadyWithdrawn, BlockHeld, SerialHeld
from webapp.domain.lifecycle import EventType, Status
from webapp.ledger import queries, serial_conflicts, summaries
from webapp.ledger.commands import (
    cancel_credit,
    correct_credit,
    create_credit,
    retire_credit,
    sell_credit,
    split_credit,
)
from webapp.ledger.listing import list_credits, sum_credits
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.summaries import Sum

pytestmark = pytest.mark.usefixtures("ledger_app")
BLOCK = a_credit(registry="ACR", quantity="10", serial_number="ACR-X-2025-1 to 10")


@pytest.mark.parametrize("begin", [recorded, sold])
def test_an_active_or_sold_credit_can_be_withdrawn(begin: Callable[[], str]) -> None:
    credit_id = withdrawn(begin())
    assert queries.credit(credit_id).status is Status.WITHDRAWN
    assert_sound()


@pytest.mark.parametrize(
    "act",
    [
        lambda credit_id: sell_credit(credit_id, {}, LOCAL),
        lambda credit_id: retire_credit(credit_id, {}, LOCAL),
        lambda credit_id: retire_credit(credit_id, {"quantity": "1"}, LOCAL),
        lambda credit_id: split_credit(credit_id, {"quantities": ["1", "99"]}, LOCAL),
        lambda credit_id: cancel_credit(credit_id, {"reason": "x"}, LOCAL),
        lambda credit_id: correct_credit(credit_id, a_credit(vintage="2020"), {"reason": "x"}, LOCAL),
        withdrawn,
    ],
    ids=["sell", "retire", "retire a part", "split", "cancel", "correct", "withdraw"],
)
def test_nothing_that_counts_follows_a_withdrawal(act: Callable[[str], object]) -> None:
    credit_id = withdrawn()
    with pytest.raises(AlreadyWithdrawn):
        act(credit_id)


def test_a_retired_credit_cannot_be_withdrawn() -> None:
    with pytest.raises(AlreadyRetired):
        withdrawn(retired())


def test_withdrawn_tonnes_are_in_no_total_and_listed_by_their_status_alone() -> None:
    credit_id, kept = withdrawn(serial_number="1", quantity="3"), recorded(serial_number="2", quantity="5")
    assert summaries.ledger_totals().ledger.all == Sum(1, 50_000)
    assert [credit.id for credit in list_credits(CreditFilter()).items] == [kept]
    wanted = CreditFilter(statuses=(Status.WITHDRAWN,))
    assert [credit.id for credit in list_credits(wanted).items] == [credit_id]
    assert sum_credits(wanted)[Status.WITHDRAWN] == Sum(1, 30_000)
    assert sum_credits(wanted).all == Sum()


def test_a_withdrawn_credit_keeps_its_serial_number() -> None:
    credit_id = withdrawn()
    with pytest.raises(SerialHeld) as error:
        create_credit(a_credit(vintage="2020"), LOCAL)
    assert error.value.holder == credit_id
    assert not create_credit(a_credit(), LOCAL).is_new


def test_a_withdrawn_credit_keeps_its_numbers_and_is_found_by_them() -> None:
    credit_id = withdrawn(create_credit(BLOCK, LOCAL).credit_id)
    with pytest.raises(BlockHeld) as error:
        create_credit({**BLOCK, "quantity": "3", "serial_number": "ACR-X-2025-4 to 6"}, LOCAL)
    conflict = serial_conflicts.conflict_from_error(queries.credit(credit_id), error.value)
    assert conflict is not None
    assert conflict.advice.startswith("The registry cancelled")
    found = list_credits(CreditFilter(serial="ACR-X-2025-7", statuses=(Status.WITHDRAWN,))).items
    assert [credit.id for credit in found] == [credit_id]


@pytest.mark.parametrize("serial", ["ACR-X-2025-1 to 10", "S-1"])
def test_a_part_can_be_withdrawn_and_keeps_its_numbers_when_the_rest_is_void(serial: str) -> None:
    credit_id = recorded(registry="ACR", quantity="10", serial_number=serial)
    part, rest = withdrawn_part(credit_id, "4", "6")
    cancel_credit(rest, {"reason": "Twice"}, LOCAL)
    with pytest.raises(SerialHeld):
        create_credit(a_credit(registry="ACR", quantity="10", serial_number=serial, vintage="2001"), LOCAL)
    # The credit itself is recorded already, since one of its lots stands.
    assert not create_credit(a_credit(registry="ACR", quantity="10", serial_number=serial), LOCAL).is_new
    assert summaries.ledger_totals().ledger[Status.WITHDRAWN] == Sum(1, 40_000)
    assert queries.credit(part).status is Status.WITHDRAWN
    assert_sound()


def test_a_withdrawn_replacement_stands_in_the_place_of_what_it_replaced() -> None:
    wrong = recorded()
    right = correct_credit(wrong, a_credit(vintage="2020"), {"reason": "Vintage"}, LOCAL).credit_id
    withdrawn(right)
    with pytest.raises(Exception, match=right):
        create_credit(a_credit(serial_number="VCS-0001"), LOCAL)
    assert_sound()


def test_a_withdrawal_without_a_date_has_none() -> None:
    record = queries.record(acted(recorded(), EventType.WITHDRAWN, {}))
    assert record.last_counting.data == {}
    assert_sound()
