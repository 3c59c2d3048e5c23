"""Of concurrent actions on a credit exactly one succeeds, the others get an error, nothing is lost."""

import json
from collections import Counter
from functools import partial
from random import Random

from tests.fixtures.concurrency import AtOnce
from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.entries import credit_events
from tests.ledger.invariants import assert_sound
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import ActionNotAllowed, AlreadyRetired, SerialHeld
from webapp.imports import jobs
from webapp.ledger import queries
from webapp.ledger.commands import ActionResult, create_credit, retire_credit, sell_credit
from webapp.ledger.listing import list_events

THREADS = 8
ROUNDS = 24


def types_of(credit_id: str) -> list[str]:
    return [str(event.event_type) for event in queries.record(credit_id).events]


def test_of_concurrent_retirements_exactly_one_succeeds(at_once: AtOnce) -> None:
    for number in range(ROUNDS):
        credit_id = recorded(serial_number=str(number))
        outcomes = at_once([partial(retire_credit, credit_id, {}, LOCAL)] * THREADS)
        assert Counter(type(outcome) for outcome in outcomes) == {
            ActionResult: 1,
            AlreadyRetired: THREADS - 1,
        }
        assert types_of(credit_id) == ["CREATED", "RETIRED"]
    assert_sound()


def test_of_concurrent_sales_and_retirements_none_follows_the_retirement(at_once: AtOnce) -> None:
    for number in range(ROUNDS):
        credit_id = recorded(serial_number=str(number))
        acts = [sell_credit, retire_credit] * (THREADS // 2)
        outcomes = at_once([partial(act, credit_id, {}, LOCAL) for act in acts])
        assert all(isinstance(outcome, ActionResult | ActionNotAllowed) for outcome in outcomes)
        succeeded = [
            act for act, outcome in zip(acts, outcomes, strict=True) if isinstance(outcome, ActionResult)
        ]
        assert types_of(credit_id) in (["CREATED", "SOLD", "RETIRED"], ["CREATED", "RETIRED"])
        assert len(succeeded) == len(types_of(credit_id)) - 1
    assert_sound()


def test_of_concurrent_creations_of_a_credit_exactly_one_is_new(at_once: AtOnce) -> None:
    for number in range(ROUNDS):
        spellings = [f" s-{number}", f"S-{number}", f"S\u200b-{number}", f"s-{number} "]
        works = [
            partial(create_credit, a_credit(serial_number=spelling), LOCAL)
            for spelling in spellings * (THREADS // 4)
        ]
        outcomes = at_once(works)
        assert all(isinstance(outcome, ActionResult) for outcome in outcomes)
        assert len({outcome.credit_id for outcome in outcomes if isinstance(outcome, ActionResult)}) == 1
        assert sum(outcome.is_new for outcome in outcomes if isinstance(outcome, ActionResult)) == 1
    assert len(list_events(limit=500).items) == ROUNDS
    assert_sound()


def test_of_concurrent_claims_of_a_serial_number_exactly_one_succeeds(at_once: AtOnce) -> None:
    for number in range(ROUNDS):
        works = [
            partial(create_credit, a_credit(serial_number=str(number), quantity=str(quantity)), LOCAL)
            for quantity in range(1, THREADS + 1)
        ]
        outcomes = at_once(works)
        holders = [outcome.credit_id for outcome in outcomes if isinstance(outcome, ActionResult)]
        refused = [outcome.holder for outcome in outcomes if isinstance(outcome, SerialHeld)]
        assert len(holders) == 1
        assert refused == holders * (THREADS - 1)
    assert_sound()


def test_imports_of_the_same_rows_record_each_once_or_ask_again(at_once: AtOnce) -> None:
    rows = [a_credit(serial_number=f"S-{number}") for number in range(60)]
    random = Random(2)  # noqa: S311 - not a secret
    received = []
    for number in range(THREADS):
        part = random.sample(rows, 40)
        received.append(jobs.receive(json.dumps(part).encode(), f"{number}.json", LOCAL).import_id)
    outcomes = at_once([partial(jobs.write, number, actor=LOCAL) for number in received])
    views = [outcome.view for outcome in outcomes if isinstance(outcome, jobs.Written)]
    assert len(views) == THREADS
    recorded_ids = {event.credit_id for event in credit_events()}
    assert sum(view.written for view in views) == len(recorded_ids) == len(credit_events()) > 0
    assert {view.state for view in views} <= {"done", "checked"}
    assert all(view.new + view.existing == 40 for view in views)
    assert_sound()


def test_concurrent_actions_leave_no_gap_in_the_feed(at_once: AtOnce) -> None:
    def work(number: int) -> None:
        for step in range(8):
            credit_id = recorded(serial_number=f"{number}-{step}", registry=f"R{step % 2}")
            sell_credit(credit_id, {"buyer": f"B{step % 3}"}, LOCAL)
            retire_credit(credit_id, {"beneficiary": "Z"}, LOCAL)

    outcomes = at_once([partial(work, number) for number in range(THREADS)])
    assert outcomes == [None] * THREADS
    positions = [event.position for event in list_events(limit=500).items]
    assert positions == list(range(1, 3 * 8 * THREADS + 1))
    assert_sound()


def test_a_reader_that_resumes_after_a_position_misses_no_event(at_once: AtOnce) -> None:
    writers = 6
    finished: list[int] = []
    seen: list[int] = []

    def write(name: int) -> None:
        for number in range(20):
            credit_id = recorded(serial_number=f"{name}-{number}")
            if number % 3 == 0:
                retire_credit(credit_id, {}, LOCAL)
        finished.append(name)

    def read() -> None:
        cursor, last_look = None, False
        while not last_look:
            last_look = len(finished) == writers
            page = list_events(cursor=cursor, limit=7)
            while page.items:
                seen.extend(event.position for event in page.items)
                cursor = page.end
                page = list_events(cursor=cursor, limit=7)

    assert at_once([read, *(partial(write, name) for name in range(writers))]) == [None] * (writers + 1)
    assert seen == list(range(1, writers * 27 + 1))
