"""The feed for programs: its filters, and how much one call looks at."""

from dataclasses import replace

import pytest

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import recorded
from webapp.accounts.actors import LOCAL
from webapp.domain.lifecycle import EventType
from webapp.imports import jobs
from webapp.ledger import commands, feed, parties
from webapp.ledger.feed import FeedFilter

pytestmark = pytest.mark.usefixtures("ledger_app")

ROW = (
    b'[{"project_name": "P", "registry": "VCS", "vintage": 2023, "quantity": 5, "serial_number": "I-1",'
    b' "issued_on": "2024-05-02", "acquired_on": "2025-01-31"}]'
)


def positions(wanted: FeedFilter, limit: int = 50) -> list[int]:
    """Return the positions of all events that match, over all pages."""
    found, cursor = [], None
    while True:
        page = feed.follow(wanted, cursor, limit)
        found += [item.position for item in page.items]
        if page.next is None:
            return found
        cursor = page.next


def retired_for(beneficiary: str, serial_number: str) -> None:
    credit_id = recorded(serial_number=serial_number)
    commands.retire_credit(credit_id, {"beneficiary": beneficiary}, LOCAL)


def test_every_filter_gives_its_events(set_clock: SetClock) -> None:
    jobs.import_now(ROW, "rows.json", LOCAL)  # 1, and 2 about the import
    set_clock.go(days=1)
    buyer = recorded(serial_number="2")  # 3
    commands.sell_credit(buyer, {"buyer": "Hilltop Tools AG"}, LOCAL)  # 4
    set_clock.go(days=1)
    details = {"beneficiary": "HILLTOP  tools ag", "occurred_on": "2026-03-01"}
    commands.retire_credit(recorded(serial_number="3"), details, LOCAL)  # 5, 6
    assert positions(FeedFilter()) == [1, 2, 3, 4, 5, 6]
    assert positions(FeedFilter(event_type=EventType.SOLD)) == [4]
    assert positions(FeedFilter(party="hilltop tools AG")) == [4, 6]
    assert positions(FeedFilter(party="Hilltop")) == []
    assert positions(FeedFilter(subject=buyer)) == [3, 4]
    assert positions(FeedFilter(subject="import/1")) == [2]
    assert positions(FeedFilter(subject="import/2")) == positions(FeedFilter(subject="0" * 64)) == []
    assert positions(FeedFilter(import_number=1)) == [1, 2]
    assert positions(FeedFilter(recorded_from="2026-11-21", recorded_to="2026-11-21")) == [3, 4]
    assert positions(FeedFilter(recorded_from="2026-11-22")) == [5, 6]
    assert positions(FeedFilter(happened_from="2025-01-01", happened_to="2026-03-01")) == [1, 6]
    assert positions(FeedFilter(after=4)) == [5, 6]
    assert positions(FeedFilter(after=2, party="Hilltop Tools AG", event_type=EventType.RETIRED)) == [6]


def test_a_party_is_found_under_every_name_that_is_joined_to_it() -> None:
    retired_for("Acme Airlines", "1")
    retired_for("Acme Air", "2")
    parties.join_names({"party": "Acme Airlines", "name": "Acme Air"}, LOCAL)
    assert positions(FeedFilter(party="ACME air")) == positions(FeedFilter(party="Acme Airlines")) == [2, 4]


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_pages_give_every_match_once_however_little_one_call_looks_at(
    monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(feed, "SCANNED_MAX", 2)
    for number in range(4):
        retired_for("Acme" if number % 2 else "Other", str(number))
    wanted = FeedFilter(party="Acme")
    first = feed.follow(wanted, None, limit)
    assert (list(first.items), bool(first.next)) == ([], True)
    assert positions(wanted, limit) == [4, 8]
    assert positions(replace(wanted, event_type=EventType.RETIRED), limit) == [4, 8]


def test_a_reader_that_continues_at_the_end_reads_what_matches_later() -> None:
    retired_for("Other", "1")
    wanted = FeedFilter(party="Acme")
    page = feed.follow(wanted, None, 10)
    assert (list(page.items), page.next) == ([], None)
    retired_for("Acme", "2")
    assert [item.position for item in feed.follow(wanted, page.end, 10).items] == [4]
