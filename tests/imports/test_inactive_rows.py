"""A row that states that its tonnes are not active is retired, withdrawn or refused; never active stock."""

import json

import pytest

from tests.fixtures.credits import a_credit, recorded
from webapp.accounts.actors import LOCAL
from webapp.domain.lifecycle import Status
from webapp.imports import jobs, views
from webapp.imports.views import ImportView, State
from webapp.ledger import listing, summaries
from webapp.ledger.commands import cancel_credit, create_credit
from webapp.ledger.search.credit_filter import CreditFilter

pytestmark = pytest.mark.usefixtures("ledger_app")

CREATED = {"event_type": "created", "timestamp": "2025-09-27T20:09:24.691883"}
ENDS: list[dict[str, object]] = [
    {"Credit Status": "Retired"},
    {"status": "retired"},
    {"transaction_type": "cancellation"},
    {"Retirement/Cancellation Date": "2026-04-10"},
    {"isRetired": True},
    {"Using Entity": "Acme Airlines"},
    {"Offset Credits Converted to VCUs": 100},
    {"is_buffer": "true"},
]
NOT_UNDERSTOOD: list[dict[str, object]] = [
    {"events": [CREATED, {"event_type": "retired"}]},
    {"status": "ACTIVE", "events": [CREATED, {"event_type": "sold"}]},
    {"lots": [{"id": "0" * 64}]},
]
WAYS = [*ENDS, *NOT_UNDERSTOOD]
CREDITS = [a_credit(serial_number=f"VCS-{number}") for number in range(len(WAYS))]
ROWS = [credit | way for credit, way in zip(CREDITS, WAYS, strict=True)]
NOTED = a_credit(serial_number="VCS-0099 (retired)")


def received(*rows: object) -> int:
    return jobs.receive(json.dumps(rows).encode(), "credits.json", LOCAL).import_id


def written(import_id: int) -> ImportView:
    """Write the import with all ticks."""
    return jobs.write(import_id, skip_invalid=True, ignore_unknown=True, actor=LOCAL).view


def counts(view: ImportView) -> tuple[int, int, int, int]:
    return view.new, view.existing, view.conflicting, view.invalid


def active_credits() -> int:
    return summaries.ledger_totals().ledger[Status.ACTIVE].credits


@pytest.mark.parametrize("beside", [[], CREDITS], ids=["alone", "beside active rows"])
def test_with_every_tick_no_row_that_says_it_is_inactive_becomes_active(
    beside: list[dict[str, object]],
) -> None:
    view = written(received(*beside, *ROWS, NOTED))
    assert (view.state, view.written) == (State.DONE, len(ENDS) + 1)
    assert active_credits() == 0


def test_rows_that_are_not_understood_name_what_they_say() -> None:
    import_id = received(*ROWS)
    assert counts(views.find(import_id)) == (len(ENDS), 0, 0, len(NOT_UNDERSTOOD))
    problems = views.problems(import_id)
    assert [problem.row for problem in problems] == [9, 10, 11]
    assert all(problem.message.startswith("This row says ") for problem in problems)


def test_without_a_tick_they_keep_everything_from_being_written() -> None:
    view = jobs.write(received(a_credit(), ROWS[-1]), actor=LOCAL).view
    assert (view.state, view.written, counts(view)) == (State.CHECKED, 0, (1, 0, 0, 1))


def test_recorded_credits_are_ended_by_what_is_understood_and_left_by_what_is_not() -> None:
    for credit in CREDITS:
        create_credit(credit, LOCAL)
    import_id = received(*ROWS)
    assert (counts(views.find(import_id)), views.problems(import_id)) == (
        (len(ENDS), len(NOT_UNDERSTOOD), 0, 0),
        [],
    )
    written(import_id)
    assert active_credits() == len(NOT_UNDERSTOOD)


@pytest.mark.parametrize("is_first", [True, False])
def test_rows_with_one_serial_number_and_two_vintages_are_all_refused(*, is_first: bool) -> None:
    rows = [a_credit(vintage=2024), a_credit(is_retired=True)]
    assert counts(views.find(received(*(rows if is_first else reversed(rows))))) == (0, 0, 2, 0)


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(
    ("numbers", "active"), [("1 to 100", 49), ("50 to 60", 0), ("40 to 50", 10), ("101 to 110", 10)]
)
def test_the_numbers_of_an_inactive_row_are_not_active_because_of_another_row(
    numbers: str, active: int, *, is_first: bool
) -> None:
    first, _, last = numbers.partition(" to ")
    rows = [
        a_credit(serial_number=f"ACR-1-2-2023-3-{numbers}", quantity=int(last) - int(first) + 1),
        a_credit(serial_number="ACR-1-2-2023-3-50 to 100", quantity=51, is_retired=True),
    ]
    written(received(*(rows if is_first else reversed(rows))))
    totals = summaries.ledger_totals().ledger
    assert (totals[Status.ACTIVE].quantity, totals[Status.RETIRED].quantity) == (str(active), "51")


def test_what_an_inactive_row_puts_in_the_place_of_a_void_credit_is_retired_at_once() -> None:
    wrong = recorded()
    cancel_credit(wrong, {"reason": "Typo"}, LOCAL)
    assert written(received(a_credit(vintage=2024, replaces=wrong, is_retired=True))).written == 1
    (credit,) = listing.list_credits(CreditFilter()).items
    assert credit.status is Status.RETIRED
