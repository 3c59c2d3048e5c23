"""The commands of whoever keeps the ledger running: what they print, and one line for what goes wrong."""

from pathlib import Path

import pytest

from tests.fixtures.credits import sold
from tests.fixtures.ledger import MakeDatabase, opened
from tests.test_cli import one_line, run
from webapp.ledger.database import MIGRATE


def test_a_backup_prints_what_verify_prints_and_can_be_verified(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    with opened(make_database("sqlite")) as app:
        sold()
        result = run(app, "backup", str(tmp_path / "copy"))
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout == run(app, "verify").stdout
        kept.write_text(result.stdout)
    with opened(f"sqlite:///{tmp_path / 'copy'}") as app:
        assert run(app, "verify", "--expect", str(kept)).exit_code == 0


def test_a_backup_over_another_file_is_one_line(make_database: MakeDatabase, tmp_path: Path) -> None:
    with opened(make_database("sqlite")) as app:
        assert one_line(run(app, "backup", str(tmp_path))) == f"{tmp_path}: File exists"


def test_a_backup_into_a_missing_folder_is_one_line(make_database: MakeDatabase, tmp_path: Path) -> None:
    with opened(make_database("sqlite")) as app:
        line = one_line(run(app, "backup", str(tmp_path / "missing" / "copy")))
    assert line.endswith(": No such file or directory")


def test_on_postgresql_the_program_to_use_is_named(make_database: MakeDatabase) -> None:
    url = make_database("postgresql")
    with opened(url) as app:
        line = one_line(run(app, "backup", "ledger.dump"))
    assert "pg_dump --format=custom --file=ledger.dump ledger_" in line


@pytest.mark.parametrize("command", ["backup"])
def test_an_unmigrated_database_is_one_line_that_names_the_command(tmp_path: Path, command: str) -> None:
    with opened(f"sqlite:///{tmp_path / 'new.sqlite3'}") as app:
        assert one_line(run(app, command, str(tmp_path / "copy"))) == MIGRATE
