"""The files of SQLite are private, and a file that is removed or replaced during use is detected."""

import logging
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.ledger import MakeDatabase, connected, migrate, opened
from webapp.domain.errors import LedgerUnavailable
from webapp.ledger.group_commit import best_effort_write, transact
from webapp.ledger.listing import list_events
from webapp.ledger.storage.engine import FILE_REPLACED, db, reading
from webapp.ledger.storage.projection_tables import totals

ENDS = ("", "-wal", "-shm")


def files_of(path: Path) -> list[Path]:
    return [path.with_name(path.name + end) for end in ENDS]


def modes(path: Path) -> list[int]:
    return [stat.S_IMODE(file.stat().st_mode) for file in files_of(path)]


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def path(make_database: MakeDatabase) -> Path:
    """Return the file of an empty ledger."""
    return Path(make_database("sqlite").removeprefix("sqlite:///"))


@pytest.fixture
def app(path: Path) -> Iterator[Flask]:
    """Open the ledger and record a credit, so that a connection to it is open."""
    with opened(url_of(path)) as app:
        recorded()
        yield app


@pytest.fixture
def no_umask() -> Iterator[None]:
    """Set the umask to 0, so that files get the modes that programs ask for."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("no_umask")
def test_a_new_database_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite3"
    migrate(url_of(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with opened(url_of(path)):
        recorded()
        assert modes(path) == [0o600] * 3


@pytest.mark.usefixtures("no_umask")
def test_a_database_that_others_could_read_is_made_private_with_its_log(path: Path) -> None:
    path.chmod(0o664)
    with connected(url_of(path)) as another_program:
        another_program.execute("SELECT count(*) FROM events")
        assert modes(path) == [0o664] * 3
        with opened(url_of(path)):
            recorded()
            assert modes(path) == [0o600] * 3


def test_a_database_behind_a_symbolic_link_is_made_private(path: Path, tmp_path: Path) -> None:
    path.chmod(0o644)
    link = tmp_path / "link.sqlite3"
    link.symlink_to(path)
    with opened(url_of(link)):
        recorded()
        assert modes(path) == [0o600] * 3


def test_a_database_that_cannot_be_made_private_is_served_with_a_warning(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(*_arguments: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    path.chmod(0o644)
    monkeypatch.setattr(Path, "chmod", refused)
    with opened(url_of(path)), caplog.at_level(logging.WARNING):
        recorded()
    assert f"Others can read {path.name}: Operation not permitted" in caplog.messages


def replace_database(path: Path) -> None:
    copy = path.with_name("copy")
    shutil.copyfile(path, copy)
    copy.replace(path)


def remove_database(path: Path) -> None:
    path.unlink()


def remove_log(path: Path) -> None:
    files_of(path)[1].unlink()


def remove_index(path: Path) -> None:
    files_of(path)[2].unlink()


def replace_log(path: Path) -> None:
    _, log, _ = files_of(path)
    log.rename(log.with_name("moved"))
    shutil.copyfile(log.with_name("moved"), log)


LOSSES = [replace_database, remove_database, remove_log, replace_log, remove_index]
every_loss = pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)


@every_loss
@pytest.mark.usefixtures("app")
def test_a_write_into_a_removed_or_replaced_file_is_refused(path: Path, lose: Callable[[Path], None]) -> None:
    events = list_events().items
    lose(path)
    with pytest.raises(LedgerUnavailable, match="was moved, removed or replaced while it was in use"):
        recorded(serial_number="LOST")
    if path.exists():
        assert list_events().items == events


@every_loss
def test_a_lost_file_is_reported_to_monitors_and_clients(
    app: Flask, path: Path, lose: Callable[[Path], None]
) -> None:
    client = app.test_client()
    assert client.get("/healthz").status_code == 200
    lose(path)
    for answer in (client.get("/healthz"), client.post("/records", json=a_credit(serial_number="LOST"))):
        assert answer.status_code == 503
        assert answer.get_json()["detail"] == FILE_REPLACED


@every_loss
@pytest.mark.usefixtures("app")
def test_no_further_connection_opens_another_file_than_those_before_it(
    path: Path, lose: Callable[[Path], None]
) -> None:
    with reading():  # it has the only connection that is open so far
        lose(path)
        refused = pytest.raises(LedgerUnavailable, match="was moved, removed or replaced")
        with refused, db.engine.connect():
            pass
    assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


@every_loss
@pytest.mark.usefixtures("app")
def test_a_best_effort_write_into_a_lost_file_is_skipped(path: Path, lose: Callable[[Path], None]) -> None:
    lose(path)
    best_effort_write(totals.delete())
    with db.engine.connect() as connection:
        assert connection.execute(totals.select()).all() != []


def test_a_restarted_program_uses_the_new_file(path: Path) -> None:
    with opened(url_of(path)):
        recorded()
        replace_database(path)
    with opened(url_of(path)):
        recorded(serial_number="AFTER")


@pytest.mark.usefixtures("app")
def test_other_programs_may_open_and_close_the_database(path: Path) -> None:
    for number in range(3):
        with connected(url_of(path)) as another_program:
            another_program.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        recorded(serial_number=f"S-{number}")


@pytest.mark.usefixtures("app")
def test_a_log_that_sqlite_itself_removed_is_made_again(path: Path) -> None:
    db.engine.dispose()
    assert not files_of(path)[1].exists()
    recorded(serial_number="AGAIN")


def test_the_log_of_a_new_database_may_come_later(tmp_path: Path) -> None:
    with opened(url_of(tmp_path / "new.sqlite3")), db.engine.connect() as connection:
        connection.commit()
        for _ in range(2):
            transact(lambda other: other.exec_driver_sql("CREATE TABLE IF NOT EXISTS x (y)"))
