"""Pages refuse unknown query parameters."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.credits import recorded
from tests.fixtures.principals import sign_in
from tests.fixtures.users import an_administrator
from tests.web.pages import HOSTILE, HTMX, dangers, links, words
from webapp.web import activity
from webapp.web.query_parameters import names_of

SAID = "This page has no such filter."


def addresses_of_pages(app: Flask) -> list[str]:
    """Return the addresses of all GET routes outside of the API and of what is sent to strangers."""
    credit_id = recorded()
    return [
        rule.rule.replace("<credit_id>", credit_id)
        .replace("<int(max=999999999999999999):import_id>", "1")
        .replace("<int:user_id>", "1")
        .replace("<int:token_id>", "1")
        .replace("<int:position>", "1")
        .replace("<int:link_id>", "1")
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and rule.endpoint != "static"
        and not rule.endpoint.startswith(("api_", "statements.shared", "verifier.show"))
    ]


def test_every_page_and_file_refuses_a_filter_that_it_does_not_know(
    ledger_app: Flask, client: FlaskClient
) -> None:
    for address in addresses_of_pages(ledger_app):
        answer = client.get(f"{address}?no_such_filter=Acme", buffered=True)
        assert answer.status_code == 422, address
        assert f"no_such_filter: {SAID}" in words(answer), address


@pytest.mark.parametrize(
    "address",
    [
        "/credits.csv?beneficiary=Acme",
        "/credits?serial=VCS-1",
        "/activity.csv?registry=VCS",
        "/?vintage=2024",
    ],
)
def test_a_filter_of_another_list_is_refused(client: FlaskClient, address: str) -> None:
    recorded()
    assert client.get(address, buffered=True).status_code == 422


@pytest.mark.usefixtures("quick_passwords")
def test_pages_about_accounts_refuse_it_too(client: FlaskClient) -> None:
    an_administrator("Ada")
    sign_in(client, "Ada")
    for address in ("/people", "/tokens", "/account-log"):
        assert client.get(address).status_code == 200
        assert client.get(f"{address}?role=viewer").status_code == 422


def test_a_filter_that_is_given_twice_is_refused(client: FlaskClient) -> None:
    answer = client.get("/credits?country=Kenya&country=Peru")
    assert answer.status_code == 422
    assert "country: Must be given only once." in words(answer)


def test_a_file_knows_no_place_in_the_list(client: FlaskClient) -> None:
    assert client.get("/credits.csv?cursor=x").status_code == 422


def test_the_refusal_leads_to_the_page_without_filters(client: FlaskClient) -> None:
    assert links(client.get("/activity?kind=SOLD"))["Without a filter"] == "/activity"


def test_a_fragment_is_refused_too(client: FlaskClient) -> None:
    answer = client.get("/credits?kind=SOLD", headers=HTMX)
    assert answer.status_code == 422
    assert SAID in words(answer)


def test_a_hostile_name_is_inert_in_the_refusal(client: FlaskClient) -> None:
    for text in HOSTILE:
        assert list(dangers(client.get("/credits", query_string={text: "1"}))) == []


@pytest.mark.usefixtures("quick_passwords")
def test_somebody_who_is_not_let_in_learns_nothing_of_what_a_page_knows(client: FlaskClient) -> None:
    an_administrator("Ada")
    assert client.get("/credits?no_such_filter=1").status_code == 303


def test_what_a_page_knows_is_said_by_its_view(ledger_app: Flask) -> None:
    assert names_of(ledger_app.view_functions["activity.show"]) == {*activity.NAMES, "cursor"}
