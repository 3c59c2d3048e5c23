import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact, fields_of
from tests.fixtures.credits import recorded_with_facts, retired, sold
from webapp.ledger import clock


def amend(api: FlaskClient, record_id: str, **values: object) -> None:
    assert api.post(f"/records/{record_id}/amend", json=values).status_code == 200


def test_an_amended_record_has_the_present_words_beside_the_recorded_ones(api: FlaskClient) -> None:
    record_id = retired()
    answer = api.post(
        f"/records/{record_id}/amend", json={"amends": 2, "beneficiary": "Acme Airways", "why": "Typo"}
    )
    record = exact(answer)
    assert record == {**exact(api.get(f"/records/{record_id}")), "message": "Record amended"}
    assert record["events"][1]["data"]["beneficiary"] == "Acme Airlines"
    assert record["events"][2]["data"] == {"amends": 2, "beneficiary": "Acme Airways", "why": "Typo"}
    (amended,) = record["amended"]
    assert (amended["seq"], amended["data"]["beneficiary"]) == (2, "Acme Airways")


def test_a_record_without_amendments_has_no_such_member(api: FlaskClient) -> None:
    assert "amended" not in exact(api.get(f"/records/{retired()}"))


def test_facts_are_amended_and_an_empty_text_removes_a_word(api: FlaskClient) -> None:
    record_id = recorded_with_facts()
    amend(api, record_id, amends=1, facts={"country": "", "developer": "B"})
    assert exact(api.get(f"/records/{record_id}"))["facts"] == {"project_id": "VCS 1340", "developer": "B"}


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"beneficiary": "Acme"}, {"amends"}),
        ({"amends": 2}, {""}),
        ({"amends": 2, "buyer": "Acme", "quantity": 5}, {"buyer", "quantity"}),
        (
            {"amends": 2, "beneficiary": "x" * 301, "occurred_on": "2999-01-01"},
            {"beneficiary", "occurred_on"},
        ),
        ({"amends": 2, "facts": {"colour": "red"}}, {"facts.colour"}),
    ],
)
def test_the_bounds_of_an_amendment_are_those_of_entry(
    api: FlaskClient, values: dict[str, object], fields: set[str]
) -> None:
    answer = api.post(f"/records/{retired()}/amend", json=values)
    assert answer.status_code == 422
    assert fields_of(answer) == fields


def test_a_sale_is_reversed_and_recorded_again(api: FlaskClient) -> None:
    record_id = sold()
    answer = api.post(f"/records/{record_id}/reverse-sale", json={"reason": "The buyer withdrew"})
    assert answer.status_code == 200
    assert (exact(answer)["status"], exact(answer)["rest"]) == ("ACTIVE", None)
    today = clock.now().date().isoformat()
    assert exact(answer)["events"][-1]["data"] == {"reason": "The buyer withdrew", "occurred_on": today}
    assert exact(api.post(f"/records/{record_id}/sell", json={}))["status"] == "SOLD"


def test_a_part_of_a_sale_is_reversed_and_the_rest_stays_sold(api: FlaskClient) -> None:
    answer = api.post(f"/records/{sold()}/reverse-sale", json={"quantity": 40, "reason": "Too many"})
    acted, rest = exact(answer), exact(answer)["rest"]
    assert (acted["quantity"], acted["status"], rest["quantity"], rest["status"]) == (
        40,
        "ACTIVE",
        60,
        "SOLD",
    )


@pytest.mark.parametrize(("record", "status"), [(retired, "RETIRED"), (recorded_with_facts, "ACTIVE")])
def test_only_the_sale_of_a_sold_record_can_be_reversed(
    api: FlaskClient, record: object, status: str
) -> None:
    assert callable(record)
    answer = api.post(f"/records/{record()}/reverse-sale", json={"reason": "Typo"})
    assert answer.status_code == 409
    assert exact(answer)["record_status"] == status


def test_a_reversal_states_its_reason(api: FlaskClient) -> None:
    answer = api.post(f"/records/{sold()}/reverse-sale", json={})
    assert (answer.status_code, fields_of(answer)) == (422, {"reason"})
