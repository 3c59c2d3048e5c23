"""A request with an Idempotency-Key is done once, and its repeats get the first answer."""

import io
import json
from collections.abc import Callable, Mapping

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.api.conftest import exact, fields_of
from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.ledger import RawClient
from webapp.ledger import imports, queries
from webapp.ledger.lists import list_events

KEY = {"Idempotency-Key": "7d0e"}

Send = Callable[[FlaskClient, str], TestResponse]


def post(client: FlaskClient, path: str, value: object = None, **headers: str) -> TestResponse:
    return client.post(path, json=value, headers={**KEY, **headers})


def upload(client: FlaskClient, path: str) -> TestResponse:
    """Send a file; each call makes another boundary, as every client does."""
    data = {"file": (io.BytesIO(json.dumps([a_credit(serial_number="F")]).encode()), "rows.json")}
    return client.post(path, data=data, headers=KEY)


CORRECTION = {"reason": "wrong", "record": a_credit(vintage="2022")}
# Every writing operation: its path, where {} stands for a record's id, and a body that succeeds.
WRITES: Mapping[str, tuple[str, object]] = {
    "record": ("/records", a_credit(serial_number="NEW")),
    "register": ("/register/", a_credit(serial_number="NEW")),
    "sell": ("/records/{}/sell", {"quantity": 1}),
    "retire": ("/records/{}/retire", {"quantity": 1}),
    "split": ("/records/{}/split", {"quantities": [40, 60]}),
    "cancel": ("/records/{}/cancel", {"reason": "wrong"}),
    "correct": ("/records/{}/correct", CORRECTION),
    "import": ("/records/imports", [a_credit(serial_number="ROW")]),
    "dry run": ("/records/imports?dry_run=1", [a_credit(serial_number="ROW")]),
}


def everything() -> tuple[int, int]:
    """Return how many events and imports there are."""
    return len(list_events(limit=500).items), len(imports.list_imports())


@pytest.mark.parametrize("operation", WRITES)
def test_every_write_sent_again_gets_the_first_answer_and_does_nothing(
    api: FlaskClient, operation: str
) -> None:
    path, body = WRITES[operation]
    address = path.format(recorded())
    first = post(api, address, body)
    assert first.status_code < 300
    assert "Idempotency-Hit" not in first.headers
    before = everything()
    again = post(api, address, body)
    assert again.headers["Idempotency-Hit"] == "true"
    assert (again.status_code, again.data) == (first.status_code, first.data)
    kept = {name: value for name, value in again.headers.items() if name != "Idempotency-Hit"}
    assert kept == dict(first.headers.items())
    assert everything() == before


def test_every_writing_operation_is_among_those_tested(ledger_app: Flask) -> None:
    writing = {
        path
        for path, operations in ledger_app.extensions["openapi"]["paths"].items()
        if set(operations) & {"post", "put", "patch", "delete"}
    }
    assert {path.partition("?")[0].format("{record_id}") for path, _ in WRITES.values()} == writing


def test_the_first_answer_is_given_although_the_record_has_changed_since(api: FlaskClient) -> None:
    record_id = recorded()
    first = post(api, f"/records/{record_id}/sell")
    api.post(f"/records/{record_id}/retire")
    assert post(api, f"/records/{record_id}/sell").data == first.data


def test_a_part_is_retired_as_often_as_there_are_keys(api: FlaskClient) -> None:
    record_id = recorded()
    first, _ = (post(api, f"/records/{record_id}/retire", {"quantity": 40}) for _ in range(2))
    rest = exact(first)["rest"]["id"]
    other = api.post(f"/records/{rest}/retire", json={"quantity": 40}, headers={"Idempotency-Key": "another"})
    assert exact(other)["rest"]["quantity"] == 20


@pytest.mark.parametrize(
    "headers",
    [{"If-Match": '"2"'}, {"If-Match": '"9"'}, {"Content-Type": "application/vnd.registry+json"}],
    ids=ascii,
)
def test_the_same_write_with_other_headers_gets_the_first_answer(
    api: FlaskClient, headers: dict[str, str]
) -> None:
    address = f"/records/{recorded()}/sell"
    first = post(api, address, {"buyer": "Acme"}, **{"If-Match": '"1"'})
    again = post(api, address, {"buyer": "Acme"}, **{"If-Match": '"1"', **headers})
    assert (again.status_code, again.data) == (first.status_code, first.data) == (200, first.data)
    assert again.headers["Idempotency-Hit"] == "true"


