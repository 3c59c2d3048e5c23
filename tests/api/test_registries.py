"""Registries over the API: list them, see what a join unites, join and separate names."""

from flask.testing import FlaskClient

from tests.api.conftest import exact
from tests.fixtures.credits import a_credit, recorded

NAMES = {"registry": "Gold Standard", "alias": "GS"}


def test_joining_names_needs_the_pairs_to_be_accepted(api: FlaskClient) -> None:
    first, second = recorded(registry="GS"), recorded(registry="Gold Standard")
    union = exact(api.get("/records/registries/union?registry=gold standard&alias=GS"))
    assert [(pair["first"]["id"], pair["second"]["id"]) for pair in union["held"]] == [(first, second)]
    assert api.post("/records/registries/join", json=NAMES).status_code == 409
    joined = api.post("/records/registries/join", json={**NAMES, "accepts_pairs": True})
    assert exact(joined) == {**NAMES, "message": "Names joined"}
    assert api.post("/records/registries/separate", json=NAMES).status_code == 409
    (own, alias) = exact(api.get("/records/registries"))["items"]
    assert (own["name"], own["aliases"], own["sums"][0]["records"]) == ("Gold Standard", ["GS"], 1)
    assert (alias["name"], alias["alias_of"], alias["display_name"]) == (
        "GS",
        "Gold Standard",
        "Gold Standard",
    )


def test_a_record_under_an_alias_is_refused_with_its_holder(api: FlaskClient) -> None:
    holder = recorded(registry="Gold Standard")
    api.post("/records/registries/join", json=NAMES)
    refused = api.post("/records", json=a_credit(registry="GS"))
    assert (refused.status_code, refused.get_json()["holder"]) == (409, holder)
