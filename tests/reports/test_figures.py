"""The figures of reports, against numbers that were added up by hand."""

import pytest

from tests.ledger.test_as_of import TODAY, RandomHistory
from tests.reports.conftest import both_databases
from tests.reports.ledger import ACME, VCS, a_year, change_later, now, report, rows
from webapp.accounts.actors import LOCAL
from webapp.domain.lifecycle import EventType
from webapp.domain.text import canonical
from webapp.ledger import as_of, parties, registries
from webapp.ledger.as_of import Where
from webapp.reports.lines import UNDATED
from webapp.reports.question import Kind, read_question
from webapp.reports.report import report_of

pytestmark = [both_databases, pytest.mark.usefixtures("ledger_app")]


def test_the_esrs_table_has_tonnes_with_shares_of_all_of_them() -> None:
    a_year()
    found = report(Kind.ESRS)
    assert rows(found, "total") == [("Total cancelled", 10_000_000, "100 %", 5)]
    assert rows(found, "activity") == [
        ("Reduction", 2_505_000, "25.05 %", 1),
        ("Removal", 5_000_000, "50 %", 2),
        ("Removal, biogenic", 4_000_000, "80 %", 1),
        ("Removal, technological", 1_000_000, "20 %", 1),
        ("Removal, mixed", 0, "0 %", 0),
        ("Removal, kind not stated", 0, "0 %", 0),
        ("Mixed", 1_495_000, "14.95 %", 1),
        ("Not stated", 1_000_000, "10 %", 1),
    ]
    assert rows(found, "standard") == [
        (VCS, 6_505_000, "65.05 %", 2),
        ("Puro", 1_000_000, "10 %", 1),
        ("Not stated", 2_495_000, "24.95 %", 2),
    ]
    assert rows(found, "eu") == [
        ("In the European Union", 5_000_000, "50 %", 2),
        ("Outside the European Union", 2_505_000, "25.05 %", 1),
        ("Not stated", 2_495_000, "24.95 %", 2),
    ]
    assert rows(found, "adjustment") == [
        ("Authorised, Switzerland", 4_000_000, "40 %", 1),
        ("Not stated", 6_000_000, "60 %", 4),
    ]


def test_what_has_no_date_or_no_beneficiary_stands_beside_the_year() -> None:
    a_year()
    found = report(Kind.ESRS)
    assert [tonnes for _, tonnes in rows(found, "not_counted")] == [700_000, 140_000]
    assert [each.quantity_e4 for each in found.retirements(UNDATED)] == [700_000]


def test_the_californian_list_has_each_project_and_says_what_is_to_be_filled_in() -> None:
    a_year()
    listed = rows(report(Kind.HSC), "projects")
    assert [(row[0], row[4], row[8]) for row in listed] == [
        ("Forest", "Removal", 4_000_000),
        ("Stoves", "Avoided", 2_505_000),
        ("Mangrove Restoration Project", "Both; Not stated", 2_495_000),
        ("Biochar", "Removal", 1_000_000),
    ]
    forest = (
        "VCS 1",
        "Verra (VCS)",
        "To be filled in",
        "Removal",
        "DE",
        "VM0047",
        "Not stated",
        4_000_000,
        1,
    )
    assert listed[0][1:] == forest


def test_the_yearly_statement_adds_up_by_party_month_registry_and_vintage() -> None:
    a_year()
    registries.join_names({"registry": "VCS", "alias": "Verra"}, LOCAL)
    found = report(Kind.YEARLY)
    assert rows(found, "beneficiary") == [("Acme Airlines", 10_000_000, "100 %", 5)]
    assert rows(found, "registry") == [("Verra (VCS)", 10_000_000, "100 %", 5)]
    assert [(month, tonnes) for month, tonnes, *_ in rows(found, "month")] == [
        ("2025-01", 4_000_000),
        ("2025-02", 1_000_000),
        ("2025-06", 4_000_000),
        ("2025-12", 1_000_000),
    ]


