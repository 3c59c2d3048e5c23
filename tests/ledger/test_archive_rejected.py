"""An archive that was changed in any way is refused, and nothing of it is written.

Because nothing is, the tests of this module share one empty ledger on each database.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.ledger import DIALECTS, MakeDatabase, RawClient, connected, opened
from tests.ledger.audit.tampering import digest
from tests.ledger.histories import record_histories
from webapp.domain.canonical_json import encode
from webapp.domain.errors import BrokenArchive
from webapp.domain.event import text_hash
from webapp.ledger import archive
from webapp.ledger.audit.digest import Digest

Lines = list[bytes]

TABLES = ("events", "feed", "credits", "serial_claims", "credit_states", "registries", "totals", "parties")


@pytest.fixture(scope="module")
def exported(make_module_database: MakeDatabase) -> tuple[Lines, Digest]:
    """Export a ledger with some histories; return its lines and its digest."""
    lines: Lines = []
    with opened(make_module_database("sqlite")):
        record_histories()
        kept = digest()
        archive.export(lines.append)
    return lines, kept


@pytest.fixture(scope="module", params=DIALECTS)
def empty(request: pytest.FixtureRequest, make_module_database: MakeDatabase) -> Iterator[RawClient]:
    """Open an empty ledger."""
    url = make_module_database(request.param)
    with opened(url), connected(url) as raw:
        yield raw


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
    (
        "reordered lines",
        lambda x: [x[1], x[0], *x[2:]],
        "Line 1: it is SOLD with seq 2, but the first",
    ),
    ("a missing first line", lambda x: x[1:], "Line 1: it is SOLD with seq 2, but the first"),
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
        "Line 3: a field in its text has the wrong",
    ),
    (
        "true for one",
        lambda x: change_fact(x, 1, seq=True),
        "Line 1: a field in its text has the wrong type",
    ),
    ("another version", lambda x: change_fact(x, 1, v=2), "Line 1: its version is not 1"),
    (
        "a type of its own",
        lambda x: change_fact(x, 2, type="STOLEN"),
        "Line 2: there is no such type of event",
    ),
    ("a fact too many", lambda x: change_fact(x, 2, price=3), "Line 2: its text does not have the fields"),
    (
        "a field too many",
        lambda x: change_fact(x, 2, data={"price": "3"}),
        "Line 2: its data are not valid",
    ),
    (
        "facts that no field accepts",
        lambda x: change_fact(x, 5, data={"facts": {"colour": "red"}}),
        "Line 5: its data are not valid: facts.colour",
    ),
    (
        "an amendment of nothing",
        lambda x: [*x, *line_after(x, 6, "AMENDED", {"amends": 3, "note": "x"})],
        "Line 8: its data are not valid: amends",
    ),
    (
        "a life after an amended end",
        lambda x: amended_and_sold(x, 6),
        "Line 9: SOLD may not follow RETIRED",
    ),
    ("a list", lambda x: with_line(x, 3, b"[]\n"), "Line 3: its text does not have the fields"),
    ("an empty line", lambda x: [*x[:2], b"\n", *x[2:]], "Line 3: its text is not JSON"),
    ("other bytes", lambda x: with_line(x, 3, b"\xff\xfe\n"), "Line 3: it is not UTF-8 text"),
    ("a mark in front", lambda x: [b"\xef\xbb\xbf" + x[0], *x[1:]], "Line 1: its text is not JSON"),
    ("deep nesting", lambda x: with_line(x, 3, b"[" * 50_000 + b"\n"), "Line 3: its text is not JSON"),
    ("an endless line", lambda x: with_line(x, 3, b"a" * 1_000_000), "Line 3: it is longer than any event"),
]


def line_after(lines: Lines, number: int, event_type: str, data: dict[str, object]) -> Lines:
    """Return an event that follows the event of a line."""
    facts = json.loads(lines[number - 1])
    follows = {"seq": facts["seq"] + 1, "prev_hash": text_hash(lines[number - 1][:-1].decode())}
    return [encode(facts | follows | {"type": event_type, "data": data}).encode() + b"\n"]


def sale_of_line(lines: Lines, number: int) -> Lines:
    """Return a sale that follows the event of a line."""
    return line_after(lines, number, "SOLD", {})


def amended_and_sold(lines: Lines, number: int) -> Lines:
    """Return the lines with an amendment of the event of a line, and then a sale."""
    amended = [*lines, *line_after(lines, number, "AMENDED", {"amends": 2, "note": "x"})]
    return [*amended, *sale_of_line(amended, len(amended))]


@pytest.mark.parametrize(("change", "reason"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_an_archive_that_was_changed_is_refused_with_line_and_reason(
    exported: tuple[Lines, Digest],
    empty: RawClient,
    tmp_path: Path,
    change: Callable[[Lines], Lines],
    reason: str,
) -> None:
    path = tmp_path / "changed.ndjson"
    path.write_bytes(b"".join(change(exported[0])))
    with pytest.raises(BrokenArchive) as refusal:
        archive.restore(path)
    assert str(refusal.value).startswith(reason)
    assert_empty(empty)


@pytest.mark.parametrize(
    "change",
    [lambda x: x[:-1], lambda x: [*x[:2], *x[3:]], lambda x: [*x[:2], x[3], x[2], *x[4:]]],
    ids=["the last line cut off", "a whole history left out", "two histories exchanged"],
)
def test_changes_that_keep_the_chains_intact_are_found_by_the_digest(
    exported: tuple[Lines, Digest], empty: RawClient, tmp_path: Path, change: Callable[[Lines], Lines]
) -> None:
    path = tmp_path / "changed.ndjson"
    path.write_bytes(b"".join(change(exported[0])))
    with pytest.raises(BrokenArchive, match="This is not the expected history"):
        archive.restore(path, exported[1])
    assert_empty(empty)


def test_a_restore_that_is_interrupted_leaves_an_empty_ledger(
    exported: tuple[Lines, Digest], empty: RawClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_done: int) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "whole.ndjson"
    path.write_bytes(b"".join(exported[0]))
    monkeypatch.setattr(archive, "_PROGRESS_EVERY", 2)
    with pytest.raises(KeyboardInterrupt):
        archive.restore(path, progress=interrupted)
    assert_empty(empty)


def assert_empty(raw: RawClient) -> None:
    """Check that the log and the projections are empty."""
    for table in TABLES:
        assert raw.execute(f"SELECT count(*) FROM {table}") == [(0,)], table
