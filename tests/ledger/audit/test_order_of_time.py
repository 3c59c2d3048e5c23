"""From the position of the mark on, verify requires that the times of events do not decrease."""

import pytest
from flask import Flask

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import recorded
from tests.fixtures.ledger import RawClient
from tests.ledger.audit.tampering import findings, tamper, unguarded
from webapp.ledger import archive

EARLY = "position 3: it was recorded at 2026-11-20T12:00:01.000000Z, before the previous event"


@pytest.fixture(autouse=True)
def credits_out_of_order(ledger_app: Flask, raw: RawClient, set_clock: SetClock) -> None:
    """Record three credits, swap the last two in the feed, and rebuild the projections."""
    assert ledger_app.extensions
    for number in range(3):
        recorded(serial_number=f"VCS-{number}")
        set_clock.go(seconds=1)
    with unguarded(raw):
        for before, after in ((2, 99), (3, 2), (99, 3)):
            raw.execute("UPDATE feed SET position = ? WHERE position = ?", after, before)
    archive.rebuild()


def test_an_event_with_an_earlier_time_than_the_previous_one_is_named() -> None:
    assert findings() == [EARLY]


@pytest.mark.parametrize(("mark", "found"), [(2, [EARLY]), (3, []), (4, [])])
def test_the_order_of_time_is_checked_from_the_last_mark_on(
    raw: RawClient, mark: int, found: list[str]
) -> None:
    tamper(raw, "INSERT INTO log_marks VALUES ('in_order_of_time', ?)", mark)
    assert findings() == found


def test_a_missing_mark_is_named(raw: RawClient) -> None:
    tamper(raw, "DELETE FROM log_marks")
    assert findings() == ["mark in_order_of_time: is missing from table log_marks"]


def test_a_mark_behind_the_end_of_the_feed_is_named(raw: RawClient) -> None:
    tamper(raw, "UPDATE log_marks SET position = 5")
    assert findings() == ["mark in_order_of_time: it is at position 5, but the feed ends at 3"]


def test_a_time_in_the_data_of_an_event_is_not_taken_for_its_own(set_clock: SetClock, raw: RawClient) -> None:
    tamper(raw, "INSERT INTO log_marks VALUES ('in_order_of_time', 4)")
    recorded(serial_number='VCS","recorded_at":"9999-01-01T00:00:00.000000Z')
    set_clock.go(seconds=1)
    recorded(serial_number="VCS-9")
    assert findings() == []
