"""Many events of many credits are appended at once, as an import appends them."""

from dataclasses import replace

import pytest

from tests.fixtures.credits import FACTS, a_credit
from tests.fixtures.entries import IMPORTED
from tests.ledger.invariants import assert_sound
from webapp.accounts.actors import LOCAL
from webapp.domain.action_fields import DayBounds
from webapp.domain.amendment import parse_amendment
from webapp.domain.credit import Credit, parse_credit
from webapp.domain.entry import EntryType
from webapp.domain.event import Data, Event, created_event, with_import
from webapp.domain.lifecycle import EventType, Status
from webapp.ledger import clock, event_log, queries, summaries
from webapp.ledger.group_commit import Transaction, commit
from webapp.ledger.storage.bulk_insert import COPIED_FROM

pytestmark = pytest.mark.usefixtures("ledger_app")


def following(last: Event, event_type: EventType, data: Data) -> Event:
    named = with_import(data, "1")
    return Event(last.credit_id, last.seq + 1, event_type, named, last.actor, last.recorded_at, last.hash)


def lives(credits: list[Credit], at: str) -> list[list[Event]]:
    """Return the creation, the end and an amendment of each credit; every other one is withdrawn."""
    types = (EventType.RETIRED, EventType.WITHDRAWN)
    found = []
    for number, credit in enumerate(credits):
        created = created_event(credit, LOCAL, at, "1")
        ended = following(created, types[number % 2], {"reason": "Flights"})
        values = {"amends": "2", "reason": f"Number {number}"}
        if number % 2 == 0:
            values["beneficiary"] = f"Party {number % 7}"
        words = parse_amendment(values, [created.type, ended.type], DayBounds(clock.now().date()))
        found.append([created, ended, following(ended, EventType.AMENDED, words)])
    return found


@pytest.mark.parametrize("number", [1, COPIED_FROM + 10])
@pytest.mark.parametrize("by_credit", [True, False], ids=["credit by credit", "step by step"])
def test_created_ended_and_amended_credits_are_appended_at_once(number: int, *, by_credit: bool) -> None:
    blocks = [f"ACR-X-2025-{first} to {first + 9}" for first in range(1, number * 10, 10)]
    plain = [parse_credit(a_credit(quantity="10", serial_number=block)) for block in blocks]
    credits = [replace(credit, facts=FACTS) for credit in plain]

    def action(transaction: Transaction) -> None:
        histories = lives(credits, event_log.recording_time(transaction))
        ordered = histories if by_credit else zip(*histories, strict=True)
        event_log.append(transaction, [event for group in ordered for event in group], credits)
        event_log.append_entry(transaction, "import/1", EntryType.IMPORTED, IMPORTED, LOCAL)

    commit(action)
    totals = summaries.ledger_totals().ledger
    assert totals[Status.RETIRED].credits == (number + 1) // 2
    assert totals[Status.WITHDRAWN].credits == number // 2
    record = queries.record(credits[-1].id)
    assert record.facts == FACTS
    assert record.last_counting.data["reason"] == f"Number {number - 1}"
    assert_sound()
