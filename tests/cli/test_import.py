"""`flask import`: its output, its records and its errors."""

import json
from pathlib import Path

import pytest
from flask import Flask

from tests.fixtures.cli import EMPTY_OUTPUT, SAMPLE, one_line, run
from tests.fixtures.credits import a_credit
from webapp.cli import ledger, output
from webapp.config import MAX_BODY_BYTES
from webapp.imports import jobs, views
from webapp.ledger import queries
from webapp.ledger.listing import list_credits
from webapp.ledger.search.credit_filter import CreditFilter


def test_an_import_prints_its_counts(ledger_app: Flask) -> None:
    result = run(ledger_app, "import", SAMPLE)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "sample-registry.json: 10 rows: 10 new, 0 already recorded, 0 in conflict, 0 invalid\nwritten: 10\n"
    )


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
    assert "0 new, 10 already recorded" in result.stdout


def rows_file(tmp_path: Path, *rows: dict[str, object]) -> str:
    """Write the rows to a file and return its name."""
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows))
    return str(path)


def test_an_import_with_a_bad_row_writes_nothing_and_names_it(ledger_app: Flask, tmp_path: Path) -> None:
    path = rows_file(tmp_path, a_credit(), a_credit(serial_number="VCS-0002", vintage=1800))
    result = run(ledger_app, "import", path)
    assert result.exit_code == 1
    assert "row 2, vintage: Must be a year from 1990 to 2100.\n" in result.stdout
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


def test_an_import_never_records_a_row_that_says_it_is_retired(ledger_app: Flask, tmp_path: Path) -> None:
    path = rows_file(tmp_path, a_credit(), a_credit(serial_number="VCS-0002", is_retired=True))
    result = run(ledger_app, "import", "--skip-invalid", "--ignore-unknown", path)
    assert "row 2, is_retired: This row says is_retired: true. Retired tonnes cannot be" in result.stdout
    assert result.stdout.endswith("written: 1\n")


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
    assert "10 new" in result.stdout
    assert run(ledger_app, "verify").stdout == EMPTY_OUTPUT
    assert [view.state for view in views.list_imports()] == ["cancelled"]


def test_a_dry_run_fails_where_the_import_would(ledger_app: Flask, tmp_path: Path) -> None:
    result = run(ledger_app, "import", "--dry-run", rows_file(tmp_path, a_credit(quantity=-1)))
    assert result.exit_code == 1
    assert result.stderr == "Nothing would be recorded: some rows are invalid or in conflict.\n"


def test_an_import_reads_the_standard_input(ledger_app: Flask) -> None:
    result = run(ledger_app, "import", "-", input=Path(SAMPLE).read_bytes())
    assert result.stdout.startswith("standard input: 10 rows: 10 new")


def test_field_names_cannot_draw_on_the_terminal(ledger_app: Flask, tmp_path: Path) -> None:
    result = run(ledger_app, "import", rows_file(tmp_path, a_credit(**{"\x1b[2J\u202e": 1})))
    assert "\x1b" not in result.stdout
    assert "not recorded: \\u001b[2J\\u202e\n" in result.stdout


def test_an_import_that_is_interrupted_leaves_none_behind(
    ledger_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt  # in the writer, in the middle of the act

    monkeypatch.setattr(jobs, "decide", interrupted)
    assert run(ledger_app, "import", SAMPLE).exit_code == 1
    assert views.list_imports() == []


def test_a_file_larger_than_a_page_takes_is_refused(ledger_app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(MAX_BODY_BYTES + 1)
    assert one_line(run(ledger_app, "import", str(path))) == "large.json: larger than 16 MiB."
