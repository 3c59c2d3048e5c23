import io
import json
import re
from pathlib import Path
from urllib.request import Request

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact, fields_of
from tests.fixtures.credits import recorded, retired, sold
from webapp.config import ROOT


def test_the_feed_is_oldest_first_and_without_gaps(api: FlaskClient) -> None:
    first, second = retired(serial_number="1"), sold(serial_number="2")
    items = exact(api.get("/events"))["items"]
    assert [item["position"] for item in items] == [1, 2, 3, 4]
    assert [item["record_id"] for item in items] == [first, first, second, second]


def test_an_event_is_equal_in_the_feed_and_in_its_record(api: FlaskClient) -> None:
    record = exact(api.get(f"/records/{retired()}"))
    items = exact(api.get("/events"))["items"]
    assert items == [{"record_id": record["id"], **event} for event in record["events"]]


def test_events_can_be_filtered_by_type(api: FlaskClient) -> None:
    retired(serial_number="1")
    sold(serial_number="2")
    items = exact(api.get("/events?type=RETIRED"))["items"]
    assert [(item["position"], item["event_type"]) for item in items] == [(2, "RETIRED")]


def test_next_visits_every_event_once_with_the_same_filter(api: FlaskClient) -> None:
    for number in range(5):
        retired(serial_number=str(number))
    address, positions = "/events/?type=RETIRED&limit=2", []
    while address:
        page = exact(api.get(address))
        positions += [item["position"] for item in page["items"]]
        address = page["next"]
    assert positions == [2, 4, 6, 8, 10]


def test_a_reader_that_continues_at_resume_reads_every_event_once(api: FlaskClient) -> None:
    recorded(serial_number="1")
    page = exact(api.get("/events?limit=1"))
    assert page["next"] is None

    idle = exact(api.get(page["resume"]))
    assert (idle["items"], idle["next"], idle["resume"]) == ([], None, page["resume"])

    recorded(serial_number="2")
    recorded(serial_number="3")
    later = exact(api.get(page["resume"]))
    assert [item["position"] for item in later["items"]] == [2]
    assert later["next"] == later["resume"]


def test_an_empty_feed_can_be_resumed_from_its_start(api: FlaskClient) -> None:
    page = exact(api.get("/events?type=SOLD"))
    assert page == {"items": [], "next": None, "resume": "/events?type=SOLD"}
    sold()
    assert len(exact(api.get(page["resume"]))["items"]) == 1


def test_a_cursor_of_another_filter_is_refused(api: FlaskClient) -> None:
    recorded()
    resume = exact(api.get("/events?type=CREATED"))["resume"]
    assert fields_of(api.get(resume.replace("CREATED", "SOLD"))) == {"cursor"}
    assert fields_of(api.get(resume.replace("type=CREATED&", ""))) == {"cursor"}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ("type=created", "type"),
        ("type=MERGED", "type"),
        ("limit=0", "limit"),
        ("cursor=1", "cursor"),
        ("after=-1", "after"),
        ("happened_from=2026", "happened_from"),
        ("since=1", "since"),
    ],
)
def test_an_invalid_or_unknown_parameter_is_named(empty_api: FlaskClient, wrong: str, field: str) -> None:
    assert fields_of(empty_api.get(f"/events?{wrong}")) == {field}


def test_the_documented_program_mirrors_the_feed_and_goes_on_after_a_crash(
    api: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    (program,) = re.findall(r'```python\n("""Mirror.*?)```', text, flags=re.DOTALL)
    mirror = tmp_path / "feed.ndjson"

    def urlopen(request: Request) -> io.BytesIO:
        return io.BytesIO(api.get(request.full_url.removeprefix("http://ledger")).data)

    def run() -> list[dict[str, object]]:
        exec(program, {})  # noqa: S102 - from our own document
        return [json.loads(line) for line in mirror.read_bytes().splitlines()]

    monkeypatch.setattr("sys.argv", ["mirror.py", "http://ledger", str(mirror)])
    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    retired(serial_number="1")
    assert run() == exact(api.get("/events"))["items"]
    mirror.write_bytes(mirror.read_bytes()[:-5])
    sold(serial_number="2")
    assert run() == exact(api.get("/events"))["items"]
