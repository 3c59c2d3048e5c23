from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact, fields_of
from tests.fixtures.credits import a_credit, recorded
from webapp.ledger.lists import list_events

ID = "6533fc8cb26eece006a49bf9d031c00214d21ca22c477be633f3c3cb73aed3bb"


def test_a_new_record_is_201_with_its_address(api: FlaskClient) -> None:
    answer = api.post("/records", json=a_credit())
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/records/{ID}"
    assert api.get(answer.headers["Location"]).data == answer.data


def test_a_new_record_is_answered_whole(api: FlaskClient) -> None:
    record = exact(api.post("/records", json=a_credit()))
    (event,) = record.pop("events")
    created_at = record.pop("created_at")
    assert record == {
        "id": ID,
        "project_name": "Mangrove Restoration Project",
        "registry": "VCS",
        "vintage": 2023,
        "quantity": 100,
        "serial_number": "VCS-0001",
        "status": "ACTIVE",
        "parent": None,
        "offset": None,
        "replaces": None,
        "lots": [],
        "replaced_by": [],
    }
    assert event["recorded_at"] == created_at
    assert (event["position"], event["seq"], event["event_type"]) == (1, 1, "CREATED")
    assert (event["actor"], event["prev_hash"]) == ("local", "0" * 64)
    assert event["data"] == {
        "project_name": "Mangrove Restoration Project",
        "registry": "VCS",
        "vintage": 2023,
        "quantity": "100",
        "serial_number": "VCS-0001",
    }


def test_the_same_credit_in_another_spelling_is_200_and_appends_nothing(api: FlaskClient) -> None:
    first = api.post("/records", json=a_credit())
    again = api.post(
        "/records",
        json={
            "project_name": "  mangrove   restoration PROJECT ",
            "registry": "vcs",
            "vintage": 2023,
            "quantity": "100.0000",
            "serial_number": "vcs-0001",
        },
    )
    assert again.status_code == 200
    assert again.data == first.data
    assert "Location" not in again.headers
    assert len(list_events().items) == 1


def test_the_older_name_does_the_same(api: FlaskClient) -> None:
    assert api.post("/register/", json=a_credit()).status_code == 201
    assert api.post("/register", json=a_credit()).status_code == 200
    assert api.post("/records", json=a_credit()).status_code == 200


def test_a_serial_number_held_by_another_record_is_409_with_its_holder(api: FlaskClient) -> None:
    holder = recorded()
    answer = api.post("/records", json=a_credit(quantity="101"))
    assert answer.status_code == 409
    assert exact(answer)["holder"] == holder
    assert api.get(exact(answer)["holder_url"]).status_code == 200
    assert len(list_events().items) == 1


def test_every_bad_field_is_named(empty_api: FlaskClient) -> None:
    answer = empty_api.post(
        "/records", json={"project_name": "", "vintage": 1989, "quantity": 0, "extra": 1, "owner": None}
    )
    assert fields_of(answer) == {"project_name", "registry", "vintage", "quantity", "extra", "owner"}
    assert list_events().items == []


@pytest.mark.parametrize(
    ("written", "given_back"),
    [
        ("0.0001", "0.0001"),
        ("100000000", "100000000"),
        ("100000000.0000", "100000000"),
        ("2765.37", "2765.37"),
        ('"2765.3700"', "2765.37"),
        ("99999999.9999", "99999999.9999"),
        ("0.3", "0.3"),
        ('" 1 "', "1"),
    ],
)
def test_a_quantity_keeps_its_exact_decimals(api: FlaskClient, written: str, given_back: str) -> None:
    body = f'{{"project_name": "A", "registry": "B", "vintage": 2020, "quantity": {written}}}'
    answer = api.post("/records", data=body, content_type="application/json")
    assert f'"quantity":{given_back},"serial_number"'.encode() in answer.data
    assert Decimal(exact(answer)["events"][0]["data"]["quantity"]) == exact(answer)["quantity"]
    listed = api.get("/records")
    assert f'"quantity":{given_back},'.encode() in listed.data


@pytest.mark.parametrize(
    "quantity",
    [
        "0",
        "-1",
        "1e2",
        "1E400",
        "0.00001",
        "100000000.0001",
        "01",
        "1.",
        '"1,000"',
        '"\u0661"',
        "true",
        "[]",
        "{}",
    ],
)
def test_a_quantity_that_would_be_rounded_or_guessed_is_refused(
    empty_api: FlaskClient, quantity: str
) -> None:
    body = f'{{"project_name": "A", "registry": "B", "vintage": 2020, "quantity": {quantity}}}'
    answer = empty_api.post("/records", data=body, content_type="application/json")
    assert answer.status_code in {400, 422}
    assert list_events().items == []


@pytest.mark.parametrize("serial_number", [{}, {"serial_number": None}, {"serial_number": "\u200b "}])
def test_a_serial_number_may_be_missing_null_or_empty(
    api: FlaskClient, serial_number: dict[str, object]
) -> None:
    values = {"project_name": "Alt Carbon", "registry": "Isometric", "vintage": 2026, "quantity": "2765.37"}
    answer = api.post("/records", json=values | serial_number)
    assert exact(answer)["id"] == "00ce9b5ac3a77785627c0eeb9b839fd8b83a472ee228c972949f807304f90ccb"
    assert exact(answer)["serial_number"] is None


def test_text_comes_back_as_it_was_recorded(api: FlaskClient) -> None:
    name = "Café “Zoë” \\ </script> 日本 🌳 \u2028"
    answer = api.post("/records", json=a_credit(project_name=name))
    assert exact(answer)["project_name"] == "Café “Zoë” \\ </script> 日本 🌳"
