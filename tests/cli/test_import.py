"""`flask import`: its output, its records and its errors."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Row

from tests.fixtures.cli import EMPTY_OUTPUT, SAMPLE, one_line, run
from tests.fixtures.credits import a_credit
from tests.imports.large_files import csv_of, rows_of_blocks
from tests.imports.sources import EXPORTS
from webapp.cli import ledger, output
from webapp.config import MAX_BODY_BYTES
from webapp.imports import jobs, views
from webapp.imports.background import grouping, job
from webapp.imports.background.job import JobView
from webapp.imports.background.limits import Limits
from webapp.ledger import queries
from webapp.ledger.listing import list_credits, list_events
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.views import EventView


def test_an_import_prints_its_counts(ledger_app: Flask) -> None:
    result = run(ledger_app, "import", SAMPLE)
    assert (result.exit_code, result.stderr) == (0, "")
    total = sum(row["quantity"] for row in json.loads(Path(SAMPLE).read_text()))
    assert result.stdout.splitlines() == [
        "sample-registry.json: 10 rows (JSON, UTF-8)",
        f"new: 10 rows, {total:g} t",
        "written: 10",
    ]


def test_an_import_prints_the_tonnes_of_each_kind(ledger_app: Flask, tmp_path: Path) -> None:
    rows = [
        a_credit(),
        a_credit(),
        a_credit(serial_number="2", quantity=2.5, status="Retired"),
        a_credit(serial_number="0", vintage=2020),
        a_credit(serial_number="3", vintage=1),
    ]
    result = run(ledger_app, "import", "--skip-invalid", "--as-additional", rows_file(tmp_path, *rows))
    assert result.stdout.splitlines() == [
        "rows.json: 5 rows (JSON, UTF-8)",
        "new: 2 rows, 200 t",
        "new retired: 1 row, 2.5 t",
        "equal: 1 row, 100 t",
        "invalid: 1 row, 100 t",
        "1 row: The serial number “0” is read as missing.",
        "row 5, vintage: “1” is not a year, a date or a period, such as 2020.",
        "written: 3",
    ]


def test_an_import_shows_how_far_it_is(
    ledger_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int]] = []

    class Told(output.Progress):
        def __call__(self, done: int) -> None:
            told.append((f"{self._doing} {self._counted}", done))

    monkeypatch.setattr(ledger, "Progress", Told)
    run(ledger_app, "import", rows_file(tmp_path, *(a_credit(serial_number=str(n)) for n in range(250))))
    assert told == [
        ("Reading rows", 100),
        ("Reading rows", 200),
    ]


def test_an_import_names_the_terminal_as_the_actor(ledger_app: Flask) -> None:
    run(ledger_app, "import", SAMPLE)
    assert views.list_imports()[0].actor == "cli"
    credit_id = list_credits(CreditFilter()).items[0].id
    assert queries.record(credit_id).events[0].actor == "cli"


def test_importing_the_same_file_again_records_nothing(ledger_app: Flask) -> None:
    run(ledger_app, "import", SAMPLE)
    result = run(ledger_app, "import", SAMPLE)
    assert result.exit_code == 0
    assert "existing: 10 rows" in result.stdout
    assert result.stdout.endswith("written: 0\n")


def rows_file(tmp_path: Path, *rows: dict[str, object]) -> str:
    """Write the rows to a file and return its name."""
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows))
    return str(path)


def test_an_import_with_a_bad_row_writes_nothing_and_names_it(ledger_app: Flask, tmp_path: Path) -> None:
    path = rows_file(tmp_path, a_credit(), a_credit(serial_number="VCS-0002", vintage=1800))
    result = run(ledger_app, "import", path)
    assert result.exit_code == 1
    assert "row 2, vintage: “1800”: Must be a year from 1990 to 2100.\n" in result.stdout
    assert result.stdout.endswith("written: 0\n")
    assert result.stderr == (
        "Nothing was written: some rows are invalid or in conflict. "
        "Use --skip-invalid to record the others.\n"
    )
    assert views.list_imports()[0].state == "failed"


def test_an_import_leaves_out_bad_rows_where_told_to(ledger_app: Flask, tmp_path: Path) -> None:
    path = rows_file(tmp_path, a_credit(), a_credit(serial_number="VCS-0002", vintage=1800))
    result = run(ledger_app, "import", "--skip-invalid", path)
    assert result.exit_code == 0
    assert result.stdout.endswith("written: 1\n")


def test_an_import_records_a_retired_row_as_retired(ledger_app: Flask, tmp_path: Path) -> None:
    path = rows_file(tmp_path, a_credit(), a_credit(serial_number="VCS-0002", is_retired=True))
    assert run(ledger_app, "import", "--end-date", "2026-01-31", path).stdout.endswith("written: 2\n")
    events = [each for each in list_events().items if isinstance(each, EventView)]
    (data,) = [event.data for event in events if event.event_type == "RETIRED"]
    assert data == {"occurred_on": "2026-01-31", "facts": {"date_source": "importer"}, "import": "1"}


def test_an_import_never_records_a_row_that_is_not_understood(ledger_app: Flask, tmp_path: Path) -> None:
    path = rows_file(tmp_path, a_credit(), a_credit(serial_number="VCS-0002", lots=[{"id": "a"}]))
    result = run(ledger_app, "import", "--skip-invalid", "--ignore-unknown", path)
    assert "row 2, lots: This row says lots: 1 entry. The history would be lost" in result.stdout
    assert result.stdout.endswith("written: 1\n")


@pytest.mark.parametrize(
    ("options", "kinds", "written"),
    [
        (["--where", "registry=gs"], ["new: 1 row, 5 t", "left out: 1 row, 100 t"], 1),
        (["--compare"], ["left out: 2 rows, 105 t"], 0),
    ],
)
def test_an_import_records_what_the_options_choose(
    ledger_app: Flask, tmp_path: Path, options: list[str], kinds: list[str], written: int
) -> None:
    path = rows_file(tmp_path, a_credit(), a_credit(registry="GS", quantity=5))
    result = run(ledger_app, "import", *options, path)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1:] == [*kinds, f"written: {written}"]


def test_rows_without_a_serial_number_are_additional_where_told_so(ledger_app: Flask, tmp_path: Path) -> None:
    path = rows_file(tmp_path, a_credit(), a_credit(serial_number=None, quantity=5))
    assert run(ledger_app, "import", path).exit_code == 1
    assert "new: 2 rows, 105 t\n" in run(ledger_app, "import", "--as-additional", path).stdout


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--where", "registry"], "--where: Must be a column, an equals sign and a value."),
        (["--where", "Colour=green"], "The file has no column “Colour”."),
        (["--end-date", "31/01/2026"], "--end-date: "),
        (["--end-date", "2999-01-01"], "--end-date: Must not be in the future."),
    ],
)
def test_an_option_that_is_not_valid_is_named(ledger_app: Flask, options: list[str], sentence: str) -> None:
    assert sentence in one_line(run(ledger_app, "import", *options, SAMPLE))
    assert views.list_imports() == []


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_table_with_unknown_columns_is_refused_with_those_that_are_missing(
    ledger_app: Flask, tmp_path: Path, dry: list[str]
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a;b\nx;y\n")
    result = run(ledger_app, "import", *dry, str(path))
    assert result.exit_code == 1
    assert "the columns of the file are not known." in result.stderr
    assert result.stdout.startswith("table.csv: 1 row (CSV, UTF-8)\n")


def test_an_export_of_a_registry_is_read_by_its_headers(ledger_app: Flask) -> None:
    result = run(ledger_app, "import", str(EXPORTS / "gold-standard-retirements.csv"))
    assert "(CSV, Gold Standard retirements, UTF-8)" in result.stdout
    assert result.exit_code == 0


def test_an_import_with_unknown_fields_needs_to_be_told(ledger_app: Flask, tmp_path: Path) -> None:
    path = rows_file(tmp_path, a_credit(colour="green"))
    result = run(ledger_app, "import", path)
    assert result.exit_code == 1
    assert "not recorded: colour\n" in result.stdout
    assert result.stderr == (
        "Nothing was written: some fields of the file would not be recorded. "
        "Use --ignore-unknown to leave them out.\n"
    )
    assert run(ledger_app, "import", "--ignore-unknown", path).stdout.endswith("written: 1\n")


def test_a_dry_run_writes_nothing_and_leaves_no_open_import(ledger_app: Flask) -> None:
    result = run(ledger_app, "import", "--dry-run", SAMPLE)
    assert result.exit_code == 0
    assert "new: 10 rows" in result.stdout
    assert run(ledger_app, "verify").stdout == EMPTY_OUTPUT
    assert [view.state for view in views.list_imports()] == ["cancelled"]


def test_a_dry_run_fails_where_the_import_would(ledger_app: Flask, tmp_path: Path) -> None:
    result = run(ledger_app, "import", "--dry-run", rows_file(tmp_path, a_credit(quantity=-1)))
    assert result.exit_code == 1
    assert result.stderr == "Nothing would be recorded: some rows are invalid or in conflict.\n"


def test_an_import_reads_the_standard_input(ledger_app: Flask) -> None:
    result = run(ledger_app, "import", "-", input=Path(SAMPLE).read_bytes())
    assert result.stdout.startswith("standard input: 10 rows (JSON, UTF-8)\nnew: 10 rows")


def test_field_names_cannot_draw_on_the_terminal(ledger_app: Flask, tmp_path: Path) -> None:
    result = run(ledger_app, "import", rows_file(tmp_path, a_credit(**{"\x1b[2J\u202e": 1})))
    assert "\x1b" not in result.stdout
    assert "not recorded: \\u001b[2J\\u202e\n" in result.stdout


def test_an_import_that_is_interrupted_leaves_none_behind(
    ledger_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt  # in the writer, in the middle of the act

    monkeypatch.setattr(jobs, "make_plan", interrupted)
    assert run(ledger_app, "import", SAMPLE).exit_code == 1
    assert views.list_imports() == []


def test_a_large_import_that_is_interrupted_is_stopped_and_can_be_resumed(
    ledger_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view_of = job.view_of

    def interrupted(row: Row[Any]) -> JobView:
        if row.chunks_recorded == 2:
            raise KeyboardInterrupt
        return view_of(row)

    monkeypatch.setattr(grouping, "CHUNK_ROWS", 1)
    monkeypatch.setattr(job, "view_of", interrupted)
    ledger_app.config["IMPORT_LIMITS"] = Limits(small_bytes=10)
    path = tmp_path / "large.csv"
    path.write_bytes(csv_of(rows_of_blocks(4)))
    refused = one_line(run(ledger_app, "import", "--ignore-unknown", str(path)))
    assert refused == "Stopped. 2 rows recorded. The page /imports/1 can record the rest."
    stopped = views.find(1)
    assert stopped.job
    assert stopped.job.can_resume


def test_a_file_that_is_larger_than_the_setting_is_refused(ledger_app: Flask, tmp_path: Path) -> None:
    ledger_app.config["IMPORT_LIMITS"] = Limits(size_bytes=MAX_BODY_BYTES)
    path = tmp_path / "large.csv"
    path.write_bytes(b"a,b\n" * (MAX_BODY_BYTES // 4 + 1))
    assert one_line(run(ledger_app, "import", str(path))) == "This file is larger than 16 MB."
