"""Entries about other subjects in the feed of the API, each checked against its schema."""

from flask.testing import FlaskClient

from tests.api.conftest import exact
from tests.fixtures.credits import recorded
from tests.fixtures.entries import IMPORTED, aliased, imported, recorded_by_import
from webapp.domain.canonical_json import encode
from webapp.domain.event import text_hash


def test_the_feed_shows_an_entry_with_its_subject_in_place_of_the_record(api: FlaskClient) -> None:
    record_id = recorded()
    imported()
    first, entry = exact(api.get("/events"))["items"]
    assert (first["record_id"], "subject" in first) == (record_id, False)
    assert ("record_id" in entry, entry["subject"], entry["position"]) == (False, "import/12", 2)
    assert (entry["event_type"], entry["data"]) == ("IMPORTED", IMPORTED)


def test_the_hash_of_an_entry_can_be_recomputed_from_the_answer(api: FlaskClient) -> None:
    aliased("verra", "VCS")
    (entry,) = exact(api.get("/events"))["items"]
    names = ("seq", "data", "actor", "recorded_at", "prev_hash", "subject")
    facts = {"v": 1, "type": entry["event_type"], **{name: entry[name] for name in names}}
    assert text_hash(encode(facts)) == entry["hash"]


def test_the_feed_is_filtered_by_the_type_of_an_entry_and_read_on_from_there(api: FlaskClient) -> None:
    imported()
    recorded()
    aliased("verra", "VCS")
    page = exact(api.get("/events?type=ALIASED"))
    assert [item["subject"] for item in page["items"]] == ["registry/verra"]
    aliased("verra", "VCU")
    assert [item["seq"] for item in exact(api.get(page["resume"]))["items"]] == [2]


def test_pages_of_the_feed_leave_no_entry_out(api: FlaskClient) -> None:
    for number in range(1, 4):
        imported(str(number))
        recorded(serial_number=str(number))
    positions: list[int] = []
    address = "/events?limit=1"
    while address:
        page = exact(api.get(address))
        positions += [item["position"] for item in page["items"]]
        address = page["next"]
    assert positions == [1, 2, 3, 4, 5, 6]


def test_the_events_of_a_record_name_the_import_that_recorded_them(api: FlaskClient) -> None:
    record = exact(api.get(f"/records/{recorded_by_import('7')}"))
    assert [event["data"]["import"] for event in record["events"]] == ["7", "7"]
