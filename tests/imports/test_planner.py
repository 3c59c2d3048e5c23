"""The plan of an import: what each row does, decided by numbers, in any order of rows and files."""

from dataclasses import replace
from itertools import count, permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fixtures.credits import recorded
from tests.fixtures.random_cases import cases
from tests.imports.plans import (
    RETIRED,
    WITHDRAWN,
    imported,
    plain,
    planned,
    row,
    status_of_numbers,
    tonnes,
)
from tests.ledger.invariants import assert_sound
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import Problem
from webapp.domain.import_row import ImportRow
from webapp.imports.plan import Kind
from webapp.ledger.commands import cancel_credit, sell_credit, split_credit
from webapp.ledger.registries import join_names

pytestmark = pytest.mark.usefixtures("ledger_app")

ISSUED = row(1, 5485, issued=True)
PART_RETIRED = row(110, 5463, RETIRED)


@pytest.mark.parametrize("rows", list(permutations([ISSUED, PART_RETIRED])))
def test_an_issuance_and_the_retirement_of_a_part_leave_the_rest_active(rows: tuple[ImportRow, ...]) -> None:
    plan = imported(rows)
    assert tonnes(plan) == {"new": 131, "new_retired": 5354, "equal": 5354}
    assert sorted(set(status_of_numbers().values())) == ["ACTIVE", "RETIRED"]
    assert_sound()


def test_a_retirement_in_an_earlier_file_leaves_gaps_that_the_issuance_records() -> None:
    assert tonnes(imported([PART_RETIRED])) == {"new_retired": 5354}
    assert tonnes(imported([ISSUED])) == {"new": 131, "existing": 5354}
    assert tonnes(planned([ISSUED, PART_RETIRED])) == {"existing": 5485 + 5354}
    assert_sound()


def test_the_retirement_of_what_is_held_splits_it_and_retires_the_part() -> None:
    imported([ISSUED])
    assert tonnes(imported([PART_RETIRED])) == {"retired": 5354}
    statuses = status_of_numbers()
    assert (statuses[109], statuses[110], statuses[5463], statuses[5464]) == (
        "ACTIVE",
        "RETIRED",
        "RETIRED",
        "ACTIVE",
    )
    assert_sound()


def test_a_sold_credit_is_retired_by_numbers_too() -> None:
    plan = imported([row(1, 100)])
    sell_credit(next(iter(plan.new)), {"buyer": "Acme"}, LOCAL)
    assert tonnes(imported([row(11, 20, RETIRED), row(31, 40, WITHDRAWN)])) == {
        "retired": 10,
        "withdrawn": 10,
    }
    assert_sound()


def test_more_parts_than_a_split_has_lots_are_lots_of_lots() -> None:
    imported([row(1, 1000)])
    plan = imported([row(n, n, RETIRED) for n in range(1, 1000, 4)])
    assert tonnes(plan) == {"retired": 250}
    assert sum(status == "RETIRED" for status in status_of_numbers().values()) == 250
    assert_sound()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row(1, 10), row(1, 10)], {"new": 10, "equal": 10}),
        ([row(1, 10), row(6, 15)], {"new": 15, "equal": 5}),
        ([row(1, 10, RETIRED), row(1, 10, RETIRED)], {"new_retired": 10, "equal": 10}),
        ([row(1, 10, RETIRED), row(1, 10, replace(RETIRED, data={}))], {"new_retired": 10, "equal": 10}),
        ([row(1, 10, RETIRED), row(1, 10, WITHDRAWN)], {"conflicting": 20}),
        ([row(1, 10, RETIRED), row(5, 8, replace(RETIRED, occurred_on="2026-05-01"))], {"conflicting": 14}),
        ([row(1, 10), row(5, 14, vintage="2024")], {"conflicting": 20}),
        ([row(1, 10), row(1, 4, WITHDRAWN)], {"new": 6, "new_withdrawn": 4, "equal": 4}),
    ],
)
def test_rows_that_name_the_same_numbers(rows: list[ImportRow], expected: dict[str, float]) -> None:
    for order in permutations(rows):
        assert tonnes(planned(order)) == expected


def test_a_row_with_another_vintage_than_what_is_held_is_in_conflict() -> None:
    imported([row(1, 10)])
    assert tonnes(planned([row(5, 6, RETIRED, vintage="2024")])) == {"conflicting": 2}


