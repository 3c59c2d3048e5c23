import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.api.conftest import exact, fields_of
from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.entries import credit_events
from webapp.config import ROOT

SAMPLE = (ROOT / "sample-registry.json").read_bytes()
REAL = (Path(__file__).parent.parent / "data" / "real-credits-excerpt.json").read_bytes()
COUNTS = ("total", "new", "existing", "conflicting", "invalid", "written")


def sent(
    api: FlaskClient, content: object, query: str = "", content_type: str = "application/json"
) -> TestResponse:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return api.post(f"/records/imports{query}", data=body, content_type=content_type)


def uploaded(api: FlaskClient, content: bytes = SAMPLE, query: str = "", **form: str) -> TestResponse:
    data: dict[str, Any] = {"file": (io.BytesIO(content), "sample.json"), **form}
    return api.post(f"/records/imports{query}", data=data, content_type="multipart/form-data")


def counts(answer: TestResponse) -> tuple[int, ...]:
    assert answer.status_code == 202, answer.text
    return tuple(exact(answer)[name] for name in COUNTS)


def events_recorded() -> int:
    return len(credit_events())


def test_every_row_of_a_file_in_the_body_is_recorded(api: FlaskClient) -> None:
    answer = sent(api, SAMPLE)
    assert counts(answer) == (10, 10, 0, 0, 0, 10)
    assert exact(answer)["state"] == "done"
    assert len(exact(api.get("/records"))["items"]) == 10


def test_every_row_of_an_upload_is_recorded_and_its_name_kept(api: FlaskClient) -> None:
    answer = uploaded(api)
    assert counts(answer) == (10, 10, 0, 0, 0, 10)
    assert exact(answer)["filename"] == "sample.json"


def test_the_location_of_an_import_returns_the_same_body(api: FlaskClient) -> None:
    answer = sent(api, SAMPLE)
    assert answer.headers["Location"] == "/records/imports/1"
    assert api.get(answer.headers["Location"]).data == answer.data


def test_the_same_file_again_records_nothing(api: FlaskClient) -> None:
    sent(api, SAMPLE)
    again = sent(api, SAMPLE)
    assert counts(again) == (10, 0, 10, 0, 0, 0)
    assert exact(again)["state"] == "done"
    assert events_recorded() == 10


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b'[{"project_name": "A", "registry": "B", "vintage": 2020, "quantity": 1}]', "application/json"),
        (b'{"rows": [{"project_name": "A", "registry": "B", "vintage": 2020, "quantity": 1}]}', "text/json"),
        (
            b'{"project_name": "A", "registry": "B", "vintage": 2020, "quantity": 1}\n' * 2,
            "application/x-ndjson",
        ),
    ],
)
def test_an_array_an_object_around_one_and_lines_are_read(
    api: FlaskClient, content: bytes, content_type: str
) -> None:
    kind = content_type.replace("text/json", "application/vnd.registry+json")
    assert exact(sent(api, content, content_type=kind))["state"] == "done"


def test_a_list_of_this_api_can_be_imported_again(api: FlaskClient) -> None:
    sent(api, SAMPLE)
    listed = api.get("/records").data.replace(b',"next":null', b"")
    assert counts(sent(api, listed)) == (10, 0, 10, 0, 0, 0)


def test_published_credits_are_recorded_as_they_are(api: FlaskClient) -> None:
    body = exact(sent(api, REAL, "?ignore_unknown=1&skip_invalid=1"))
    assert body["state"] == "done"
    assert body["written"] == body["new"] == body["total"] - body["existing"] - body["invalid"]
    assert body["written"] > 20


def test_one_bad_row_means_that_nothing_is_written(api: FlaskClient) -> None:
    answer = sent(api, [a_credit(), a_credit(vintage=1900, quantity="x", serial_number="2")])
    assert counts(answer) == (2, 1, 0, 0, 1, 0)
    body = exact(answer)
    assert body["state"] == "failed"
    assert "skip_invalid=1" in body["message"]
    assert [(problem["row"], problem["field"]) for problem in body["problems"]] == [
        (2, "vintage"),
        (2, "quantity"),
    ]
    assert events_recorded() == 0


def test_skip_invalid_writes_the_others(api: FlaskClient) -> None:
    rows = [a_credit(), a_credit(vintage=1900), 7]
    answer = sent(api, rows, "?skip_invalid=1")
    assert counts(answer) == (3, 1, 0, 0, 2, 1)
    assert exact(answer)["state"] == "done"


