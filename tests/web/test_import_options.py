"""The forms about an open import: how it is read, what its columns mean, and what is recorded of it."""

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.credits import a_credit
from tests.fixtures.forms import forms_of, submit
from tests.imports.cases import choose, held, page_plan
from tests.imports.sources import EXPORTS
from tests.imports.test_workbook import lines, workbook_of
from tests.web.pages import receive, table, words, write

HEADERS = ["Vorhaben", "Standard", "Ernte", "Umfang", "Kennung"]
BOOK = workbook_of(
    lines(["Something else"], ["x"]),
    lines(
        ["Holdings of Acme Ltd"],
        HEADERS,
        ["Lake Stoves", "GS", "2022", "1.234,5", "L-1"],
        ["Lake Stoves", "GS", "2022", "1.000,25", "L-2"],
        ["Total", None, None, "2.234,75", None],
    ),
)
NEXT_BOOK = workbook_of(
    lines(
        ["Holdings of Acme Ltd"],
        [header.upper() for header in reversed(HEADERS)],
        ["L-3", "7,5", "2023", "GS", "Lake Stoves"],
    )
)
MEANING = ["project_name", "registry", "vintage", "quantity", "serial_number"]
VERRA = (EXPORTS / "verra-transactions.csv").read_bytes()


def mapped(client: FlaskClient, address: str, meaning: list[str], **others: str) -> TestResponse:
    columns = {f"column-{number}": name for number, name in enumerate(meaning)}
    return choose(client, f"{address}?columns=1", "columns", **columns, **others)


def test_a_workbook_is_mapped_by_hand_once_and_recognised_the_second_time(client: FlaskClient) -> None:
    address = receive(client, BOOK, "holdings.xlsx")
    choose(client, address, "read", sheet="Sheet 2")
    page = client.get(address)
    assert "The columns of this file are not known" in words(page)
    assert f"{address}/write" not in page.text
    rows = table(page, "What the columns mean")
    assert [row[0] for row in rows] == HEADERS
    assert rows[3][1] == "1.234,5 · 1.000,25"
    mapped(client, address, MEANING)
    assert page_plan(client.get(address)) == {"new": (2, 2234.75)}
    write(client, address)
    again = receive(client, NEXT_BOOK, "holdings.xlsx")
    assert page_plan(client.get(again)) == {"new": (1, 7.5)}


@pytest.mark.parametrize(("sign", "tonnes"), [(",", 1234), (".", 1.234)])
def test_a_column_with_two_readings_is_asked_about_once(
    client: FlaskClient, sign: str, tonnes: float
) -> None:
    content = b"project_name;registry;vintage;quantity\nLake;GS;2022;1.234\n"
    address = receive(client, content, "a.csv")
    assert "Choose the decimal sign" in words(client.get(address))
    mapped(client, address, MEANING[:4], **{"decimal-3": sign})
    assert page_plan(client.get(address)) == {"new": (1, tonnes)}
    write(client, address)
    assert page_plan(client.get(receive(client, content, "b.csv"))) == {"existing": (1, tonnes)}


def test_a_mapping_that_cannot_be_used_is_refused_with_every_reason(client: FlaskClient) -> None:
    address = receive(client, BOOK, "holdings.xlsx")
    choose(client, address, "read", sheet="Sheet 2")
    answer = mapped(client, address, ["project_name", "project_name", "", "quantity", ""])
    assert answer.status_code == 422
    assert "Standard: project_name is the column Vorhaben already." in words(answer)
    assert "vintage: Choose the column that has the vintage." in words(answer)
    # What was chosen is still there.
    assert answer.text.count('<option value="project_name" selected>') == 2


def test_a_registry_of_all_rows_can_be_given(client: FlaskClient) -> None:
    address = receive(client, b"Projekt;Jahr;Menge\nLake;2022;5\n", "a.csv")
    mapped(client, address, ["project_name", "vintage", "quantity"], registry="Gold Standard")
    write(client, address)
    (item,) = client.get("/records").get_json()["items"]
    assert (item["registry"], item["quantity"]) == ("Gold Standard", 5)


