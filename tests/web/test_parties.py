"""The pages of parties: figures, acts, spellings that are joined, and pairs that are proposed."""

import csv
import io
import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.fixtures.credits import recorded, recorded_with_facts, retired
from tests.fixtures.forms import submit
from tests.fixtures.statement_counts import counted
from tests.web.pages import HOSTILE, dangers, links, words
from webapp.accounts import statement_links
from webapp.accounts.actors import LOCAL
from webapp.ledger import queries
from webapp.ledger.commands import retire_credit, sell_credit
from webapp.ledger.storage.engine import reading

AG, DOTTED = "Hilltop Tools AG", "HILLTOP TOOLS A.G."
PARTY = "/parties/named?name=hilltop+tools+ag"


def two_spellings() -> None:
    retire_credit(recorded_with_facts(), {"quantity": "30", "beneficiary": AG}, LOCAL)
    sell_credit(recorded(serial_number="2", registry="GS", quantity="40"), {"buyer": DOTTED}, LOCAL)


def test_a_person_finds_a_likely_pair_joins_it_and_undoes_that(client: FlaskClient) -> None:
    two_spellings()
    pairs = client.get(links(client.get("/parties"))["Likely the same"])
    page = client.get(links(pairs)[AG])
    joined = submit(client, page, "/parties/join", name=DOTTED)
    assert joined.status_code == 303
    page = client.get(joined.location)
    assert "Retired for it 30 t" in words(page)
    assert "Sold to it 40 t" in words(page)
    assert "No likely pairs" in words(client.get("/parties/pairs"))
    submit(client, page, "/parties/separate")
    assert "Sold to it 0 t" in words(client.get(PARTY))


def test_a_dismissed_pair_can_be_proposed_again(client: FlaskClient) -> None:
    two_spellings()
    submit(client, client.get("/parties/pairs"), "/parties/pairs/dismiss")
    page = client.get("/parties/pairs")
    assert "No likely pairs" in words(page)
    submit(client, page, "/parties/pairs/propose")
    assert "No likely pairs" not in words(client.get("/parties/pairs"))


def test_a_name_that_cannot_be_joined_is_refused_with_the_reason(client: FlaskClient) -> None:
    two_spellings()
    refused = submit(client, client.get(PARTY), "/parties/join", name="Nobody")
    assert "No sale or retirement names Nobody." in words(client.get(refused.location))


def test_an_act_of_a_party_leads_to_its_page_its_statement_and_the_project(client: FlaskClient) -> None:
    two_spellings()
    found = links(client.get(PARTY))
    assert client.get(found["Retired"], follow_redirects=True).status_code == 200
    assert client.get(found["Statement"], follow_redirects=True).status_code == 200
    project = client.get(found["Mangrove Restoration Project"])
    assert "VCS 1340" in words(project)
    assert links(project)[AG].startswith("/parties/named?name=Hilltop")


def test_a_permanent_address_shows_the_same_later(client: FlaskClient) -> None:
    two_spellings()
    address = links(client.get(PARTY))["Permanent address"]
    before = words(client.get(address))
    retire_credit(recorded(serial_number="3"), {"beneficiary": AG, "occurred_on": "2024-01-02"}, LOCAL)
    assert words(client.get(address)) == before
    assert "130 t" in words(client.get(PARTY))
    assert "100 t" in words(client.get(f"{PARTY}&as_of=2024-12-31"))


def test_parties_are_searched_and_listed_by_tonnes(client: FlaskClient) -> None:
    two_spellings()
    page = words(client.get("/parties"))
    assert page.index(DOTTED) < page.index(AG)
    assert AG not in words(client.get("/parties?q=a.g."))
    assert "No party has this name" in words(client.get("/parties?q=nobody"))


def test_an_unknown_party_and_a_wrong_day_are_answered_with_the_reason(client: FlaskClient) -> None:
    assert client.get("/parties/named?name=Nobody").status_code == 404
    assert client.get("/parties?as_of=never").status_code == 422
    assert client.get("/parties?page=0").status_code == 422
    two_spellings()
    assert client.get(f"{PARTY}&before=never").status_code == 422