def test_a_serial_number_held_by_another_record_is_a_conflict_that_names_it(api: FlaskClient) -> None:
    holder = recorded()
    answer = sent(api, [a_credit(quantity="5")])
    assert counts(answer) == (1, 0, 0, 1, 0, 0)
    assert exact(answer)["problems"][0]["holder"] == holder
    assert exact(answer)["state"] == "failed"


def test_a_row_equal_to_one_before_it_exists_and_one_with_its_serial_number_conflicts(
    api: FlaskClient,
) -> None:
    answer = sent(api, [a_credit(), a_credit(registry="vcs"), a_credit(quantity="5")], "?skip_invalid=1")
    assert counts(answer) == (3, 1, 1, 1, 0, 1)


def test_unknown_fields_are_ignored_only_on_request(api: FlaskClient) -> None:
    rows = [a_credit(colour="green", owner="me")]
    refused = sent(api, rows)
    assert exact(refused)["state"] == "failed"
    assert exact(refused)["not_recorded"] == ["colour", "owner"]
    assert "ignore_unknown=1" in exact(refused)["message"]
    assert events_recorded() == 0
    assert exact(sent(api, rows, "?ignore_unknown=1"))["state"] == "done"
    assert events_recorded() == 1


def test_a_dry_run_only_checks(api: FlaskClient) -> None:
    answer = sent(api, SAMPLE, "?dry_run=1")
    assert counts(answer) == (10, 10, 0, 0, 0, 0)
    assert exact(answer)["state"] == "checked"
    assert exact(answer)["finished_at"] is None
    assert events_recorded() == 0


def test_options_may_be_form_fields(api: FlaskClient) -> None:
    assert exact(uploaded(api, dry_run="1"))["state"] == "checked"
    assert exact(uploaded(api, dry_run="0"))["state"] == "done"


@pytest.mark.parametrize("query", ["?dry_run=yes", "?dry-run=1", "?dry_run=1&dry_run=0", "?confirm=1"])
def test_an_invalid_option_is_named_and_nothing_is_stored(empty_api: FlaskClient, query: str) -> None:
    (field,) = fields_of(sent(empty_api, SAMPLE, query))
    assert field in query
    assert exact(empty_api.get("/records/imports"))["items"] == []


def test_an_option_in_both_query_and_form_is_refused(empty_api: FlaskClient) -> None:
    assert fields_of(uploaded(empty_api, query="?dry_run=0", dry_run="1")) == {"dry_run"}


def test_a_form_without_its_file_is_refused(empty_api: FlaskClient) -> None:
    answer = empty_api.post(
        "/records/imports", data={"dry_run": "1"}, content_type="multipart/form-data; boundary=x"
    )
    assert fields_of(answer) == {"file"}


def test_two_files_at_once_are_refused(empty_api: FlaskClient) -> None:
    files = {"file": [(io.BytesIO(SAMPLE), "a.json"), (io.BytesIO(SAMPLE), "b.json")]}
    assert fields_of(empty_api.post("/records/imports", data=files)) == {"file"}


def test_a_file_in_another_field_is_refused(empty_api: FlaskClient) -> None:
    data = {"file": (io.BytesIO(SAMPLE), "a.json"), "more": (io.BytesIO(SAMPLE), "b.json")}
    assert fields_of(empty_api.post("/records/imports", data=data)) == {"more"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \n",
        b"hello",
        b"{",
        b"[1",
        b"[]",
        b'{"a": [], "b": []}',
        b'[{"a": 1, "a": 2}]',
        b"[NaN]",
        b'[{"quantity": Infinity}]',
        b"[" * 100_000,
        b'[{"a":' * 50_000,
        b"\xff\xfe[]",
        b'[{"\\ud800": 1}]',
        b"[{}] trailing",
    ],
    ids=lambda content: ascii(content[:20]),
)
def test_a_file_that_cannot_be_read_is_400(empty_api: FlaskClient, content: bytes) -> None:
    assert sent(empty_api, content).status_code == 400
    assert uploaded(empty_api, content).status_code == 400
    assert exact(empty_api.get("/records/imports"))["items"] == []


