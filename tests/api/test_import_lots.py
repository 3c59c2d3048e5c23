"""Imports of blocks, of replacements, and of records that this API returned."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact
from tests.fixtures.blocks import BLOCK, INSIDE, a_block
from tests.fixtures.credits import a_credit, recorded
from webapp.accounts.actors import LOCAL
from webapp.ledger import queries
from webapp.ledger.commands import cancel_credit, correct_credit, retire_credit


def imported(api: FlaskClient, *rows: object) -> dict[str, Any]:
    """Import the rows and return the import."""
    found: dict[str, Any] = exact(api.post("/records/imports", json=[*rows]))
    return found


def counts(found: dict[str, Any]) -> tuple[int, ...]:
    """Return the numbers of rows that were written, existing, conflicting and invalid."""
    return found["written"], found["existing"], found["conflicting"], found["invalid"]


def test_a_block_inside_a_held_block_is_in_conflict_with_its_holder(api: FlaskClient) -> None:
    holder = recorded(**a_block())
    found = imported(api, a_credit(registry="Verra", quantity=50, serial_number=INSIDE))
    assert (found["state"], counts(found)) == ("failed", (0, 0, 1, 0))
    (problem,) = found["problems"]
    assert (problem["field"], problem["holder"]) == ("serial_number", holder)
    assert "941467101 to 941467150, is a part of a block" in problem["message"]
    assert "Split that credit so that these numbers" in problem["message"]


def test_a_block_inside_a_held_block_comes_with_the_split_that_makes_it_a_lot(api: FlaskClient) -> None:
    holder = recorded(**a_block())
    found = imported(api, a_credit(registry="Verra", quantity=50, serial_number=INSIDE))
    (problem,) = found["problems"]
    (refused,) = exact(api.get(f"/records/imports/{found['id']}"))["problems"]
    assert refused == problem
    alone = exact(api.post("/records", json=a_credit(registry="Verra", quantity=50, serial_number=INSIDE)))
    names = ("holder", "holder_url", "first", "last", "is_inside", "split_url", "split")
    assert {name: problem[name] for name in names} == {name: alone[name] for name in names}
    assert api.post(problem["split_url"], json=problem["split"]).status_code == 201
    assert queries.record(holder).relations.lots[1].serial_number == INSIDE


def test_the_advice_of_a_problem_follows_the_current_status_of_the_holder(api: FlaskClient) -> None:
    holder = recorded(**a_block())
    found = imported(api, a_credit(registry="Verra", quantity=50, serial_number=INSIDE))
    retire_credit(holder, {}, LOCAL)
    (problem,) = exact(api.get(f"/records/imports/{found['id']}"))["problems"]
    assert "That credit is retired" in problem["message"]
    assert {"split", "split_url"} & set(problem) == set()


def test_a_block_that_overlaps_a_held_block_names_the_numbers_in_common(api: FlaskClient) -> None:
    holder = recorded(**a_block())
    later = BLOCK.replace("941467007-941467431", "941467400-941467499")
    (problem,) = imported(api, a_credit(quantity=100, serial_number=later))["problems"]
    assert problem["holder"] == holder
    assert "The numbers 941467400 to 941467431" in problem["message"]


def test_rows_of_one_file_cannot_hold_a_number_twice(api: FlaskClient) -> None:
    found = imported(
        api,
        a_credit(**a_block()),
        a_credit(registry="verra", quantity=50, serial_number=INSIDE),
    )
    assert counts(found) == (0, 0, 1, 0)
    (problem,) = found["problems"]
    assert (problem["row"], "holder" in problem) == (2, False)
    assert "in row 1 as well" in problem["message"]


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
