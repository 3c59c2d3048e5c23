"""The preview of an import, before anything is recorded."""

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.forms import form_of, forms_of
from tests.web.pages import HOSTILE, dangers, links, part, receive, table, words

NEW = a_credit(serial_number="VCS-0002")
INVALID = a_credit(vintage="1812", quantity="-1", serial_number="VCS-0003")


def counts(page: TestResponse) -> list[str]:
    """Return the numbers of new, already recorded, duplicate and invalid rows."""
    figures = [e for e in part(page, "import").find_all("p") if e["class"] == "stat-value"]
    return [figure.text for figure in figures]


def mixed() -> list[object]:
    """Return six rows: two new, one recorded, one duplicate, two invalid, three problems."""
    recorded()
    return [a_credit(), a_credit(quantity="7"), NEW, INVALID, 3, a_credit(serial_number=None)]


def test_rows_are_counted_by_what_would_become_of_them(client: FlaskClient) -> None:
    assert counts(client.get(receive(client, mixed()))) == ["2", "1", "1", "2"]


def test_each_problem_has_its_row_its_field_and_its_reason(client: FlaskClient) -> None:
    page = client.get(receive(client, mixed()))
    rows = table(page, "Problems")
    assert [row[:2] for row in rows] == [
        ["2", "serial_number"],
        ["4", "vintage"],
        ["4", "quantity"],
        ["5", "the whole row"],
    ]
    assert rows[1][2] == "Must be a year from 1990 to 2100."


def test_a_conflict_leads_to_the_credit_that_holds_the_serial_number(client: FlaskClient) -> None:
    holder = recorded()
    page = client.get(receive(client, [a_credit(quantity="7")]))
    assert links(page)["See that credit"] == f"/credits/{holder}"


def test_the_first_rows_are_shown_as_they_were_understood(client: FlaskClient) -> None:
    page = client.get(receive(client, [a_credit(project_name="  Wind   Farm ", quantity="1234.50"), 3]))
    assert table(page, "The rows") == [
        ["1", "Wind Farm", "VCS", "2023", "1,234.5 t", "VCS-0001", "NEW"],
        ["2", "Not a credit: see the problems above.", "INVALID"],
    ]


def test_a_long_file_shows_its_first_rows_only(client: FlaskClient) -> None:
    page = client.get(receive(client, [a_credit(serial_number=f"S-{n}") for n in range(30)]))
    assert len(table(page, "The first rows")) == 10
    assert "10 of 30" in words(page)


def test_problems_are_paged_and_the_rest_can_be_reached(client: FlaskClient) -> None:
    address = receive(client, [a_credit(vintage="1812", serial_number=f"S-{n}") for n in range(230)])
    first = client.get(address)
    assert len(table(first, "Problems")) == 100
    second = client.get(links(first)["and 130 more"])
    third = client.get(links(second)["and 30 more"])
    assert [row[0] for row in table(third, "Problems")] == [str(n) for n in range(201, 231)]
    assert "201 to 230 of 230" in words(third)
    assert table(client.get(links(third)["Previous"]), "Problems") == table(second, "Problems")


@pytest.mark.parametrize("place", ["x", "-1", "²", "9" * 30])
def test_a_place_among_the_problems_that_is_no_number_is_refused(client: FlaskClient, place: str) -> None:
    address = receive(client, [INVALID])
    assert client.get(address, query_string={"after": place}).status_code == 422


def test_fields_that_would_not_be_recorded_are_named_with_a_tick(client: FlaskClient) -> None:
    address = receive(client, [a_credit(colour="green", owner="me"), a_credit(serial_number="B", colour="")])
    page = client.get(address)
    assert "which are not recorded: colour, owner" in words(page)
    assert "ignore_unknown" in form_of(page, f"{address}/write").boxes


def test_rows_with_problems_are_left_out_by_a_tick_that_says_how_many(client: FlaskClient) -> None:
    address = receive(client, mixed())
    page = client.get(address)
    assert "Import the 2 new rows and leave out the 3 with problems" in words(page)
    assert "skip_invalid" in form_of(page, f"{address}/write").boxes


def test_a_file_without_problems_asks_for_no_tick(client: FlaskClient) -> None:
    address = receive(client, [a_credit()])
    assert form_of(client.get(address), f"{address}/write").boxes == {}


def test_the_same_file_again_says_plainly_that_nothing_in_it_is_new(client: FlaskClient) -> None:
    recorded()
    page = client.get(receive(client, [a_credit()]))
    assert "Every row of this file is already in the ledger." in words(page)


def test_a_row_that_is_recorded_leads_to_its_credit(client: FlaskClient) -> None:
    credit_id = recorded()
    page = client.get(receive(client, [a_credit()]))
    assert links(page)["Mangrove Restoration Project"] == f"/credits/{credit_id}"


def test_a_file_without_a_row_to_record_can_only_be_cancelled(client: FlaskClient) -> None:
    address = receive(client, [INVALID])
    page = client.get(address)
    assert "Nothing in this file can be recorded" in words(page)
    assert [form.action for form in forms_of(page)] == [f"{address}/cancel"]


def test_a_retired_credit_that_this_ledger_does_not_hold_is_a_problem(client: FlaskClient) -> None:
    page = client.get(receive(client, [a_credit(status="RETIRED")]))
    assert counts(page) == ["0", "0", "0", "1"]
    assert table(page, "Problems")[0][1] == "status"


def test_a_row_that_says_it_is_retired_is_a_problem_that_names_what_it_says(client: FlaskClient) -> None:
    page = client.get(receive(client, [a_credit(**{"Credit Status": "Retired"}), NEW]))
    assert counts(page) == ["1", "0", "0", "1"]
    ((row, field, reason),) = table(page, "Problems")
    assert (row, field) == ("1", "Credit Status")
    assert reason.startswith("This row says Credit Status: Retired. Retired tonnes cannot be recorded")


@pytest.mark.parametrize("address", ["/imports/1", "/imports/0", "/imports/x", f"/imports/{10**30}"])
def test_an_import_that_does_not_exist_is_a_page_that_says_so(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 404


def test_hostile_text_in_a_file_is_inert_in_the_preview(client: FlaskClient) -> None:
    rows: list[object] = []
    for text in HOSTILE:
        rows.append(a_credit(project_name=text, registry=text, serial_number=text, **{text: text}))
        rows.append(a_credit(**{f"retired {text}": text, "Status": f"Retired {text}"}))
        rows.append({text: text, "vintage": text, "quantity": text, "id": text, "status": text})
    page = client.get(receive(client, rows))
    assert [text for text in HOSTILE if text not in words(page)] == []
    assert list(dangers(page)) == []