@pytest.mark.parametrize("content", [gzip.compress(SAMPLE), b"BZh9"], ids=["gzip", "bzip2"])
def test_a_compressed_file_is_415(empty_api: FlaskClient, content: bytes) -> None:
    assert sent(empty_api, content).status_code == 415
    assert uploaded(empty_api, content).status_code == 415


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
def test_a_content_encoding_is_415(empty_api: FlaskClient, kind: str) -> None:
    answer = empty_api.post(
        "/records/imports", data=SAMPLE, content_type=kind, headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 415


@pytest.mark.parametrize("kind", ["text/plain", "application/pdf", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_415(empty_api: FlaskClient, kind: str) -> None:
    assert sent(empty_api, SAMPLE, content_type=kind).status_code == 415


@pytest.mark.slow
def test_ten_thousand_rows_are_read_at_once_and_one_more_in_the_background(api: FlaskClient) -> None:
    rows = [1] * 10_000
    assert counts(sent(api, rows)) == (10_000, 0, 0, 0, 10_000, 0)
    answer = sent(api, [*rows, 1])
    assert answer.status_code == 202
    assert exact(answer)["state"] == "checking"


def test_a_file_of_more_than_16_megabytes_is_read_in_the_background(api: FlaskClient) -> None:
    content = b"[" + b" " * 16 * 1024 * 1024 + b"]"
    assert exact(sent(api, content, content_type="application/json"))["state"] == "checking"


def test_an_old_workbook_of_more_than_16_megabytes_is_413(empty_api: FlaskClient) -> None:
    content = (ROOT / "tests" / "data" / "old-workbook.xls").read_bytes() + bytes(16 * 1024 * 1024)
    answer = sent(empty_api, content, content_type="application/vnd.ms-excel")
    assert answer.status_code == 413
    assert "Save it as an Excel workbook (.xlsx)" in exact(answer)["detail"]


@pytest.mark.parametrize("status", ["SOLD", "RETIRED"])
def test_a_history_of_ours_that_would_be_lost_is_refused(api: FlaskClient, status: str) -> None:
    given = {**a_credit(), "serial_number": "VCS-0009"}
    record_id = exact(sent(api, [given]))["id"] and exact(api.get("/records"))["items"][0]["id"]
    row = {"id": record_id, **given, "serial_number": "VCS-0010", "status": status, "created_at": "2026"}
    known = {"id": record_id, **given, "status": "ACTIVE", "created_at": "2026"}
    answer = sent(api, [known, row], "?dry_run=1")
    assert {problem["row"] for problem in exact(answer)["problems"]} == {2}


@pytest.mark.parametrize("query", ["", "?skip_invalid=1&ignore_unknown=1"])
def test_a_row_that_states_a_retirement_is_recorded_as_retired(api: FlaskClient, query: str) -> None:
    answer = sent(api, [a_credit(**{"Credit Status": "Retired", "Retirement Date": "2026-04-10"})], query)
    assert exact(answer)["plan"] == [{"kind": "new_retired", "rows": 1, "tonnes": 100}]
    (record,) = exact(api.get("/records"))["items"]
    assert record["status"] == "RETIRED"


@pytest.mark.parametrize("query", ["", "?skip_invalid=1&ignore_unknown=1", "?dry_run=1&ignore_unknown=1"])
def test_a_row_that_is_not_understood_is_refused_with_its_words(api: FlaskClient, query: str) -> None:
    events = [
        {"event_type": name, "timestamp": "2025-09-27T20:09:24.691883"} for name in ("created", "retired")
    ]
    answer = sent(api, [a_credit(events=events)], query)
    (problem,) = exact(answer)["problems"]
    assert (counts(answer)[1:], problem["row"], problem["field"]) == ((0, 0, 0, 1, 0), 1, "events")
    assert problem["message"].startswith("This row says events: created, retired. ")
    assert events_recorded() == 0


def test_an_active_record_of_another_program_is_recorded(api: FlaskClient) -> None:
    events = [{"event_type": "created", "timestamp": "2025-09-27T20:09:24.691883"}]
    assert counts(sent(api, [a_credit(events=events)])) == (1, 1, 0, 0, 0, 1)


def test_the_id_of_another_program_blocks_nothing(api: FlaskClient) -> None:
    assert counts(sent(api, [a_credit(id="0" * 64)])) == (1, 1, 0, 0, 0, 1)


def test_a_hostile_file_name_is_made_harmless(api: FlaskClient) -> None:
    data = {"file": (io.BytesIO(SAMPLE), "../../a\x1b\u202eb\ud7ff" + "x" * 500 + ".json")}
    name = exact(api.post("/records/imports", data=data))["filename"]
    assert len(name) <= 200
    assert name.isprintable()
    assert "/" not in name