def test_an_active_row_does_not_bring_back_what_is_void_or_withdrawn() -> None:
    plan = imported([row(1, 10), row(11, 20, WITHDRAWN)])
    void = next(each for each in plan.new.values() if each.quantity_e4 and each.id not in plan.ends)
    cancel_credit(void.id, {"reason": "mistake"}, LOCAL)
    assert tonnes(planned([row(9, 9)])) == {"conflicting": 1}
    assert tonnes(planned([row(8, 10), row(30, 40)])) == {"conflicting": 3, "new": 11}
    # Withdrawn numbers are left alone, and the difference is listed.
    assert tonnes(planned([row(11, 12), row(21, 25)])) == {"existing": 2, "new": 5}


# An invalid row whose numbers can be read.
NAMED = replace(row(51, 60), credit=None, named=row(51, 60).credit)


@pytest.mark.parametrize(
    "ended",
    [
        replace(NAMED, end=RETIRED, problems=[Problem("vintage", "no year")]),
        replace(NAMED, problems=[Problem("status", "no status")]),
        row(51, 60, replace(RETIRED, occurred_on="2999-01-01")),
    ],
)
def test_what_an_invalid_row_says_ended_is_not_recorded_as_active(ended: ImportRow) -> None:
    for order in permutations([row(1, 100), ended, row(200, 209)]):
        assert tonnes(planned(order)) == {"conflicting": 100, "invalid": 10, "new": 10}


def test_what_a_row_that_is_left_out_says_ended_is_not_recorded_without_numbers_either() -> None:
    active = plain(PLAIN)
    assert tonnes(planned([active, replace(active, end=RETIRED)], left_out={1})) == {
        "conflicting": 40,
        "left_out": 40,
    }


def test_a_row_that_is_a_lot_is_recorded_already_as_that_lot() -> None:
    plan = imported([row(1, 100)])
    lots = split_credit(next(iter(plan.new)), {"quantities": ["40", "60"]}, LOCAL).lot_ids
    (piece,) = planned([row(1, 40)]).pieces
    assert (piece.kind, piece.credit_id) == (Kind.EXISTING, lots[0])


def test_a_credit_with_void_lots_is_not_recorded_already() -> None:
    plan = imported([row(1, 100)])
    lots = split_credit(next(iter(plan.new)), {"quantities": ["40", "60"]}, LOCAL).lot_ids
    cancel_credit(lots[0], {"reason": "mistake"}, LOCAL)
    assert tonnes(planned([row(1, 100)])) == {"conflicting": 100}


def test_a_row_that_is_left_out_does_not_let_its_tonnes_become_active() -> None:
    assert tonnes(planned([row(1, 10), row(3, 4, RETIRED)], left_out={1})) == {"new": 8, "left_out": 4}


PLAIN: dict[str, Any] = {"serial_number": "H2-RT-1", "quantity": "40"}


@pytest.mark.parametrize("serial", [{"serial_number": "H2-RT-1"}, {}])
def test_rows_without_numbers_end_what_they_name(serial: dict[str, str]) -> None:
    active = plain({"quantity": "40", **serial})
    ended = replace(active, end=RETIRED)
    assert tonnes(planned([ended])) == {"new_retired": 40}
    for order in permutations([active, ended]):
        assert tonnes(planned(order)) == {"new_retired": 40, "equal": 40}
    imported([active])
    assert tonnes(planned([active])) == {"existing": 40}
    assert tonnes(imported([ended])) == {"retired": 40}
    assert tonnes(planned([active, ended])) == {"existing": 40, "equal": 40}
    assert_sound()


def test_another_spelling_of_the_project_does_not_hide_the_retirement() -> None:
    imported([plain(PLAIN)])
    assert tonnes(planned([plain(PLAIN | {"project_name": "Lake stoves"}, RETIRED)])) == {"retired": 40}
    other = PLAIN | {"quantity": "41"}
    assert tonnes(planned([plain(other, RETIRED)])) == {"conflicting": 41}


def test_rows_without_serial_number_are_not_stock_beside_numbered_ones() -> None:
    bare = plain({"quantity": "40"})
    assert tonnes(planned([bare, row(1, 10)])) == {"conflicting": 40, "new": 10}
    imported([row(1, 10)])
    assert tonnes(planned([bare])) == {"conflicting": 40}
    assert tonnes(planned([bare], as_additional=True)) == {"new": 40}


def test_numbered_rows_are_not_stock_beside_one_without_serial_number() -> None:
    imported([plain({"quantity": "40"})])
    assert tonnes(planned([row(1, 10, RETIRED)])) == {"conflicting": 10}
    assert tonnes(planned([row(1, 10)], as_additional=True)) == {"new": 10}


