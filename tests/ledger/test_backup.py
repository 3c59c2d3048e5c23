"""A backup of a SQLite ledger in use is one complete snapshot, or there is none."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.credits import recorded
from tests.fixtures.ledger import MakeDatabase, RawClient, connected, opened
from tests.ledger.audit.tampering import digest, tamper
from webapp.domain.errors import BrokenLog, LedgerUnavailable, SchemaOutdated
from webapp.ledger import backup
from webapp.ledger.audit.digest import Digest
from webapp.ledger.backup import back_up


@pytest.fixture
def ledger(make_database: MakeDatabase) -> Iterator[str]:
    """Open a SQLite ledger with one credit; gives its address."""
    url = make_database("sqlite")
    with opened(url):
        recorded()
        yield url


@pytest.fixture
def raw(ledger: str) -> Iterator[RawClient]:
    with connected(ledger) as client:
        yield client


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder / "copy.sqlite3"


def digest_of(path: Path) -> Digest:
    """Verify another ledger; return its digest."""
    with opened(f"sqlite:///{path}"):
        return digest()


def is_nothing_left(path: Path) -> bool:
    return list(path.parent.iterdir()) == []


@pytest.mark.usefixtures("ledger")
def test_a_backup_has_the_digest_of_the_ledger(path: Path) -> None:
    assert back_up(path) == digest() == digest_of(path)


@pytest.mark.usefixtures("ledger")
def test_writes_continue_during_a_backup_of_one_snapshot(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "_PAGES_IN_A_STEP", 1)
    before, written = digest(), []

    def write(pages: int) -> None:
        if pages <= 5:
            written.append(recorded(serial_number=f"MEANWHILE-{pages}"))

    assert back_up(path, write) == before
    assert len(set(written)) == 5
    assert digest().events == before.events + 5
    assert digest_of(path) == before


@pytest.mark.usefixtures("ledger")
def test_a_backup_is_one_plain_file_that_only_its_owner_reads(path: Path) -> None:
    back_up(path)
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes()[18:20] == b"\x01\x01"  # not WAL, which a read-only disk cannot open


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("kind", ["file", "link to nothing"])
def test_a_backup_replaces_nothing(path: Path, kind: str) -> None:
    if kind == "file":
        path.write_text("the last good one")
    else:
        path.symlink_to("elsewhere")
    with pytest.raises(FileExistsError, match=str(path)):
        back_up(path)
    assert list(path.parent.iterdir()) == [path]
    assert path.is_symlink() or path.read_text() == "the last good one"


def test_a_backup_does_not_replace_the_ledger_itself(ledger: str) -> None:
    with pytest.raises(FileExistsError):
        back_up(Path(ledger.removeprefix("sqlite:///")))
    assert digest().events == 1


@pytest.mark.usefixtures("ledger")
def test_a_backup_that_is_interrupted_leaves_nothing(path: Path) -> None:
    def interrupt(_pages: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(path, interrupt)
    assert is_nothing_left(path)


def test_a_backup_of_a_damaged_ledger_is_refused(raw: RawClient, path: Path) -> None:
    tamper(raw, "UPDATE credits SET vintage = 1")
    with pytest.raises(LedgerUnavailable, match=r"the copy is damaged.* CHECK constraint failed in credits"):
        back_up(path)
    assert is_nothing_left(path)


def test_a_backup_without_all_positions_is_refused(raw: RawClient, path: Path) -> None:
    tamper(raw, "DELETE FROM feed")
    with pytest.raises(BrokenLog):
        back_up(path)
    assert is_nothing_left(path)


@pytest.mark.usefixtures("ledger")
def test_a_full_disk_during_a_backup_raises_ledger_unavailable(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(backup, "_copy", full)
    with pytest.raises(LedgerUnavailable, match="No backup was made: database or disk is full"):
        back_up(path)
    assert is_nothing_left(path)


def test_a_database_that_is_not_migrated_has_no_backup(tmp_path: Path, path: Path) -> None:
    with opened(f"sqlite:///{tmp_path / 'empty.sqlite3'}"), pytest.raises(SchemaOutdated):
        back_up(path)
    assert is_nothing_left(path)