@pytest.mark.parametrize(
    ("content", "choice", "name"),
    [
        ("project_name,registry,vintage,quantity\nMékambo,GS,2022,5\n".encode("cp1252"), {}, "Mékambo"),
        (
            "project_name,registry,vintage,quantity\nŁódź,GS,2022,5\n".encode("utf-16"),
            {"encoding": "utf-16"},
            "Łódź",
        ),
        (
            b"project_name|registry|vintage|quantity\na;b,GS,2022|GS|2022|5\n",
            {"delimiter": "|"},
            "a;b,GS,2022",
        ),
    ],
)
def test_the_encoding_and_the_separator_can_be_chosen(
    client: FlaskClient, content: bytes, choice: dict[str, str | None], name: str
) -> None:
    address = receive(client, content, "a.csv")
    choose(client, address, "read", **choice)
    assert table(client.get(address), "New")[0][1] == name


def test_an_export_of_the_whole_market_is_not_recorded_before_a_choice(client: FlaskClient) -> None:
    address = receive(client, VERRA, "verra.csv")
    page = client.get(address)
    assert "A registry's export: Verra transactions" in words(page)
    assert f'action="{address}/write"' not in page.text
    choose(client, address, "record", whose="all")
    assert f'action="{address}/write"' in client.get(address).text


def test_the_rows_of_one_beneficiary_are_recorded_and_the_others_left_out(client: FlaskClient) -> None:
    address = receive(client, VERRA, "verra.csv")
    total = all_tonnes(client.get(address))
    choose(client, address, "record", whose="some", column="Retirement Beneficiary", value="  acme AIRLINES ")
    plan = page_plan(client.get(address))
    assert (set(plan), plan["new_retired"]) == ({"new_retired", "left_out"}, (2, 475))
    assert sum(tonnes for _, tonnes in plan.values()) == total
    write(client, address)
    assert held(client) == {"RETIRED": 475}


def all_tonnes(page: TestResponse) -> float:
    """Return the sum in the last line of the plan."""
    text = words(page).partition("differences are not added ")[2]
    return float(text.split()[0].replace(",", ""))


def test_rows_of_nobody_need_a_value(client: FlaskClient) -> None:
    address = receive(client, VERRA, "verra.csv")
    answer = choose(client, address, "record", whose="some", column="Retirement Beneficiary")
    assert (answer.status_code, "Enter the value of the rows to record." in words(answer)) == (422, True)


def test_a_file_can_be_compared_without_recording_anything(client: FlaskClient) -> None:
    address = receive(client, VERRA, "verra.csv")
    choose(client, address, "record", whose="none")
    page = client.get(address)
    assert "Compared with the ledger" in words(page)
    assert set(page_plan(page)) == {"left_out"}
    write(client, address)
    assert held(client) == {}


@pytest.mark.parametrize(
    ("choice", "day"), [({"end_date": "2026-01-31"}, "2026-01-31"), ({"is_undated": "y"}, None)]
)
def test_retirements_without_a_date_are_asked_about(
    client: FlaskClient, choice: dict[str, str | None], day: str | None
) -> None:
    address = receive(client, [a_credit(status="Retired")])
    page = client.get(address)
    assert "Date of the 1 retirements and cancellations without one" in words(page)
    assert f'action="{address}/write"' not in page.text
    choose(client, address, "record", **choice)
    write(client, address)
    (item,) = client.get("/events?type=RETIRED").get_json()["items"]
    assert item["data"].get("occurred_on") == day


def test_a_date_in_the_future_is_refused(client: FlaskClient) -> None:
    address = receive(client, [a_credit(status="Retired")])
    assert choose(client, address, "record", end_date="2999-01-01").status_code == 422


def test_tonnes_without_a_serial_number_are_recorded_as_additional_after_a_tick(client: FlaskClient) -> None:
    address = receive(client, [a_credit(), a_credit(serial_number=None, quantity=5)])
    assert page_plan(client.get(address)) == {"new": (1, 100), "conflicting": (1, 5)}
    choose(client, address, "record", as_additional="y")
    assert page_plan(client.get(address)) == {"new": (2, 105)}


def test_a_form_that_is_not_there_is_refused(client: FlaskClient) -> None:
    address = receive(client, [a_credit()])
    (form,) = (form for form in forms_of(client.get(address)) if form.values.get("section") == ["read"])
    answer = client.post(f"{address}/options", data={**form.values, "section": "other"})
    assert answer.status_code == 422


def test_a_decided_import_has_no_forms_and_takes_none(client: FlaskClient) -> None:
    address = receive(client, [a_credit()])
    page = client.get(address)
    (form,) = (form for form in forms_of(page) if form.values.get("section") == ["read"])
    submit(client, page, f"{address}/cancel")
    answer = client.post(f"{address}/options", data=form.values)
    assert (answer.status_code, "This import is already finished" in words(answer)) == (409, True)
    assert forms_of(client.get(address)) == []
