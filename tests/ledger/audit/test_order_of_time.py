"""From the position of the mark on, verify requires that the times of events do not decrease."""

import pytest
from flask import Flask

from tests.fixtures.clock import NOON, SetClock
from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.ledger import RawClient
from tests.ledger.audit.tampering import findings, tamper, unguarded
from tests.ledger.triggers.rows import put
from webapp.accounts.actors import CLI, LOCAL
from webapp.domain.account_log import AuditAction
from webapp.domain.credit import parse_credit
from webapp.domain.event import created_event, time_text
from webapp.ledger import archive
from webapp.ledger.account_entries import append
from webapp.ledger.audit.verify import verify
from webapp.ledger.group_commit import transact

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
    mark_at(raw, mark)
    assert findings() == found


def mark_at(raw: RawClient, position: int) -> None:
    """Set a mark as a restore of the events before it does, with its entry in the account log."""
    tamper(raw, "INSERT INTO log_marks VALUES ('in_order_of_time', ?)", position)
    restored = {"events": str(position - 1)}
    transact(lambda connection: append(connection, CLI, AuditAction.HISTORY_RESTORED, data=restored))


def test_a_mark_that_the_account_log_does_not_explain_is_named(raw: RawClient) -> None:
    tamper(raw, "INSERT INTO log_marks VALUES ('in_order_of_time', 4)")
    unexplained = "it is at position 4, which nothing in the account log explains"
    assert findings() == [f"mark in_order_of_time: {unexplained}"]


def test_an_account_log_that_says_of_more_events_than_there_are_is_named(raw: RawClient) -> None:
    mark_at(raw, 5)
    wrong = "it says that 4 events were there, but the feed ends at 3"
    assert f"account log: {wrong}" in findings()


def test_how_many_events_are_early_before_the_mark_is_said_as_a_number(raw: RawClient) -> None:
    mark_at(raw, 4)
    said: list[str] = []
    verify(lambda _finding: None, remark=said.append)
    assert [sentence.split(" are ")[0] for sentence in said] == ["1 events"]


@pytest.mark.parametrize(
    ("by", "wrong"),
    [
        ({"days": -14_000}, "it was recorded at 1988-07-22T12:00:03.000000Z, before 1990"),
        ({"days": 1}, "it was recorded at 2026-11-21T12:00:03.000000Z, which is later than now"),
    ],
)
def test_a_time_that_cannot_be_is_named(
    raw: RawClient, set_clock: SetClock, by: dict[str, float], wrong: str
) -> None:
    mark_at(raw, 4)
    set_clock.go(**by)
    put(raw, created_event(parse_credit(a_credit(serial_number="VCS-9")), LOCAL, time_text(set_clock())))
    set_clock.moment = NOON
    archive.rebuild()
    assert f"position 4: {wrong}" in findings()


def test_a_missing_mark_is_named(raw: RawClient) -> None:
    tamper(raw, "DELETE FROM log_marks")
    assert findings() == ["mark in_order_of_time: is missing from table log_marks"]


def test_a_mark_behind_the_end_of_the_feed_is_named(raw: RawClient) -> None:
    tamper(raw, "UPDATE log_marks SET position = 5")
    assert findings() == ["mark in_order_of_time: it is at position 5, but the feed ends at 3"]


def test_a_time_in_the_data_of_an_event_is_not_taken_for_its_own(set_clock: SetClock, raw: RawClient) -> None:
    mark_at(raw, 4)
    recorded(serial_number='VCS","recorded_at":"9999-01-01T00:00:00.000000Z')
    set_clock.go(seconds=1)
    recorded(serial_number="VCS-9")
    assert findings() == []
