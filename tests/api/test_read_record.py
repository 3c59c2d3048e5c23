import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact
from tests.fixtures.credits import retired
from webapp.domain.canonical_json import encode
from webapp.domain.event import text_hash


def test_a_record_has_its_whole_history_oldest_first(api: FlaskClient) -> None:
    record = exact(api.get(f"/records/{retired()}"))
    assert [event["event_type"] for event in record["events"]] == ["CREATED", "RETIRED"]
    assert [event["seq"] for event in record["events"]] == [1, 2]
    assert record["events"][1]["prev_hash"] == record["events"][0]["hash"]
    assert record["status"] == "RETIRED"


def test_the_hash_of_an_event_can_be_recomputed_from_the_answer(api: FlaskClient) -> None:
    record = exact(api.get(f"/records/{retired()}"))
    for event in record["events"]:
        facts = {
            "v": 1,
            "credit": record["id"],
            "seq": event["seq"],
            "type": event["event_type"],
            "data": event["data"],
            "actor": event["actor"],
            "recorded_at": event["recorded_at"],
            "prev_hash": event["prev_hash"],
        }
        assert text_hash(encode(facts)) == event["hash"]


@pytest.mark.parametrize("path", ["/records/{}", "/events"])
def test_an_event_has_its_time_as_timestamp_too(api: FlaskClient, path: str) -> None:
    answer = exact(api.get(path.format(retired())))
    events = answer.get("events") or answer["items"]
    assert [event["timestamp"] for event in events] == [event["recorded_at"] for event in events]


@pytest.mark.parametrize("record_id", ["0" * 64, "x", "%00", "%FF", "..", "A" * 5000])
def test_an_unknown_record_is_404(empty_api: FlaskClient, record_id: str) -> None:
    assert empty_api.get(f"/records/{record_id}").status_code == 404


def test_a_record_is_not_cached(api: FlaskClient) -> None:
    assert api.get(f"/records/{retired()}").headers["Cache-Control"] == "no-store"
