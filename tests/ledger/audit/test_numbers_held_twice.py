"""Verify and restore find a credit, appended by raw SQL, with serial numbers that another one holds."""

from pathlib import Path

import pytest

from tests.fixtures.credits import a_credit
from tests.fixtures.ledger import MakeDatabase, RawClient, opened
from tests.ledger.audit.tampering import findings
from tests.ledger.triggers.rows import put
from webapp.accounts.actors import LOCAL
from webapp.domain.credit import parse_credit
from webapp.domain.errors import BrokenArchive
from webapp.domain.event import created_event, time_text
from webapp.ledger import archive, clock
from webapp.ledger.commands import cancel_credit, create_credit, split_credit

pytestmark = pytest.mark.usefixtures("ledger_app")

Values = dict[str, object]


def block(first: int, last: int, **changes: object) -> Values:
    serial = f"ACR-X-2025-{first} to {last}"
    return a_credit(registry="ACR", quantity=str(last - first + 1), serial_number=serial) | changes


def put_past_the_tables(raw: RawClient, values: Values) -> str:
    """Insert the credit by raw SQL, without the serial index; return its id."""
    credit = parse_credit(values)
    put(raw, created_event(credit, "local", time_text(clock.now())))
    return credit.id


def assert_named(line: str) -> None:
    """Require the finding before a rebuild and after it, and then no other."""
    assert line in findings()
    archive.rebuild()
    assert findings() == [line]


def test_numbers_that_another_credit_holds_are_named(raw: RawClient) -> None:
    holder = create_credit(block(30932, 35143), LOCAL).credit_id
    other = put_past_the_tables(raw, block(31000, 31009, registry="Another"))
    held = f"the numbers 31000 to 31009 of acr-x-2025-# are held by credit {holder}"
    assert_named(f"credit {other}: {held}, and used here too")


def test_numbers_that_a_lot_holds_are_named(raw: RawClient) -> None:
    lots = split_credit(
        create_credit(block(1, 10), LOCAL).credit_id, {"quantities": ["4", "6"]}, LOCAL
    ).lot_ids
    other = put_past_the_tables(raw, block(10, 12))
    assert_named(
        f"credit {other}: the number 10 of acr-x-2025-# is held by credit {lots[1]}, and used here too"
    )


def test_a_serial_number_that_a_lot_holds_is_named(raw: RawClient) -> None:
    lots = split_credit(
        create_credit(a_credit(), LOCAL).credit_id, {"quantities": ["40", "60"]}, LOCAL
    ).lot_ids
    other = put_past_the_tables(raw, a_credit(serial_number="VCS-0001, 1\u201340 of 100"))
    assert_named(f"credit {other}: its serial number is held by {lots[0]}, which was recorded earlier")


def test_released_numbers_are_free(raw: RawClient) -> None:
    wrong = create_credit(block(1, 10), LOCAL).credit_id
    cancel_credit(wrong, {"reason": "Typo"}, LOCAL)
    put_past_the_tables(raw, block(5, 14))
    archive.rebuild()
    assert findings() == []


def test_an_archive_in_which_numbers_are_held_twice_is_refused_by_its_line(
    raw: RawClient, make_database: MakeDatabase, tmp_path: Path
) -> None:
    holder = create_credit(block(1, 10), LOCAL).credit_id
    create_credit(block(11, 20), LOCAL)
    put_past_the_tables(raw, block(5, 14, vintage="2001"))
    archive.export_to(tmp_path / "archive")
    said = f"^Line 3: the numbers 5 to 10 of acr-x-2025-# are held by credit {holder}, and used here too"
    with opened(make_database(raw.dialect)), pytest.raises(BrokenArchive, match=said):
        archive.restore(tmp_path / "archive")
