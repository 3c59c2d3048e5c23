"""Under concurrent actions on lots and blocks, no tonne is retired twice and no number held twice."""

from functools import partial

from tests.fixtures.concurrency import AtOnce
from tests.fixtures.credits import a_credit, recorded
from tests.ledger.invariants import assert_sound
from tests.ledger.test_races import THREADS
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import AlreadyRetired, AlreadySplit, BlockHeld, LedgerError
from webapp.domain.lifecycle import Status
from webapp.ledger import queries, summaries
from webapp.ledger.commands import ActionResult, create_credit, retire_credit
from webapp.ledger.listing import list_credits
from webapp.ledger.search.credit_filter import CreditFilter

ROUNDS = 6


def test_of_many_partial_retirements_one_wins_and_the_others_find_the_credit_split(
    at_once: AtOnce,
) -> None:
    for number in range(ROUNDS):
        whole = recorded(serial_number=str(number), quantity="100")
        outcomes = at_once([partial(retire_credit, whole, {"quantity": "60"}, LOCAL)] * THREADS)
        (won,) = [outcome for outcome in outcomes if isinstance(outcome, ActionResult)]
        assert sum(isinstance(outcome, AlreadySplit) for outcome in outcomes) == THREADS - 1
        assert queries.credit(str(won.rest_id)).quantity == "40"
        assert retire_credit(str(won.rest_id), {"quantity": "40"}, LOCAL).rest_id is None
    assert summaries.ledger_totals().ledger[Status.RETIRED].quantity == str(100 * ROUNDS)
    assert_sound()


def retire_from_what_is_left(quantity: int) -> int:
    """Retire a quantity from the first active lot that has it, until none has; return the total."""
    done = 0
    while True:
        active = list_credits(CreditFilter(statuses=(Status.ACTIVE,))).items
        left = next((c for c in active if c.quantity_e4 >= quantity * 10_000), None)
        if left is None:
            return done
        try:
            retire_credit(left.id, {"quantity": str(quantity)}, LOCAL)
        except (AlreadySplit, AlreadyRetired):
            continue
        done += quantity


def test_concurrent_partial_retirements_never_exceed_the_lot(
    at_once: AtOnce,
) -> None:
    recorded(registry="ACR", quantity="100", serial_number="ACR-X-2025-1 to 100")
    outcomes = at_once([partial(retire_from_what_is_left, 7)] * THREADS)
    assert not [outcome for outcome in outcomes if isinstance(outcome, LedgerError)]
    assert sum(outcome for outcome in outcomes if isinstance(outcome, int)) == 98
    totals = summaries.ledger_totals().ledger
    assert (totals[Status.RETIRED].quantity, totals[Status.ACTIVE].quantity) == ("98", "2")
    assert_sound()


def test_of_concurrent_overlapping_blocks_exactly_one_is_recorded(
    at_once: AtOnce,
) -> None:
    for number in range(ROUNDS):
        works = [
            partial(
                create_credit,
                a_credit(
                    registry=f"R{place}",
                    quantity="10",
                    serial_number=f"ACR-{number}-2025-{place + 1} to {place + 10}",
                ),
                LOCAL,
            )
            for place in range(THREADS)
        ]
        outcomes = at_once(works)
        (winner,) = [outcome for outcome in outcomes if isinstance(outcome, ActionResult)]
        refused = [outcome.holder for outcome in outcomes if isinstance(outcome, BlockHeld)]
        assert refused == [winner.credit_id] * (THREADS - 1)
    assert_sound()
