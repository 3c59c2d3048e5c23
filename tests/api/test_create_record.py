from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact, fields_of, record_in
from tests.fixtures.blocks import BLOCK, INSIDE, a_block
from tests.fixtures.credits import a_credit, recorded, retired
from webapp.accounts.actors import LOCAL
from webapp.ledger.commands import cancel_credit, correct_credit
from webapp.ledger.listing import list_events

ID = "6533fc8cb26eece006a49bf9d031c00214d21ca22c477be633f3c3cb73aed3bb"


def test_a_new_record_is_201_with_its_url(api: FlaskClient) -> None:
    answer = api.post("/records", json=a_credit())
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/records/{ID}"
    assert exact(api.get(answer.headers["Location"])) == record_in(answer)


def test_creating_a_record_returns_all_of_it(api: FlaskClient) -> None:
    record = record_in(api.post("/records", json=a_credit()))
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
    assert record_in(again) == record_in(first)
    assert "Location" not in again.headers
    assert len(list_events().items) == 1


def test_the_older_url_also_creates_records(api: FlaskClient) -> None:
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


def test_every_invalid_field_is_named(empty_api: FlaskClient) -> None:
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


def test_text_is_returned_as_recorded(api: FlaskClient) -> None:
    name = "Café “Zoë” \\ </script> 日本 🌳 \u2028"
    answer = api.post("/records", json=a_credit(project_name=name))
    assert exact(answer)["project_name"] == "Café “Zoë” \\ </script> 日本 🌳"


def test_a_block_inside_a_held_block_is_409_with_the_split_to_make(api: FlaskClient) -> None:
    holder = recorded(**a_block())
    answer = api.post("/records", json=a_credit(registry="Verra", quantity=50, serial_number=INSIDE))
    assert answer.status_code == 409
    problem = exact(answer)
    assert (problem["holder"], problem["is_inside"]) == (holder, True)
    assert (problem["first"], problem["last"]) == (941467101, 941467150)
    assert "Split that credit so that these numbers become one lot" in problem["detail"]
    assert problem["split"] == {"quantities": [94, 50, 281]}
    lots = exact(api.post(problem["split_url"], json=problem["split"]))["items"]
    assert lots[1]["serial_number"] == INSIDE


def test_a_number_of_a_held_block_is_409_with_the_split_to_make(api: FlaskClient) -> None:
    holder = recorded(**a_block())
    one = BLOCK.replace("-941467431", "")
    problem = exact(api.post("/records", json=a_credit(quantity=1, serial_number=one)))
    assert (problem["status"], problem["holder"]) == (409, holder)
    assert problem["split"] == {"quantities": [1, 424]}


def test_a_block_that_overlaps_a_held_block_is_409_with_the_numbers_in_common(api: FlaskClient) -> None:
    holder = recorded(**a_block())
    larger = BLOCK.replace("941467431", "941467500")
    problem = exact(api.post("/records", json=a_credit(quantity=494, serial_number=larger)))
    assert (problem["status"], problem["holder"], problem["is_inside"]) == (409, holder, False)
    assert (problem["first"], problem["last"]) == (941467007, 941467431)
    assert "split" not in problem


def test_a_block_inside_a_retired_block_is_409_without_a_split(api: FlaskClient) -> None:
    retired(**a_block())
    problem = exact(api.post("/records", json=a_credit(quantity=50, serial_number=INSIDE)))
    assert problem["is_inside"] is True
    assert "split" not in problem


@pytest.mark.parametrize("quantity", [424, 426])
def test_a_block_of_another_length_than_the_quantity_is_refused(
    empty_api: FlaskClient, quantity: int
) -> None:
    answer = empty_api.post("/records", json=a_credit(**a_block(quantity=quantity)))
    assert fields_of(answer) == {"serial_number"}
    assert "425" in exact(answer)["detail"]
    assert str(quantity) in exact(answer)["detail"]


def test_a_cancelled_credit_recorded_again_is_409_and_says_how_to_replace_it(api: FlaskClient) -> None:
    cancelled = recorded()
    cancel_credit(cancelled, {"reason": "A mistake"}, LOCAL)
    answer = api.post("/records", json=a_credit())
    assert answer.status_code == 409
    problem = exact(answer)
    assert exact(api.get(problem["record_url"]))["id"] == cancelled
    again = api.post("/records", json=a_credit(replaces=problem["replaces"]))
    assert again.status_code == 201
    assert exact(again)["replaces"] == cancelled
    assert exact(again)["id"] != cancelled
    assert exact(api.get(problem["record_url"]))["replaced_by"] == [exact(again)["id"]]


def test_replacing_a_replaced_record_is_409_with_its_replacement(api: FlaskClient) -> None:
    wrong = recorded(serial_number=None)
    right = correct_credit(wrong, a_credit(vintage="2024"), {"reason": "A mistake"}, LOCAL).credit_id
    same = a_credit(serial_number=None)
    for body in (same, {**same, "replaces": wrong}, {**same, "quantity": 7, "replaces": wrong}):
        answer = api.post("/records", json=body)
        problem = exact(answer)
        assert (answer.status_code, problem["replaced"], problem["replaced_by"]) == (409, wrong, right)
        assert exact(api.get(problem["record_url"]))["status"] == "ACTIVE"
        assert f"{right} stands in its place" in problem["detail"]


@pytest.mark.parametrize("replaces", ["0" * 64, "x", 1, True])
def test_only_a_cancelled_record_can_be_replaced(empty_api: FlaskClient, replaces: object) -> None:
    assert fields_of(empty_api.post("/records", json=a_credit(replaces=replaces))) == {"replaces"}


def test_an_active_record_cannot_be_replaced(api: FlaskClient) -> None:
    record_id = recorded()
    assert fields_of(api.post("/records", json=a_credit(vintage=2024, replaces=record_id))) == {"replaces"}
