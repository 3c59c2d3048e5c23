"""What reports refuse to answer, and how they write shares."""

import pytest

from tests.reports.ledger import a_year, now, report
from webapp.domain.errors import InvalidFields
from webapp.reports.figures import share_text
from webapp.reports.question import Kind


@pytest.mark.parametrize(
    ("kind", "values", "field"),
    [
        (Kind.ESRS, {"party": ""}, "party"),
        (Kind.ESRS, {"year": "25"}, "year"),
        (Kind.ESRS, {"known_at": "2999-01-01"}, "known_at"),
        (Kind.ESRS, {"compared_with": "soon"}, "compared_with"),
        (Kind.ESRS, {"contracted": "5"}, "contracted_source"),
        (Kind.HSC, {"contracted": "5", "contracted_source": "A list"}, "contracted"),
    ],
)
@pytest.mark.usefixtures("ledger_app")
def test_what_no_report_can_answer_is_refused_by_name(kind: Kind, values: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidFields) as refused:
        report(kind, **values)
    assert [problem.field for problem in refused.value.problems] == [field]


@pytest.mark.usefixtures("ledger_app")
def test_a_name_without_retirements_and_a_year_that_goes_on_are_said() -> None:
    a_year()
    assert report(Kind.YEARLY).notices == ()
    this_year = str(now()[:4])
    assert report(Kind.YEARLY, party="Acme Airline", year=this_year).notices == (
        f"The year {this_year} had not ended at the time of this report.",
        "No retirement of any year is recorded for “Acme Airline”. Check the spelling.",
    )
    assert report(Kind.YEARLY, year="2099").notices == (
        "The year 2099 had not begun at the time of this report.",
    )


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, None),
        (1, 3, "33.33 %"),
        (1, 1, "100 %"),
        (1, 10**9, "< 0.01 %"),
        (10**9 - 1, 10**9, "> 99.99 %"),
    ],
)
def test_only_a_whole_is_all_of_it_and_only_nothing_none(part: int, whole: int, text: str | None) -> None:
    assert share_text(part, whole) == text
