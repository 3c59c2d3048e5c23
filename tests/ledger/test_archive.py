"""A history is exported from one ledger and restored into another byte for byte, or not at all."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import recorded, sold
from tests.fixtures.ledger import MakeDatabase, RawClient, connected, opened
from tests.ledger.audit.tampering import digest, findings, put_text
from tests.ledger.histories import (
    record_amended_trees,
    record_entries,
    record_histories,
    record_reversed_sales,
    record_split_trees,
)
from webapp.accounts.actors import LOCAL
from webapp.config import ROOT
from webapp.domain.errors import BrokenArchive, BrokenLog, LedgerNotEmpty
from webapp.ledger import archive, commands, queries
from webapp.ledger.audit.digest import Digest

OTHER = {"sqlite": "postgresql", "postgresql": "sqlite"}
LOG = "SELECT position, feed.subject, body, hash FROM feed JOIN events USING (subject, seq) ORDER BY position"
MARKS = "SELECT name, position FROM log_marks ORDER BY position"
DERIVED = (
    "credits",
    "splits",
    "serial_claims",
    "serial_blocks",
    "credit_states",
    "registries",
    "totals",
    "parties",
)


@pytest.fixture
def exported(database_url: str, tmp_path: Path) -> tuple[Path, Digest]:
    """Export a ledger with some histories; return the file and the digest of verify."""
    path = tmp_path / "ledger.ndjson"
    with opened(database_url):
        record_histories()
        record_split_trees()
        record_amended_trees()
        record_reversed_sales()
        record_entries()
        kept = digest()
        assert archive.export_to(path) == kept
    return path, kept


@pytest.fixture
def elsewhere(dialect: str, make_database: MakeDatabase, postgresql_server: object) -> Iterator[RawClient]:
    """Open an empty ledger on the other database."""
    del postgresql_server
    url = make_database(OTHER[dialect])
    with opened(url), connected(url) as raw:
        yield raw


@pytest.fixture
def empty(dialect: str, make_database: MakeDatabase) -> Iterator[RawClient]:
    """Open an empty ledger on the same database."""
    url = make_database(dialect)
    with opened(url), connected(url) as raw:
        yield raw


def test_a_restored_history_has_the_same_digest_on_the_other_database(
    exported: tuple[Path, Digest], elsewhere: RawClient
) -> None:
    path, kept = exported
    assert elsewhere.execute("SELECT * FROM events") == []
    assert archive.restore(path) == kept
    assert digest() == kept


def test_a_restored_log_is_the_same_byte_for_byte(
    exported: tuple[Path, Digest], raw: RawClient, elsewhere: RawClient
) -> None:
    archive.restore(exported[0])
    assert elsewhere.execute(LOG) == raw.execute(LOG)


@pytest.mark.slow
def test_everything_derived_is_the_same_on_the_other_database(
    exported: tuple[Path, Digest], raw: RawClient, elsewhere: RawClient
) -> None:
    archive.restore(exported[0])
    for table in DERIVED:
        query = f"SELECT * FROM {table}"
        assert sorted(elsewhere.execute(query), key=repr) == sorted(raw.execute(query), key=repr), table


def test_the_export_of_a_restored_ledger_is_the_same_file(
    exported: tuple[Path, Digest], elsewhere: RawClient, tmp_path: Path
) -> None:
    assert elsewhere.execute("SELECT * FROM events") == []
    archive.restore(exported[0])
    archive.export_to(tmp_path / "again.ndjson")
    assert (tmp_path / "again.ndjson").read_bytes() == exported[0].read_bytes()


def test_an_export_is_the_stored_texts_line_by_line(exported: tuple[Path, Digest], raw: RawClient) -> None:
    texts = [str(body) for _, _, body, _ in raw.execute(LOG)]
    assert exported[0].read_bytes() == "".join(f"{text}\n" for text in texts).encode()


@pytest.mark.parametrize("program", ["while ", "python3 "])
@pytest.mark.slow
def test_the_documented_lines_recompute_the_digest_from_an_export(
    exported: tuple[Path, Digest], program: str
) -> None:
    path, kept = exported
    blocks = re.findall(r"```\n(.*?)```", (ROOT / "docs" / "operations.md").read_text(), flags=re.DOTALL)
    (lines,) = [block for block in blocks if block.startswith(program)]
    answer = subprocess.run(["sh", "-c", lines], cwd=path.parent, check=True, capture_output=True, text=True)
    assert answer.stdout.split()[0] == kept.sha256


def test_a_restored_ledger_accepts_further_events(exported: tuple[Path, Digest], empty: RawClient) -> None:
    archive.restore(exported[0])
    ((digits,),) = empty.execute("SELECT id FROM credits WHERE serial_number = 'VCS-0003'")
    commands.sell_credit(digits.hex(), {}, LOCAL)
    assert queries.credit(digits.hex()).status == "SOLD"
    assert findings(exported[1]) == []


def test_a_history_is_not_restored_into_a_ledger_that_has_one(
    exported: tuple[Path, Digest], empty: RawClient
) -> None:
    recorded()
    with pytest.raises(LedgerNotEmpty):
        archive.restore(exported[0])
    assert empty.execute("SELECT count(*) FROM events") == [(1,)]


@pytest.mark.usefixtures("empty")
def test_a_file_without_events_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "empty.ndjson"
    path.touch()
    with pytest.raises(BrokenArchive, match="This file has no events, so there is nothing to restore"):
        archive.restore(path)


def test_an_archive_with_the_expected_digest_is_restored(
    exported: tuple[Path, Digest], empty: RawClient
) -> None:
    assert archive.restore(exported[0], exported[1]) == exported[1]
    assert empty.execute("SELECT count(*) FROM feed") == [(exported[1].events,)]


def test_an_archive_with_a_serial_number_twice_is_refused(
    database_url: str, empty: RawClient, make_database: MakeDatabase, dialect: str, tmp_path: Path
) -> None:
    paths = [tmp_path / "one", tmp_path / "other"]
    for path, url, vintage in zip(
        paths, (database_url, make_database(dialect)), ("2020", "2021"), strict=True
    ):
        with opened(url):
            recorded(vintage=vintage)
            archive.export_to(path)
    both = tmp_path / "both"
    both.write_bytes(b"".join(path.read_bytes() for path in paths))
    with pytest.raises(
        BrokenArchive, match="Line 2: its serial number VCS-0001 is held by an earlier credit"
    ):
        archive.restore(both)
    assert empty.execute("SELECT count(*) FROM events") == [(0,)]


@pytest.mark.usefixtures("ledger_app")
@pytest.mark.parametrize("kind", ["file", "link to nothing"])
def test_an_export_replaces_nothing(tmp_path: Path, kind: str) -> None:
    recorded()
    path = tmp_path / "ledger.ndjson"
    if kind == "file":
        path.write_text("yesterday's\n")
    else:
        path.symlink_to("elsewhere")
    with pytest.raises(FileExistsError, match=str(path)):
        archive.export_to(path)
    assert path.is_symlink() or path.read_text() == "yesterday's\n"


@pytest.mark.usefixtures("ledger_app")
def test_an_export_does_not_replace_a_file_that_appeared_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded()
    path = tmp_path / "ledger.ndjson"

    def somebody_elses(_events: int) -> None:
        path.write_text("somebody else's\n")

    monkeypatch.setattr(archive, "_PROGRESS_EVERY", 1)
    with pytest.raises(FileExistsError, match=str(path)):
        archive.export_to(path, somebody_elses)
    assert path.read_text() == "somebody else's\n"


def test_an_export_that_fails_leaves_nothing(
    ledger_app: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del ledger_app
    recorded()
    path = tmp_path / "ledger.ndjson"

    def interrupted(_text: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(archive, "text_hash", interrupted)
    with pytest.raises(KeyboardInterrupt):
        archive.export_to(path)
    assert [p.name for p in tmp_path.iterdir() if p.suffix in {".ndjson", ".part"}] == []


def test_a_rebuild_refuses_a_log_that_cannot_be_read(ledger_app: object, raw: RawClient) -> None:
    del ledger_app
    credit_id = sold()
    before = raw.execute("SELECT * FROM credit_states")
    put_text(raw, credit_id, 2, raw.execute("SELECT body FROM events WHERE seq = 2")[0][0] + " ")
    with pytest.raises(BrokenLog, match="Position 2: its text is not the canonical JSON"):
        archive.rebuild()
    assert raw.execute("SELECT * FROM credit_states") == before


def test_a_restored_history_out_of_order_is_marked_as_ordered_from_its_end_on(
    database_url: str, empty: RawClient, set_clock: SetClock, tmp_path: Path
) -> None:
    lines: list[bytes] = []
    with opened(database_url):
        for number in range(2):
            recorded(serial_number=f"VCS-{number}")
            set_clock.go(seconds=1)
        archive.export(lines.append)
    path = tmp_path / "exchanged"
    path.write_bytes(b"".join(reversed(lines)))
    archive.restore(path)
    assert empty.execute(MARKS) == [("in_order_of_time", 1), ("in_order_of_time", 3)]
    recorded(serial_number="VCS-3")
    assert findings() == []


def test_a_restored_history_in_order_is_marked_as_ordered_from_its_start_on(
    exported: tuple[Path, Digest], empty: RawClient
) -> None:
    archive.restore(exported[0])
    assert empty.execute(MARKS) == [("in_order_of_time", 1)]
