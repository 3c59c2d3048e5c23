"""An amendment says, and never counts: words change, and quantity, status and identity do not."""

from collections.abc import Callable, Mapping

import pytest

from tests.fixtures.credits import FACTS, acted, recorded, recorded_with_facts, retired, sold, withdrawn
from tests.ledger.invariants import assert_sound
from webapp.accounts.actors import CLI, LOCAL
from webapp.domain.errors import AlreadyRetired, CreditMoved, InvalidFields, UnknownCredit
from webapp.domain.event import Data
from webapp.domain.lifecycle import EventType, Status
from webapp.ledger import queries, summaries
from webapp.ledger.commands import amend_credit, cancel_credit, retire_credit, sell_credit, split_credit
from webapp.ledger.idempotency_store import IdempotencyKey
from webapp.ledger.listing import list_credits, list_events
from webapp.ledger.search.credit_filter import CreditFilter

pytestmark = pytest.mark.usefixtures("ledger_app")


def amend(credit_id: str, amends: int, **values: object) -> None:
    amend_credit(credit_id, {"amends": str(amends), **values}, LOCAL)


def test_the_present_words_are_those_of_the_last_amendment() -> None:
    credit_id = retired()
    amend(credit_id, 2, beneficiary="Acme Airways", why="Misspelt")
    amend(credit_id, 2, beneficiary="Acme Air")
    record = queries.record(credit_id)
    assert record.credit.beneficiary == "Acme Air"
    assert record.last_counting.data["beneficiary"] == "Acme Air"
    assert [event.data.get("beneficiary") for event in record.events[1:]] == [
        "Acme Airlines",
        "Acme Airways",
        "Acme Air",
    ]
    assert list_credits(CreditFilter()).items == [record.credit]
    assert_sound()


def test_an_amendment_changes_neither_status_nor_its_time_nor_totals() -> None:
    credit_id = sold()
    before, totals = queries.credit(credit_id), summaries.ledger_totals()
    amend(credit_id, 2, buyer="Zoë", occurred_on="2026-01-31")
    after = queries.credit(credit_id)
    assert (after.status, after.changed_at) == (before.status, before.changed_at)
    assert summaries.ledger_totals() == totals


def test_an_empty_text_removes_a_value() -> None:
    credit_id = sold()
    amend(credit_id, 2, buyer="")
    assert queries.credit(credit_id).buyer is None
    assert "buyer" not in queries.record(credit_id).last_counting.data
    assert_sound()


def test_a_party_that_an_amendment_names_is_suggested() -> None:
    credit_id = retired()
    amend(credit_id, 2, beneficiary="Acme Airways")
    assert summaries.suggest_parties(EventType.RETIRED) == ["Acme Airways", "Acme Airlines"]
    assert summaries.suggest_parties(EventType.SOLD) == []
    assert_sound()


@pytest.mark.parametrize("status", Status)
def test_a_credit_of_every_status_can_be_amended(status: Status) -> None:
    begin: dict[Status, Callable[[], str]] = {
        Status.SOLD: sold,
        Status.RETIRED: retired,
        Status.WITHDRAWN: withdrawn,
    }
    credit_id = begin.get(status, recorded)()
    if status is Status.SPLIT:
        split_credit(credit_id, {"quantities": ["40", "60"]}, LOCAL)
    if status is Status.CANCELLED:
        cancel_credit(credit_id, {"reason": "Twice"}, LOCAL)
    result = amend_credit(credit_id, {"amends": "1", "facts": FACTS}, LOCAL)
    assert (result.record.credit.status, result.record.facts) == (status, FACTS)
    assert result.record == queries.record(credit_id)
    assert_sound()


def test_the_history_goes_on_after_an_amendment() -> None:
    credit_id = recorded()
    amend(credit_id, 1, facts=FACTS)
    sell_credit(credit_id, {"buyer": "Acme"}, LOCAL)
    amend(credit_id, 3, note="Two years")
    part = retire_credit(credit_id, {"quantity": "40"}, LOCAL).credit_id
    amend(part, 3, reason="Flights")
    assert [(e.seq, e.event_type) for e in queries.record(credit_id).events] == [
        (1, "CREATED"),
        (2, "AMENDED"),
        (3, "SOLD"),
        (4, "AMENDED"),
        (5, "SPLIT"),
    ]
    with pytest.raises(AlreadyRetired):
        retire_credit(part, {}, LOCAL)
    assert_sound()


