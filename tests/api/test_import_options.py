"""Files of every kind, what a program chooses about them, and the rows of their plans."""

import io

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.api.conftest import exact, fields_of
from tests.fixtures.credits import a_credit, recorded
from tests.imports.cases import api_plan, held
from tests.imports.sources import EXPORTS
from tests.imports.test_workbook import HEADERS, lines, workbook_of

CSV = b"project_name;registry;vintage;quantity;serial_number\nLake;GS;2022;1.234,5;L-1\n"
BOOK = workbook_of(lines([*HEADERS, "serial_number"], ["Lake", "GS", 2022, 1234.5, "L-1"]))
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
VERRA = (EXPORTS / "verra-transactions.csv").read_bytes()


def sent(api: FlaskClient, content: bytes, query: str = "", content_type: str = "text/csv") -> TestResponse:
    return api.post(f"/records/imports{query}", data=content, content_type=content_type)


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (CSV, "text/csv"),
        (CSV, "text/csv; charset=windows-1252"),
        (CSV.replace(b";", b"\t"), "text/tab-separated-values"),
        (BOOK, XLSX),
        (BOOK, "application/vnd.ms-excel"),
        (BOOK, "text/csv"),  # the content decides
    ],
)
def test_tables_are_read_as_the_body(api: FlaskClient, content: bytes, content_type: str) -> None:
    answer = sent(api, content, content_type=content_type)
    assert answer.status_code == 202
    assert (exact(answer)["state"], held(api)) == ("done", {"ACTIVE": 1234.5})


def test_a_table_is_read_as_an_upload(api: FlaskClient) -> None:
    answer = api.post("/records/imports", data={"file": (io.BytesIO(BOOK), "book.xlsx")})
    assert (exact(answer)["filename"], exact(answer)["written"]) == ("book.xlsx", 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a;b\nx;y\n", "No column has: project_name, registry, vintage, quantity."),
        (CSV.replace(b"1.234,5", b"1.234"), "To be chosen: quantity (decimal sign)."),
    ],
)
def test_columns_that_are_not_known_are_named(api: FlaskClient, content: bytes, said: str) -> None:
    body = exact(sent(api, content))
    assert (body["state"], said in body["message"]) == ("failed", True)
    checked = exact(sent(api, content, "?dry_run=1"))
    assert checked["state"] == "unmapped"


def test_an_export_is_named_and_recorded_whole_without_a_choice(api: FlaskClient) -> None:
    body = exact(sent(api, VERRA))
    assert (body["state"], body["format"]) == ("done", "Verra transactions")
    assert held(api) == {
        status: tonnes
        for status, tonnes in (
            ("ACTIVE", api_plan(body)["new"][1]),
            ("RETIRED", api_plan(body)["new_retired"][1]),
            ("WITHDRAWN", api_plan(body).get("new_withdrawn", (0, 0))[1]),
        )
        if tonnes
    }


@pytest.mark.parametrize("column", ["Retirement Beneficiary", "retirement_beneficiary"])
def test_only_the_rows_of_one_value_are_recorded(api: FlaskClient, column: str) -> None:
    body = exact(sent(api, VERRA, f"?where={column}=ACME Airlines"))
    assert set(api_plan(body)) == {"new_retired", "left_out"}
    assert held(api) == {"RETIRED": api_plan(body)["new_retired"][1]}


def test_a_file_is_compared_without_recording_anything(api: FlaskClient) -> None:
    recorded()
    body = exact(api.post("/records/imports?compare=1", json=[a_credit(), a_credit(serial_number="B")]))
    assert (body["state"], body["written"]) == ("done", 0)
    assert set(api_plan(body)) <= {"left_out", "existing"}
    assert held(api) == {"ACTIVE": 100}


def test_a_day_is_given_for_retirements_that_state_none(api: FlaskClient) -> None:
    api.post("/records/imports?end_date=2026-01-31", json=[a_credit(status="Retired")])
    (event,) = exact(api.get("/events?type=RETIRED"))["items"]
    assert event["data"] == {
        "occurred_on": "2026-01-31",
        "facts": {"date_source": "importer"},
        "import": "1",
    }


def test_tonnes_without_a_serial_number_are_additional_on_request(api: FlaskClient) -> None:
    rows = [a_credit(), a_credit(serial_number=None, quantity=5)]
    assert set(api_plan(exact(api.post("/records/imports", json=rows)))) == {"new", "conflicting"}
    api.post("/records/imports?as_additional=1", json=rows)
    assert held(api) == {"ACTIVE": 105}


def test_a_file_adds_no_facts_on_request(api: FlaskClient) -> None:
    recorded()
    rows = [{**a_credit(), "country": "Kenya"}]
    address = "/records/imports?ignore_unknown=1"
    assert set(api_plan(exact(api.post(f"{address}&without_facts=1", json=rows)))) == {"existing"}
    assert exact(api.get("/records?country=Kenya"))["items"] == []
    assert set(api_plan(exact(api.post(address, json=rows)))) == {"adds_facts"}
    assert len(exact(api.get("/records?country=Kenya&import=2"))["items"]) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("where=registry", "where"),
        ("where==VCS", "where"),
        ("where=registry=", "where"),
        ("where=Colour=green", "where"),
        ("compare=yes", "compare"),
        ("end_date=31/01/2026", "end_date"),
        ("end_date=2999-01-01", "end_date"),
        ("end_date=1989-12-31", "end_date"),
        ("as_additional=true", "as_additional"),
    ],
)
def test_a_choice_that_is_not_valid_is_named_and_nothing_is_stored(
    empty_api: FlaskClient, query: str, field: str
) -> None:
    assert fields_of(empty_api.post(f"/records/imports?{query}", json=[a_credit()])) == {field}


def test_the_rows_of_a_plan_come_in_pages_and_by_kind(api: FlaskClient) -> None:
    holder = recorded()
    rows = [a_credit(), a_credit(quantity=7), a_credit(serial_number="B"), 3]
    api.post("/records/imports?dry_run=1", json=rows)
    address, found = "/records/imports/1/rows?limit=3", []
    while address:
        page = exact(api.get(address))
        found += page["items"]
        address = page["next"]
    assert [(row["row"], row["kind"], row["tonnes"]) for row in found] == [
        (1, "existing", 100),
        (2, "conflicting", 7),
        (3, "new", 100),
        (4, "invalid", 0),
    ]
    assert [row["record"] for row in found[:2]] == [holder, holder]
    assert found[2]["serial_number"] == "B"
    (one,) = exact(api.get("/records/imports/1/rows?kind=new"))["items"]
    assert one == found[2]


def test_after_writing_the_rows_that_need_no_look_are_not_kept(api: FlaskClient) -> None:
    api.post("/records/imports?skip_invalid=1", json=[a_credit(), 3, a_credit(serial_number="2", lots=[1])])
    kinds = [row["kind"] for row in exact(api.get("/records/imports/1/rows"))["items"]]
    assert kinds == ["invalid", "invalid"]


@pytest.mark.parametrize("query", ["kind=other", "limit=0", "cursor=x", "after=1"])
def test_rows_of_an_unknown_kind_or_place_are_refused(api: FlaskClient, query: str) -> None:
    api.post("/records/imports?dry_run=1", json=[a_credit()])
    (name,) = fields_of(api.get(f"/records/imports/1/rows?{query}"))
    assert name == query.partition("=")[0]


@pytest.mark.parametrize("number", ["1", "x", "9" * 30])
def test_the_rows_of_an_unknown_import_are_404(empty_api: FlaskClient, number: str) -> None:
    assert empty_api.get(f"/records/imports/{number}/rows").status_code == 404
