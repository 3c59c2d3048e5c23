import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact, fields_of
from tests.fixtures.blocks import BLOCK, a_block
from tests.fixtures.credits import recorded, retired, sold
from tests.fixtures.entries import aliased
from webapp.ledger import clock
from webapp.ledger.listing import list_events


def test_a_retirement_returns_the_whole_record(api: FlaskClient) -> None:
    retirement = {
        "beneficiary": "Acme Airlines",
        "reason": "Flights of 2025",
        "occurred_on": "2026-01-31",
        "reference": "R-1",
        "note": "two\nlines",
    }
    answer = api.post(f"/records/{recorded()}/retire", json=retirement)
    assert answer.status_code == 200
    assert exact(answer)["status"] == "RETIRED"
    assert exact(answer)["events"][-1]["data"] == retirement


def test_the_body_may_be_missing(api: FlaskClient) -> None:
    answer = api.post(f"/records/{recorded()}/retire")
    assert answer.status_code == 200
    assert exact(answer)["events"][-1]["data"] == {"occurred_on": clock.now().date().isoformat()}


def test_a_sold_record_can_be_retired(api: FlaskClient) -> None:
    answer = api.post(f"/records/{sold()}/retire", json={})
    assert [event["event_type"] for event in exact(answer)["events"]] == ["CREATED", "SOLD", "RETIRED"]


def test_a_second_retirement_is_409_and_records_nothing(api: FlaskClient) -> None:
    record_id = retired()
    answer = api.post(f"/records/{record_id}/retire", json={"beneficiary": "Another"})
    assert answer.status_code == 409
    problem = exact(answer)
    assert problem["record_status"] == "RETIRED"
    assert problem["since"] == exact(api.get(problem["record_url"]))["events"][-1]["recorded_at"]
    assert len(list_events().items) == 2


@pytest.mark.parametrize("record_id", ["0" * 64, "x", "%00"])
def test_an_unknown_record_cannot_be_retired(empty_api: FlaskClient, record_id: str) -> None:
    assert empty_api.post(f"/records/{record_id}/retire", json={}).status_code == 404


@pytest.mark.parametrize(
    "day",
    [
        "2026-02-30",
        "31.01.2026",
        "20260131",
        "2999-01-01",
        20260131,
        True,
        "2025-12-31T23:30:00-05:00",
        "31/12/2025",
        "0020-12-31",
        "0001-01-01",
        "1989-05-01",
    ],
    ids=repr,
)
def test_an_invalid_or_future_date_is_refused(api: FlaskClient, day: object) -> None:
    answer = api.post(f"/records/{recorded()}/retire", json={"occurred_on": day})
    assert fields_of(answer) == {"occurred_on"}


def test_a_misplaced_dry_run_retires_nothing(api: FlaskClient) -> None:
    record_id = recorded()
    assert fields_of(api.post(f"/records/{record_id}/retire?dry_run=1")) == {"dry_run"}
    assert exact(api.get(f"/records/{record_id}"))["status"] == "ACTIVE"


def test_a_part_is_retired_and_the_rest_stays_active(api: FlaskClient) -> None:
    whole = recorded(**a_block())
    lot = exact(api.post(f"/records/{whole}/retire", json={"quantity": 25, "beneficiary": "Acme"}))
    assert (lot["parent"], lot["offset"], lot["quantity"], lot["status"]) == (whole, 0, 25, "RETIRED")
    assert (lot["rest"]["quantity"], lot["rest"]["status"]) == (400, "ACTIVE")
    assert lot["serial_number"] == BLOCK.replace("941467431", "941467031")
    assert lot["rest"]["serial_number"] == BLOCK.replace("941467007", "941467032")


def test_the_rest_of_a_sold_record_stays_sold_to_the_same_buyer(api: FlaskClient) -> None:
    lot = exact(api.post(f"/records/{sold()}/retire", json={"quantity": 25}))
    assert [event["event_type"] for event in lot["events"]] == ["CREATED", "SOLD", "RETIRED"]
    rest = exact(api.get(lot["rest"]["url"]))
    assert rest["events"][-1]["data"]["buyer"] == "Acme Airlines"
    assert (rest["status"], rest["quantity"]) == ("SOLD", 75)


def test_a_fraction_of_a_serial_number_cannot_be_retired(api: FlaskClient) -> None:
    record_id = recorded(**a_block())
    answer = api.post(f"/records/{record_id}/retire", json={"quantity": "0.5"})
    assert answer.status_code == 422
    assert exact(api.get(f"/records/{record_id}"))["status"] == "ACTIVE"


def test_the_409_of_acting_on_a_split_record_lists_its_lots(api: FlaskClient) -> None:
    whole = recorded()
    first = exact(api.post(f"/records/{whole}/retire", json={"quantity": 25}))
    late = api.post(f"/records/{whole}/retire", json={"quantity": 25})
    assert late.status_code == 409
    problem = exact(late)
    assert problem["record_status"] == "SPLIT"
    assert problem["detail"].endswith("cannot be retired. Act on one of its lots.")
    assert [(lot["id"], lot["quantity"], lot["status"]) for lot in problem["lots"]] == [
        (first["id"], 25, "RETIRED"),
        (first["rest"]["id"], 75, "ACTIVE"),
    ]
    (rest,) = [lot for lot in problem["lots"] if lot["status"] == "ACTIVE"]
    again = api.post(f"{rest['url']}/retire", json={"quantity": 25})
    assert exact(again)["rest"]["quantity"] == 50


def test_sold_tonnes_for_another_than_the_buyer_are_a_warning(api: FlaskClient) -> None:
    answer = api.post(f"/records/{sold()}/retire", json={"beneficiary": "Beta"})
    assert exact(answer)["warnings"] == ["100 t were sold to Acme Airlines, and are retired for Beta."]


def test_a_record_whose_serial_number_another_one_has_is_retired_with_a_warning(api: FlaskClient) -> None:
    first = recorded(registry="GS", serial_number="S-1")
    recorded(registry="Gold Standard", serial_number="S-1")
    aliased("gold standard", "GS")
    answer = api.post(f"/records/{first}/retire", json={"quantity": 40})
    assert answer.status_code == 200
    (warning,) = exact(answer)["warnings"]
    assert warning.startswith("Another credit has the same serial number under another name of the registry.")
