"""Dates that cannot be right are recorded, and the answer warns about them."""

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact
from tests.fixtures.credits import recorded
from webapp.accounts.actors import LOCAL
from webapp.ledger.commands import amend_credit, sell_credit

EARLY = "The {} 2022-12-31 is before 2023-01-01, when the vintage 2023 begins."


@pytest.mark.parametrize("part", [{}, {"quantity": 40}], ids=["whole", "part"])
@pytest.mark.parametrize(("act", "name"), [("sell", "trade date"), ("retire", "retirement date")])
def test_a_date_before_the_vintage_is_warned_about(
    api: FlaskClient, act: str, name: str, part: dict[str, object]
) -> None:
    answer = api.post(f"/records/{recorded()}/{act}", json={"occurred_on": "2022-12-31", **part})
    assert answer.status_code == 200
    assert exact(answer)["warnings"] == [EARLY.format(name)]


@pytest.mark.parametrize("part", [{}, {"quantity": 40}], ids=["whole", "part"])
def test_a_retirement_before_the_sale_is_warned_about(api: FlaskClient, part: dict[str, object]) -> None:
    credit_id = recorded()
    sell_credit(credit_id, {"occurred_on": "2026-03-01"}, LOCAL)
    answer = api.post(f"/records/{credit_id}/retire", json={"occurred_on": "2026-02-28", **part})
    assert exact(answer)["status"] == "RETIRED"
    assert exact(answer)["warnings"] == [
        "The retirement date 2026-02-28 is before 2026-03-01, when the credit was sold."
    ]


def test_the_day_of_the_sale_is_the_amended_one(api: FlaskClient) -> None:
    credit_id = recorded()
    sell_credit(credit_id, {"occurred_on": "2026-03-01"}, LOCAL)
    amend_credit(credit_id, {"amends": 2, "occurred_on": "2026-02-01"}, LOCAL)
    answer = api.post(f"/records/{credit_id}/retire", json={"occurred_on": "2026-02-28"})
    assert exact(answer)["warnings"] == []


def test_a_replay_warns_as_the_first_answer_did(api: FlaskClient) -> None:
    address, key = f"/records/{recorded()}/retire", {"Idempotency-Key": "k"}
    answers = [api.post(address, json={"occurred_on": "2022-12-31"}, headers=key) for _ in range(2)]
    assert [exact(answer)["warnings"] for answer in answers] == [[EARLY.format("retirement date")]] * 2


@pytest.mark.parametrize("act", ["sell", "retire"])
def test_a_date_that_can_be_right_is_not_warned_about(api: FlaskClient, act: str) -> None:
    answer = api.post(f"/records/{recorded()}/{act}", json={"occurred_on": "2023-01-01"})
    assert exact(answer)["warnings"] == []
