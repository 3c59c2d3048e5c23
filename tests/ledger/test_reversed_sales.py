"""A sale that was reversed does not stand: the credit is active, and may be sold again."""

import pytest

from tests.fixtures.credits import recorded, retired, sale_reversed, sold
from tests.ledger.histories import record_reversed_sales
from tests.ledger.invariants import assert_sound
from webapp.accounts.actors import CLI, LOCAL
from webapp.domain.errors import ActionNotAllowed, AlreadyRetired, AlreadySplit, InvalidFields
from webapp.domain.lifecycle import Status
from webapp.ledger import queries, summaries
from webapp.ledger.commands import (
    amend_credit,
    cancel_credit,
    retire_credit,
    reverse_sale,
    sell_credit,
    split_credit,
)
from webapp.ledger.idempotency_store import IdempotencyKey
from webapp.ledger.listing import list_events
from webapp.ledger.summaries import Sum
from webapp.ledger.views import EventView

pytestmark = pytest.mark.usefixtures("ledger_app")

REASON = {"reason": "The buyer withdrew"}


def state_of(credit_id: str) -> tuple[Status, str | None]:
    credit = queries.credit(credit_id)
    return credit.status, credit.buyer


def carried_in_feed(credit_id: str) -> list[bool]:
    events = [event for event in list_events().items if isinstance(event, EventView)]
    return [event.is_carried for event in events if event.credit_id == credit_id]


def test_a_reversed_sale_makes_the_credit_active_without_a_buyer() -> None:
    credit_id = sold()
    result = reverse_sale(credit_id, REASON, CLI)
    assert result.record == queries.record(credit_id)
    assert state_of(credit_id) == (Status.ACTIVE, None)
    totals = summaries.ledger_totals().ledger
    assert (totals[Status.ACTIVE].credits, totals[Status.SOLD]) == (1, Sum())
    last = result.record.last_counting
    assert (last.actor, last.data["reason"]) == (CLI, REASON["reason"])
    assert last.data["occurred_on"] == last.recorded_at[:10]
    assert_sound()


def test_sales_and_reversals_alternate() -> None:
    credit_id = sold()
    for buyer in ("Zoë", "Łódź"):
        with pytest.raises(ActionNotAllowed):
            sell_credit(credit_id, {"buyer": buyer}, LOCAL)
        reverse_sale(credit_id, REASON, LOCAL)
        with pytest.raises(ActionNotAllowed, match="no sale to reverse"):
            reverse_sale(credit_id, REASON, LOCAL)
        sell_credit(credit_id, {"buyer": buyer}, LOCAL)
    assert state_of(credit_id) == (Status.SOLD, "Łódź")
    assert_sound()


def test_a_part_of_a_sale_is_reversed() -> None:
    credit_id = sold()
    result = reverse_sale(credit_id, {**REASON, "quantity": "40"}, LOCAL)
    rest = result.rest
    assert rest is not None
    assert (state_of(result.credit_id), state_of(rest.id)) == (
        (Status.ACTIVE, None),
        (Status.SOLD, "Acme Airlines"),
    )
    assert (result.record.credit.quantity, rest.quantity) == ("40", "60")
    assert result.record == queries.record(result.credit_id)
    assert_sound()


def test_sold_reversed_split_and_sold_again_the_lots_are_what_they_should_be() -> None:
    credit_id = sale_reversed()
    lots = split_credit(credit_id, {"quantities": ["40", "60"]}, LOCAL).lot_ids
    assert [state_of(lot) for lot in lots] == [(Status.ACTIVE, None)] * 2
    sell_credit(lots[0], {"buyer": "Zoë"}, LOCAL)
    assert [event.is_carried for event in queries.record(lots[0]).events] == [False, False]
    assert carried_in_feed(lots[0]) == [False, False]
    assert_sound()