def test_a_file_that_is_uploaded_again_is_imported_once(api: FlaskClient) -> None:
    first, again = upload(api, "/records/imports"), upload(api, "/records/imports")
    assert again.headers["Idempotency-Hit"] == "true"
    assert again.data == first.data
    assert len(imports.list_imports()) == 1
    assert exact(first)["written"] == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/records", a_credit(quantity="7")),
        ("/register/", a_credit()),
        ("/records/imports", a_credit()),
        ("/records/imports?dry_run=1", a_credit()),
    ],
)
def test_a_key_that_comes_with_another_request_is_refused(api: FlaskClient, path: str, body: object) -> None:
    post(api, "/records", a_credit())
    before = everything()
    answer = post(api, path, body)
    assert fields_of(answer) == {"Idempotency-Key"}
    assert "came with another request" in exact(answer)["detail"]
    assert everything() == before


@pytest.mark.parametrize("key", ["", "k" * 256, "clé", "tab\tin"])
def test_a_key_that_cannot_be_one_is_refused(api: FlaskClient, key: str) -> None:
    answer = api.post("/records", json=a_credit(), headers={"Idempotency-Key": key})
    assert fields_of(answer) == {"Idempotency-Key"}
    assert everything() == (0, 0)


@pytest.mark.parametrize("key", ["k" * 255, "~", '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "a b"])
def test_a_key_is_any_printable_text(api: FlaskClient, key: str) -> None:
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
def test_a_refusal_is_not_kept(
    api: FlaskClient, raw: RawClient, path: str, body: object, status: int
) -> None:
    recorded()
    answers = [post(api, path, body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [status, status]
    assert "Idempotency-Hit" not in answers[1].headers
    assert raw.execute("SELECT count(*) FROM idempotency_keys") == [(0,)]


def test_after_a_refusal_the_key_is_free_for_the_request_put_right(api: FlaskClient) -> None:
    assert post(api, "/records", {**a_credit(), "vintage": 1066}).status_code == 422
    assert post(api, "/records", a_credit()).status_code == 201


def test_a_body_that_is_not_json_is_refused_as_ever(api: FlaskClient) -> None:
    answer = api.post("/records", data="[" * 100_000, content_type="application/json", headers=KEY)
    assert answer.status_code == 400


def test_a_body_that_is_too_large_is_refused_as_ever(api: FlaskClient) -> None:
    body = json.dumps(a_credit(note="x" * 300_000))
    answer = api.post("/records", data=body, content_type="application/json", headers=KEY)
    assert answer.status_code == 413
    assert "256 kB" in exact(answer)["detail"]


def test_a_read_takes_no_notice_of_a_key(api: FlaskClient, raw: RawClient) -> None:
    record_id = recorded()
    for path in (f"/records/{record_id}", "/records"):
        assert "Idempotency-Hit" not in api.get(path, headers=KEY).headers
    assert raw.execute("SELECT count(*) FROM idempotency_keys") == [(0,)]


def test_an_import_that_ends_in_a_refusal_leaves_nothing_behind(
    api: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a key the file would lie there, received and not written."""
    monkeypatch.setattr("webapp.ledger.imports.write", _cancelled_meanwhile)
    assert post(api, "/records/imports", [a_credit()]).status_code == 409
    assert everything() == (0, 0)


def _cancelled_meanwhile(import_id: int, **_: object) -> None:
    imports.cancel(import_id)
    imports.cancel(import_id)


def test_the_largest_answer_can_be_kept(api: FlaskClient) -> None:
    wide = "\U0001f332" * 300
    record_id = recorded(project_name=wide, registry="\U0001f332" * 50, serial_number="\U0001f332" * 180)
    answer = post(api, f"/records/{record_id}/split", {"quantities": [1] * 100})
    assert answer.status_code == 201
    assert len(answer.data) < 400_000
    assert post(api, f"/records/{record_id}/split", {"quantities": [1] * 100}).data == answer.data


def test_a_kept_answer_names_the_actor_of_its_request(api: FlaskClient, raw: RawClient) -> None:
    post(api, "/records", a_credit())
    assert raw.execute("SELECT actor FROM idempotency_keys") == [("local",)]
    assert queries.ledger_totals().ledger.all.credits == 1
