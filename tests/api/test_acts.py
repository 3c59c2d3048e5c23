"""`POST /acts`: what to do with which records, in one transaction."""

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact, fields_of
from tests.fixtures.credits import recorded, retired, sold
from webapp.ledger.listing import list_events


def test_named_records_are_sold_and_one_of_them_in_part(api: FlaskClient) -> None:
    first, second = recorded(serial_number="S-1"), recorded(serial_number="S-2")
    records = [first, {"id": second, "quantity": 40}]
    answer = api.post("/acts", json={"action": "sell", "records": records, "data": {"buyer": "Acme"}})
    assert answer.status_code == 201
    act = exact(answer)
    assert answer.headers["Location"] == f"/acts/{act['act']}"
    assert act["quantity"] == 140
    assert {(item["split_from"], item["quantity"]) for item in act["items"]} == {(None, 100), (second, 40)}
    lot = exact(api.get(next(item["url"] for item in act["items"] if item["split_from"])))
    assert lot["events"][-1]["data"]["act"] == str(act["act"])


def test_a_quantity_of_a_filter_is_retired_oldest_first(api: FlaskClient) -> None:
    recorded(serial_number="S-1", vintage="2024")
    old = recorded(serial_number="S-2", vintage="2020", registry="Verra")
    body = {
        "action": "retire",
        "filter": {"registry": "verra"},
        "order": "oldest_first",
        "quantity": 60,
        "data": {"beneficiary": "Acme"},
    }
    planned = exact(api.post("/acts", json={**body, "dry_run": True}))
    assert (planned["act"], [item["record"] for item in planned["items"]]) == (None, [old])
    assert len(list_events().items) == 2
    assert [item["split_from"] for item in exact(api.post("/acts", json=body))["items"]] == [old]


def test_sold_tonnes_retired_for_another_are_a_warning(api: FlaskClient) -> None:
    sold()
    body = {
        "action": "retire",
        "filter": {"status": "SOLD", "buyer": "Acme Airlines"},
        "quantity": 10,
        "data": {"beneficiary": "B"},
    }
    warning = ["10 t were sold to Acme Airlines, and are retired for B."]
    assert exact(api.post("/acts", json={**body, "dry_run": True}))["warnings"] == warning
    assert exact(api.post("/acts", json=body))["warnings"] == warning


def test_records_that_do_not_allow_it_are_named(api: FlaskClient) -> None:
    done = retired(serial_number="S-1")
    body = {"action": "retire", "records": [recorded(serial_number="S-2"), done]}
    for dry_run in (True, False):
        answer = api.post("/acts", json={**body, "dry_run": dry_run})
        assert answer.status_code == 409
        assert [each["record"] for each in exact(answer)["refused"]] == [done]
    assert len(list_events().items) == 3


def test_the_words_of_many_retirements_are_amended(api: FlaskClient) -> None:
    record_id = retired()
    body = {"action": "amend", "amends": "RETIRED", "records": [record_id]}
    answer = api.post("/acts", json={**body, "data": {"beneficiary": "Acme", "why": "Misspelt"}})
    assert answer.status_code == 201
    assert exact(api.get(f"/records/{record_id}"))["events"][-1]["data"]["beneficiary"] == "Acme"


def test_a_repeat_with_its_key_is_not_done_again(api: FlaskClient) -> None:
    recorded()
    body, headers = {"action": "retire", "filter": {}, "quantity": 10}, {"Idempotency-Key": "k"}
    first = api.post("/acts", json=body, headers=headers)
    again = api.post("/acts", json=body, headers=headers)
    assert again.headers["Idempotency-Hit"] == "true"
    assert exact(again) == exact(first)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"action", ""}),
        ({"action": "retire"}, {""}),
        ({"action": "split", "records": ["x"]}, {"action"}),
        ({"action": "retire", "records": ["0" * 64]}, {"records.0"}),
        ({"action": "retire", "records": []}, {"records"}),
        ({"action": "retire", "records": [5, {"id": "x", "quantity": -1, "z": 1}]}, {
            "records.0", "records.1.z", "records.1.quantity"
        }),
        ({"action": "retire", "filter": {"nope": 1, "vintage": "x"}}, {"filter.nope", "filter.vintage"}),
        ({"action": "retire", "filter": {}, "quantity": 5}, {"quantity"}),
        ({"action": "retire", "filter": {"status": "SOLD"}, "quantity": 5}, {"filter.buyer"}),
        ({"action": "retire", "filter": {}, "order": "newest"}, {"order"}),
        ({"action": "sell", "filter": {}, "data": {"buyer": 5, "quantity": 1}}, {"data.quantity"}),
        ({"action": "sell", "filter": {}, "data": {"buyer": 5}}, {"data.buyer"}),
        ({"action": "amend", "filter": {}}, {"amends"}),
        ({"action": "retire", "filter": {}, "dry_run": "yes", "z": 1}, {"dry_run", "z"}),
    ],
)  # fmt: skip
def test_every_member_that_is_not_valid_is_named(
    empty_api: FlaskClient, body: dict[str, object], fields: set[str]
) -> None:
    answer = empty_api.post("/acts", json=body)
    assert answer.status_code == 422
    assert fields_of(answer) == fields


def test_the_acts_that_name_a_file_are_found_by_its_hash(api: FlaskClient) -> None:
    digest = "ab" * 32
    answer = api.post(f"/records/{recorded()}/sell", json={"evidence": f"{digest.upper()}  contract.pdf"})
    assert exact(answer)["events"][-1]["data"]["evidence"] == f"{digest} contract.pdf"
    (act,) = exact(api.get(f"/records/evidence?sha256={digest.upper()}"))["items"]
    assert (act["act"], act["event_type"], act["name"], act["url"]) == (2, "SOLD", "contract.pdf", "/acts/2")
    assert fields_of(api.get("/records/evidence")) == fields_of(api.get("/records/evidence?sha256=1"))
    assert fields_of(api.get("/records/evidence")) == {"sha256"}