def test_a_split_carries_over_the_sale_that_stands() -> None:
    credit_id = sale_reversed()
    sell_credit(credit_id, {"buyer": "Zoë"}, LOCAL)
    lots = split_credit(credit_id, {"quantities": ["40", "60"]}, LOCAL).lot_ids
    assert [state_of(lot) for lot in lots] == [(Status.SOLD, "Zoë")] * 2
    reverse_sale(lots[1], REASON, LOCAL)
    sell_credit(lots[1], {"buyer": "Łódź"}, LOCAL)
    carried = [event.is_carried for event in queries.record(lots[1]).events]
    assert carried == [False, True, False, False]
    assert carried_in_feed(lots[1]) == carried
    assert_sound()


def test_an_amendment_of_a_reversed_sale_changes_no_present_buyer() -> None:
    credit_id = sale_reversed()
    amend_credit(credit_id, {"amends": "2", "buyer": "Acme"}, LOCAL)
    assert state_of(credit_id) == (Status.ACTIVE, None)
    sell_credit(credit_id, {"buyer": "Zoe"}, LOCAL)
    amend_credit(credit_id, {"amends": "2", "buyer": "Acme Ltd"}, LOCAL)
    assert state_of(credit_id) == (Status.SOLD, "Zoe")
    amend_credit(credit_id, {"amends": "5", "buyer": "Zoë"}, LOCAL)
    assert state_of(credit_id) == (Status.SOLD, "Zoë")
    assert queries.credit(credit_id) == queries.record(credit_id).credit
    assert_sound()


def test_a_retirement_stays_final_and_a_split_credit_is_acted_on_in_its_lots() -> None:
    with pytest.raises(AlreadyRetired):
        reverse_sale(retired(), REASON, LOCAL)
    split = sold(serial_number="VCS-0002")
    split_credit(split, {"quantities": ["40", "60"]}, LOCAL)
    with pytest.raises(AlreadySplit):
        reverse_sale(split, REASON, LOCAL)


def test_a_credit_whose_sale_was_reversed_can_be_retired_or_voided() -> None:
    retire_credit(sale_reversed(), {"beneficiary": "Zoë"}, LOCAL)
    cancel_credit(sale_reversed(serial_number="VCS-0002"), {"reason": "Typo"}, LOCAL)
    assert_sound()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "reason"),
        ({"reason": " "}, "reason"),
        ({**REASON, "occurred_on": "2999-01-01"}, "occurred_on"),
        ({**REASON, "buyer": "Acme"}, "buyer"),
        ({**REASON, "quantity": "101"}, "quantity"),
    ],
)
def test_a_refused_reversal_records_nothing(values: dict[str, str], field: str) -> None:
    credit_id = sold()
    with pytest.raises(InvalidFields) as error:
        reverse_sale(credit_id, values, LOCAL)
    assert [problem.field for problem in error.value.problems] == [field]
    assert len(list_events().items) == 2


def test_a_reversal_before_its_sale_is_warned_of() -> None:
    credit_id = recorded()
    sell_credit(credit_id, {"occurred_on": "2026-02-01"}, LOCAL)
    result = reverse_sale(credit_id, {**REASON, "occurred_on": "2026-01-31"}, LOCAL)
    assert result.record.warnings == [
        "The reversal date 2026-01-31 is before 2026-02-01, when the credit was sold."
    ]


def test_a_reversal_with_a_key_is_recorded_once() -> None:
    credit_id, key = sold(), IdempotencyKey(LOCAL, "k", "f")
    first = reverse_sale(credit_id, {**REASON, "quantity": "40"}, LOCAL, key=key)
    sell_credit(first.credit_id, {"buyer": "Zoë"}, LOCAL)
    again = reverse_sale(credit_id, {**REASON, "quantity": "40"}, LOCAL, key=key)
    assert (again.is_replay, again.record, again.rest) == (True, first.record, first.rest)


def test_histories_with_reversals_are_sound() -> None:
    record_reversed_sales()
    assert_sound()