def test_a_party_counts_with_the_names_that_were_joined_to_it_then() -> None:
    a_year()
    before = now()
    parties.join_names({"party": ACME, "name": "A client"}, LOCAL)
    joined = report(Kind.YEARLY, compared_with=before)
    assert rows(joined, "beneficiary") == [(ACME, 10_130_000, "100 %", 6)]
    assert joined.parties[0].others == ["a client"]
    assert [row[-1] for row in rows(joined, "entered")] == ["Its name was joined to the party"]
    assert rows(report(Kind.YEARLY, known_at=before), "total")[0][1] == 10_000_000
    known_at = now()
    parties.separate_names({"party": ACME, "name": "A client"}, LOCAL)
    separated = report(Kind.YEARLY, compared_with=known_at)
    assert [row[-1] for row in rows(separated, "left")] == ["Its name was separated from the party"]


@pytest.mark.parametrize("kind", Kind)
def test_the_retirements_behind_each_line_add_up_to_its_figure(kind: Kind) -> None:
    a_year()
    found = report(kind)
    for section in found.sections:
        place = [column.name for column in section.columns].index("tonnes")
        for row in section.rows:
            if row.line:
                behind = list(found.retirements(row.line))
                assert sum(each.quantity_e4 for each in behind) == row.cells[place]
                assert row.position in {None, behind[0].position if len(behind) == 1 else None}
                assert found.label_of(row.line) == f"{section.title}: {row.cells[0]}"


def test_a_report_made_anew_says_what_left_entered_was_late_and_was_restated() -> None:
    ids = a_year()
    before = now()
    change_later(ids)
    found = report(Kind.ESRS, compared_with=before)
    assert [(name, count, tonnes) for name, count, tonnes in rows(found, "changes")] == [
        ("In the earlier report", 5, 10_000_000),
        ("Left", 1, -1_000_000),
        ("Entered", 1, 110_000),
        ("Late", 1, 50_000),
        ("In this report", 6, 9_160_000),
        ("Restated, with the same tonnes", 1, 1_495_000),
    ]
    assert [rows(found, name)[0][-1] for name in ("left", "entered", "late", "restated")] == [
        "Is now for A client",
        "Was dated 2024-12-31",
        "Recorded after the earlier report",
        "Activity: mixed → removal; Country: Atlantis → Italy",
    ]
    assert rows(report(Kind.ESRS, known_at=before), "total")[0][1] == 10_000_000


def test_a_figure_under_contract_is_printed_with_its_source() -> None:
    assert rows(report(Kind.ESRS), "contracted")[0][:2] == ("Not stated", None)
    found = report(Kind.ESRS, contracted="1200.5", contracted_source="Contracts of 2025")
    assert rows(found, "contracted") == [("Stated for this report", 12_005_000, "Contracts of 2025")]


def test_a_report_of_a_random_history_has_what_the_movements_say_and_the_words_of_its_cut() -> None:
    history = RandomHistory(11)
    cuts = []
    for number in range(180):
        history.go()
        if number % 45 == 44:
            cuts.append(now())
    counted = 0
    for known_at in cuts:
        at = as_of.cut(known_at=known_at)
        for year in (TODAY.year - 1, TODAY.year):
            values = {"year": [str(year)], "party": ["acme", "zoë"], "known_at": [known_at]}
            found = report_of(read_question(Kind.ESRS, values, "UTC"))
            where = Where(types=(EventType.RETIRED,), parties=("acme", "zoë"))
            moved = as_of.movements(at, ["is_dated"], where, f"{year}-01-01", f"{year}-12-31")
            assert found.quantity_e4 == sum(each.quantity_e4 for each in moved if each.of[0])
            for each in found.retirements():
                assert (each.occurred_on[:4], canonical(each.beneficiary) in where.parties) == (
                    str(year),
                    True,
                )
                counted += 1
    assert counted > len(cuts)
