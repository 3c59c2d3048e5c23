"""A file that states a block and a part of it is given again after the block was split at that part."""

import json
from typing import Any

from flask.testing import FlaskClient

from tests.api.conftest import exact

LAKE = {"project_name": "Lake", "registry": "GS", "vintage": 2025}
ALL = {**LAKE, "quantity": 5485, "serial_number": "GS1-1-KE-GS99701-16-2025-30256-1-5485"}
PART = {**LAKE, "quantity": 5354, "serial_number": "GS1-1-KE-GS99701-16-2025-30256-110-5463"}


def imported(api: FlaskClient, *rows: dict[str, object], query: str = "") -> dict[str, Any]:
    answer = api.post(f"/records/imports{query}", data=json.dumps(rows), content_type="application/json")
    body: dict[str, Any] = exact(api.get(answer.headers["Location"]))
    return body


def split_and_retire(api: FlaskClient) -> str:
    """Record the block, split it as the second row's conflict says, and retire the middle lot."""
    imported(api, ALL, PART, query="?skip_invalid=1")
    (problem,) = imported(api, ALL, PART)["problems"]
    lots = exact(api.post(problem["split_url"], json=problem["split"]))["items"]
    assert [lot["quantity"] for lot in lots] == [109, 5354, 22]
    middle = str(lots[1]["id"])
    assert api.post(f"/records/{middle}/retire", json={"beneficiary": "Acme"}).status_code == 200
    return middle


def test_all_of_the_file_is_recorded_already(api: FlaskClient) -> None:
    split_and_retire(api)
    again = imported(api, ALL, PART)
    counts = {name: again[name] for name in ("state", "existing", "new", "conflicting", "invalid")}
    assert counts == {"state": "done", "existing": 2, "new": 0, "conflicting": 0, "invalid": 0}


def test_the_part_is_recorded_already_for_a_program(api: FlaskClient) -> None:
    middle = split_and_retire(api)
    answer = api.post("/records", json=PART)
    assert (answer.status_code, exact(answer)["id"]) == (200, middle)


def test_a_part_of_another_vintage_or_under_another_name_stays_in_conflict(api: FlaskClient) -> None:
    split_and_retire(api)
    for change in ({"vintage": 2024}, {"registry": "Gold Standard"}, {"project_name": "Sea"}):
        assert api.post("/records", json=PART | change).status_code == 409
