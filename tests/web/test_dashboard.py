"""The dashboard: exact totals, the latest events, and the first steps of an empty ledger."""

import json

import pytest
from flask.testing import FlaskClient

from tests.fixtures.credits import recorded, retired, sold
from tests.fixtures.forms import forms_of, submit
from tests.web.conftest import both_databases
from tests.web.pages import HOSTILE, dangers, links, part, table, words
from webapp.config import ROOT
from webapp.ledger import summaries

pytestmark = both_databases


def stats(client: FlaskClient) -> str:
    return words(client.get("/")).partition("By registry")[0].partition("Dashboard Total ")[2]


def test_the_sums_are_by_status_and_exact(client: FlaskClient) -> None:
    recorded(quantity="1000000.0001")
    sold(quantity="2765.37", serial_number="VCS-0002")
    retired(quantity="0.1", serial_number="VCS-0003")
    retired(quantity="0.2", serial_number="VCS-0004")
    assert stats(client).split(" credit") == [
        "1,002,765.6701 t 4",
        "s Active 1,000,000.0001 t 1",
        " Sold 2,765.37 t 1",
        " Retired 0.3 t 2",
        "s ",
    ]


def test_each_registry_stands_once_in_its_first_spelling_with_its_sums(client: FlaskClient) -> None:
    recorded(registry="VCS", quantity="10")
    retired(registry="vcs", quantity="5", serial_number="VCS-0002")
    sold(registry="GS", quantity="1", serial_number="GS-1")
    assert table(client.get("/"), "By registry") == [
        ["Gold Standard · GS", "1 credit", "1 t", "0 t", "1 t", "0 t"],
        ["Verra (VCS) · VCS", "2 credits", "15 t", "10 t", "0 t", "5 t"],
    ]


def test_vintages_are_summed_the_newest_first(client: FlaskClient) -> None:
    recorded(vintage="2019", quantity="1", serial_number="A")
    recorded(vintage="2023", quantity="2", serial_number="B")
    rows = table(client.get("/"), "By vintage")
    assert [row[:3] for row in rows] == [["2023", "1 credit", "2 t"], ["2019", "1 credit", "1 t"]]


@pytest.mark.parametrize("name", ["By registry", "By vintage"])
def test_each_name_leads_to_its_credits(client: FlaskClient, name: str) -> None:
    recorded(registry="A&B =1", vintage="2020", project_name="Wanted")
    recorded(registry="Other", vintage="2021", project_name="Unwanted")
    page = client.get("/")
    address = links(page)["A&B =1" if name == "By registry" else "2020"]
    found = words(part(client.get(address), "credits"))
    assert "Wanted" in found
    assert "Unwanted" not in found


def test_the_latest_events_lead_to_their_credits(client: FlaskClient) -> None:
    credit_id = retired(project_name="Wind Farm")
    page = client.get("/")
    assert "Retired for Acme Airlines" in words(page)
    assert links(page)["Wind Farm"] == f"/credits/{credit_id}"


def test_an_empty_ledger_offers_the_ten_samples_through_the_preview(client: FlaskClient) -> None:
    answer = submit(client, client.get("/"), "/imports/sample")
    assert answer.status_code == 303
    preview = client.get(answer.headers["Location"])
    assert "Record 10 rows" in words(preview)


def test_loading_the_samples_writes_nothing_before_the_confirmation(client: FlaskClient) -> None:
    submit(client, client.get("/"), "/imports/sample")
    assert summaries.ledger_totals().ledger.all.credits == 0


def test_the_sample_file_can_be_looked_at(client: FlaskClient) -> None:
    with client.get(links(client.get("/"))["sample-registry.json"]) as answer:
        assert answer.mimetype == "application/json"
        assert answer.json == json.loads((ROOT / "sample-registry.json").read_text())


def test_a_browser_finds_the_icon_where_it_looks_for_one(client: FlaskClient) -> None:
    assert client.get("/favicon.ico").headers["Location"] == "/static/favicon.svg"


def test_a_ledger_that_holds_something_no_longer_offers_the_samples(client: FlaskClient) -> None:
    recorded()
    assert forms_of(client.get("/")) == []


def test_hostile_text_is_inert_on_the_dashboard(client: FlaskClient) -> None:
    for text in HOSTILE:
        recorded(project_name=text, registry=text)
    page = client.get("/")
    assert [text for text in HOSTILE if text not in words(page)] == []
    assert list(dangers(page)) == []
