"""A file of which no row is a credit names the columns that it does have."""

import json

import pytest

from webapp.accounts.actors import LOCAL
from webapp.imports import jobs, views
from webapp.imports.views import ImportView

pytestmark = pytest.mark.usefixtures("ledger_app")

HEADERS = ["project_name", "registry", "vintage", "quantity", "serial_number", "Batch"]
CSV = [
    ",".join(HEADERS),
    "Solar,VCS,2020,none,A-1,7",
    "Wind,VCS,1066,10,A-2,8",
]
GOOD = "Water,VCS,2021,10,A-3,9"
NAMED = f"The file has the columns: {', '.join(HEADERS)}."


def of_lines(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def imported(content: bytes, *, skip_invalid: bool = False) -> ImportView:
    written = jobs.import_now(
        content, "rows", LOCAL, skip_invalid=skip_invalid, how_to_skip="Use --skip-invalid."
    )
    return written.view


def test_the_message_of_an_import_names_the_columns_of_a_table() -> None:
    view = imported(of_lines(*CSV))
    reason = "Nothing was written: some rows are invalid or in conflict."
    assert view.message == f"{reason} {NAMED} Use --skip-invalid."


def test_the_message_names_the_fields_of_json() -> None:
    rows = [{"Name": "Solar", "standard": "VCS", "amount": {"t": "ten"}}]
    assert "The file has the columns: Name, standard, amount.t." in str(
        imported(json.dumps(rows).encode()).message
    )


def test_the_preview_names_the_columns() -> None:
    import_id = jobs.receive(of_lines(*CSV), "rows.csv", LOCAL).import_id
    assert NAMED in views.find(import_id).summary.notes


def test_a_file_with_a_row_that_can_be_recorded_does_not_need_it() -> None:
    content = of_lines(*CSV, GOOD)
    assert imported(content).message == (
        "Nothing was written: some rows are invalid or in conflict. Use --skip-invalid."
    )
    import_id = jobs.receive(content, "rows.csv", LOCAL).import_id
    assert not [note for note in views.find(import_id).summary.notes if "has the columns" in note]


def test_many_and_long_names_are_cut() -> None:
    lines = [",".join(["project_name", "registry", "vintage", "quantity", "x" * 200, *map(str, range(60))])]
    message = str(
        imported(of_lines(*lines, ",".join(["Solar", "VCS", "1066", "1", "y", *["z"] * 60]))).message
    )
    assert message.endswith(" and 15 more. Use --skip-invalid.")
    assert "x" * 80 in message
    assert "x" * 81 not in message


def test_rows_that_are_no_objects_have_no_columns_to_name() -> None:
    assert "columns:" not in str(imported(b"[1, 2]").message)
