"""Parties and projects over the API: read their figures, join and separate names."""

from decimal import Decimal

from flask.testing import FlaskClient

from tests.api.conftest import exact
from tests.fixtures.credits import recorded, recorded_with_facts
from webapp.accounts.actors import LOCAL
from webapp.ledger.commands import retire_credit, sell_credit

NAMES = {"party": "Hilltop Tools AG", "name": "HILLTOP TOOLS A.G."}
PARTY = "/records/parties/named?name=hilltop+tools+ag"


def two_spellings() -> None:
    retire_credit(recorded_with_facts(), {"quantity": "30", "beneficiary": NAMES["party"]}, LOCAL)
    sell_credit(recorded(serial_number="2", registry="GS", quantity="40"), {"buyer": NAMES["name"]}, LOCAL)


def test_joined_names_are_one_party_and_an_answer_keeps_its_address(api: FlaskClient) -> None:
    two_spellings()
    assert len(exact(api.get("/records/parties/pairs"))["items"]) == 1
    alone = exact(api.get(PARTY))
    assert exact(api.post("/records/parties/join", json=NAMES)) == {**NAMES, "message": "Names joined"}
    both = exact(api.get(PARTY))
    assert [name["name"] for name in both["aliases"]] == [NAMES["name"]]
    assert (both["flow"]["retired"]["tonnes"], both["flow"]["sold"]["tonnes"]) == (30, 40)
    assert [row["project"]["project_id"] for row in both["projects"]] == [None, "VCS 1340"]
    assert [act["event_type"] for act in both["acts"]] == ["SOLD", "RETIRED"]
    assert exact(api.get(alone["cut"]["url"])) == alone
    assert exact(api.post("/records/parties/separate", json=NAMES))["message"] == "Names separated"
    assert exact(api.get(PARTY))["aliases"] == []
    assert api.post("/records/parties/separate", json=NAMES).status_code == 422


def test_parties_and_projects_are_listed_in_pages(api: FlaskClient) -> None:
    two_spellings()
    for path in ("/records/parties", "/records/projects"):
        whole = exact(api.get(path))["items"]
        first = exact(api.get(f"{path}?limit=1"))
        second = exact(api.get(first["next"]))
        assert [*first["items"], *second["items"]] == whole
        assert second["next"] is None
    assert exact(api.get("/records/parties?q=nobody"))["items"] == []


def test_a_project_has_its_tonnes_by_vintage_and_status(api: FlaskClient) -> None:
    two_spellings()
    found = exact(api.get("/records/projects/named?registry=vcs&project_id=vcs+1340"))
    assert found["vintages"] == [{"vintage": 2023, "sums": found["sums"]}]
    assert {each["status"]: each["tonnes"] for each in found["sums"]} == {
        "ACTIVE": Decimal(70),
        "RETIRED": Decimal(30),
    }
    assert found["facts"] == [{"name": "country", "values": ["Kenya"]}]
    assert api.get("/records/projects/named?registry=vcs&project_id=x").status_code == 404
    assert api.get("/records/parties/named?name=x").status_code == 404
