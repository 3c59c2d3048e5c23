"""Terminal commands of the ledger: output, exit status, and one line per error."""

import io
import os
import sys
from pathlib import Path

import pytest
from flask import Flask

from tests.fixtures.cli import EMPTY_OUTPUT, SAMPLE, one_line, run
from tests.fixtures.credits import recorded, sold
from tests.fixtures.ledger import MakeDatabase, RawClient, opened
from tests.ledger.audit.tampering import tamper
from webapp.cli import output
from webapp.domain.errors import LedgerBusy
from webapp.domain.lifecycle import Status
from webapp.imports import views
from webapp.ledger import archive, queries
from webapp.ledger.listing import list_credits
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.storage.engine import NOT_MIGRATED

ALONE = [["verify"], ["rebuild"], ["export"], ["demo"], ["import", SAMPLE], ["restore", SAMPLE]]


def test_help_lists_every_command_with_a_sentence(ledger_app: Flask) -> None:
    listed = run(ledger_app, "--help").stdout
    for name in ("verify", "rebuild", "export", "restore", "import", "demo", "backup"):
        (line,) = [line for line in listed.splitlines() if line.split()[:1] == [name]]
        assert line.endswith("."), line


def test_verify_prints_the_number_of_events_and_the_digest(ledger_app: Flask) -> None:
    result = run(ledger_app, "verify")
    assert (result.exit_code, result.stdout, result.stderr) == (0, EMPTY_OUTPUT, "Nothing is wrong.\n")


def test_verify_prints_what_is_wrong_and_fails(ledger_app: Flask, raw: RawClient) -> None:
    credit_id = recorded()
    tamper(raw, "UPDATE credits SET vintage = 1999")
    result = run(ledger_app, "verify")
    assert result.exit_code == 1
    first, events, _digest = result.stdout.splitlines()
    assert first == f"credit {credit_id}: table credits: vintage is 1999, but its events give 2023"
    assert events == "events: 1"
    assert result.stderr == "1 thing is wrong.\n"


def test_verify_expects_what_it_printed_before(ledger_app: Flask, tmp_path: Path) -> None:
    recorded()
    kept = tmp_path / "kept"
    kept.write_text(run(ledger_app, "verify").stdout)
    sold(serial_number="VCS-0002")
    result = run(ledger_app, "verify", "--expect", str(kept))
    assert result.exit_code == 0
    assert "The first 1 events are as expected.\n" in result.stderr


def test_verify_says_that_the_digest_held_where_something_else_is_wrong(
    ledger_app: Flask, tmp_path: Path, raw: RawClient
) -> None:
    recorded()
    kept = tmp_path / "kept"
    kept.write_text(run(ledger_app, "verify").stdout)
    tamper(raw, "UPDATE credits SET vintage = 1999")
    result = run(ledger_app, "verify", "--expect", str(kept))
    assert result.exit_code == 1
    assert result.stderr == "The first 1 events have the expected digest.\n1 thing is wrong.\n"


def test_verify_fails_where_the_digest_is_another(ledger_app: Flask, tmp_path: Path) -> None:
    recorded()
    kept = tmp_path / "kept"
    kept.write_text(f"events: 1\ndigest: {'a' * 64}\n")
    result = run(ledger_app, "verify", "--expect", str(kept))
    assert result.exit_code == 1
    assert result.stdout.startswith("expected digest: the first 1 events have another digest")
    assert result.stderr == "1 thing is wrong.\n"


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\xff\x00", b"events: 1\n", b"events: 1\ndigest: x\n"])
def test_what_is_no_earlier_output_is_one_line(ledger_app: Flask, tmp_path: Path, content: bytes) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(content)
    line = one_line(run(ledger_app, "verify", "--expect", str(kept)))
    assert line.startswith(f"{kept}: This is not a saved digest")


def test_a_rebuild_says_from_how_many_events(ledger_app: Flask) -> None:
    sold()
    assert run(ledger_app, "rebuild").stdout == "Rebuilt from 2 events.\n"


def test_an_export_to_the_standard_output_prints_nothing_else_there(
    ledger_app: Flask, raw: RawClient
) -> None:
    sold()
    result = run(ledger_app, "export")
    texts = [body for (body,) in raw.execute("SELECT body FROM events ORDER BY seq")]
    assert result.stdout == "".join(f"{text}\n" for text in texts)
    assert result.stderr == run(ledger_app, "verify").stdout


def test_an_export_to_a_file_prints_what_verify_prints(ledger_app: Flask, tmp_path: Path) -> None:
    sold()
    result = run(ledger_app, "export", str(tmp_path / "log"))
    assert result.stdout == run(ledger_app, "verify").stdout
    assert (tmp_path / "log").read_text() == run(ledger_app, "export").stdout


