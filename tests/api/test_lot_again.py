"""A part of a block is given again, by itself, after the block was split at that part."""

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact

LAKE = {"project_name": "Lake", "registry": "GS", "vintage": 2025}
ALL = {**LAKE, "quantity": 5485, "serial_number": "GS1-1-KE-GS99701-16-2025-30256-1-5485"}
PART = {**LAKE, "quantity": 5354, "serial_number": "GS1-1-KE-GS99701-16-2025-30256-110-5463"}


def split_and_retire(api: FlaskClient) -> str:
    """Record the block, split it, and retire the lot in the middle. Returns the lot's id."""
    whole = exact(api.post("/records", json=ALL))["id"]
    lots = exact(api.post(f"/records/{whole}/split", json={"quantities": [109, 5354, 22]}))["items"]
    middle = str(lots[1]["id"])
    assert api.post(f"/records/{middle}/retire", json={"beneficiary": "Acme"}).status_code == 200
    return middle


def test_the_part_is_recorded_already(api: FlaskClient) -> None:
    middle = split_and_retire(api)
    answer = api.post("/records", json=PART)
    assert (answer.status_code, exact(answer)["id"]) == (200, middle)


@pytest.mark.parametrize(
    "change", [{"vintage": 2024}, {"registry": "Gold Standard"}, {"project_name": "Sea"}], ids=str
)
def test_a_part_of_another_vintage_or_under_another_name_stays_in_conflict(
    api: FlaskClient, change: dict[str, object]
) -> None:
    split_and_retire(api)
    assert api.post("/records", json=PART | change).status_code == 409
