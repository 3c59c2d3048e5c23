"""Which events are one act, read from the log."""

import pytest

from tests.fixtures.acts import RETIREMENT, retired_together
from tests.fixtures.credits import a_credit, recorded, recorded_with_facts, retired, sold
from tests.fixtures.entries import IMPORTED, entered
from webapp.accounts.actors import LOCAL
from webapp.domain.entry import EntryType
from webapp.domain.errors import UnknownAct
from webapp.domain.event import ACT_KEY
from webapp.domain.fields import E4
from webapp.domain.lifecycle import EventType
from webapp.ledger.acts import Act, act_at
from webapp.ledger.commands import amend_credit, correct_credit, retire_credit, sell_credit, split_credit

pytestmark = pytest.mark.usefixtures("ledger_app")


def shape(act: Act) -> tuple[int, str, list[int], list[int]]:
    """Return the address of an act, its type, and the positions of its acting and its other events."""
    acting = [acted.event.position for acted in act.credits]
    return act.position, str(act.event_type), acting, [event.position for event in act.also]


def test_a_partial_retirement_is_one_act_with_the_split_before_it() -> None:
    retire_credit(recorded(), {"quantity": "40"}, LOCAL)
    assert {tuple(map(str, shape(act_at(at)))) for at in range(2, 6)} == {
        ("5", "RETIRED", "[5]", "[2, 3, 4]")
    }
    assert act_at(2).quantity_e4 == 40 * E4
    assert shape(act_at(1)) == (1, "CREATED", [1], [])


def test_a_part_of_a_sold_credit_is_one_act_with_the_sales_that_its_lots_carry_over() -> None:
    retire_credit(sold(), {"quantity": "40"}, LOCAL)
    assert [shape(act_at(at)) for at in range(3, 9)] == [(8, "RETIRED", [8], [3, 4, 5, 6, 7])] * 6


def test_a_split_and_a_retirement_after_it_are_two_acts() -> None:
    lot, _ = split_credit(recorded(), {"quantities": ["40", "60"]}, LOCAL).lot_ids
    retire_credit(lot, {}, LOCAL)
    assert [shape(act_at(at)) for at in (2, 3, 4)] == [(2, "SPLIT", [2], [3, 4])] * 3
    assert shape(act_at(5)) == (5, "RETIRED", [5], [])


def test_a_correction_is_one_act_with_the_replacement() -> None:
    correct_credit(recorded(), a_credit(vintage="2022"), {"reason": "wrong"}, LOCAL)
    assert [shape(act_at(at)) for at in (2, 3)] == [(2, "CANCELLED", [2], [3])] * 2


def test_acts_on_many_are_found_from_each_of_their_events_and_do_not_mix() -> None:
    ids = [recorded(serial_number=f"S-{n}") for n in range(5)]
    first = retired_together(ids[:2])
    second = retired_together(ids[2:4], part_of_last=10 * E4)
    retire_credit(ids[4], RETIREMENT, LOCAL)
    assert (first, second) == (6, 11)
    assert [shape(act_at(at)) for at in (6, 7)] == [(6, "RETIRED", [6, 7], [])] * 2
    assert [shape(act_at(at)) for at in range(8, 13)] == [(11, "RETIRED", [11, 12], [8, 9, 10])] * 5
    assert shape(act_at(13)) == (13, "RETIRED", [13], [])
    assert act_at(8).quantity_e4 == 110 * E4


def test_a_split_before_an_act_on_its_lots_is_an_act_by_itself() -> None:
    lots = split_credit(recorded(), {"quantities": ["40", "60"]}, LOCAL).lot_ids
    assert retired_together(lots) == 5
    assert [shape(act_at(at)) for at in (2, 3, 4)] == [(2, "SPLIT", [2], [3, 4])] * 3
    assert [shape(act_at(at)) for at in (5, 6)] == [(5, "RETIRED", [5, 6], [])] * 2


def test_an_event_with_the_key_of_another_act_is_an_act_by_itself() -> None:
    first, second = recorded(serial_number="S-1"), recorded(serial_number="S-2")
    retired_together([first])
    recorded(serial_number="S-3")
    retired_together([second], {**RETIREMENT, ACT_KEY: "3"})
    amend_credit(second, {"amends": "2", "note": "x"}, LOCAL)
    assert [shape(act_at(at))[2] for at in (3, 5, 6)] == [[3], [5], [6]]


def test_there_is_no_act_of_an_entry_nor_beyond_the_log() -> None:
    recorded()
    entered("import/1", EntryType.IMPORTED, IMPORTED)
    for position in (0, 2, 3, 2**64):
        with pytest.raises(UnknownAct):
            act_at(position)


def test_an_act_has_the_present_words_and_what_was_said_before() -> None:
    credit_id = retired()
    amend_credit(credit_id, {"amends": "2", "beneficiary": "Zoë", "why": "Misspelt"}, LOCAL)
    amend_credit(credit_id, {"amends": "2", "beneficiary": "Zoe", "facts": {"retirement_id": "7"}}, LOCAL)
    acted = act_at(2).first
    assert acted.words["beneficiary"] == "Zoe"
    assert [(each.why, each.changes) for each in acted.amendments] == [
        ("Misspelt", {"beneficiary": ("Acme Airlines", "Zoë")}),
        ("", {"beneficiary": ("Zoë", "Zoe"), "retirement_id": ("", "7")}),
    ]


def test_a_lot_has_the_facts_of_its_root_as_amended_on_the_way_down() -> None:
    credit_id = recorded_with_facts()
    lot, _ = split_credit(credit_id, {"quantities": ["40", "60"]}, LOCAL).lot_ids
    amend_credit(credit_id, {"amends": "1", "facts": {"country": "Peru"}}, LOCAL)
    amend_credit(lot, {"amends": "1", "facts": {"project_id": "VCS 1"}}, LOCAL)
    sell_credit(lot, {"buyer": "A", "quantity": "10"}, LOCAL)
    act = act_at(10)
    assert act.event_type is EventType.SOLD
    assert act.first.facts == {"country": "Peru", "project_id": "VCS 1"}
