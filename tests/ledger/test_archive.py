"""A history leaves one ledger and arrives in another, byte for byte, or not at all."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.credits import a_credit, recorded, sold
from tests.fixtures.ledger import MakeDatabase, RawClient, connected, opened
from tests.ledger.tampering import digest, findings, put_text
from webapp.domain.errors import BrokenArchive, BrokenLog, LedgerNotEmpty
from webapp.domain.events import text_hash
from webapp.domain.json_text import encode
from webapp.ledger import archive, commands, queries
from webapp.ledger.actors import CLI, LOCAL
from webapp.ledger.digest import Digest

OTHER = {"sqlite": "postgresql", "postgresql": "sqlite"}
LOG = (
    "SELECT position, feed.credit_id, body, hash FROM feed JOIN events USING (credit_id, seq) "
    "ORDER BY position"
)
DERIVED = ("credits", "serial_claims", "credit_states", "registries", "totals", "parties")


def record_histories() -> None:
    """Record credits of every status, with every kind of text, by more than one actor."""
    both = sold(project_name="Straße ﬁne", registry="Gold Standard", quantity="2765.37")
    recorded(project_name="Cañón\u00a0Wind 風", serial_number=None)
    alone = recorded(serial_number="VCS-0002", registry="vcs", vintage="1990", quantity="0.0001")
    note = 'Two\nlines, a "quote", a \\ and \u2028 too'
    commands.retire_credit(both, {"beneficiary": "Łódź Airlines", "note": note}, CLI)
    commands.retire_credit(alone, {"reason": "Flights of 2025"}, LOCAL)
    commands.create_credit(a_credit(serial_number="VCS-0003"), CLI)


@pytest.fixture
def exported(database_url: str, tmp_path: Path) -> tuple[Path, Digest]:
    """Export a ledger with some histories; return the file and the digest that verify gives."""
    path = tmp_path / "ledger.ndjson"
    with opened(database_url):
        record_histories()
        kept = digest()
        assert archive.export_to(path) == kept
    return path, kept


@pytest.fixture
def elsewhere(dialect: str, make_database: MakeDatabase) -> Iterator[RawClient]:
    """Open an empty ledger on the other database."""
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


def test_a_restored_ledger_goes_on(exported: tuple[Path, Digest], empty: RawClient) -> None:
    archive.restore(exported[0])
    ((credit_id,),) = empty.execute("SELECT credit_id FROM credit_states WHERE serial_number = 'VCS-0003'")
    commands.sell_credit(str(credit_id), {}, LOCAL)
    assert queries.credit(str(credit_id)).status == "SOLD"
    assert findings(exported[1]) == []


def test_a_history_is_not_restored_into_a_ledger_that_has_one(
    exported: tuple[Path, Digest], empty: RawClient
) -> None:
    recorded()
    with pytest.raises(LedgerNotEmpty):
        archive.restore(exported[0])
    assert empty.execute("SELECT count(*) FROM events") == [(1,)]


def test_an_empty_archive_restores_an_empty_ledger(empty: RawClient, tmp_path: Path) -> None:
    path = tmp_path / "empty.ndjson"
    path.touch()
    assert archive.restore(path).events == 0
    assert empty.execute("SELECT * FROM feed") == []


Lines = list[bytes]


def change_fact(lines: Lines, number: int, **facts: object) -> Lines:
    """Write a line again with other facts, canonical as ever."""
    changed = encode(json.loads(lines[number - 1]) | facts).encode() + b"\n"
    return [*lines[: number - 1], changed, *lines[number:]]


def with_line(lines: Lines, number: int, line: bytes) -> Lines:
    """Put another line in the place of one."""
    return [*lines[: number - 1], line, *lines[number:]]


# The lines: 1 CREATED, 2 SOLD and 5 RETIRED of one credit, 3 CREATED of another without a serial
# number, 4 CREATED and 6 RETIRED of a third, 7 CREATED of a fourth.
BROKEN: list[tuple[str, Callable[[Lines], Lines], str]] = [
    ("a changed byte", lambda x: with_line(x, 2, x[1].replace(b"Acme", b"Bcme")), "Line 5: its prev_hash"),
    (
        "a changed field",
        lambda x: with_line(x, 1, x[0].replace(b"2765.37", b"2765.38")),
        "Line 1: its fields",
    ),
    (
        "white space",
        lambda x: with_line(x, 2, x[1].replace(b",", b", ", 1)),
        "Line 2: its text is not the can",
    ),
    ("an end cut off", lambda x: with_line(x, 7, x[6][:-40]), "Line 7: the file ends in the middle of it"),
    ("a newline cut off", lambda x: with_line(x, 7, x[6][:-1]), "Line 7: the file ends in the middle of it"),
    ("a line cut short", lambda x: with_line(x, 2, x[1][:40] + b"\n"), "Line 2: its text is not JSON"),
    ("a duplicate line", lambda x: [*x, x[6]], "Line 8: seq 1 follows seq 1"),
    ("a duplicate in place", lambda x: [x[0], x[0], *x[1:]], "Line 2: seq 1 follows seq 1"),
    ("reordered lines", lambda x: [x[1], x[0], *x[2:]], "Line 1: it is SOLD with seq 2 where CREATED"),
    ("a missing first line", lambda x: x[1:], "Line 1: it is SOLD with seq 2 where CREATED"),
    ("a missing middle line", lambda x: [x[0], *x[2:]], "Line 4: seq 3 follows seq 1"),
    ("a life after the end", lambda x: [*x, *sale_of_line(x, 6)], "Line 8: SOLD may not follow RETIRED"),
    (
        "an earlier time",
        lambda x: change_fact(x, 6, recorded_at="1999-01-01T00:00:00.000000Z"),
        "Line 6: its d",
    ),
    ("no time at all", lambda x: change_fact(x, 6, recorded_at="today"), "Line 6: its recorded_at is not"),
    (
        "a number for a text",
        lambda x: change_fact(x, 3, actor=1),
        "Line 3: a fact in its text is of the wrong",
    ),
    (
        "true for one",
        lambda x: change_fact(x, 1, seq=True),
        "Line 1: a fact in its text is of the wrong type",
    ),
    ("another version", lambda x: change_fact(x, 1, v=2), "Line 1: its version is not 1"),
    (
        "a type of its own",
        lambda x: change_fact(x, 2, type="STOLEN"),
        "Line 2: there is no such type of event",
    ),
    ("a fact too many", lambda x: change_fact(x, 2, price=3), "Line 2: its text does not state the facts"),
    (
        "a field too many",
        lambda x: change_fact(x, 2, data={"price": "3"}),
        "Line 2: its data break the rules",
    ),
    ("a list", lambda x: with_line(x, 3, b"[]\n"), "Line 3: its text does not state the facts"),
    ("an empty line", lambda x: [*x[:2], b"\n", *x[2:]], "Line 3: its text is not JSON"),
    ("other bytes", lambda x: with_line(x, 3, b"\xff\xfe\n"), "Line 3: it is not UTF-8 text"),
    ("a mark in front", lambda x: [b"\xef\xbb\xbf" + x[0], *x[1:]], "Line 1: its text is not JSON"),
    ("deep nesting", lambda x: with_line(x, 3, b"[" * 50_000 + b"\n"), "Line 3: its text is not JSON"),
    ("an endless line", lambda x: with_line(x, 3, b"a" * 1_000_000), "Line 3: it is longer than any event"),
]


def sale_of_line(lines: Lines, number: int) -> Lines:
    """Return a sale that follows the event of a line."""
    facts = json.loads(lines[number - 1])
    follows = {"seq": facts["seq"] + 1, "prev_hash": text_hash(lines[number - 1][:-1].decode())}
    return [encode(facts | follows | {"type": "SOLD", "data": {}}).encode() + b"\n"]


@pytest.mark.parametrize(("change", "reason"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_an_archive_that_was_changed_is_refused_with_line_and_reason(
    exported: tuple[Path, Digest], empty: RawClient, change: Callable[[Lines], Lines], reason: str
) -> None:
    path, _ = exported
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(BrokenArchive) as refusal:
        archive.restore(path)
    assert str(refusal.value).startswith(reason)
    for table in ("events", "feed", *DERIVED):
        assert empty.execute(f"SELECT count(*) FROM {table}") == [(0,)], table


@pytest.mark.parametrize(
    "change",
    [lambda x: x[:-1], lambda x: [*x[:2], *x[3:]], lambda x: [*x[:2], x[3], x[2], *x[4:]]],
    ids=["the last line cut off", "a whole history left out", "two histories exchanged"],
)
def test_what_no_chain_shows_is_refused_by_the_kept_digest(
    exported: tuple[Path, Digest], empty: RawClient, change: Callable[[Lines], Lines]
) -> None:
    path, kept = exported
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(BrokenArchive, match="This is not the expected history"):
        archive.restore(path, kept)
    assert empty.execute("SELECT count(*) FROM events") == [(0,)]


def test_an_archive_that_agrees_with_the_kept_digest_is_restored(
    exported: tuple[Path, Digest], empty: RawClient
) -> None:
    assert archive.restore(exported[0], exported[1]) == exported[1]
    assert empty.execute("SELECT count(*) FROM feed") == [(exported[1].events,)]


def test_two_credits_cannot_bring_the_same_serial_number(
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
        BrokenArchive, match="Line 2: its serial number VCS-0001 is held by a credit before it"
    ):
        archive.restore(both)
    assert empty.execute("SELECT count(*) FROM events") == [(0,)]


def test_an_export_that_fails_leaves_the_file_that_was_there(
    ledger_app: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del ledger_app
    recorded()
    path = tmp_path / "ledger.ndjson"
    path.write_text("yesterday's\n")

    def interrupted(_text: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(archive, "text_hash", interrupted)
    with pytest.raises(KeyboardInterrupt):
        archive.export_to(path)
    assert [p.name for p in tmp_path.iterdir() if p.suffix in {".ndjson", ".part"}] == ["ledger.ndjson"]
    assert path.read_text() == "yesterday's\n"


def test_a_restore_that_is_interrupted_leaves_an_empty_ledger(
    exported: tuple[Path, Digest], empty: RawClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_done: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(archive, "_TOLD_EVERY", 2)
    with pytest.raises(KeyboardInterrupt):
        archive.restore(exported[0], progress=interrupted)
    assert empty.execute("SELECT count(*) FROM events") == [(0,)]


def test_a_rebuild_refuses_a_log_that_cannot_be_read(ledger_app: object, raw: RawClient) -> None:
    del ledger_app
    credit_id = sold()
    before = raw.execute("SELECT * FROM credit_states")
    put_text(raw, credit_id, 2, raw.execute("SELECT body FROM events WHERE seq = 2")[0][0] + " ")
    with pytest.raises(BrokenLog, match="Position 2: its text is not the canonical JSON"):
        archive.rebuild()
    assert raw.execute("SELECT * FROM credit_states") == before
