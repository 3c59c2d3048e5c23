"""Next month's file: what it says differently from the ledger is listed, and nothing else is."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

import pytest

from tests.fixtures.credits import a_credit, recorded
from webapp.accounts.actors import LOCAL
from webapp.imports import jobs, views
from webapp.imports.options import ImportOptions
from webapp.imports.staging import DIFFERENCE
from webapp.imports.views import ImportView
from webapp.ledger import queries

pytestmark = pytest.mark.usefixtures("ledger_app")

HEADERS = (
    "Issuance Date,Sustainable Development Goals,Vintage Start,Vintage End,ID,Name,Country/Area,Project Type,"
    "Methodology,Total Vintage Quantity,Quantity Issued,Serial Number,Additional Certifications,"
    "Retirement/Cancellation Date,Retirement Beneficiary,Retirement Reason,Retirement Details"
).split(",")


@dataclass(frozen=True)
class Line:
    """A row of an export in Verra's form: the numbers of a block, and how it was retired, if it was."""

    first: int
    last: int
    retired_on: str = ""
    beneficiary: str = ""
    name: str = "Sodo Cookstoves"

    def cells(self) -> list[str]:
        serial = f"19385-{self.first}-{self.last}-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1"
        quantity = f"{self.last - self.first + 1:,}"
        vintage = ["2020-01-01", "2020-12-31"]
        about = ["1340", self.name, "Ethiopia", "Energy demand", "AMS-II.G", "1,000,000"]
        reason = "Environmental Benefit" if self.beneficiary else ""
        return [
            "2021-05-05",
            "",
            *vintage,
            *about,
            quantity,
            serial,
            "",
            self.retired_on,
            self.beneficiary,
            reason,
            "",
        ]


def imported(lines: Sequence[Line]) -> ImportView:
    """Import an export with these lines, without a check of the result."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(HEADERS)
    writer.writerows(line.cells() for line in lines)
    options = ImportOptions(is_chosen=True, is_undated=True)
    return jobs.import_now(file.getvalue().encode("utf-8-sig"), "vcus.csv", LOCAL, options=options).view


def differences(view: ImportView) -> list[tuple[int, str]]:
    """Return the row and the sentence of each difference."""
    return [(row.row, row.detail) for row in views.rows(view.id, DIFFERENCE, limit=1000)]


MARCH = [
    Line(1, 100),
    Line(101, 150, "2026-04-10", "Acme Airlines"),
    Line(151, 400),
    Line(401, 420, "2026-04-11", "Hilltop Tools AG"),
    Line(421, 430, "2026-04-12"),
    Line(431, 500),
]


def test_the_same_file_again_has_no_differences_and_nothing_to_record() -> None:
    first, again = imported(MARCH), imported(MARCH)
    assert (first.state, first.written, differences(first)) == ("done", 6, [])
    assert (list(again.summary.kinds), again.written) == (["existing"], 0)


def test_five_planted_differences_are_found_and_no_others() -> None:
    imported(MARCH)
    april = [
        Line(1, 100, name="Sodo Cook Stoves"),
        Line(101, 150, "2026-04-10", "ACME Airways"),
        Line(151, 400),
        Line(401, 420),
        Line(421, 430, "2026-05-12"),
    ]
    view = imported(april)
    assert differences(view) == [
        (2, "project name: Sodo Cookstoves here, Sodo Cook Stoves in the file"),
        (3, "beneficiary: Acme Airlines here, ACME Airways in the file"),
        (5, "status: retired here, active in the file"),
        (6, "date: 2026-04-12 here, 2026-05-12 in the file"),
        (0, "not in the file: active here"),
    ]
    assert view.written == 0


def test_what_was_retired_since_is_retired_and_no_difference() -> None:
    imported(MARCH)
    view = imported(
        [
            *MARCH[:2],
            Line(151, 200),
            Line(201, 260, "2026-05-01", "Acme Airlines"),
            Line(261, 400),
            *MARCH[3:],
        ]
    )
    assert differences(view) == []
    assert {kind: counted["e4"] // 10_000 for kind, counted in view.summary.kinds.items()} == {
        "existing": 440,
        "retired": 60,
    }


def _other_name(line: Line) -> Line:
    return replace(line, name="Another name")


def _other_beneficiary(line: Line) -> Line:
    return replace(line, beneficiary="Somebody else")


def _other_date(line: Line) -> Line:
    return replace(line, retired_on="2026-09-09")


def _not_retired(line: Line) -> Line:
    return replace(line, retired_on="", beneficiary="")


EDITS: dict[str, Callable[[Line], Line]] = {
    "project name": _other_name,
    "beneficiary": _other_beneficiary,
    "date": _other_date,
    "status": _not_retired,
}


@pytest.mark.parametrize("seed", range(6))
def test_random_edits_are_found_exactly(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - the same edits in every run
    lines, first = [], 1
    for _ in range(40):
        last = first + random.randint(0, 30)
        is_retired = random.random() < 0.6
        lines.append(Line(first, last, "2026-04-10", "Acme Airlines") if is_retired else Line(first, last))
        first = last + 1
    imported(lines)
    edited: list[Line] = []
    expected: list[tuple[int, str]] = []
    for line in lines:
        choice = random.choice([None, None, None, "gone", *EDITS])
        if choice == "gone":
            if not line.retired_on:
                expected.append((0, "not in the file"))
            continue
        row = len(edited) + 2
        if choice and (line.retired_on or choice == "project name"):
            edited.append(EDITS[choice](line))
            expected.append((row, choice))
        else:
            edited.append(line)
    found = [(row, detail.partition(":")[0]) for row, detail in differences(imported(edited))]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("serial_number", ["VCS-0001", "PV-9999-2021-1-100"])
def test_a_row_of_our_own_that_says_retired_differs_from_an_active_credit(serial_number: str) -> None:
    fields = a_credit(serial_number=serial_number)
    credit_id = recorded(serial_number=serial_number)
    rows = json.dumps([{**fields, "id": credit_id, "status": "RETIRED"}]).encode()
    view = jobs.import_now(rows, "rows.json", LOCAL, options=ImportOptions(is_chosen=True)).view
    assert differences(view) == [(1, "status: active here, retired in the file")]
    assert queries.credit(credit_id).status == "ACTIVE"
