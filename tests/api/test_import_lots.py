"""Imports of blocks, of replacements, and of records that this API returned."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact
from tests.fixtures.blocks import BLOCK, INSIDE, a_block
from tests.fixtures.credits import a_credit, recorded
from webapp.accounts.actors import LOCAL
from webapp.ledger.commands import cancel_credit, correct_credit, retire_credit


def imported(api: FlaskClient, *rows: object) -> dict[str, Any]:
    """Import the rows and return the import."""
    found: dict[str, Any] = exact(api.post("/records/imports", json=[*rows]))
    return found


def counts(found: dict[str, Any]) -> tuple[int, ...]:
    """Return the numbers of rows that were written, existing, conflicting and invalid."""
    return found["written"], found["existing"], found["conflicting"], found["invalid"]


def rows_of(api: FlaskClient, found: dict[str, Any]) -> list[tuple[int, str, int]]:
    """Return the row, the kind and the tonnes of each line of the plan."""
    items = exact(api.get(f"/records/imports/{found['id']}/rows"))["items"]
    return [(item["row"], item["kind"], item["tonnes"]) for item in items]


@pytest.mark.parametrize("fate", ["active", "retired"])
def test_a_block_inside_a_held_block_is_recorded_already(api: FlaskClient, fate: str) -> None:
    holder = recorded(**a_block())
    if fate == "retired":
        retire_credit(holder, {}, LOCAL)
    found = imported(api, a_credit(registry="Verra", quantity=50, serial_number=INSIDE))
    assert (found["state"], counts(found), found["problems"]) == ("done", (0, 1, 0, 0), [])


def test_of_a_block_that_overlaps_a_held_block_the_other_numbers_are_recorded(api: FlaskClient) -> None:
    recorded(**a_block())
    later = BLOCK.replace("941467007-941467431", "941467400-941467499")
    found = imported(api, a_credit(quantity=100, serial_number=later))
    assert {line["kind"]: line["tonnes"] for line in found["plan"]} == {"new": 68, "existing": 32}
    serials = {item["serial_number"] for item in exact(api.get("/records"))["items"]}
    assert serials == {BLOCK, BLOCK.replace("941467007-941467431", "941467432-941467499")}


def test_numbers_that_two_rows_name_are_recorded_once(api: FlaskClient) -> None:
    answer = api.post(
        "/records/imports?dry_run=1",
        json=[a_credit(**a_block()), a_credit(registry="verra", quantity=50, serial_number=INSIDE)],
    )
    assert rows_of(api, exact(answer)) == [(1, "new", 425), (2, "equal", 50)]


def test_a_block_of_another_length_than_the_quantity_is_invalid(api: FlaskClient) -> None:
    found = imported(api, a_credit(**a_block(quantity=424)))
    assert counts(found) == (0, 0, 0, 1)
    assert "425 units" in found["problems"][0]["message"]


def test_a_row_may_replace_a_cancelled_record(api: FlaskClient) -> None:
    wrong = recorded()
    cancel_credit(wrong, {"reason": "Typo"}, LOCAL)
    found = imported(api, a_credit(vintage=2024, replaces=wrong))
    assert (found["state"], found["not_recorded"], counts(found)) == ("done", [], (1, 0, 0, 0))
    (listed,) = exact(api.get("/records"))["items"]
    assert listed["replaces"] == wrong


def test_a_row_cannot_replace_a_record_that_is_not_cancelled(api: FlaskClient) -> None:
    active = recorded()
    found = imported(
        api, *(a_credit(vintage=2024, serial_number=None, replaces=r) for r in (active, "0" * 64))
    )
    assert counts(found) == (0, 0, 0, 2)
    assert {problem["field"] for problem in found["problems"]} == {"replaces"}


def test_an_import_does_not_record_a_cancelled_credit_again(api: FlaskClient) -> None:
    wrong = recorded()
    cancel_credit(wrong, {"reason": "Typo"}, LOCAL)
    found = imported(api, a_credit())
    assert counts(found) == (0, 0, 1, 0)
    (problem,) = found["problems"]
    assert problem["holder"] == wrong
    assert f"state that it replaces {wrong}" in problem["message"]


@pytest.fixture
def family(api: FlaskClient) -> list[dict[str, Any]]:
    """Return every record, as the API returns it, of a ledger with a split and a correction."""
    lot = retire_credit(recorded(**a_block()), {"quantity": "25"}, LOCAL)
    retire_credit(lot.rest_id or "", {"quantity": "100"}, LOCAL)
    correct_credit(recorded(), a_credit(vintage="2024"), {"reason": "Typo"}, LOCAL)
    ids = [
        item["id"]
        for query in ("", "?status=SPLIT", "?status=CANCELLED")
        for item in exact(api.get(f"/records{query}"))["items"]
    ]
    return [api.get(f"/records/{record_id}").get_json() for record_id in ids]


def test_records_from_the_api_count_as_already_recorded(
    api: FlaskClient, family: list[dict[str, Any]]
) -> None:
    found = imported(api, *family)
    assert (found["problems"], found["not_recorded"]) == ([], [])
    assert (found["state"], counts(found)) == ("done", (0, len(family), 0, 0))
    assert len(family) == 7


def test_a_lot_is_not_recorded_without_its_parent(api: FlaskClient, family: list[dict[str, Any]]) -> None:
    lot = next(record for record in family if record["parent"] and record["status"] == "ACTIVE")
    unknown = {name: value for name, value in lot.items() if name != "id"} | {"parent": "0" * 64}
    found = imported(api, unknown)
    assert counts(found) == (0, 0, 0, 1)
    assert "This is a lot" in found["problems"][0]["message"]


@pytest.mark.parametrize(("field", "value"), [("parent", "x"), ("offset", None), ("offset", "-1")])
def test_a_lot_with_an_invalid_parent_or_offset_is_invalid(
    api: FlaskClient, family: list[dict[str, Any]], field: str, value: object
) -> None:
    lot = next(record for record in family if record["parent"])
    found = imported(api, lot | {field: value})
    assert counts(found) == (0, 0, 0, 1)
    assert field in {problem["field"] for problem in found["problems"]}
