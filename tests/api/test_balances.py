"""Balances, movements and lists as of a day over the API."""

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact
from tests.fixtures.credits import recorded_with_facts
from webapp.accounts.actors import LOCAL
from webapp.ledger import commands


@pytest.fixture
def retired(api: FlaskClient) -> str:
    """Return a credit of 2023 of which a part was sold, and a part retired in 2024."""
    del api
    credit = recorded_with_facts({"acquired_on": "2023-05-01"}, serial_number=None, quantity="10")
    sold = commands.sell_credit(
        credit, {"quantity": "4", "buyer": "Acme", "occurred_on": "2024-02-01"}, LOCAL
    )
    rest = str(sold.rest_id)
    return commands.retire_credit(rest, {"beneficiary": "Zoë", "occurred_on": "2024-03-01"}, LOCAL).credit_id


@pytest.mark.usefixtures("retired")
def test_balances_are_those_of_the_day(api: FlaskClient) -> None:
    before = exact(api.get("/balances?as_of=2023-12-31&by=status,vintage"))
    assert [(i["status"], i["vintage"], i["tonnes"]) for i in before["items"]] == [("ACTIVE", 2023, 10)]
    after = exact(api.get("/balances?as_of=2024-12-31&by=status"))
    assert {i["status"]: i["tonnes"] for i in after["items"]} == {"SOLD": 4, "RETIRED": 6}


@pytest.mark.usefixtures("retired")
@pytest.mark.parametrize("days", [("happened_from", "happened_to"), ("from", "to")])
def test_movements_are_by_the_day_on_which_they_happened(api: FlaskClient, days: tuple[str, str]) -> None:
    first, last = days
    moved = exact(api.get(f"/movements?by=event_type,party,month&{first}=2024-01-01&{last}=2024-12-31"))
    assert [(i["event_type"], i["party"], i["month"], i["tonnes"]) for i in moved["items"]] == [
        ("RETIRED", "zoë", "2024-03", 6),
        ("SOLD", "acme", "2024-02", 4),
    ]


def test_the_address_of_an_answer_gives_it_again_after_later_acts(api: FlaskClient, retired: str) -> None:
    for path in ("/balances?as_of=2025-01-01", "/movements?by=party", "/standings?limit=1"):
        first = api.get(path)
        commands.amend_credit(retired, {"amends": "2", "beneficiary": f"Not {path[1:5]}"}, LOCAL)
        assert api.get(exact(first)["cut"]["url"]).data == first.data


def test_a_list_as_of_a_day_is_read_page_by_page(api: FlaskClient, retired: str) -> None:
    first = exact(api.get("/standings?as_of=2024-12-31&limit=1"))
    second = exact(api.get(first["next"]))
    assert second["next"] is None
    states = {each["id"]: (each["status"], each["party"]) for each in [*first["items"], *second["items"]]}
    assert (states[retired], len(states)) == (("RETIRED", "Zoë"), 2)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/balances?by=colour", "by"),
        ("/movements?by=day,year", "by"),
        ("/movements?from=soon", "from"),
        ("/movements?happened_to=soon", "happened_to"),
        ("/records/parties/named?name=Acme&before=soon", "before"),
        ("/standings?known_at=2999-01-01", "known_at"),
    ],
)
def test_what_cannot_be_used_is_named(api: FlaskClient, path: str, field: str) -> None:
    refused = api.get(path)
    assert refused.status_code == 422
    assert [problem["field"] for problem in refused.get_json()["errors"]] == [field]