def test_a_retirement_without_a_date_is_never_dated_today() -> None:
    undated = row(1, 10, replace(RETIRED, occurred_on=None))
    assert "occurred_on" not in planned([undated]).end_data[0]
    assert planned([undated], end_date="2026-01-31").end_data[0]["occurred_on"] == "2026-01-31"


def test_a_single_number_of_a_block_of_another_row_is_refused_in_any_order() -> None:
    block = {"serial_number": "ACR-FR-1129-2025-2917-1 to 10", "quantity": "10"}
    part = {"serial_number": "ACR-FR-1129-2025-2917-5 to 6", "quantity": "2"}
    single = {"serial_number": "ACR-FR-1129-2025-2917-7", "quantity": "1"}
    rows = [plain(block), plain(part, RETIRED), plain(single)]
    for order in permutations(rows):
        expected = {"new": 8, "new_retired": 2, "equal": 2, "conflicting": 1}
        assert tonnes(planned(order)) == expected
    assert tonnes(planned([rows[2], rows[0]])) == {"new": 10, "conflicting": 1}


def test_a_recorded_credit_in_another_registry_spelling_holds_its_numbers() -> None:
    recorded(
        registry="GS", serial_number="GS1-1-KE-GS99603-16-2025-30256-1-10", quantity="10", vintage="2025"
    )
    assert tonnes(planned([row(3, 4, RETIRED), row(1, 12)])) == {"retired": 2, "existing": 10, "new": 2}


FATES = {"ACTIVE": None, "RETIRED": RETIRED, "WITHDRAWN": WITHDRAWN}
RUNS = st.lists(st.tuples(st.sampled_from(list(FATES)), st.integers(1, 9)), min_size=1, max_size=6)
_series = count(1)


@st.composite
def registry_files(draw: st.DrawFn) -> tuple[list[ImportRow], dict[int, str]]:
    """Return rows about one series in any order, and the status that each number has after all of them."""
    series = f"GS1-1-KE-GS99603-16-2025-{next(_series)}"
    rows: list[ImportRow] = []
    statuses: dict[int, str] = {}
    start = 1
    for fate, length in draw(RUNS):
        if fate == "ACTIVE":
            start += length
            continue
        first = draw(st.integers(start, start + length - 1))
        last = draw(st.integers(first, start + length - 1))
        rows.append(row(first, last, FATES[fate], series=series))
        statuses |= dict.fromkeys(range(first, last + 1), fate)
        start += length
    for _ in range(draw(st.integers(0, 3))):
        first = draw(st.integers(1, start))
        last = draw(st.integers(first, start + 5))
        rows.append(row(first, last, issued=True, series=series))
        statuses = dict.fromkeys(range(first, last + 1), "ACTIVE") | statuses
    return draw(st.permutations(rows)), statuses


@pytest.mark.random
@settings(max_examples=cases(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(registry_files(), st.data())
def test_each_number_ends_as_the_files_say_in_any_order(
    registry: tuple[list[ImportRow], dict[int, str]], data: st.DataObject
) -> None:
    rows, statuses = registry
    cut = data.draw(st.integers(0, len(rows)))
    for file in (rows[:cut], rows[cut:]):
        plan = imported(file)
        assert sum(plan.tonnes().values()) == sum(r.credit.quantity_e4 for r in file if r.credit)
    assert not rows or status_of_numbers(rows[0]) == statuses
    again = planned(rows)
    assert {kind for kind, e4 in again.tonnes().items() if e4} <= {Kind.EXISTING, Kind.EQUAL}
    if next(_series) % 20 == 0:
        assert_sound()


def test_a_row_under_another_name_of_the_registry_is_about_the_credit_that_is_held() -> None:
    held = plain({"registry": "Gold Standard", "serial_number": "A", "quantity": "2"})
    other = plain({"registry": "GS", "serial_number": "A", "quantity": "2"})
    imported([held])
    assert tonnes(planned([other])) == {"new": 2}
    join_names({"registry": "Gold Standard", "alias": "GS"}, LOCAL)
    assert tonnes(planned([other])) == {"existing": 2}
    assert tonnes(planned([replace(other, end=RETIRED)])) == {"retired": 2}
    unnumbered = plain({"registry": "GS", "serial_number": "", "quantity": "2"})
    assert tonnes(planned([unnumbered])) == {"conflicting": 2}