def test_hostile_names_are_inert(client: FlaskClient) -> None:
    for text in HOSTILE:
        retire_credit(recorded(serial_number=text, project_name=text), {"beneficiary": text[:300]}, LOCAL)
    for address in ("/parties", "/parties/pairs", "/projects"):
        page = client.get(address)
        assert list(dangers(page)) == []
        for href in links(page).values():
            if "/named?" in href:
                assert list(dangers(client.get(href))) == []


def test_a_name_of_a_project_leads_to_its_id_where_there_is_one(client: FlaskClient) -> None:
    two_spellings()
    named = "/projects/named?registry=vcs&name=mangrove+restoration+project"
    assert client.get(named).location == "/projects/named?registry=VCS&id=VCS+1340"
    recorded(serial_number="3", vintage="2020")
    assert "Also recorded with a project ID" in words(client.get(named))
    assert client.get("/projects/named?registry=vcs&id=x").status_code == 404
    assert client.get("/projects/named?registry=gs&name=x").status_code == 404


@pytest.mark.parametrize("address", [PARTY, "/projects/named?registry=vcs&id=vcs+1340"])
def test_a_page_of_a_party_or_project_reads_its_own_rows_alone(client: FlaskClient, address: str) -> None:
    two_spellings()
    client.get(address)
    with counted() as seen:
        assert client.get(address).status_code == 200
    read = [statement for statement in seen if statement.startswith(("SELECT", "WITH"))]
    assert len(read) > 10
    with reading() as connection:
        driver: Any = connection.connection.driver_connection
        plans = [
            row[3]
            for statement in read
            for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", [None] * statement.count("?"))
        ]
    large = r"SCAN (standings|day_sums|standing_cells|credit_states|credits|events|feed)\b"
    assert [line for line in plans if re.match(large, line)] == []


def test_names_lead_to_their_pages_except_in_a_shared_statement(client: FlaskClient) -> None:
    two_spellings()
    record = recorded(serial_number="9", quantity="7")
    retire_credit(record, {"beneficiary": AG}, LOCAL)
    act = queries.record(record).last_counting.position
    made = statement_links.create(act, LOCAL)
    assert made
    for address in (
        f"/credits/{record}",
        f"/acts/{act}",
        f"/acts/{act}/statement",
        "/credits?status=RETIRED",
    ):
        assert links(client.get(address))[AG] == "/parties/named?name=Hilltop%20Tools%20AG"
    assert "Mangrove Restoration Project" in links(client.get(f"/credits/{record}"))
    assert all("/named" not in href for href in links(client.get(f"/shared/{made.secret}")).values())


def test_parties_and_projects_are_downloaded_as_they_were(client: FlaskClient) -> None:
    two_spellings()
    answer = client.get("/parties.json?q=hilltop&as_of=2025-01-01", buffered=True)
    assert (answer.json, "as-of-2025-01-01-known-" in answer.headers["Content-Disposition"]) == ([], True)
    with client.get(links(client.get("/parties"))["Download CSV"], buffered=True) as file:
        rows = list(csv.DictReader(io.StringIO(file.get_data(as_text=True).removeprefix("\ufeff"))))
    assert [(row["name"], row["retired_tonnes"], row["sold_tonnes"]) for row in rows] == [
        (DOTTED, "0", "40"),
        (AG, "30", "0"),
    ]
    projects = json.loads(client.get("/projects.json", buffered=True).text)
    assert [(row["project_id"], row["active_tonnes"], row["sold_tonnes"]) for row in projects] == [
        ("VCS 1340", 70, 0),
        (None, 0, 40),
    ]


def test_the_day_is_kept_from_page_to_page(client: FlaskClient) -> None:
    retired(serial_number="DAY-1")
    day = "as_of=2999-12-31"
    listed = client.get(f"/parties?{day}")
    assert "Parties as of 31 Dec 2999" in words(listed)
    party = links(listed)["Acme Airlines"]
    assert party.endswith(day)
    project = links(client.get(party))["Mangrove Restoration Project"]
    assert project.endswith(day)
    assert links(client.get(project))["Its credits then"].startswith("/credits/as-of?")
    assert client.get(links(client.get(project))["Its credits then"]).status_code == 200
