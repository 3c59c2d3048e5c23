from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact, fields_of
from tests.fixtures.blocks import BLOCK, a_block
from tests.fixtures.credits import recorded, retired, sold
from webapp.ledger.listing import list_events


def test_a_split_is_201_with_the_lots_in_order(api: FlaskClient) -> None:
    record_id = recorded()
    answer = api.post(f"/records/{record_id}/split", json={"quantities": [25, "0.5", 74.5]})
    assert answer.status_code == 201
    lots = exact(answer)["items"]
    assert [(lot["parent"], lot["offset"], lot["quantity"], lot["status"]) for lot in lots] == [
        (record_id, 0, 25, "ACTIVE"),
        (record_id, 25, Decimal("0.5"), "ACTIVE"),
        (record_id, Decimal("25.5"), Decimal("74.5"), "ACTIVE"),
    ]


def test_a_split_record_lists_its_lots(api: FlaskClient) -> None:
    answer = api.post(f"/records/{recorded()}/split", json={"quantities": [25, 75]})
    record = exact(api.get(answer.headers["Location"]))
    assert record["status"] == "SPLIT"
    assert record["events"][-1]["data"] == {"quantities": ["25", "75"]}
    assert [lot["id"] for lot in record["lots"]] == [lot["id"] for lot in exact(answer)["items"]]
    assert exact(api.get(record["lots"][1]["url"]))["parent"] == record["id"]


def test_each_lot_of_a_block_has_its_own_numbers(api: FlaskClient) -> None:
    answer = api.post(f"/records/{recorded(**a_block())}/split", json={"quantities": [250, 175]})
    assert [lot["serial_number"] for lot in exact(answer)["items"]] == [
        BLOCK.replace("941467431", "941467256"),
        BLOCK.replace("941467007", "941467257"),
    ]


def test_a_block_is_split_by_its_numbers(api: FlaskClient) -> None:
    wanted = {"numbers": ["941467200 to 941467249"]}
    answer = api.post(f"/records/{recorded(**a_block())}/split", json=wanted)
    assert answer.status_code == 201
    assert [(lot["quantity"], lot["serial_number"]) for lot in exact(answer)["items"]] == [
        (193, BLOCK.replace("941467431", "941467199")),
        (50, BLOCK.replace("941467007", "941467200").replace("941467431", "941467249")),
        (182, BLOCK.replace("941467007", "941467250")),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"numbers": None},
        {"numbers": []},
        {"numbers": "941467200 to 941467249"},
        {"numbers": [941467200]},
        {"numbers": ["941467200 to 941467500"]},
        {"numbers": ["941467007 to 941467431"]},
        {"numbers": ["941467200"], "quantities": [250, 175]},
    ],
)
def test_numbers_that_cannot_be_lots_are_refused(api: FlaskClient, body: dict[str, object]) -> None:
    record_id = recorded(**a_block())
    assert fields_of(api.post(f"/records/{record_id}/split", json=body)) == {"numbers"}
    assert exact(api.get(f"/records/{record_id}"))["status"] == "ACTIVE"


def test_a_record_without_a_block_is_not_split_by_numbers(api: FlaskClient) -> None:
    answer = api.post(f"/records/{recorded()}/split", json={"numbers": ["1 to 5"]})
    assert fields_of(answer) == {"numbers"}


def test_the_lots_of_a_sold_record_are_sold(api: FlaskClient) -> None:
    answer = api.post(f"/records/{sold()}/split", json={"quantities": [25, 75]})
    assert {lot["status"] for lot in exact(answer)["items"]} == {"SOLD"}


@pytest.mark.parametrize(
    "quantities", [[25, 74], [25, 76], [100], [], None, 100, "25", [0, 100], [25, "x"], [25, [75]], [1] * 101]
)
def test_invalid_quantities_of_lots_are_refused(api: FlaskClient, quantities: object) -> None:
    record_id = recorded()
    assert fields_of(api.post(f"/records/{record_id}/split", json={"quantities": quantities})) == {
        "quantities"
    }
    assert exact(api.get(f"/records/{record_id}"))["status"] == "ACTIVE"


def test_lots_of_a_block_are_whole_tonnes(api: FlaskClient) -> None:
    answer = api.post(f"/records/{recorded(**a_block())}/split", json={"quantities": [0.5, 424.5]})
    assert fields_of(answer) == {"quantities"}


def test_an_unknown_field_of_a_split_is_named(api: FlaskClient) -> None:
    body = {"quantities": [25, 75], "buyer": "Acme"}
    assert fields_of(api.post(f"/records/{recorded()}/split", json=body)) == {"buyer"}


@pytest.mark.parametrize("record_id", ["0" * 64, "x", "%00"])
def test_an_unknown_record_cannot_be_split(empty_api: FlaskClient, record_id: str) -> None:
    answer = empty_api.post(f"/records/{record_id}/split", json={"quantities": [25, 75]})
    assert answer.status_code == 404


def test_a_second_split_is_409_with_the_lots_of_the_first(api: FlaskClient) -> None:
    record_id = recorded()
    first = exact(api.post(f"/records/{record_id}/split", json={"quantities": [25, 75]}))
    count = len(list_events().items)
    again = api.post(f"/records/{record_id}/split", json={"quantities": [50, 50]})
    assert again.status_code == 409
    assert exact(again)["record_status"] == "SPLIT"
    assert [lot["id"] for lot in exact(again)["lots"]] == [lot["id"] for lot in first["items"]]
    assert len(list_events().items) == count


def test_a_retired_record_cannot_be_split(api: FlaskClient) -> None:
    answer = api.post(f"/records/{retired()}/split", json={"quantities": [25, 75]})
    assert answer.status_code == 409
    assert exact(answer)["record_status"] == "RETIRED"
    assert "lots" not in exact(answer)


def test_a_split_needs_a_body(api: FlaskClient) -> None:
    assert api.post(f"/records/{recorded()}/split").status_code == 415
