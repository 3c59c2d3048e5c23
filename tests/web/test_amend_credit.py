"""The page that amends words of an event, and the one that reverses a sale."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.credits import recorded, recorded_with_facts, retired, sale_reversed, sold
from tests.fixtures.forms import form_of, submit
from tests.web.pages import HOSTILE, dangers, links, table, words
from webapp.accounts.actors import LOCAL
from webapp.domain.lifecycle import Status
from webapp.ledger import queries
from webapp.ledger.commands import amend_credit, retire_credit, split_credit


def amend(client: FlaskClient, address: str, **fields: object) -> TestResponse:
    return submit(client, client.get(address), address, fields=fields)


def test_a_beneficiary_is_amended_from_the_page_of_the_credit(client: FlaskClient) -> None:
    credit_id = retired()
    address = links(client.get(f"/credits/{credit_id}"))["Amend"]
    assert address == f"/credits/{credit_id}/amend/2"
    answer = amend(client, address, beneficiary="Acme Airways", why="Misspelt")
    assert answer.headers["Location"] == f"/credits/{credit_id}"
    page = words(client.get(answer.headers["Location"]))
    assert "statement of this retirement named Acme Airlines; it now shows “Amended”." in page
    assert "Retired for Acme Airways on" in page
    assert "beneficiary was Acme Airlines. Misspelt" in page
    assert queries.record(credit_id).events[-1].data == {
        "amends": 2,
        "beneficiary": "Acme Airways",
        "why": "Misspelt",
    }


def test_the_form_has_the_present_words(client: FlaskClient) -> None:
    credit_id = retired()
    amend_credit(credit_id, {"amends": "2", "beneficiary": "Zoë", "facts": {"purpose": "CORSIA"}}, LOCAL)
    address = f"/credits/{credit_id}/amend/2"
    values = form_of(client.get(address), address).values
    assert [values[name] for name in ("beneficiary", "purpose", "reason")] == [["Zoë"], ["CORSIA"], [""]]


def test_only_what_was_changed_is_amended(client: FlaskClient) -> None:
    credit_id = retired()
    address = f"/credits/{credit_id}/amend/2"
    assert "Nothing is changed yet" in words(amend(client, address, why="No reason"))
    amend(client, address, reason="Flights", note="Two\r\nlines", purpose="CORSIA")
    assert queries.record(credit_id).events[-1].data == {
        "amends": 2,
        "reason": "Flights",
        "note": "Two\nlines",
        "facts": {"purpose": "CORSIA"},
    }
    amend(client, address, reason="")
    assert queries.record(credit_id).events[-1].data == {"amends": 2, "reason": ""}


def test_a_form_that_others_overtook_shows_the_present_words_and_takes_nothing_back(
    client: FlaskClient,
) -> None:
    credit_id = retired()
    address = f"/credits/{credit_id}/amend/2"
    open_form = client.get(address)
    amend_credit(credit_id, {"amends": "2", "beneficiary": "Zoë"}, LOCAL)
    answer = submit(client, open_form, address, fields={"reason": "Flights"})
    assert answer.status_code == 409
    assert "This credit has changed since you opened the form." in words(answer)
    assert "At present: Zoë" in words(answer)
    assert queries.credit(credit_id).beneficiary == "Zoë"


def test_a_fact_that_a_lot_inherits_is_amended_on_the_lot_alone(client: FlaskClient) -> None:
    root = recorded_with_facts()
    lot, other = split_credit(root, {"quantities": ["40", "60"]}, LOCAL).lot_ids
    address = f"/credits/{lot}/amend/1"
    open_form = client.get(address)
    amend_credit(root, {"amends": "1", "facts": {"project_id": "VCS 9"}}, LOCAL)
    submit(client, open_form, address, fields={"country": "Peru"})
    assert table(client.get(f"/credits/{lot}"), "Facts") == [["Project ID", "VCS 9"], ["Country", "Peru"]]
    assert table(client.get(f"/credits/{other}"), "Facts") == [["Project ID", "VCS 9"], ["Country", "Kenya"]]
    assert "country was Kenya." in words(client.get(f"/credits/{lot}"))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"beneficiary": "x" * 301}, "At most 300 characters; this has 301."),
        ({"occurred_on": "2999-01-01"}, "Must not be in the future."),
        ({"purpose": "x" * 301}, "At most 300 characters; this has 301."),
        ({"occurred_on": "2020-05-01"}, "is before 2023-01-01, when the vintage 2023 begins."),
    ],
)
def test_the_bounds_are_those_of_entry(client: FlaskClient, fields: dict[str, str], sentence: str) -> None:
    credit_id = retired()
    answer = amend(client, f"/credits/{credit_id}/amend/2", **fields)
    assert answer.status_code == 422
    assert sentence in words(answer)
    assert len(queries.record(credit_id).events) == 2


def test_a_date_that_cannot_be_right_is_amended_after_a_tick(client: FlaskClient) -> None:
    credit_id = retired()
    address = f"/credits/{credit_id}/amend/2"
    refused = amend(client, address, occurred_on="2020-05-01")
    assert submit(client, refused, address, is_date_confirmed=True).status_code == 303
    assert "statement of this retirement was dated" in words(client.get(f"/credits/{credit_id}"))


@pytest.mark.parametrize("seq", ["2", "3", "0", "x", "99999999999999999999"])
def test_what_cannot_be_amended_is_not_found(client: FlaskClient, seq: str) -> None:
    credit_id = recorded()
    split_credit(credit_id, {"quantities": ["40", "60"]}, LOCAL)
    amend_credit(credit_id, {"amends": "1", "facts": {"country": "Kenya"}}, LOCAL)
    assert client.get(f"/credits/{credit_id}/amend/{seq}").status_code == 404


def test_hostile_words_in_the_form_and_below_the_event_are_inert(client: FlaskClient) -> None:
    for number, text in enumerate(HOSTILE):
        credit_id = recorded(serial_number=str(number))
        retire_credit(credit_id, {"beneficiary": text}, LOCAL)
        assert list(dangers(client.get(f"/credits/{credit_id}/amend/2"))) == []
        amend(client, f"/credits/{credit_id}/amend/2", beneficiary="Zoë", why=text)
        assert list(dangers(client.get(f"/credits/{credit_id}"))) == []


def reverse(client: FlaskClient, credit_id: str, **fields: object) -> TestResponse:
    address = f"/credits/{credit_id}/reverse-sale"
    return submit(client, client.get(address), address, fields=fields)


def test_a_sale_is_reversed_from_the_page_of_the_credit(client: FlaskClient) -> None:
    credit_id = sold()
    assert links(client.get(f"/credits/{credit_id}"))["Reverse sale"] == f"/credits/{credit_id}/reverse-sale"
    assert reverse(client, credit_id).status_code == 422
    answer = reverse(client, credit_id, reason="The buyer withdrew")
    page = words(client.get(answer.headers["Location"]))
    assert "The sale of 100 t is reversed: they are active again." in page
    assert "Sale reversed" in page
    assert queries.credit(credit_id).status is Status.ACTIVE
    assert "Reverse sale" not in links(client.get(f"/credits/{credit_id}"))


def test_a_part_of_a_sale_is_reversed_and_names_the_rest(client: FlaskClient) -> None:
    answer = reverse(client, sold(), quantity="40", reason="Too many")
    page = client.get(answer.headers["Location"])
    assert "The sale of 40 t is reversed: they are active again. 60 t stay sold." in words(page)
    assert queries.credit(links(page)["60 t"].rpartition("/")[2]).status is Status.SOLD


def test_a_reversal_requires_a_quantity_and_shows_every_problem_at_once(client: FlaskClient) -> None:
    credit_id = sold()
    form = client.get(f"/credits/{credit_id}/reverse-sale")
    assert "Reverse the sale of 100 t" in words(form)
    refused = reverse(client, credit_id, quantity="")
    assert "Enter the tonnes, at most 100 t." in words(refused)
    assert refused.text.count('class="field-error"') == 2
    assert queries.credit(credit_id).status is Status.SOLD


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (recorded, "This credit is not sold, so there is no sale to reverse."),
        (sale_reversed, "The sale of this credit was already reversed on"),
        (retired, "This credit was already retired on"),
    ],
)
def test_what_is_not_sold_has_no_sale_to_reverse(
    client: FlaskClient, make: Callable[[], str], sentence: str
) -> None:
    answer = client.get(f"/credits/{make()}/reverse-sale")
    assert answer.status_code == 409
    assert sentence in words(answer)
