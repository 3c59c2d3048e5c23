"""The CSV files have exactly what the lists show, and no cell that a spreadsheet would compute."""

import csv
import io
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import a_credit, recorded, retired, sold
from tests.web.pages import links
from webapp.accounts.actors import LOCAL
from webapp.ledger import exports
from webapp.ledger.commands import create_credit, retire_credit
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.web.downloads import CREDIT_COLUMNS


def download(client: FlaskClient, address: str) -> TestResponse:
    """Get the file to its end, as a browser does."""
    return client.get(address, buffered=True)


def rows_of(answer: TestResponse) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    text = answer.data.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_every_credit_of_the_list_stands_in_the_file_with_its_exact_tonnes(client: FlaskClient) -> None:
    first = recorded(quantity="2765.3701", project_name="Café Ñandú, “Süd”")
    second = sold(serial_number="VCS-0002", quantity="100000000")
    found = rows_of(download(client, "/credits.csv"))
    assert [row["id"] for row in found] == [second, first]
    assert [row["quantity"] for row in found] == ["100000000", "2765.3701"]
    assert [row["project_name"] for row in found][1] == "Café Ñandú, “Süd”"
    assert [row["buyer"] for row in found] == ["Acme Airlines", ""]
    assert list(found[0]) == list(CREDIT_COLUMNS)


def test_the_file_has_the_filter_and_the_order_of_the_list(client: FlaskClient) -> None:
    for year in (2019, 2021, 2020):
        recorded(vintage=str(year), serial_number=f"S-{year}")
    recorded(registry="Gold Standard", serial_number="GS-1")
    page = client.get("/credits?registry=vcs&sort=vintage&order=asc")
    found = rows_of(download(client, links(page)["Download CSV"]))
    assert [row["vintage"] for row in found] == ["2019", "2020", "2021"]


def test_the_file_goes_on_where_the_page_ends(client: FlaskClient) -> None:
    for number in range(60):
        recorded(serial_number=f"S-{number}")
    page = client.get("/credits?q=S")
    later = client.get(links(page)["Next"])
    for shown in (page, later):
        found = rows_of(download(client, links(shown)["Download CSV"]))
        assert [row["serial_number"] for row in found] == [f"S-{number}" for number in range(59, -1, -1)]


def test_every_event_stands_in_the_file_of_the_activity(client: FlaskClient) -> None:
    credit_id = recorded()
    act = {"beneficiary": "Acme, Inc.", "note": "two\nlines", "reason": "Flights"}
    retire_credit(credit_id, act, LOCAL)
    found = rows_of(download(client, links(client.get("/activity"))["Download CSV"]))
    assert [(row["position"], row["event_type"]) for row in found] == [("2", "RETIRED"), ("1", "CREATED")]
    assert {name: found[0][name] for name in act} == act
    assert found[0]["credit_id"] == found[1]["credit_id"] == credit_id
    assert found[0]["actor"] == "local"


def test_the_file_of_the_activity_has_the_type_that_is_filtered(client: FlaskClient) -> None:
    retired()
    found = rows_of(download(client, links(client.get("/activity?type=retired"))["Download CSV"]))
    assert [row["event_type"] for row in found] == ["RETIRED"]


STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def test_what_a_spreadsheet_would_compute_is_made_text_in_every_column(client: FlaskClient) -> None:
    formulas = [f'{start}HYPERLINK("http://evil.example","x")' for start in STARTS]
    for number, (start, formula) in enumerate(zip(STARTS, formulas, strict=True)):
        values = a_credit(project_name=formula, registry=f"{start}1", serial_number=f"{start}{number}")
        credit_id = create_credit(values, LOCAL).credit_id
        retire_credit(
            credit_id, dict.fromkeys(("beneficiary", "reason", "reference", "note"), formula), LOCAL
        )
    cells = [
        cell
        for address in ("/credits.csv", "/activity.csv")
        for row in rows_of(download(client, address))
        for cell in row.values()
    ]
    assert [cell for cell in cells if cell.startswith(STARTS)] == []
    assert [cells.count(f"'{formula}") for formula in formulas] == [5 + 6] * len(STARTS)


def test_numbers_stay_numbers(client: FlaskClient) -> None:
    recorded(quantity="0.0001")
    found = rows_of(download(client, "/credits.csv"))[0]
    assert (found["quantity"], found["vintage"]) == ("0.0001", "2023")


def test_lines_and_quotes_are_those_of_rfc_4180(client: FlaskClient) -> None:
    recorded(project_name='A "big", old forest')
    content = download(client, "/credits.csv").data
    assert content.endswith(b"\r\n")
    assert content.count(b"\r\n") == content.count(b"\n") == 2
    assert b'"A ""big"", old forest"' in content


def test_the_file_is_saved_under_its_name_and_day_and_never_opened_as_a_page(
    client: FlaskClient, set_clock: SetClock
) -> None:
    del set_clock
    for name in ("credits", "activity"):
        headers = download(client, f"/{name}.csv").headers
        assert headers["Content-Disposition"] == f"attachment; filename={name}-2026-11-20.csv"
        assert headers["Content-Type"] == "text/csv; charset=utf-8"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert int(headers["Content-Length"]) > 0


def test_excel_is_told_that_it_is_utf_8(client: FlaskClient) -> None:
    assert download(client, "/credits.csv").data.startswith(b"\xef\xbb\xbfid,")


@pytest.mark.parametrize(
    "address", ["/credits.csv?sort=nothing", "/credits.csv?vintage=x", "/activity.csv?type=x"]
)
def test_a_filter_that_makes_no_sense_is_refused_on_a_page(client: FlaskClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 422
    assert answer.mimetype == "text/html"
    assert "Content-Disposition" not in answer.headers


def test_a_database_that_fails_half_way_is_an_error_and_no_short_file(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded()
    whole = exports.every_credit

    def broken(wanted: CreditFilter) -> Iterator[object]:
        yield from whole(wanted)
        raise RuntimeError

    monkeypatch.setattr(exports, "every_credit", broken)
    answer = client.get("/credits.csv")
    assert answer.status_code == 500
    assert "Content-Disposition" not in answer.headers


def test_a_file_is_one_moment_of_the_ledger_though_others_write(ledger_app: Flask) -> None:
    for number in range(3):
        recorded(serial_number=f"S-{number}")
    reading = exports.every_credit(CreditFilter(sort="project", descending=False))
    found = [next(reading)]
    with ledger_app.app_context():
        recorded(serial_number="later")
    found += reading
    assert [exported.credit.serial_number for exported in found] == ["S-0", "S-1", "S-2"]
