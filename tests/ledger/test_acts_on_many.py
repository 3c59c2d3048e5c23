"""An act on many credits is one transaction: all or none, with one number that all its events carry."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from tests.fixtures.credits import recorded, recorded_with_facts, retired, sold
from tests.ledger.invariants import assert_sound
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import ActChanged, ActsNotAllowed, InvalidFields
from webapp.domain.fields import E4
from webapp.domain.lifecycle import COUNTED, EventType, Status
from webapp.ledger import queries, summaries
from webapp.ledger.act_selection import CREDITS_MAX, Matching, Portion, Selection
from webapp.ledger.acts_on_many import ActRequest, ActResult, plan_act, record_act
from webapp.ledger.commands import amend_credit, retire_credit, sell_credit
from webapp.ledger.idempotency_store import IdempotencyKey
from webapp.ledger.listing import list_events
from webapp.ledger.present_words import words_of_last
from webapp.ledger.search.credit_filter import CreditFilter

pytestmark = pytest.mark.usefixtures("ledger_app")

CLIENTS = 32


def act(action: EventType, selection: Selection, **values: object) -> ActResult:
    return record_act(plan_act(ActRequest(action, selection, values)), LOCAL)


def retire(selection: Selection, **values: object) -> ActResult:
    return act(EventType.RETIRED, selection, **values)


def oldest(quantity: float, *, buyer: str = "", status: Status | None = None) -> Matching:
    return Matching(CreditFilter(statuses=(status,) if status else COUNTED), int(quantity * E4), buyer)


def three() -> list[str]:
    return [recorded(serial_number=f"S-{n}", quantity="10") for n in range(3)]


def taken(result: ActResult) -> list[tuple[str, int]]:
    """Return what was acted on: the credit, or the one that it was split from, and tonnes."""
    return [(each.split_from or each.credit_id, each.quantity_e4 // E4) for each in result.credits]


def test_all_credits_are_sold_and_their_events_name_the_act() -> None:
    ids = three()
    result = act(EventType.SOLD, [Portion(each) for each in ids], buyer="Acme", reference="INV-7")
    events = list_events(EventType.SOLD).items
    assert [event.position for event in events] == [result.number, result.number + 1, result.number + 2]
    assert {(str(e.data["act"]), str(e.data["buyer"]), str(e.data["reference"])) for e in events} == {
        (str(result.number), "Acme", "INV-7")
    }
    assert {queries.credit(each).status for each in ids} == {Status.SOLD}
    assert_sound()


def test_one_credit_that_does_not_allow_it_stops_the_whole_act() -> None:
    ids = [*three(), retired(serial_number="S-9")]
    with pytest.raises(ActsNotAllowed) as refusal:
        retire([Portion(each) for each in ids])
    assert [each.credit_id for each in refusal.value.refused] == [ids[-1]]
    assert {queries.credit(each).status for each in ids[:-1]} == {Status.ACTIVE}


def test_a_part_of_a_credit_is_split_off_in_the_same_act() -> None:
    first, second = recorded(serial_number="S-1"), sold(serial_number="S-2")
    result = retire([Portion(first, 30 * E4), Portion(second, 40 * E4)])
    lots = [queries.record(each.credit_id) for each in result.credits]
    assert taken(result) == [(first, 30), (second, 40)]
    assert [(lot.credit.status, lot.credit.quantity) for lot in lots] == [
        (Status.RETIRED, "30"),
        (Status.RETIRED, "40"),
    ]
    assert {lot.events[-1].data["act"] for lot in lots} == {str(result.number)}
    assert lots[0].events[-1].position == result.number
    assert lots[1].credit.buyer == "Acme Airlines"
    assert_sound()


def test_void_and_amend_many() -> None:
    ids = three()
    act(EventType.CANCELLED, [Portion(ids[0])], reason="Recorded twice")
    retire([Portion(each) for each in ids[1:]], beneficiary="Hiltop")
    request = ActRequest(
        EventType.AMENDED,
        [Portion(each) for each in ids[1:]],
        {"beneficiary": "Hilltop", "why": "Misspelt"},
        EventType.RETIRED,
    )
    result = record_act(plan_act(request), LOCAL)
    assert [queries.credit(each).beneficiary for each in ids[1:]] == ["Hilltop", "Hilltop"]
    amendment = queries.record(ids[1]).events[-1]
    assert (amendment.position, amendment.data["act"]) == (result.number, str(result.number))
    assert_sound()


def test_oldest_first_takes_vintages_then_days_then_the_place_in_the_root() -> None:
    new = recorded(serial_number="S-1", quantity="10", vintage="2024")
    without_day = recorded(serial_number="S-2", quantity="10", vintage="2020")
    late = recorded_with_facts(
        {"issued_on": "2022-05-01"}, serial_number="S-3", quantity="10", vintage="2020"
    )
    early = recorded_with_facts(
        {"issued_on": "2023-05-01", "acquired_on": "2021-01-01"},
        serial_number="S-4",
        quantity="10",
        vintage="2020",
    )
    # A part of the block is retired, so its rest is a lot that was created last.
    rest = retire_credit(early, {"quantity": "4"}, LOCAL).rest_id
    result = retire(oldest(27))
    assert taken(result) == [(new, 1), (rest, 6), (late, 10), (without_day, 10)]
    assert_sound()


def test_oldest_first_takes_lots_of_a_block_in_order_of_their_numbers() -> None:
    block = recorded(serial_number="ACR-99-2019-1-100", registry="ACR")
    middle = sell_credit(block, {"quantity": "40"}, LOCAL).rest_id
    assert middle
    result = retire(oldest(10))
    assert [each.serial_number for each in result.credits] == ["ACR-99-2019-41-50"]


def test_sold_lots_are_left_to_their_buyers() -> None:
    sold(serial_number="S-1", vintage="2010", quantity="1000")
    active = recorded(serial_number="S-2", vintage="2020", quantity="1000")
    assert taken(retire(oldest(1000), beneficiary="B")) == [(active, 1000)]


def test_sold_lots_are_taken_of_one_named_buyer_with_a_warning_for_another_beneficiary() -> None:
    with pytest.raises(InvalidFields, match="Name the buyer"):
        retire(oldest(10, status=Status.SOLD))
    of_acme = sold(serial_number="S-1")
    other = recorded(serial_number="S-2", vintage="2010")
    sell_credit(other, {"buyer": "Other"}, LOCAL)
    of_party = Matching(CreditFilter(statuses=(Status.SOLD,), parties=("ACME airlines",)), 10 * E4)
    result = retire(of_party, beneficiary="B")
    assert taken(result) == [(of_acme, 10)]
    assert list(result.warnings) == ["10 t were sold to Acme Airlines, and are retired for B."]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (oldest(301), "Only 300 t match"),
        (Matching(CreditFilter(statuses=(Status.RETIRED,))), "cannot be taken"),
        (Matching(CreditFilter(registries=("none",))), "No credit matches"),
        (Matching(CreditFilter(statuses=(Status.SOLD, Status.RETIRED))), "Choose one status"),
        ([], "at least one"),
        ([Portion("0" * 64)], "No credit has this id"),
        ([Portion("x")], "No credit has this id"),
    ],
)
def test_an_act_that_cannot_be_planned_says_why(selection: Selection, message: str) -> None:
    for n in range(3):
        recorded(serial_number=f"S-{n}")
    with pytest.raises(InvalidFields, match=message):
        retire(selection)


def test_a_credit_named_twice_or_over_its_quantity_is_refused() -> None:
    credit_id = recorded()
    with pytest.raises(InvalidFields) as refusal:
        retire([Portion(credit_id), Portion(credit_id, 5 * E4)])
    assert [problem.field for problem in refusal.value.problems] == ["credits.1"]
    with pytest.raises(InvalidFields, match="more than the 100 t"):
        retire([Portion(credit_id, 101 * E4)])


def test_what_a_person_was_shown_is_what_is_recorded_or_nothing() -> None:
    ids = three()
    request = ActRequest(EventType.RETIRED, oldest(15), {})
    shown = plan_act(request)
    assert [(each.credit.id, each.quantity_e4 // E4) for each in shown.chosen] == [(ids[0], 10), (ids[1], 5)]
    retire_credit(ids[0], {}, LOCAL)
    with pytest.raises(ActChanged):
        record_act(shown, LOCAL, shown=shown.fingerprint)
    again = plan_act(request)
    assert taken(record_act(again, LOCAL, shown=again.fingerprint)) == [(ids[2], 5), (ids[1], 10)]


def test_a_credit_sold_after_the_plan_is_not_taken_although_it_could_be_retired() -> None:
    ids = three()
    plan = plan_act(ActRequest(EventType.RETIRED, oldest(10), {"beneficiary": "Beta"}))
    sell_credit(ids[0], {"buyer": "Acme"}, LOCAL)
    assert taken(record_act(plan, LOCAL)) == [(ids[1], 10)]
    assert queries.credit(ids[0]).status is Status.SOLD


def test_a_named_credit_sold_after_it_was_shown_is_asked_about_again() -> None:
    credit_id = recorded()
    plan = plan_act(ActRequest(EventType.RETIRED, [Portion(credit_id)], {"beneficiary": "Beta"}))
    sell_credit(credit_id, {"buyer": "Acme"}, LOCAL)
    with pytest.raises(ActChanged):
        record_act(plan, LOCAL, shown=plan.fingerprint)
    assert list(record_act(plan, LOCAL).warnings) == ["100 t were sold to Acme, and are retired for Beta."]


def test_a_repeat_with_its_key_returns_the_first_act() -> None:
    three()
    key = IdempotencyKey(LOCAL, "one", "f" * 64)
    request = ActRequest(EventType.RETIRED, oldest(25), {})
    plan = plan_act(request)
    first = record_act(plan, LOCAL, key)
    again = record_act(plan, LOCAL, key)
    assert again.is_replay
    assert (again.number, list(again.credits)) == (first.number, list(first.credits))
    assert summaries.ledger_totals().ledger.by_status[Status.RETIRED].quantity_e4 == 25 * E4


def test_overlapping_requests_never_get_a_tonne_twice(ledger_app: Flask) -> None:
    for n in range(10):
        recorded(serial_number=f"S-{n}", quantity="100", vintage=str(2000 + n))

    def client(number: int) -> Mapping[str, int]:
        with ledger_app.app_context():
            try:
                result = retire(oldest(37), beneficiary=f"B{number}")
            except InvalidFields:  # fewer than 37 t are left
                return {}
        return {each.credit_id: each.quantity_e4 for each in result.credits}

    with ThreadPoolExecutor(CLIENTS) as pool:
        results = list(pool.map(client, range(CLIENTS)))
    lots = [credit_id for result in results for credit_id in result]
    assert len(lots) == len(set(lots))
    assert sum(map(bool, results)) == 27
    assert {sum(result.values()) for result in results if result} == {37 * E4}
    assert_sound()


def test_a_part_of_a_sale_that_was_reversed_is_split_without_it() -> None:
    credit_id = sold()
    act(EventType.SALE_REVERSED, [Portion(credit_id)], reason="Cancelled contract")
    result = act(EventType.SOLD, [Portion(credit_id, 40 * E4)], buyer="Other")
    assert queries.credit(result.credits[0].credit_id).buyer == "Other"
    assert [event.event_type for event in queries.record(result.credits[0].credit_id).events] == [
        EventType.CREATED,
        EventType.SOLD,
    ]
    assert_sound()


def test_the_credits_of_one_act_are_bounded() -> None:
    with pytest.raises(InvalidFields, match="At most 10,000 credits"):
        retire([Portion(f"{n:064x}") for n in range(CREDITS_MAX + 1)])


def test_the_present_words_of_many_are_those_of_the_last_event_of_each_with_its_amendments() -> None:
    first, second, active = three()
    for buyer in ("Acme", "Zenith"):
        act(EventType.SOLD, [Portion(first), Portion(second)], buyer=buyer)
        if buyer == "Acme":
            act(EventType.SALE_REVERSED, [Portion(first), Portion(second)], reason="Returned")
    amend_credit(first, {"amends": "4", "buyer": "Zenith AG", "facts": None}, LOCAL)
    amend_credit(second, {"amends": "1", "facts": {"country": "Kenya"}}, LOCAL)
    plan = plan_act(ActRequest(EventType.AMENDED, [Portion(each) for each in (first, second, active)], None))
    keys = [plan.histories[each].key for each in (first, second, active)]
    sales = words_of_last(keys, EventType.SOLD)
    assert [words.get("buyer") for words in sales] == ["Zenith AG", "Zenith", None]
    assert words_of_last(keys, EventType.CREATED) == [{}, {"country": "Kenya"}, {}]
