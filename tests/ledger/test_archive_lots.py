"""An archive with inconsistent lots, replacements or serial numbers is refused as a whole."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.ledger import DIALECTS, MakeDatabase, connected, opened
from tests.ledger.triggers.rows import LATER
from webapp.accounts.actors import LOCAL
from webapp.domain.canonical_json import encode
from webapp.domain.credit import parse_credit
from webapp.domain.errors import BrokenArchive
from webapp.domain.event import created_event
from webapp.ledger import archive
from webapp.ledger.commands import cancel_credit, create_credit, split_credit

Lines = list[bytes]


@pytest.fixture(scope="module")
def exported(make_module_database: MakeDatabase) -> Lines:
    """Export: 1 CREATED, 2 SPLIT, 3 and 4 its lots, 5 CREATED, 6 CANCELLED, 7 what replaces it.

    8 CREATED, 9 CANCELLED, 10 what replaces it.
    """
    lines: Lines = []
    with opened(make_module_database("sqlite")):
        whole = recorded(registry="ACR", quantity="10", serial_number="ACR-X-2025-1 to 10")
        split_credit(whole, {"quantities": ["4", "6"]}, LOCAL)
        wrong = recorded()
        cancel_credit(wrong, {"reason": "Typo"}, LOCAL)
        create_credit(a_credit(vintage="2001", replaces=wrong), LOCAL)
        other = recorded(serial_number="VCS-0002")
        cancel_credit(other, {"reason": "Typo"}, LOCAL)
        create_credit(a_credit(serial_number="VCS-0003", replaces=other), LOCAL)
        archive.export(lines.append)
    return lines


@pytest.fixture(scope="module", params=DIALECTS)
def empty(request: pytest.FixtureRequest, make_module_database: MakeDatabase) -> str:
    """Return the URL of an empty ledger, which the tests leave empty."""
    return make_module_database(request.param)


def change(number: int, **data: object) -> Callable[[Lines], Lines]:
    """Return a function that changes the data of the event in a line."""

    def changed(lines: Lines) -> Lines:
        facts = json.loads(lines[number - 1])
        facts["data"].update(data)
        return [*lines[: number - 1], encode(facts).encode() + b"\n", *lines[number:]]

    return changed


def without(*numbers: int) -> Callable[[Lines], Lines]:
    """Return a function that removes lines."""
    return lambda lines: [line for number, line in enumerate(lines, start=1) if number not in numbers]


def replacing_the_same(lines: Lines) -> Lines:
    """Return the archive with another credit at the end that replaces the same one as line 7."""
    event = created_event(parse_credit(a_credit(serial_number="VCS-0003", replaces=WRONG)), "local", LATER)
    return [*lines[:9], f"{event.text}\n".encode()]


WRONG = parse_credit(a_credit()).id
UNSOUND = "This history is inconsistent. "
REFUSED: list[tuple[str, Callable[[Lines], Lines], str]] = [
    ("a lot left out", without(4), "The database refuses this history"),
    ("all lots left out", without(3, 4), "The database refuses this history"),
    ("the split left out", without(2), "The database refuses this history"),
    ("lots of nothing", without(1, 2), "The database refuses this history"),
    ("cut off in a split", lambda x: x[:3], "The database refuses this history"),
    ("a lot's quantity", change(3, quantity="5"), "Line 3: its fields give another id"),
    ("a lot's offset", change(4, offset="5"), "Line 4: its fields give another id"),
    ("a lot's project", change(3, project_name="Another"), "The database refuses this history"),
    ("a lot's serial number", change(3, serial_number="ACR-X-2025-7 to 10"), UNSOUND),
    ("a lot without serial number", change(3, serial_number=""), "Line 3: it has no serial number"),
    ("a lot's parent", change(3, parent="x"), "Line 3: its parent is not the id of a credit"),
    ("quantities of the split", change(2, quantities=["5", "5"]), "The database refuses this history"),
    ("quantities not canonical", change(2, quantities=["4.0", "6"]), "Line 2: its data are not as the rules"),
    ("quantities of no list", change(2, quantities="4"), "Line 2: its data are not valid"),
    (
        "lots in another order",
        lambda x: [*x[:2], x[3], x[2], *x[4:]],
        "The database refuses this history",
    ),
    ("a replacement of nothing", without(5, 6), "The database refuses this history"),
    ("a serial number not given up", without(6), "Line 6: its serial number VCS-0001 is held"),
    ("a second replacement", replacing_the_same, f"Line 10: it replaces {WRONG}, which an earlier credit"),
    ("a cancellation without a reason", change(6, reason=""), "Line 6: its data are not valid"),
]


def restore(url: str, path: Path, lines: Lines) -> None:
    path.write_bytes(b"".join(lines))
    with opened(url):
        archive.restore(path)


@pytest.mark.parametrize(("edit", "reason"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_an_inconsistent_archive_is_refused_as_a_whole(
    exported: Lines, empty: str, tmp_path: Path, edit: Callable[[Lines], Lines], reason: str
) -> None:
    with pytest.raises(BrokenArchive) as refusal:
        restore(empty, tmp_path / "changed", edit(exported))
    assert str(refusal.value).startswith(reason)
    with connected(empty) as raw:
        for table in ("events", "splits", "credits", "serial_blocks", "credit_states"):
            assert raw.execute(f"SELECT count(*) FROM {table}") == [(0,)]


def test_the_unchanged_archive_is_restored(exported: Lines, database_url: str, tmp_path: Path) -> None:
    restore(database_url, tmp_path / "whole", exported)
    with connected(database_url) as raw:
        held = raw.execute("SELECT first, last FROM serial_blocks WHERE is_held = 1 ORDER BY first")
        assert held == [(1, 4), (5, 10)]
        assert raw.execute("SELECT count(*) FROM serial_claims") == [(5,)]
