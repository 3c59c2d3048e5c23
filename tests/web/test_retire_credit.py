"""Retirements on pages require a beneficiary."""

import pytest
from flask.testing import FlaskClient

from tests.fixtures.credits import recorded, sold
from tests.fixtures.entries import aliased
from tests.fixtures.forms import form_of, submit
from webapp.ledger import queries
from webapp.ledger.listing import sum_credits
from webapp.ledger.search.credit_filter import CreditFilter

HTMX = {"HX-Request": "true"}


@pytest.mark.parametrize("beneficiary", ["", "   ", "\u200b"])
def test_a_retirement_asks_for_a_beneficiary(client: FlaskClient, beneficiary: str) -> None:
    credit_id = recorded()
    address = f"/credits/{credit_id}/retire"
    page = submit(client, client.get(address), address, beneficiary=beneficiary, reason="Flights")
    assert page.status_code == 422
    assert "Enter the beneficiary, or tick" in page.text
    assert form_of(page, address).values["reason"] == ["Flights"]
    assert queries.credit(credit_id).status == "ACTIVE"


def test_a_tick_retires_without_a_beneficiary(client: FlaskClient) -> None:
    credit_id = recorded()
    address = f"/credits/{credit_id}/retire"
    answer = submit(client, client.get(address), address, without_beneficiary=True)
    assert answer.status_code == 303
    assert "beneficiary" not in queries.record(credit_id).events[-1].data


def test_a_beneficiary_and_the_tick_together_are_not_guessed_at(client: FlaskClient) -> None:
    credit_id = recorded()
    address = f"/credits/{credit_id}/retire"
    page = submit(client, client.get(address), address, beneficiary="Grace", without_beneficiary=True)
    assert page.status_code == 422
    assert "Remove the tick or the beneficiary." in page.text
    assert "without_beneficiary" in form_of(page, address).values
    assert queries.credit(credit_id).status == "ACTIVE"


def test_a_beneficiary_that_is_refused_is_not_called_missing(client: FlaskClient) -> None:
    address = f"/credits/{recorded()}/retire"
    page = submit(client, client.get(address), address, beneficiary="a\x07b")
    assert "control character" in page.text
    assert "Enter the beneficiary" not in page.text


def test_a_sold_credit_is_retired_in_its_row(client: FlaskClient) -> None:
    credit_id = sold()
    address = f"/credits/{credit_id}/retire"
    panel = client.get(address, headers=HTMX)
    assert submit(client, panel, address, headers=HTMX, beneficiary="Acme Airlines").status_code == 200
    assert sum_credits(CreditFilter())["RETIRED"].credits == 1


def test_sold_tonnes_for_another_than_the_buyer_need_a_tick(client: FlaskClient) -> None:
    credit_id = sold()
    address = f"/credits/{credit_id}/retire"
    page = submit(client, client.get(address), address, beneficiary="Beta", quantity="40")
    assert page.status_code == 422
    assert "40 t were sold to Acme Airlines, and are retired for Beta." in page.text
    assert submit(client, page, address, is_for_another=True).status_code == 303


def test_a_retirement_names_files_and_its_pages_show_them(client: FlaskClient) -> None:
    credit_id = recorded()
    address = f"/credits/{credit_id}/retire"
    named = f"{'ab' * 32} certificate <1>.pdf"
    page = submit(client, client.get(address), address, beneficiary="Acme", evidence="certificate.pdf")
    assert "Line 1 must be the SHA-256 of a file" in page.text
    assert submit(client, page, address, evidence=named).status_code == 303
    for shown in (client.get(f"/credits/{credit_id}"), client.get("/acts/2")):
        assert "certificate &lt;1&gt;.pdf" in shown.text
        assert f"SHA-256 {'ab' * 32}" in shown.text


def test_a_credit_whose_serial_number_another_one_has_is_retired_only_with_a_tick(
    client: FlaskClient,
) -> None:
    first = recorded(registry="GS", serial_number="S-1")
    recorded(registry="Gold Standard", serial_number="S-1")
    tick = "is_serial_confirmed"
    address = f"/credits/{first}/retire"
    assert tick not in client.get(address).text
    aliased("gold standard", "GS")
    page = client.get(address)
    assert "Another credit has the same serial number" in page.text
    asked = submit(client, page, address, beneficiary="Acme")
    assert asked.status_code == 422
    assert "if this is the right one" in asked.text
    assert queries.credit(first).status == "ACTIVE"
    assert submit(client, asked, address, fields={tick: True}).status_code == 303
