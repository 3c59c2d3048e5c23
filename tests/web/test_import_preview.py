"""The plan of an open import on its page: its kinds, their rows, and what stands in the way."""

import pytest
from flask.testing import FlaskClient

from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.forms import form_of
from tests.fixtures.ledger import RawClient
from tests.imports.cases import page_plan
from tests.web.pages import HOSTILE, dangers, links, receive, table, words

NEW = a_credit(serial_number="VCS-0002")
INVALID = a_credit(vintage="1812", quantity="-1", serial_number="VCS-0003")


def mixed() -> list[object]:
    """Return seven rows: two new, one retired, one recorded, one in conflict, two invalid."""
    recorded()
    retired = a_credit(serial_number="VCS-0004", status="Retired", retired_on="2026-04-10")
    return [a_credit(), a_credit(quantity="7"), NEW, INVALID, 3, a_credit(serial_number="5"), retired]


def test_rows_and_tonnes_are_counted_by_what_happens_to_them(client: FlaskClient) -> None:
    page = client.get(receive(client, mixed()))
    assert page_plan(page) == {
        "conflicting": (1, 7),
        "invalid": (2, 0),
        "new": (2, 200),
        "new_retired": (1, 100),
        "existing": (1, 100),
    }
    assert "All tonnes of the file differences are not added 407 t" in words(page)


def test_the_rows_of_the_first_kind_are_shown_and_each_kind_can_be_chosen(client: FlaskClient) -> None:
    address = receive(client, mixed())
    assert [row[0] for row in table(client.get(address), "In conflict")] == ["2"]
    page = client.get(f"{address}?kind=new_retired")
    ((row, project, serial, tonnes, what),) = table(page, "New and retired")
    assert (row, serial, tonnes) == ("7", "VCS-0004", "100 t")
    assert project == "Mangrove Restoration Project"
    assert what.startswith("On 2026-04-10.")


def test_a_row_has_its_reasons_and_its_values_as_the_file_has_them(client: FlaskClient) -> None:
    address = receive(client, mixed())
    first, second = (row[4] for row in table(client.get(f"{address}?kind=invalid"), "Not valid"))
    assert "vintage: “1812”" in first
    assert "quantity: “-1”" in first
    assert "serial_numberVCS-0003" in first
    assert second.startswith("A row must be an object with the fields of a credit.")


def test_a_row_leads_to_the_credit_that_it_is_about(client: FlaskClient) -> None:
    holder = f"/credits/{recorded()}"
    ended = a_credit(status="Retired", retired_on="2026-04-10")
    for row in (a_credit(quantity="7"), a_credit(), ended):
        page = client.get(receive(client, [row]))
        assert links(page)["Mangrove Restoration Project"] == holder


def test_the_rows_of_a_kind_are_paged(client: FlaskClient) -> None:
    address = receive(client, [a_credit(vintage="1812", serial_number=f"S-{n}") for n in range(120)])
    first = client.get(address)
    second = client.get(links(first)["Next"])
    third = client.get(links(second)["Next"])
    shown = [row[0] for page in (first, second, third) for row in table(page, "Not valid")]
    assert shown == [str(number) for number in range(1, 121)]
    assert links(third)["Previous"] == f"{address}?kind=invalid#rows"


@pytest.mark.parametrize("name", ["after", "row"])
@pytest.mark.parametrize("place", ["x", "-1", "²", "9" * 30])
def test_a_place_that_is_no_number_is_refused(client: FlaskClient, name: str, place: str) -> None:
    address = receive(client, [INVALID])
    assert client.get(address, query_string={name: place}).status_code == 422


def test_fields_that_would_not_be_recorded_are_named_with_a_tick(client: FlaskClient) -> None:
    address = receive(client, [a_credit(colour="green", owner="me"), a_credit(serial_number="B", colour="")])
    page = client.get(address)
    assert "which are not recorded: colour, owner" in words(page)
    assert "ignore_unknown" in form_of(page, f"{address}/write").boxes


def test_rows_with_problems_are_left_out_by_a_tick_that_says_how_many(client: FlaskClient) -> None:
    address = receive(client, mixed())
    page = client.get(address)
    assert "leave out the 3 with problems" in words(page)
    assert "skip_invalid" in form_of(page, f"{address}/write").boxes


def test_a_file_without_problems_asks_for_no_tick(client: FlaskClient) -> None:
    address = receive(client, [a_credit()])
    assert form_of(client.get(address), f"{address}/write").boxes == {}


def test_the_same_file_again_says_plainly_that_nothing_in_it_is_new(client: FlaskClient) -> None:
    recorded()
    page = client.get(receive(client, [a_credit()]))
    assert "Every row of this file is already in the ledger." in words(page)


def test_a_file_without_a_row_to_record_can_only_be_cancelled(client: FlaskClient) -> None:
    address = receive(client, [INVALID])
    page = client.get(address)
    assert "Nothing in this file can be recorded" in words(page)
    assert f'action="{address}/cancel"' in page.text
    assert f"{address}/write" not in page.text


def test_an_import_of_an_older_version_shows_its_problems(client: FlaskClient, raw: RawClient) -> None:
    holder = recorded()
    address = receive(client, [a_credit(quantity="7"), INVALID])
    raw.execute("UPDATE imports SET summary = NULL, state = 'failed'")
    raw.execute("DELETE FROM import_rows")
    page = client.get(address)
    assert [row[:2] for row in table(page, "Problems")] == [
        ["1", "serial_number"],
        ["2", "vintage"],
        ["2", "quantity"],
    ]
    assert links(page)["See that credit"] == f"/credits/{holder}"


@pytest.mark.parametrize("address", ["/imports/1", "/imports/0", "/imports/x", f"/imports/{10**30}"])
def test_an_import_that_does_not_exist_is_a_page_that_says_so(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 404


def test_hostile_text_in_a_file_is_inert_in_the_preview(client: FlaskClient) -> None:
    rows: list[object] = []
    for text in HOSTILE:
        rows.append(a_credit(project_name=text, registry=text, serial_number=text, **{text: text}))
        rows.append(a_credit(serial_number=f"{text} 2", status="Retired", retirement_beneficiary=text))
        rows.append({text: text, "vintage": text, "quantity": text, "id": text, "status": text})
    address = receive(client, rows)
    for kind in ("new", "new_retired", "invalid"):
        page = client.get(f"{address}?kind={kind}&columns=1")
        assert [text for text in HOSTILE if text not in words(page)] == []
        assert list(dangers(page)) == []
