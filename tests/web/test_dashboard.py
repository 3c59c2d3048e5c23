"""The dashboard: exact totals, the latest events, and the first steps of an empty ledger."""

import json
import shutil

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.credits import recorded, recorded_with_facts, retired, sold
from tests.fixtures.forms import forms_of, parse, submit
from tests.fixtures.ledger import log_keys_of
from tests.fixtures.principals import signed_in
from tests.fixtures.users import a_user, an_administrator
from tests.web.conftest import both_databases
from tests.web.pages import HOSTILE, dangers, links, part, table, words
from webapp.accounts.actors import LOCAL
from webapp.accounts.roles import Role
from webapp.config import ROOT
from webapp.domain.lifecycle import EventType
from webapp.ledger import commands, registries, summaries
from webapp.ledger.act_selection import Portion
from webapp.ledger.acts_on_many import ActRequest, plan_act, record_act
from webapp.ledger.transparency import signing
from webapp.web import dashboard

pytestmark = both_databases


MATRIX = "Active tonnes by registry and vintage"


def cards(client: FlaskClient, address: str = "/") -> list[str]:
    page = parse(client.get(address).text)
    return [words(found) for found in page.find_all("div") if "stat" in found["class"].split()]


def test_what_is_available_comes_first_and_no_figure_adds_what_is_gone(client: FlaskClient) -> None:
    recorded(quantity="1000000.0001")
    sold(quantity="2765.37", serial_number="VCS-0002")
    retired(quantity="0.1", serial_number="VCS-0003")
    retired(quantity="0.2", serial_number="VCS-0004")
    assert cards(client) == [
        "Active 1,000,000.0001 t 1 credit",
        "Sold 2,765.37 t 1 credit",
        "Retired 0.3 t 2 credits",
    ]


def test_the_matrix_has_active_tonnes_by_registry_and_vintage(client: FlaskClient) -> None:
    recorded(registry="VCS", vintage="2020", quantity="10")
    recorded(registry="vcs", vintage="2021", quantity="20", serial_number="VCS-0002")
    retired(registry="VCS", vintage="2021", quantity="5", serial_number="VCS-0003")
    recorded(registry="GS", vintage="2021", quantity="1", serial_number="GS-1")
    assert table(client.get("/"), MATRIX) == [
        ["Verra (VCS)", "30", "20", "10"],
        ["Gold Standard", "1", "1", "·"],
    ]


def test_names_of_one_registry_that_nobody_joined_are_told_apart(client: FlaskClient) -> None:
    recorded(registry="VCS", quantity="2")
    recorded(registry="Verra", quantity="1", serial_number="VCS-0002")
    assert [row[0] for row in table(client.get("/"), MATRIX)] == ["Verra (VCS) · VCS", "Verra (VCS) · Verra"]


def test_joined_names_of_a_registry_are_one_row(client: FlaskClient) -> None:
    recorded(registry="VCS", quantity="2")
    recorded(registry="Verra", quantity="1", serial_number="VCS-0002")
    registries.join_names({"registry": "VCS", "alias": "Verra"}, LOCAL)
    assert table(client.get("/"), MATRIX) == [["Verra (VCS)", "3", "3"]]


def test_each_cell_of_the_matrix_leads_to_its_credits(client: FlaskClient) -> None:
    for number in range(14):  # more vintages than columns
        vintage = str(2010 + number)
        recorded(registry="A&B =1", vintage=vintage, project_name=f"In {vintage}", serial_number=vintage)
    recorded(registry="Other", vintage="2014", project_name="Unwanted", serial_number="other")
    row = next(row for row in part(client.get("/"), "by-registry-table").find_all("tr") if "A&B" in row.text)
    addresses = [link["href"] for link in row.find_all("a")]
    assert len(addresses) == 1 + 10
    assert "In 2023" in client.get(addresses[1]).text
    assert "In 2022" not in client.get(addresses[1]).text
    last_range = client.get(addresses[7]).text
    assert [year for year in range(2010, 2024) if f"In {year}" in last_range] == [2016, 2017]


def test_many_registries_are_added_up_after_the_largest(client: FlaskClient) -> None:
    for number in range(12):
        recorded(registry=f"Registry {number:02}", quantity=str(100 - number), serial_number=str(number))
    rows = table(client.get("/"), MATRIX)
    assert [row[0] for row in rows] == [*(f"Registry {number:02}" for number in range(7)), "5 others"]
    assert rows[-1][1] == str(sum(range(89, 94)))


def test_retired_and_sold_tonnes_are_by_the_day_on_which_it_happened(client: FlaskClient) -> None:
    first, second = recorded(quantity="7"), recorded(quantity="9", serial_number="VCS-0002")
    commands.retire_credit(first, {"beneficiary": "Acme", "occurred_on": "2021-05-03"}, LOCAL)
    commands.sell_credit(second, {"buyer": "Acme", "occurred_on": "2023-01-31"}, LOCAL)
    assert table(client.get("/"), "Retired and sold by year") == [["2023", "·", "9"], ["2021", "7", "·"]]
    with_links = part(client.get("/"), "moved-table")
    assert f"/credits/{first}" in client.get(links(with_links)["7"]).text
    months = client.get("/?by=month&as_of=2023-02-01")
    assert table(months, "Retired and sold by month") == [["Jan 2023", "·", "9"], ["May 2021", "7", "·"]]