def test_the_lots_of_a_split_carry_the_present_words_of_the_sale() -> None:
    credit_id = sold()
    amend(credit_id, 2, buyer="Zoë", note="")
    lots = split_credit(credit_id, {"quantities": ["40", "60"]}, LOCAL).lot_ids
    amend(credit_id, 2, buyer="Later")
    amend(lots[1], 2, buyer="Another")
    assert [queries.credit(each).buyer for each in (credit_id, *lots)] == ["Later", "Zoë", "Another"]
    assert_sound()


def test_the_lots_of_a_split_do_not_name_the_act_of_the_sale() -> None:
    credit_id = acted(recorded(), EventType.SOLD, {"buyer": "Acme Airlines"}, act=2)
    lot, _ = split_credit(credit_id, {"quantities": ["40", "60"]}, LOCAL).lot_ids
    assert queries.record(credit_id).last_counting.event_type is EventType.SPLIT
    assert [event.data.get("act") for event in queries.record(lot).events] == [None, None]
    assert queries.credit(lot).buyer == "Acme Airlines"
    assert_sound()


def test_a_lot_has_the_facts_of_its_root_overlaid_on_the_way_down() -> None:
    root = recorded_with_facts()
    lot, other = split_credit(root, {"quantities": ["40", "60"]}, LOCAL).lot_ids
    result = retire_credit(lot, {"quantity": "15"}, LOCAL)
    assert result.record.facts == FACTS
    amend(lot, 1, facts={"developer": "B", "country": "Peru"})
    amend(root, 1, facts={"developer": "A", "project_id": "", "country": "Uganda"})
    assert queries.record(result.credit_id).facts == {"developer": "B", "country": "Peru"}
    assert queries.record(other).facts == {"developer": "A", "country": "Uganda"}
    assert "facts" not in queries.record(lot).events[0].data
    assert_sound()


def test_a_record_as_of_a_position_has_the_words_and_facts_of_then() -> None:
    root = recorded_with_facts()
    lot, _ = split_credit(root, {"quantities": ["40", "60"]}, LOCAL).lot_ids
    key = IdempotencyKey(LOCAL, "k", "f")
    first = retire_credit(lot, {"beneficiary": "Acne"}, LOCAL, key=key)
    amend(root, 1, facts={"country": "Peru"})
    amend(lot, 2, beneficiary="Acme")
    again = retire_credit(lot, {"beneficiary": "Acne"}, LOCAL, key=key)
    assert (again.is_replay, again.record) == (True, first.record)
    assert (again.record.credit.beneficiary, again.record.facts) == ("Acne", FACTS)


def test_an_amendment_with_a_key_is_recorded_once() -> None:
    credit_id, key = retired(), IdempotencyKey(LOCAL, "k", "f")
    values = {"amends": "2", "beneficiary": "Acme"}
    first = amend_credit(credit_id, values, LOCAL, key=key)
    again = amend_credit(credit_id, values, LOCAL, key=key)
    assert (again.is_replay, again.record) == (True, first.record)
    assert len(list_events().items) == 3


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"amends": "3", "note": "x"}, "amends"),
        ({"amends": "2", "buyer": "x"}, "buyer"),
        ({"amends": "2"}, ""),
        ({"note": "x"}, "amends"),
    ],
)
def test_a_refused_amendment_records_nothing(values: Mapping[str, object], field: str) -> None:
    credit_id = retired()
    with pytest.raises(InvalidFields) as error:
        amend_credit(credit_id, values, LOCAL)
    assert [problem.field for problem in error.value.problems] == [field]
    assert len(list_events().items) == 2


def test_an_amendment_of_an_unknown_or_changed_credit_is_refused() -> None:
    values = {"amends": "1", "facts": FACTS}
    with pytest.raises(UnknownCredit):
        amend_credit("f" * 64, values, LOCAL)
    credit_id = retired()
    with pytest.raises(CreditMoved):
        amend_credit(credit_id, values, LOCAL, expected_seqs=[1])
    assert amend_credit(credit_id, values, CLI, expected_seqs=[2]).record.events[-1].actor == CLI


@pytest.mark.parametrize("event_type", [EventType.RETIRED, EventType.WITHDRAWN])
def test_the_facts_of_a_retirement_or_withdrawal_are_its_own(event_type: EventType) -> None:
    credit_id = acted(recorded_with_facts(), event_type, {"facts": {"purpose": "CORSIA"}})
    amend(credit_id, 2, facts={"purpose": "Voluntary", "account_holder": "Acme"})
    record = queries.record(credit_id)
    expected: Data = {"purpose": "Voluntary", "account_holder": "Acme"}
    assert record.last_counting.data["facts"] == expected
    assert record.facts == FACTS
    assert_sound()
