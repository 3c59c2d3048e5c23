"""Quantities as people type them on forms: usual spellings are accepted, everything else is named."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.forms import parse, submit
from webapp.ledger import queries
from webapp.ledger.listing import list_credits
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.web.typed_quantity import plain_quantity

NO_QUANTITY = "is not a quantity in plain digits, such as 1234.5."
RANGE = "is not possible. Must be more than 0 and at most 100,000,000 tonnes."


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("1,454,054", "1454054"),
        ("1.454.054", "1454054"),
        ("1 234", "1234"),
        ("1\u202f234", "1234"),
        ("1\u2019234", "1234"),
        ("1.234,5", "1234.5"),
        ("1,234.5", "1234.5"),
        ("1,000", "1000"),
        ("12,000 t", "12000"),
        ("0,5", "0.5"),
        ("425 t", "425"),
        ("425t", "425"),
        ("9,750.5 t", "9750.5"),
        ("425.", "425"),
        ("0425", "425"),
        ("1.234", "1.234"),
        (" 100 ", "100"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_usual_spelling_is_understood(typed: str | None, plain: str) -> None:
    assert plain_quantity(typed) == plain


Form = Callable[[FlaskClient, str], TestResponse]


def new_credit(client: FlaskClient, typed: str) -> TestResponse:
    address = "/credits/new"
    return submit(client, client.get(address), address, fields=a_credit(quantity=typed, serial_number=""))


def part(client: FlaskClient, typed: str) -> TestResponse:
    address = f"/credits/{recorded(quantity='2000000')}/sell"
    return submit(client, client.get(address), address, quantity=typed)


def correction(client: FlaskClient, typed: str) -> TestResponse:
    address = f"/credits/{recorded()}/correct"
    return submit(client, client.get(address), address, quantity=typed, reason="wrong")


FORMS = [new_credit, part, correction]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("typed", ["1,454,054", "1\u00a0454\u00a0054 t"])
def test_a_form_records_what_was_meant(client: FlaskClient, form: Form, typed: str) -> None:
    assert form(client, typed).status_code == 303
    quantities = {credit.quantity for credit in list_credits(CreditFilter()).items}
    assert "1454054" in quantities


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("1e3", f"“1e3” {NO_QUANTITY}"),
        ("-1", f"“-1” {NO_QUANTITY}"),
        ("+425", f"“+425” {NO_QUANTITY}"),
        ("1_0", f"“1_0” {NO_QUANTITY}"),
        ("nan", f"“nan” {NO_QUANTITY}"),
        ("-", f"“-” {NO_QUANTITY}"),
        ("\u0661", f"“\u0661” {NO_QUANTITY}"),
        ("0", f"“0” {RANGE}"),
        ("100,000,001", f"“100,000,001” {RANGE}"),
        ("1.23456", "“1.23456” is not possible. Must be tonnes in plain digits with at most 4 decimals"),
    ],
)
def test_a_refused_quantity_is_named(client: FlaskClient, form: Form, typed: str, message: str) -> None:
    page = form(client, typed)
    assert page.status_code == 422
    assert message in " ".join(parse(page.text).text.split())


def test_the_lots_of_a_split_are_read_in_the_same_way(client: FlaskClient) -> None:
    credit_id = recorded(quantity="3000000")
    address = f"/credits/{credit_id}/split"
    preview = client.get(address, query_string={"quantities": "1,454,054 t\r\n1 000"})
    page = preview.text[preview.text.index('method="post"') - 200 :]
    assert submit(client, page, address).status_code == 303
    lots = queries.lots_of(credit_id)
    assert [lot.quantity for lot in lots] == ["1454054", "1000", "1544946"]