def test_acts_before_the_months_of_the_chart_are_added_up(client: FlaskClient) -> None:
    credit_id = recorded(quantity="7")
    commands.retire_credit(credit_id, {"beneficiary": "Acme", "occurred_on": "2019-05-03"}, LOCAL)
    assert table(client.get("/?by=month"), "Retired and sold by month") == [["Before", "7", "·"]]


def test_the_largest_projects_and_beneficiaries_lead_to_their_credits(client: FlaskClient) -> None:
    for number in range(10):
        recorded(project_name=f"Wind & Sun {number}", quantity=str(50 - number), serial_number=str(number))
    retired(quantity="5", serial_number="R")
    page = client.get("/")
    projects = table(page, "Largest projects by active tonnes")
    assert projects[0] == ["Wind & Sun 0 Verra (VCS)", "50"]
    assert projects[8:] == [["2 others", "83"]]
    assert table(page, "Retired for") == [["Acme Airlines", "5"]]
    found = client.get(links(page)["Wind & Sun 0"]).text
    assert '<h1 class="page-heading"><bdi>Wind &amp; Sun 0</bdi></h1>' in found
    assert "Acme Airlines" in client.get(links(page)["Acme Airlines"]).text
    then = client.get("/?as_of=2030-01-01")
    assert "as_of=2030-01-01" in links(then)["Wind & Sun 0"]
    assert client.get(links(then)["Wind & Sun 0"]).status_code == 200


def test_what_is_recorded_after_the_dashboard_was_shown_is_on_it_at_once(client: FlaskClient) -> None:
    retired(quantity="5")
    assert table(client.get("/"), "Retired for") == [["Acme Airlines", "5"]]
    retired(quantity="7", serial_number="VCS-0002")
    assert table(client.get("/"), "Retired for") == [["Acme Airlines", "12"]]


def test_an_act_on_many_credits_is_one_row(client: FlaskClient) -> None:
    portions = [Portion(recorded(serial_number=str(number))) for number in range(3)]
    retire = ActRequest(EventType.RETIRED, portions, {"beneficiary": "Hilltop"})
    record_act(plan_act(retire), LOCAL)
    latest = words(part(client.get("/"), "latest-acts"))
    assert latest.count("Retired for Hilltop") == 1
    assert "3 credits 300 t" in latest


def test_the_latest_acts_lead_to_their_credits(client: FlaskClient) -> None:
    credit_id = retired(project_name="Wind Farm")
    latest = part(client.get("/"), "latest-acts")
    assert "Retired for Acme Airlines" in words(latest)
    assert links(latest)["Wind Farm"] == f"/credits/{credit_id}"
    assert links(client.get("/"))["2 events · Integrity"] == "/integrity"


def test_the_dashboard_as_of_a_day_shows_what_was_then_and_has_an_address_for_ever(
    client: FlaskClient,
) -> None:
    credit_id = recorded_with_facts({"acquired_on": "2023-05-01"}, quantity="10")
    commands.retire_credit(credit_id, {"beneficiary": "Zoë", "occurred_on": "2024-03-01"}, LOCAL)
    form = client.get("/")
    page = submit(client, form, "/", fields={"as_of": "2023-12-31"})
    assert "Active 10 t 1 credit" in words(page)
    assert "Zoë" not in page.text
    later = client.get("/?as_of=2024-12-31")
    address = links(later)["Permanent address"]
    before = client.get(address).text
    other = recorded_with_facts({"acquired_on": "2023-06-01"}, quantity="3", serial_number="B")
    assert client.get(address).text == before
    assert "Active 3 t 1 credit" in cards(client, "/?as_of=2024-12-31")
    assert f"/credits/{other}" in client.get(links(client.get("/?as_of=2024-12-31"))["3"]).text


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("as_of=yesterday", "Must be a day such as 2026-12-31."),
        ("known_at=2999-01-01", "Must not lie in the future"),
        ("by=week", "Must be month or year."),
    ],
)
def test_a_bad_cut_is_a_message_beside_the_form(client: FlaskClient, query: str, message: str) -> None:
    recorded()
    page = client.get(f"/?{query}")
    assert page.status_code == 422
    assert message in words(page)


def test_the_present_sums_are_there_while_the_history_by_day_is_prepared(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(quantity="7")
    monkeypatch.setattr(dashboard, "WAIT_S", -1)
    page = client.get("/")
    assert "The history by day is being prepared: 0 % so far." in words(page)
    assert table(page, MATRIX) == [["Verra (VCS)", "7", "7"]]


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
    assert [form.action for form in forms_of(client.get("/"))] == ["/"]


def test_hostile_text_is_inert_on_the_dashboard(client: FlaskClient) -> None:
    for text in HOSTILE:
        recorded(project_name=text, registry=text)
    page = client.get("/")
    assert [text for text in HOSTILE if text not in words(page)] == []
    assert list(dangers(page)) == []


def test_who_can_act_on_it_is_told_that_the_log_is_not_signed(
    ledger_app: Flask, client: FlaskClient, database_url: str, quick_passwords: None
) -> None:
    del quick_passwords
    recorded()
    signing.sign()
    line = "This host does not sign the log now; recording goes on. Integrity says why."
    assert line not in words(client.get("/"))
    shutil.rmtree(log_keys_of(database_url))
    assert line in words(client.get("/"))
    an_administrator("Ada")
    a_user("Oona", Role.OPERATOR)
    assert line in words(signed_in(ledger_app, "Ada").get("/"))
    assert line not in words(signed_in(ledger_app, "Oona").get("/"))
