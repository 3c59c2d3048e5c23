"""Sales on pages; test_actions has the tests shared with retirements."""

from flask.testing import FlaskClient

from tests.fixtures.credits import recorded, sold
from tests.fixtures.forms import parse, submit
from webapp.ledger import queries

HTMX = {"HX-Request": "true"}


def test_a_sale_needs_no_buyer(client: FlaskClient) -> None:
    credit_id = recorded()
    address = f"/credits/{credit_id}/sell"
    assert submit(client, client.get(address), address).status_code == 303
    assert "buyer" not in queries.record(credit_id).events[-1].data


def test_a_sold_credit_says_to_whom_it_was_sold(client: FlaskClient) -> None:
    answer = client.get(f"/credits/{sold()}/sell", headers=HTMX)
    assert answer.status_code == 409
    said = " ".join(parse(answer.text).text.split())
    assert "already sold on" in said
    assert "to Acme Airlines. This was recorded" in said


def test_a_retired_credit_can_no_longer_be_sold(client: FlaskClient) -> None:
    credit_id = recorded()
    page = client.get(f"/credits/{credit_id}/sell")
    retirement = f"/credits/{credit_id}/retire"
    submit(client, client.get(retirement), retirement, beneficiary="Grace")
    answer = submit(client, page, f"/credits/{credit_id}/sell", buyer="Hopper")
    assert answer.status_code == 409
    assert "for Grace, so it can no longer be sold." in " ".join(parse(answer.text).text.split())


def test_a_sold_row_can_still_be_retired(client: FlaskClient) -> None:
    credit_id = recorded()
    address = f"/credits/{credit_id}/sell"
    row = submit(client, client.get(address, headers=HTMX), address, headers=HTMX)
    assert [a.text for a in parse(row.text).find_all("a") if "btn" in a["class"]] == ["Retire"]