def test_an_export_over_a_file_is_one_line_and_leaves_it(ledger_app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("yesterday's\n")
    assert one_line(run(ledger_app, "export", str(path))) == f"{path}: File exists"
    assert path.read_text() == "yesterday's\n"


def test_a_restore_prints_what_the_export_printed(
    ledger_app: Flask, tmp_path: Path, dialect: str, make_database: MakeDatabase
) -> None:
    sold()
    path, kept = tmp_path / "log", tmp_path / "kept"
    kept.write_text(run(ledger_app, "export", str(path)).stdout)
    with opened(make_database(dialect)) as other:
        result = run(other, "restore", str(path), "--expect", str(kept))
    assert (result.exit_code, result.stdout, result.stderr) == (0, kept.read_text(), "")


def test_a_broken_archive_is_one_line(ledger_app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("{}\n")
    line = one_line(run(ledger_app, "restore", str(path)))
    assert line == "Line 1: its text does not have the fields of an event."


def test_an_empty_archive_is_one_line(ledger_app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.touch()
    line = one_line(run(ledger_app, "restore", str(path)))
    assert line == "This file has no events, so there is nothing to restore."


def test_a_history_is_not_restored_over_another(ledger_app: Flask, tmp_path: Path) -> None:
    recorded()
    run(ledger_app, "export", str(tmp_path / "log"))
    assert one_line(run(ledger_app, "restore", str(tmp_path / "log"))).startswith("This ledger is not empty.")


def test_the_demo_shows_credits_of_every_status(ledger_app: Flask) -> None:
    assert run(ledger_app, "demo").stdout == "Added 10 credits, 5 sales and 5 retirements.\n"
    statuses = [credit.status for credit in list_credits(CreditFilter()).items]
    assert {status: statuses.count(status) for status in statuses} == {"ACTIVE": 3, "SOLD": 3, "RETIRED": 5}
    (split,) = list_credits(CreditFilter(statuses=(Status.SPLIT,))).items
    assert [lot.quantity for lot in queries.record(split.id).relations.lots] == ["120", "180"]
    assert run(ledger_app, "verify").exit_code == 0


def test_the_demo_adds_nothing_the_second_time(ledger_app: Flask) -> None:
    run(ledger_app, "demo")
    before = run(ledger_app, "verify").stdout
    assert run(ledger_app, "demo").stdout == "Added 0 credits, 0 sales and 0 retirements.\n"
    assert run(ledger_app, "verify").stdout == before
    assert len(views.list_imports()) == 1


@pytest.mark.parametrize("command", ["restore", "import"])
def test_a_missing_file_is_one_line(ledger_app: Flask, tmp_path: Path, command: str) -> None:
    missing = str(tmp_path / "missing.json")
    assert one_line(run(ledger_app, command, missing)) == f"{missing}: No such file or directory"


@pytest.mark.parametrize("arguments", [["restore"], ["import"], ["export"], ["verify", "--expect"]])
def test_a_folder_in_the_place_of_a_file_is_one_line(
    ledger_app: Flask, tmp_path: Path, arguments: list[str]
) -> None:
    assert one_line(run(ledger_app, *arguments, str(tmp_path))) == f"{tmp_path}: Is a directory"


def test_an_export_into_a_missing_folder_is_one_line(ledger_app: Flask, tmp_path: Path) -> None:
    line = one_line(run(ledger_app, "export", str(tmp_path / "missing" / "log")))
    assert line.endswith(": No such file or directory")


def test_an_export_replaces_no_device(ledger_app: Flask, tmp_path: Path) -> None:
    recorded()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run(ledger_app, "export", str(pipe)).exit_code == 0
        assert pipe.is_fifo()
        assert os.read(reader, 10) == b'{"actor":"'
    finally:
        os.close(reader)


@pytest.mark.parametrize("arguments", ALONE, ids=lambda arguments: str(arguments[0]))
def test_an_unmigrated_database_is_one_line_that_names_the_command(
    tmp_path: Path, arguments: list[str]
) -> None:
    with opened(f"sqlite:///{tmp_path / 'new.sqlite3'}") as app:
        assert one_line(run(app, *arguments)) == NOT_MIGRATED


@pytest.mark.parametrize("arguments", ALONE, ids=lambda arguments: str(arguments[0]))
def test_a_database_that_does_not_answer_is_one_line(arguments: list[str]) -> None:
    with opened("postgresql://nobody@127.0.0.1:1/nothing") as app:
        assert one_line(run(app, *arguments)).startswith("The database does not answer.")


def test_a_database_in_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path / 'missing' / 'ledger.sqlite3'}") as app:
        assert one_line(run(app, "verify")) == "The database does not answer."


@pytest.mark.parametrize("command", ALONE, ids=lambda command: command[0])
def test_a_command_on_a_file_that_is_not_there_leaves_none_behind(tmp_path: Path, command: list[str]) -> None:
    with opened(f"sqlite:///{tmp_path / 'ledger.sqlite3'}") as app:
        assert one_line(run(app, *command)) == "The database is not migrated. Run: flask db upgrade"
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.write_text("This is not a database.\n" * 1000)
    with opened(f"sqlite:///{path}") as app:
        assert one_line(run(app, "verify")) == "The database file is damaged."


def test_a_damaged_database_is_one_line(make_database: MakeDatabase) -> None:
    url = make_database("sqlite")
    path = Path(url.removeprefix("sqlite:///"))
    with opened(url) as app:
        run(app, "demo")
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with opened(url) as app:
        result = run(app, "verify")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)


def test_a_busy_ledger_is_one_line(ledger_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_arguments: object) -> None:
        raise LedgerBusy("The database is locked by another writer. Please try again.")

    monkeypatch.setattr(archive, "rebuild", busy)
    assert one_line(run(ledger_app, "rebuild")) == (
        "The database is locked by another writer. Please try again."
    )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(output, "_REDRAWN_EVERY_S", 0)
    with output.Progress("Verifying") as progress:
        progress(12_000)
    assert terminal.getvalue() == f"Verifying: 12,000 events\r{' ' * 24}\r"


def test_progress_is_not_written_into_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    monkeypatch.setattr(output, "_REDRAWN_EVERY_S", 0)
    with output.Progress("Verifying") as progress:
        progress(12_000)
    assert file.getvalue() == ""
