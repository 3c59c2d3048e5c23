"""A request with an Idempotency-Key is done once; a replay returns the first answer."""

import io
import json
from collections.abc import Mapping

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.api.conftest import exact, fields_of
from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.ledger import RawClient
from tests.fixtures.write_requests import CALLS
from webapp.accounts.actors import LOCAL
from webapp.http.observability import REQUEST_ID_HEADER
from webapp.imports import views
from webapp.ledger import event_log
from webapp.ledger.commands import retire_credit
from webapp.ledger.listing import list_events

KEY = {"Idempotency-Key": "7d0e"}
HIT = "Idempotency-Hit"
ROWS = [a_credit(serial_number="ROW")]

every_call = pytest.mark.parametrize("endpoint", CALLS)


def post(client: FlaskClient, path: str, value: object = None, **headers: str) -> TestResponse:
    return client.post(path, json=value, headers={**KEY, **headers})


def upload(client: FlaskClient, path: str) -> TestResponse:
    """Upload a file. Each call has another multipart boundary, as with any client."""
    data = {"file": (io.BytesIO(json.dumps(ROWS).encode()), "rows.json")}
    return client.post(path, data=data, headers=KEY)


def everything() -> tuple[int, int]:
    """Return the numbers of events and of imports."""
    return len(list_events(limit=500).items), len(views.list_imports())


def headers_of(answer: TestResponse) -> Mapping[str, str]:
    """Return the headers that a replay must have in common with the first answer."""
    own = {HIT, "Content-Length", REQUEST_ID_HEADER}
    return {name: value for name, value in answer.headers.items() if name not in own}


def assert_repeats(again: TestResponse, first: TestResponse) -> None:
    """Fail if the replay is not the first answer with the header Idempotency-Hit added."""
    assert HIT not in first.headers
    assert again.headers[HIT] == "true"
    assert (again.status_code, headers_of(again)) == (first.status_code, headers_of(first))
    assert exact(again) == exact(first)


@every_call
def test_repeating_a_write_changes_nothing_and_returns_the_first_answer(
    api: FlaskClient, endpoint: str
) -> None:
    call = CALLS[endpoint]
    place = call.prepare()
    first = call.send(api, place, "k")
    assert first.status_code < 300
    before = everything()
    assert_repeats(call.send(api, place, "k"), first)
    assert everything() == before


@every_call
def test_a_key_with_another_body_is_refused(api: FlaskClient, endpoint: str) -> None:
    call = CALLS[endpoint]
    place = call.prepare()
    call.send(api, place, "k")
    before = everything()
    refused = call.send(api, place, "k", **CHANGES[endpoint.partition(".")[2]])
    assert fields_of(refused) == {"Idempotency-Key"}
    assert "was used for another request" in exact(refused)["detail"]
    assert everything() == before


# Other requests that must not share a key.
CHANGES: Mapping[str, Mapping[str, object]] = {
    "create_record": {"quantity": "7"},
    "create_record_by_older_name": {"quantity": "7"},
    "record_act": {"quantity": 2},
    "sell_record": {"quantity": 2},
    "reverse_sale": {"quantity": 2},
    "amend_record": {"buyer": "C"},
    "retire_record": {"quantity": 2},
    "split_record": {"quantities": [50, 50]},
    "cancel_record": {"reason": "another"},
    "correct_record": {"reason": "another"},
    "join_names": {"alias": "Another"},
    "separate_names": {"alias": "Another"},
    "join_party_names": {"name": "Another"},
    "separate_party_names": {"name": "Another"},
    "start_check": {"again": True},
    "import_records": a_credit(serial_number="ROW 2"),
}


@pytest.mark.parametrize("path", ["/register/", "/records?", "/records/{}/retire"])
def test_a_key_with_another_url_is_refused(api: FlaskClient, path: str) -> None:
    record_id = recorded()
    post(api, f"/records/{record_id}/sell", {})
    before = everything()
    body = {} if "{}" in path else a_credit(serial_number="NEW")
    assert fields_of(post(api, path.format(record_id), body)) == {"Idempotency-Key"}
    assert everything() == before


def test_a_dry_run_and_the_import_itself_are_two_requests(api: FlaskClient) -> None:
    post(api, "/records/imports?dry_run=1", ROWS)
    assert fields_of(post(api, "/records/imports", ROWS)) == {"Idempotency-Key"}
    assert everything() == (0, 1)


def test_a_replay_returns_the_record_as_it_was_then(api: FlaskClient) -> None:
    record_id = recorded()
    first = post(api, f"/records/{record_id}/sell", {"quantity": 40})
    for each in (exact(first)["id"], exact(first)["rest"]["id"]):
        retire_credit(each, {}, LOCAL)
    assert_repeats(post(api, f"/records/{record_id}/sell", {"quantity": 40}), first)


def test_each_new_key_retires_another_part(api: FlaskClient) -> None:
    record_id = recorded()
    first, _ = (post(api, f"/records/{record_id}/retire", {"quantity": 40}) for _ in range(2))
    rest = exact(first)["rest"]["id"]
    other = api.post(f"/records/{rest}/retire", json={"quantity": 40}, headers={"Idempotency-Key": "another"})
    assert exact(other)["rest"]["quantity"] == 20


