import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact, fields_of
from tests.fixtures.credits import recorded, retired, sold
from webapp.ledger import clock
from webapp.ledger.lists import list_events


def test_a_retirement_is_answered_with_the_whole_record(api: FlaskClient) -> None:
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
    "day", ["2026-02-30", "31.01.2026", "20260131", "2999-01-01", 20260131, True], ids=repr
)
def test_a_day_that_is_none_or_not_yet_is_refused(api: FlaskClient, day: object) -> None:
    answer = api.post(f"/records/{recorded()}/retire", json={"occurred_on": day})
    assert fields_of(answer) == {"occurred_on"}


def test_a_misplaced_dry_run_retires_nothing(api: FlaskClient) -> None:
    record_id = recorded()
    assert fields_of(api.post(f"/records/{record_id}/retire?dry_run=1")) == {"dry_run"}
    assert exact(api.get(f"/records/{record_id}"))["status"] == "ACTIVE"
