import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact, fields_of
from tests.fixtures.credits import a_credit, recorded, retired, sold
from webapp.accounts.actors import LOCAL
from webapp.ledger.commands import retire_credit

MISTAKE = {"reason": "Recorded twice"}


def test_a_cancellation_returns_the_whole_record(api: FlaskClient) -> None:
    cancellation = {"reason": "Recorded twice", "note": "See\nthe letter."}
    answer = api.post(f"/records/{recorded()}/cancel", json=cancellation)
    assert answer.status_code == 200
    assert exact(answer)["status"] == "CANCELLED"
    assert exact(answer)["events"][-1]["data"] == cancellation


def test_a_cancelled_record_is_listed_only_by_its_status(api: FlaskClient) -> None:
    record_id = recorded()
    api.post(f"/records/{record_id}/cancel", json=MISTAKE)
    assert exact(api.get("/records"))["items"] == []
    (found,) = exact(api.get("/records?status=CANCELLED"))["items"]
    assert found["id"] == record_id


def test_a_cancelled_record_frees_its_serial_number(api: FlaskClient) -> None:
    api.post(f"/records/{recorded()}/cancel", json=MISTAKE)
    assert api.post("/records", json=a_credit(vintage=2024)).status_code == 201


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": None, "note": "x"}])
def test_a_reason_is_required(api: FlaskClient, body: dict[str, object]) -> None:
    record_id = recorded()
    assert fields_of(api.post(f"/records/{record_id}/cancel", json=body)) == {"reason"}
    assert exact(api.get(f"/records/{record_id}"))["status"] == "ACTIVE"


def test_a_second_cancellation_is_409(api: FlaskClient) -> None:
    record_id = recorded()
    api.post(f"/records/{record_id}/cancel", json=MISTAKE)
    again = api.post(f"/records/{record_id}/cancel", json=MISTAKE)
    assert again.status_code == 409
    assert exact(again)["record_status"] == "CANCELLED"


def test_a_sold_record_cannot_be_cancelled(api: FlaskClient) -> None:
    answer = api.post(f"/records/{sold()}/cancel", json=MISTAKE)
    assert (answer.status_code, exact(answer)["record_status"]) == (409, "SOLD")


def test_a_retired_record_cannot_be_cancelled(api: FlaskClient) -> None:
    answer = api.post(f"/records/{retired()}/cancel", json=MISTAKE)
    assert (answer.status_code, exact(answer)["record_status"]) == (409, "RETIRED")


def test_a_lot_is_cancelled_by_itself(api: FlaskClient) -> None:
    acted = retire_credit(recorded(), {"quantity": "25"}, LOCAL)
    answer = api.post(f"/records/{acted.rest_id}/cancel", json=MISTAKE)
    assert (answer.status_code, exact(answer)["status"]) == (200, "CANCELLED")
    assert exact(api.get(f"/records/{acted.credit_id}"))["status"] == "RETIRED"


def test_the_409_of_cancelling_a_split_record_lists_lots_that_can_be_cancelled(api: FlaskClient) -> None:
    record_id = recorded()
    retire_credit(record_id, {"quantity": "25"}, LOCAL)
    lots = exact(api.post(f"/records/{record_id}/cancel", json=MISTAKE))["lots"]
    (address,) = [lot["url"] for lot in lots if lot["status"] == "ACTIVE"]
    assert api.post(f"{address}/cancel", json=MISTAKE).status_code == 200


@pytest.mark.parametrize("act", ["sell", "retire"])
def test_nothing_follows_a_cancellation(api: FlaskClient, act: str) -> None:
    record_id = recorded()
    api.post(f"/records/{record_id}/cancel", json=MISTAKE)
    answer = api.post(f"/records/{record_id}/{act}", json={"quantity": 25})
    assert (answer.status_code, exact(answer)["record_status"]) == (409, "CANCELLED")


@pytest.mark.parametrize("record_id", ["0" * 64, "x", "%00"])
def test_an_unknown_record_cannot_be_cancelled(empty_api: FlaskClient, record_id: str) -> None:
    assert empty_api.post(f"/records/{record_id}/cancel", json=MISTAKE).status_code == 404