def test_the_replay_of_an_existing_record_is_200_too(api: FlaskClient) -> None:
    recorded()
    first = post(api, "/records", a_credit())
    assert first.status_code == 200
    assert_repeats(post(api, "/records", a_credit()), first)


@pytest.mark.parametrize(
    "headers",
    [{"If-Match": '"2"'}, {"If-Match": '"9"'}, {"Content-Type": "application/vnd.registry+json"}],
    ids=ascii,
)
def test_the_same_write_with_other_headers_is_a_replay(api: FlaskClient, headers: dict[str, str]) -> None:
    address = f"/records/{recorded()}/sell"
    first = post(api, address, {"buyer": "Acme"}, **{"If-Match": '"1"'})
    assert_repeats(post(api, address, {"buyer": "Acme"}, **{"If-Match": '"1"', **headers}), first)


@pytest.mark.parametrize("key", ["", "k" * 256, "clé", "tab\tin"])
def test_an_invalid_key_is_refused(api: FlaskClient, key: str) -> None:
    answer = api.post("/records", json=a_credit(), headers={"Idempotency-Key": key})
    assert fields_of(answer) == {"Idempotency-Key"}
    assert everything() == (0, 0)


@pytest.mark.parametrize("key", ["k" * 255, "~", '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "a b"])
def test_a_key_may_be_any_printable_text(api: FlaskClient, key: str) -> None:
    answers = [api.post("/records", json=a_credit(), headers={"Idempotency-Key": key}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/records", {**a_credit(), "vintage": 1066}, 422),
        ("/records", a_credit(quantity="7"), 409),
        ("/records/0/sell", {}, 404),
    ],
)
def test_an_error_is_not_stored(
    api: FlaskClient, raw: RawClient, path: str, body: object, status: int
) -> None:
    recorded()
    answers = [post(api, path, body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [status, status]
    assert "Idempotency-Hit" not in answers[1].headers
    assert raw.execute("SELECT count(*) FROM idempotency_keys") == [(0,)]


def test_after_an_error_the_corrected_request_may_use_the_key(api: FlaskClient) -> None:
    assert post(api, "/records", {**a_credit(), "vintage": 1066}).status_code == 422
    assert post(api, "/records", a_credit()).status_code == 201


def test_a_body_that_is_not_json_is_refused_with_a_key_too(api: FlaskClient) -> None:
    answer = api.post("/records", data="[" * 100_000, content_type="application/json", headers=KEY)
    assert answer.status_code == 400


def test_a_body_that_is_too_large_is_refused_with_a_key_too(api: FlaskClient) -> None:
    body = json.dumps(a_credit(note="x" * 300_000))
    answer = api.post("/records", data=body, content_type="application/json", headers=KEY)
    assert answer.status_code == 413
    assert "256 kB" in exact(answer)["detail"]


def test_a_read_ignores_a_key(api: FlaskClient, raw: RawClient) -> None:
    record_id = recorded()
    for path in (f"/records/{record_id}", "/records"):
        assert "Idempotency-Hit" not in api.get(path, headers=KEY).headers
    assert raw.execute("SELECT count(*) FROM idempotency_keys") == [(0,)]


# Imports


def test_a_file_uploaded_twice_with_one_key_is_imported_once(api: FlaskClient) -> None:
    first = upload(api, "/records/imports")
    assert exact(first)["written"] == 1
    assert_repeats(upload(api, "/records/imports"), first)
    assert everything() == (2, 1)  # the credit, and the entry about the import


def test_the_replay_of_a_failed_import_returns_it(api: FlaskClient) -> None:
    first = post(api, "/records/imports", [1])
    assert exact(first)["state"] == "failed"
    assert_repeats(post(api, "/records/imports", [1]), first)


def test_the_replay_of_a_dry_run_writes_nothing(api: FlaskClient) -> None:
    first = post(api, "/records/imports?dry_run=1", ROWS)
    assert_repeats(post(api, "/records/imports?dry_run=1", ROWS), first)
    assert exact(first)["state"] == "checked"


def test_an_import_that_was_cut_off_left_nothing_and_the_repeat_does_it(
    api: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(event_log, "append", cut_off)
        assert post(api, "/records/imports", ROWS).status_code == 500
    assert everything() == (0, 0)
    again = post(api, "/records/imports", ROWS)
    assert HIT not in again.headers
    assert (exact(again)["state"], exact(again)["written"]) == ("done", 1)


def cut_off(*_: object, **__: object) -> None:
    raise RuntimeError("the machine stopped")


@pytest.mark.parametrize("kind", ["text/csv", "application/x-ndjson", "application/json"])
def test_a_key_covers_the_file_that_is_the_body(api: FlaskClient, kind: str) -> None:
    def sent(serial_number: str) -> TestResponse:
        values = a_credit(serial_number=serial_number)
        text = json.dumps(values)
        body = f"{','.join(values)}\n{','.join(map(str, values.values()))}\n" if "csv" in kind else text
        headers = {"Idempotency-Key": "one", "Content-Type": kind}
        return api.post(
            "/records/imports", data=f"[{body}]" if kind.endswith("/json") else body, headers=headers
        )

    assert sent("S-1").status_code == 202
    assert sent("S-1").headers["Idempotency-Hit"] == "true"
    assert sent("S-2").status_code == 422
