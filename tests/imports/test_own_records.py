"""Rows of our own files and of other ledger programs: ids, statuses, places and lists of events."""

import pytest

from tests.imports.sources import CREDIT, json_source, meaning, source_of, the_row
from webapp.domain.credit import parse_credit
from webapp.domain.import_row import ImportRow
from webapp.domain.lifecycle import Status
from webapp.imports.readers.source import FileKind

THE_CREDIT = parse_credit(CREDIT | {"vintage": "2022", "quantity": "40"})


@pytest.mark.parametrize("given", ["0" * 64, "7f0c-uuid", 12, None])
def test_the_id_of_another_program_blocks_nothing(given: object) -> None:
    events = [{"event_type": "created", "timestamp": "2025-09-27T20:09:24.691883"}]
    row = the_row(id=given, events=events, message="Record created")
    assert (row.credit, row.problems, row.unknown_fields) == (THE_CREDIT, [], [])


def own(**fields: object) -> dict[str, object]:
    return {"id": THE_CREDIT.id, **CREDIT, "status": "ACTIVE", "created_at": "2026", **fields}


def test_a_record_of_our_api_is_the_same_credit() -> None:
    (row,) = meaning(json_source(own(events=[{"event_type": "CREATED"}], facts={"country": "Peru"})))
    assert (row.credit, row.problems, row.unknown_fields, row.status) == (THE_CREDIT, [], [], Status.ACTIVE)
    assert row.facts == {"country": "Peru"}


def test_in_our_own_file_an_id_of_other_fields_is_an_error() -> None:
    _, row = meaning(json_source(own(), own(quantity=41)))
    assert [problem.field for problem in row.problems] == ["id"]


@pytest.mark.parametrize("status", ["SOLD", "RETIRED", "WITHDRAWN", "SPLIT", "CANCELLED"])
def test_a_row_of_ours_keeps_its_status(status: str) -> None:
    (row,) = meaning(json_source(own(status=status)))
    assert (row.credit, row.status, row.end, row.is_active) == (THE_CREDIT, Status(status), None, False)


def test_a_lot_of_ours_keeps_its_place() -> None:
    (row,) = meaning(json_source(own(id="a" * 64, parent="b" * 64, offset=25)))
    assert row.credit
    assert (row.credit.parent, row.credit.offset_e4) == ("b" * 64, 250_000)


def own_csv(**cells: str) -> ImportRow:
    row = {
        "id": THE_CREDIT.id,
        "project_name": "Serra Azul Reforestation",
        "registry": "VCS",
        "vintage": "2022",
        "quantity": "40",
        "serial_number": "H2-RT-1",
        "status": "ACTIVE",
        "created_at": "2026-11-20T16:50:00.000000Z",
        "changed_at": "2026-11-20T16:50:00.000000Z",
        "buyer": "",
        "beneficiary": "",
    }
    (found,) = meaning(source_of(row | cells, kind=FileKind.CSV))
    return found


def test_our_own_csv_is_the_same_credit() -> None:
    row = own_csv()
    assert (row.credit, row.problems, row.unknown_fields, row.stated_id) == (THE_CREDIT, [], [], None)


def test_a_lot_in_our_own_csv_is_refused_unless_its_id_is_held() -> None:
    row = own_csv(id="a" * 64)
    assert (row.stated_id, row.problems) == ("a" * 64, [])
    assert row.not_active
    assert "flask export" in row.not_active.message


def test_a_name_that_a_spreadsheet_would_evaluate_comes_back_as_recorded() -> None:
    credit = parse_credit(CREDIT | {"project_name": "=Solar", "vintage": "2022", "quantity": "40"})
    assert own_csv(id=credit.id, project_name="'=Solar").credit == credit


@pytest.mark.parametrize(
    "row",
    [
        {"position": 1, "event_type": "CREATED", "credit_id": "a", "seq": 1, "hash": "b", "quantity": "5"},
        {"position": 1, "event_type": "CREATED", "record_id": "a", "seq": 1, "hash": "b", "data": {}},
        {"id": 1, "record_id": 2, "event_type": "created", "payload": {"quantity": 5}, "created_at": "2025"},
    ],
)
def test_a_list_of_events_has_nothing_to_record(row: dict[str, object]) -> None:
    assert meaning(json_source(row)) == []


def test_a_text_with_four_decimals_is_a_quantity() -> None:
    assert the_row(id="9f1c", quantity="40.0000").credit == THE_CREDIT


def test_a_record_of_another_program_with_a_history_is_refused() -> None:
    events = [{"event_type": "created"}, {"event_type": "retired"}]
    row = the_row(id="9f1c", events=events, message="Record retired")
    assert row.not_active
    assert "events: created, retired" in row.not_active.message
