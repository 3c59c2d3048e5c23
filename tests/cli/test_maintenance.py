"""Terminal commands for operators: output, and one line per error."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.fixtures.cli import one_line, run
from tests.fixtures.credits import sold
from tests.fixtures.ledger import MakeDatabase, connected, opened
from webapp.ledger.storage import compact
from webapp.ledger.storage.engine import NOT_MIGRATED, db
from webapp.ledger.storage.write_lock import write_lock


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


def test_the_disk_of_rows_that_are_gone_is_given_back(make_database: MakeDatabase) -> None:
    url = make_database("sqlite")
    path = Path(url.removeprefix("sqlite:///"))
    with opened(url) as app:
        credit_id = sold()
        with connected(url) as raw:
            raw.execute("CREATE TABLE old (content BLOB)")
            raw.execute("INSERT INTO old VALUES (zeroblob(4000000))")
            raw.execute("DROP TABLE old")
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = path.stat().st_size
        result = run(app, "compact")
        assert (result.exit_code, result.stderr) == (0, "")
        assert before > 4_000_000 > path.stat().st_size
        sizes = [f"{size / 1024**2:,.1f} MB" for size in (before, path.stat().st_size)]
        assert result.stdout.strip() == f"The database had {sizes[0]} and now has {sizes[1]}."
        assert run(app, "verify").exit_code == 0
        assert app.test_client().get(f"/records/{credit_id}").status_code == 200


def test_a_writer_waits_for_the_end_of_a_compaction(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[object] = []

    @contextmanager
    def watched(engine: Engine) -> Iterator[None]:
        taken.append(engine)
        with write_lock(engine):
            yield

    monkeypatch.setattr(compact, "write_lock", watched)
    with opened(make_database("sqlite")) as app:
        assert run(app, "compact").exit_code == 0
        assert taken == [db.engine]


def test_a_disk_without_room_for_a_compaction_is_one_line(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    little = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: little)
    with opened(make_database("sqlite")) as app:
        assert "bytes of free disk, and there are 1,000." in one_line(run(app, "compact"))


@pytest.mark.usefixtures("postgresql_server")
def test_a_compaction_of_postgresql_is_left_to_postgresql(make_database: MakeDatabase) -> None:
    with opened(make_database("postgresql")) as app:
        assert "VACUUM (FULL)" in one_line(run(app, "compact"))


@pytest.mark.usefixtures("postgresql_server")
def test_on_postgresql_the_program_to_use_is_named(make_database: MakeDatabase) -> None:
    url = make_database("postgresql")
    with opened(url) as app:
        line = one_line(run(app, "backup", "ledger.dump"))
    assert "pg_dump --format=custom --file=ledger.dump ledger_" in line


@pytest.mark.parametrize("command", ["backup", "compact"])
def test_an_unmigrated_database_is_one_line_that_names_the_command(tmp_path: Path, command: str) -> None:
    with opened(f"sqlite:///{tmp_path / 'new.sqlite3'}") as app:
        arguments = [str(tmp_path / "copy")] if command == "backup" else []
        assert one_line(run(app, command, *arguments)) == NOT_MIGRATED
