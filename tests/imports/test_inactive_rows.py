"""A row that states that its tonnes are not active is never recorded as active stock."""

import json
from pathlib import Path

import pytest

from tests.fixtures.credits import a_credit, recorded
from webapp.accounts.actors import LOCAL
from webapp.imports import jobs, views
from webapp.imports.views import ImportView, ProblemView, State
from webapp.ledger import listing, summaries
from webapp.ledger.commands import cancel_credit, create_credit
from webapp.ledger.search.credit_filter import CreditFilter

pytestmark = pytest.mark.usefixtures("ledger_app")

DATA = Path(__file__).parent.parent / "data"
CREATED = {"event_type": "created", "timestamp": "2025-09-27T20:09:24.691883"}
WAYS: list[dict[str, object]] = [
    {"Credit Status": "Retired"},
    {"status": "retired"},
    {"transaction_type": "cancellation"},
    {"Retirement/Cancellation Date": "2026-04-10"},
    {"isRetired": True},
    {"events": [CREATED, {"event_type": "retired"}]},
    {"status": "ACTIVE", "events": [CREATED, {"event_type": "sold"}]},
    {"lots": [{"id": "0" * 64}]},
    {"Using Entity": "Acme Airlines"},
    {"Offset Credits Converted to VCUs": "1,454,054"},
    {"is_buffer": "true"},
]
CREDITS = [a_credit(serial_number=f"VCS-{number}") for number in range(len(WAYS))]
ROWS = [credit | way for credit, way in zip(CREDITS, WAYS, strict=True)]
NOTED = a_credit(serial_number="VCS-0001 (retired)")


def received(*rows: object) -> int:
    return jobs.receive(json.dumps(rows).encode(), "credits.json", LOCAL).import_id


def written(import_id: int) -> ImportView:
    """Write the import with all options."""
    return jobs.write(import_id, skip_invalid=True, ignore_unknown=True, actor=LOCAL).view


def counts(view: ImportView) -> tuple[int, int, int, int]:
    return view.new, view.existing, view.conflicting, view.invalid


def only_problem(import_id: int) -> ProblemView:
    (problem,) = views.problems(import_id)
    return problem


def test_inactive_rows_are_invalid_and_skipped_even_with_all_options() -> None:
    import_id = received(*ROWS, NOTED)
    assert counts(views.find(import_id)) == (0, 0, 0, len(ROWS) + 1)
    problems = views.problems(import_id)
    assert [problem.row for problem in problems] == [*range(1, len(ROWS) + 2)]
    assert all(problem.message.startswith("This row says ") for problem in problems)
    view = written(import_id)
    assert (view.state, view.written) == (State.DONE, 0)
    assert summaries.ledger_totals().ledger.all.credits == 0


def test_inactive_rows_block_the_import_unless_they_are_skipped() -> None:
    import_id = received(a_credit(), a_credit(serial_number="VCS-2", is_retired=True))
    view = jobs.write(import_id, ignore_unknown=True, actor=LOCAL).view
    assert (view.state, view.written, counts(view)) == (State.CHECKED, 0, (1, 0, 0, 1))


def test_an_inactive_row_of_a_recorded_credit_is_existing() -> None:
    for credit in CREDITS:
        create_credit(credit, LOCAL)
    import_id = received(*ROWS)
    assert (counts(views.find(import_id)), views.problems(import_id)) == (
        (0, len(ROWS), 0, 0),
        [],
    )


def test_an_inactive_row_conflicts_with_an_active_row_of_the_same_credit() -> None:
    import_id = received(*CREDITS, *ROWS)
    assert counts(views.find(import_id)) == (0, 0, len(ROWS), len(ROWS))
    assert views.problems(import_id)[0].message == (
        f"Row {len(ROWS) + 1} says that these tonnes, or some of them, are no longer active."
    )


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(
    "active",
    [
        a_credit(),
        a_credit(vintage=2024),  # the same serial number with another field
    ],
)
def test_the_order_of_an_inactive_and_an_active_row_does_not_matter(
    active: dict[str, object], *, is_first: bool
) -> None:
    rows = [active, a_credit(is_retired=True)]
    view = views.find(received(*(rows if is_first else reversed(rows))))
    assert counts(view) == (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("numbers", "conflicting"), [("1 to 100", 1), ("50 to 60", 1), ("40 to 50", 1), ("101 to 110", 0)]
)
def test_an_active_row_with_numbers_of_an_inactive_row_is_in_conflict(numbers: str, conflicting: int) -> None:
    first, _, last = numbers.partition(" to ")
    active = a_credit(serial_number=f"ACR-1-{numbers}", quantity=int(last) - int(first) + 1)
    inactive = a_credit(serial_number="ACR-1-50 to 100", quantity=51, is_retired=True)
    view = views.find(received(active, a_credit(serial_number="ACR-2-1 to 9", quantity=9), inactive))
    assert counts(view) == (2 - conflicting, 0, conflicting, 1)


def test_an_inactive_row_cannot_replace_a_cancelled_credit() -> None:
    wrong = recorded()
    cancel_credit(wrong, {"reason": "Typo"}, LOCAL)
    import_id = received(a_credit(vintage=2024, replaces=wrong, is_retired=True))
    assert written(import_id).written == 0
    assert only_problem(import_id).field == "is_retired"


def test_an_inactive_status_of_an_unknown_credit_is_refused_because_its_history_would_be_lost() -> None:
    import_id = received(a_credit(status="RETIRED", events=[CREATED, {"event_type": "RETIRED"}]))
    problem = only_problem(import_id)
    assert (problem.field, "flask export" in problem.message) == ("status", True)


def test_inactive_rows_are_checked_again_when_the_import_is_written() -> None:
    credit_id = recorded()
    import_id = received(a_credit(is_retired=True))
    cancel_credit(credit_id, {"reason": "Typo"}, LOCAL)
    view = written(import_id)
    assert (view.written, view.existing) == (0, 0)


def test_a_field_name_is_shown_without_unprintable_characters() -> None:
    import_id = received(a_credit(**{"retired\x00by": "Acme\x00Tools"}))
    problem = only_problem(import_id)
    assert (problem.field, "says retired by: Acme Tools." in problem.message) == ("retired by", True)


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("retired-rows.json", {1, 2, 3, 4, 5, 6}),
        ("verra-retirements.json", {1, 2}),
        ("issuance-and-retirement-of-part.json", {1, 2}),
        ("cercarbono-retirements.json", {1, 2, 3}),
    ],
)
def test_no_retired_row_of_a_real_registry_file_is_recorded(name: str, refused: set[int]) -> None:
    import_id = jobs.receive((DATA / name).read_bytes(), name, LOCAL).import_id
    says = ("This row says ", "The file says RETIRED", "Row 2 says that these tonnes")
    said = {p.row for p in views.problems(import_id) if p.message.startswith(says)}
    assert said == refused
    view = written(import_id)
    assert view.written == view.total - len(refused)
    held = listing.list_credits(CreditFilter()).items
    assert [credit.quantity_e4 for credit in held] == [54_850_000] * view.written
