"""A cancelled credit has at most one replacement; a later correction replaces that one."""

import json
from functools import partial

import pytest

from tests.fixtures.concurrency import AtOnce
from tests.fixtures.credits import a_credit, recorded
from tests.ledger.invariants import assert_sound
from tests.ledger.test_races import THREADS
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import CancelledBefore, ReplacedBefore
from webapp.imports import jobs, views
from webapp.ledger import queries, summaries
from webapp.ledger.commands import (
    ActionResult,
    cancel_credit,
    correct_credit,
    create_credit,
    retire_credit,
    split_credit,
)

pytestmark = pytest.mark.usefixtures("ledger_app")
REASON = {"reason": "Typo"}


def batch(quantity: str = "500", **changes: object) -> dict[str, object]:
    """Return a credit without a serial number."""
    return a_credit(quantity=quantity, serial_number=None) | changes


def corrected() -> tuple[str, str]:
    """Record 500 t and correct them to 550 t; return both."""
    wrong = create_credit(batch(), LOCAL).credit_id
    return wrong, correct_credit(wrong, batch("550"), REASON, LOCAL).credit_id


def refused(**changes: object) -> ReplacedBefore:
    """Record the 500 t again, which must be refused because another credit stands in their place."""
    with pytest.raises(ReplacedBefore) as refusal:
        create_credit(batch() | changes, LOCAL)
    return refusal.value


def test_recording_a_corrected_credit_again_names_its_replacement() -> None:
    wrong, right = corrected()
    for changes in ({}, {"replaces": wrong}, {"replaces": wrong, "quantity": "700"}):
        refusal = refused(**changes)
        assert (refusal.replaced, refusal.credit_id) == (wrong, right)
        assert f"{right} stands in its place" in str(refusal)
    assert summaries.ledger_totals().ledger.all.quantity == "550"
    assert_sound()


def test_another_batch_with_its_own_serial_number_is_recorded() -> None:
    corrected()
    assert create_credit(batch(serial_number="B-2"), LOCAL).is_new


def test_a_replacement_counts_while_any_of_its_lots_is_counted() -> None:
    wrong, right = corrected()
    part = retire_credit(right, {"quantity": "50"}, LOCAL)
    cancel_credit(str(part.rest_id), REASON, LOCAL)
    assert refused().credit_id == refused(replaces=wrong).credit_id == right


def test_after_a_cancelled_replacement_the_last_of_the_chain_can_be_replaced() -> None:
    wrong, right = corrected()
    last = correct_credit(right, batch("560"), REASON, LOCAL).credit_id
    assert refused().credit_id == refused(replaces=wrong).credit_id == last
    cancel_credit(last, REASON, LOCAL)
    for changes, said in (
        ({}, "This credit was recorded before"),
        ({"replaces": wrong}, f"{wrong} was replaced"),
    ):
        with pytest.raises(CancelledBefore, match=said) as refusal:
            create_credit(batch(**changes), LOCAL)
        assert refusal.value.credit_id == last
    again = create_credit(batch(replaces=last), LOCAL)
    assert again.is_new
    assert refused().credit_id == again.credit_id
    assert_sound()


def test_a_credit_of_which_a_lot_was_corrected_is_not_recorded_again() -> None:
    whole = create_credit(batch(), LOCAL).credit_id
    first, second = split_credit(whole, {"quantities": ["200", "300"]}, LOCAL).lot_ids
    cancel_credit(first, REASON, LOCAL)
    right = correct_credit(second, batch("310"), REASON, LOCAL).credit_id
    assert refused().credit_id == right
    cancel_credit(right, REASON, LOCAL)
    with pytest.raises(CancelledBefore) as refusal:
        create_credit(batch(), LOCAL)
    assert refusal.value.credit_id == first


def test_recording_the_same_replacement_again_finds_it() -> None:
    wrong, right = corrected()
    found = create_credit(batch("550", replaces=wrong), LOCAL)
    assert (found.credit_id, found.is_new) == (right, False)


def test_an_import_names_the_replacement_of_a_corrected_credit() -> None:
    wrong, right = corrected()
    rows = [batch(), batch("700", replaces=wrong), batch("550", replaces=wrong)]
    number = jobs.receive(json.dumps(rows).encode(), "rows.json", LOCAL).import_id
    found, problems = views.find(number), views.problems(number)
    assert (found.conflicting, found.existing, found.new) == (2, 1, 0)
    assert [(p.row, p.field, p.holder) for p in problems] == [(1, "", right), (2, "replaces", right)]
    assert all("stands in its place" in problem.message for problem in problems)


def test_an_import_refuses_a_second_row_that_replaces_the_same_credit() -> None:
    wrong = recorded()
    cancel_credit(wrong, REASON, LOCAL)
    rows = [batch(str(tonnes), replaces=wrong) for tonnes in (30, 70)]
    number = jobs.receive(json.dumps(rows).encode(), "rows.json", LOCAL).import_id
    (problem,) = views.problems(number)
    assert (views.find(number).new, problem.row, problem.field) == (1, 2, "replaces")
    assert "Row 1 replaces this credit as well" in problem.message


def test_of_concurrent_replacements_of_a_credit_exactly_one_succeeds(at_once: AtOnce) -> None:
    wrong = recorded()
    cancel_credit(wrong, REASON, LOCAL)
    rows = [batch(str(tonnes), replaces=wrong) for tonnes in range(1, THREADS + 1)]
    outcomes = at_once([partial(create_credit, row, LOCAL) for row in rows])
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, ActionResult)]
    refusals = [outcome.credit_id for outcome in outcomes if isinstance(outcome, ReplacedBefore)]
    assert refusals == [winner.credit_id] * (THREADS - 1)
    assert queries.record(wrong).relations.replaced_by == [winner.credit_id]
    assert_sound()
