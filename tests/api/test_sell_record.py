from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact, fields_of
from tests.fixtures.credits import recorded, retired, sold
from webapp.ledger import clock


def test_a_sale_returns_the_whole_record(api: FlaskClient) -> None:
    sale = {"buyer": "Acme", "occurred_on": "2026-01-31", "reference": "C-1", "note": "a\nb"}
    answer = api.post(f"/records/{recorded()}/sell", json=sale)
    assert answer.status_code == 200
    assert exact(answer)["status"] == "SOLD"
    assert exact(answer)["events"][-1]["data"] == sale


@pytest.mark.parametrize("content_type", [None, "application/x-www-form-urlencoded", "application/json"])
def test_the_body_may_be_missing(api: FlaskClient, content_type: str | None) -> None:
    answer = api.post(f"/records/{recorded()}/sell", content_type=content_type)
    assert answer.status_code == 200
    assert exact(answer)["events"][-1]["data"] == {"occurred_on": clock.now().date().isoformat()}


def test_fields_may_be_null(api: FlaskClient) -> None:
    answer = api.post(f"/records/{recorded()}/sell", json={"buyer": None, "note": ""})
    assert set(exact(answer)["events"][-1]["data"]) == {"occurred_on"}


def test_a_second_sale_is_409_with_the_time_of_the_first(api: FlaskClient) -> None:
    record_id = sold()
    answer = api.post(f"/records/{record_id}/sell")
    assert answer.status_code == 409
    problem = exact(answer)
    record = exact(api.get(problem["record_url"]))
    assert problem["record_status"] == "SOLD"
    assert problem["since"] == record["events"][-1]["recorded_at"]
    assert len(record["events"]) == 2


def test_a_retired_record_cannot_be_sold(api: FlaskClient) -> None:
    answer = api.post(f"/records/{retired()}/sell")
    assert answer.status_code == 409
    assert exact(answer)["record_status"] == "RETIRED"


@pytest.mark.parametrize("record_id", ["0" * 64, "x", "%00"])
def test_an_unknown_record_cannot_be_sold(empty_api: FlaskClient, record_id: str) -> None:
    assert empty_api.post(f"/records/{record_id}/sell").status_code == 404


def test_every_invalid_field_of_a_sale_is_named(api: FlaskClient) -> None:
    future = (clock.latest_day() + timedelta(days=1)).isoformat()
    sale = {"buyer": "a" * 301, "occurred_on": future, "note": "\0", "beneficiary": "x"}
    answer = api.post(f"/records/{recorded()}/sell", json=sale)
    assert fields_of(answer) == {"buyer", "occurred_on", "note", "beneficiary"}


def test_a_part_is_sold_and_the_rest_stays(api: FlaskClient) -> None:
    whole = recorded()
    answer = api.post(f"/records/{whole}/sell", json={"quantity": 25, "buyer": "Acme"})
    assert answer.status_code == 200
    lot = exact(answer)
    assert (lot["parent"], lot["offset"], lot["quantity"], lot["status"]) == (whole, 0, 25, "SOLD")
    assert lot["serial_number"] == "VCS-0001, 1–25 of 100"  # noqa: RUF001
    rest = lot["rest"]
    assert (rest["quantity"], rest["status"]) == (75, "ACTIVE")
    assert exact(api.get(rest["url"]))["offset"] == 25
    assert exact(api.get(f"/records/{whole}"))["status"] == "SPLIT"


def test_the_event_of_a_part_is_on_the_whole_lot(api: FlaskClient) -> None:
    sale = {"quantity": "0.5", "buyer": "Acme", "occurred_on": "2026-01-31"}
    lot = exact(api.post(f"/records/{recorded()}/sell", json=sale))
    assert lot["events"][-1]["data"] == {"buyer": "Acme", "occurred_on": "2026-01-31"}


@pytest.mark.parametrize("quantity", [100, "100.0000", None, ""])
def test_the_whole_is_sold_without_a_split(api: FlaskClient, quantity: object) -> None:
    record_id = recorded()
    answer = exact(api.post(f"/records/{record_id}/sell", json={"quantity": quantity}))
    assert (answer["id"], answer["status"], answer["rest"], answer["lots"]) == (record_id, "SOLD", None, [])


def test_selling_more_than_the_whole_is_refused_with_both_quantities(api: FlaskClient) -> None:
    answer = api.post(f"/records/{recorded()}/sell", json={"quantity": "100.5"})
    assert fields_of(answer) == {"quantity"}
    assert "100.5 t" in exact(answer)["detail"]
    assert "100 t" in exact(answer)["detail"]


@pytest.mark.parametrize("quantity", [0, -1, "1,5", True, [25]])
def test_an_invalid_quantity_is_refused(api: FlaskClient, quantity: object) -> None:
    record_id = recorded()
    assert fields_of(api.post(f"/records/{record_id}/sell", json={"quantity": quantity})) == {"quantity"}
    assert exact(api.get(f"/records/{record_id}"))["status"] == "ACTIVE"


def test_a_part_of_a_sold_record_cannot_be_sold_again(api: FlaskClient) -> None:
    answer = api.post(f"/records/{sold()}/sell", json={"quantity": 25})
    assert answer.status_code == 409
    assert exact(answer)["record_status"] == "SOLD"
