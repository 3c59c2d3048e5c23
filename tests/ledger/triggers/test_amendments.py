"""The triggers of both databases hold withdrawals, amendments and facts in raw SQL."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.fixtures.credits import a_credit, recorded, recorded_with_facts, retired, sold, withdrawn
from tests.fixtures.ledger import DIALECTS, MakeDatabase, RawClient, connected, opened
from tests.ledger.triggers.rows import (
    History,
    assert_insert_refused,
    event_row,
    feed_row,
    first_event,
    insert,
    next_event,
    rolled_back,
)
from webapp.accounts.actors import LOCAL
from webapp.domain.amendment import sale_of
from webapp.domain.credit import parse_credit
from webapp.domain.event import NO_PREVIOUS_HASH
from webapp.domain.fields import E4
from webapp.domain.lifecycle import ALLOWED_ACTIONS, STATUS_AFTER, EventType, Status
from webapp.domain.split import LotPlace, lots_of, split_data, split_events
from webapp.ledger.commands import amend_credit, cancel_credit, split_credit
from webapp.ledger.event_log import envelope_of, parse_stored

DATA: dict[str, dict[str, Any]] = {
    "AMENDED": {"amends": 1, "facts": {"country": "Kenya"}},
    "SPLIT": {"quantities": ["25", "75"]},
}


@dataclass(frozen=True)
class Ledger:
    """A credit in each status, amended once or twice since, and one withdrawn credit without amendment."""

    raw: RawClient
    by_status: dict[Status, str]
    withdrawn: str
    active: str


@pytest.fixture(scope="module", params=DIALECTS)
def ledger(request: pytest.FixtureRequest, make_module_database: MakeDatabase) -> Iterator[Ledger]:
    url = make_module_database(request.param)
    with opened(url):
        by_status = {
            Status.ACTIVE: recorded(serial_number="1"),
            Status.SOLD: sold(serial_number="2"),
            Status.RETIRED: retired(serial_number="3"),
            Status.WITHDRAWN: withdrawn(serial_number="4"),
            Status.SPLIT: recorded(serial_number="5"),
            Status.CANCELLED: recorded(serial_number="6"),
        }
        split_credit(by_status[Status.SPLIT], {"quantities": ["25", "75"]}, LOCAL)
        cancel_credit(by_status[Status.CANCELLED], {"reason": "Twice"}, LOCAL)
        for credit_id in by_status.values():
            amend_credit(credit_id, {"amends": "1", "facts": {"country": "Kenya"}}, LOCAL)
        amend_credit(by_status[Status.RETIRED], {"amends": "2", "beneficiary": "Zoë"}, LOCAL)
        plain = withdrawn(serial_number="7"), recorded(serial_number="VCS-0001")
    with connected(url) as raw:
        yield Ledger(raw, by_status, *plain)


def split_row(raw: RawClient, credit_id: str, **data: object) -> dict[str, object]:
    """Return the row of a well-formed split into 25 t and 75 t, with more data in the lots' first events."""
    ((key, serial),) = raw.execute(
        "SELECT key, serial_number FROM credits WHERE id = ?", bytes.fromhex(credit_id)
    )
    bodies = raw.execute("SELECT body FROM events WHERE subject = ? ORDER BY seq", key)
    whole = parse_credit(a_credit(serial_number=serial))
    lots = lots_of(whole, LotPlace(serial, 0, whole.quantity_e4), [25 * E4, 75 * E4], None)
    split = next_event(raw, credit_id, "SPLIT", data=split_data(lots))
    events = [split]
    for event in split_events(split, lots, sale_of([parse_stored(body) for (body,) in bodies]))[1:]:
        is_first = event.type is EventType.CREATED
        prev_hash = NO_PREVIOUS_HASH if is_first else events[-1].hash
        changed: Any = {**event.data, **(data if is_first else {})}
        events.append(replace(event, data=changed, prev_hash=prev_hash))
    return {"subject": key, "envelope": envelope_of(events)}


@pytest.mark.parametrize("event_type", EventType)
@pytest.mark.parametrize("status", Status)
def test_after_an_amendment_the_last_counting_event_decides(
    ledger: Ledger, status: Status, event_type: EventType
) -> None:
    event = next_event(ledger.raw, ledger.by_status[status], event_type, data=DATA.get(event_type, {}))
    row = event_row(ledger.raw, event)
    # A split is only ever inserted by its row of splits: see below.
    allowed = {EventType.AMENDED, *ALLOWED_ACTIONS[status]} - {EventType.SPLIT}
    if event_type in allowed:
        with rolled_back(ledger.raw):
            insert(ledger.raw, "events", row)
            insert(ledger.raw, "feed", feed_row(ledger.raw, event))
    else:
        assert_insert_refused(ledger.raw, "events", row)


@pytest.mark.parametrize("status", Status)
def test_a_split_after_an_amendment_is_accepted_where_a_split_is(ledger: Ledger, status: Status) -> None:
    raw = ledger.raw
    row = split_row(raw, ledger.by_status[status])
    if EventType.SPLIT in ALLOWED_ACTIONS[status]:
        with rolled_back(raw):
            insert(raw, "splits", row)
    else:
        assert_insert_refused(raw, "splits", row)


@pytest.mark.parametrize("event_type", STATUS_AFTER)
def test_no_counting_event_follows_a_withdrawal(ledger: Ledger, event_type: EventType) -> None:
    event = next_event(ledger.raw, ledger.withdrawn, event_type, data=DATA.get(event_type, {}))
    assert_insert_refused(ledger.raw, "events", event_row(ledger.raw, event))


@pytest.mark.parametrize("seq", [3, 9])
def test_the_unique_index_alone_refuses_a_second_withdrawal(fresh: History, seq: int) -> None:
    raw, credit_id = fresh.raw, fresh.ids.active
    insert(raw, "events", event_row(raw, next_event(raw, credit_id, "WITHDRAWN")))
    names = ["events_guard_insert ON events"] if raw.dialect == "postgresql" else ["events_guard_next"]
    for name in names:
        raw.execute(f"DROP TRIGGER {name}")
    assert_insert_refused(raw, "events", event_row(raw, next_event(raw, credit_id, "WITHDRAWN", seq=seq)))


@pytest.mark.parametrize(
    ("status", "data"),
    [
        (Status.ACTIVE, {"amends": 1}),
        (Status.ACTIVE, {"amends": 1, "why": "Typo", "act": "7", "import": "7"}),
        (Status.ACTIVE, {"facts": {"country": "Kenya"}}),
        (Status.ACTIVE, {"amends": "1", "facts": {"country": "Kenya"}}),
        (Status.ACTIVE, {"amends": None, "facts": {"country": "Kenya"}}),
        (Status.ACTIVE, {"amends": 0, "facts": {"country": "Kenya"}}),
        (Status.ACTIVE, {"amends": 2, "facts": {"country": "Kenya"}}),  # an amendment
        (Status.ACTIVE, {"amends": 3, "facts": {"country": "Kenya"}}),  # itself
        (Status.ACTIVE, {"amends": 9, "facts": {"country": "Kenya"}}),
        (Status.ACTIVE, {"amends": 1, "quantity": "5"}),
        (Status.ACTIVE, {"amends": 1, "buyer": "Acme"}),
        (Status.ACTIVE, {"amends": 1, "facts": {"country": "Kenya"}, "vintage": 2024}),
        (Status.ACTIVE, {"amends": 1, "facts": "Kenya"}),
        (Status.ACTIVE, {"amends": 1, "facts": None}),
        (Status.ACTIVE, {"amends": 1, "facts": {"country": 5}}),
        (Status.ACTIVE, {"amends": 1, "facts": {"country": ["Kenya"]}}),
        (Status.SOLD, {"amends": 2, "facts": {"country": "Kenya"}}),
        (Status.SOLD, {"amends": 2, "beneficiary": "Acme"}),
        (Status.RETIRED, {"amends": 2, "buyer": "Acme"}),
        (Status.SPLIT, {"amends": 2, "quantities": ["5"]}),
        (Status.SPLIT, {"amends": 2, "note": "x"}),
    ],
    ids=repr,
)
def test_an_amendment_states_only_words_of_an_earlier_event(
    ledger: Ledger, status: Status, data: dict[str, object]
) -> None:
    event = next_event(ledger.raw, ledger.by_status[status], "AMENDED", data=data)
    assert_insert_refused(ledger.raw, "events", event_row(ledger.raw, event))


def test_an_amendment_may_name_what_recorded_it(ledger: Ledger) -> None:
    data = {"amends": 1, "facts": {"country": "Peru"}, "act": "7", "import": "7"}
    event = next_event(ledger.raw, ledger.by_status[Status.ACTIVE], "AMENDED", data=data)
    with rolled_back(ledger.raw):
        insert(ledger.raw, "events", event_row(ledger.raw, event))


def test_an_amendment_as_the_first_event_is_refused(ledger: Ledger) -> None:
    row = event_row(ledger.raw, first_event(), type="AMENDED")
    assert_insert_refused(ledger.raw, "events", row)


@pytest.mark.parametrize("facts", [{}, {"country": "Kenya"}, {"anything": ""}], ids=repr)
def test_facts_that_are_an_object_of_texts_are_accepted(ledger: Ledger, facts: dict[str, str]) -> None:
    for event in (
        first_event(facts=facts),
        next_event(ledger.raw, ledger.active, "RETIRED", data={"facts": facts}),
        next_event(ledger.raw, ledger.active, "WITHDRAWN", data={"facts": facts}),
    ):
        with rolled_back(ledger.raw):
            insert(ledger.raw, "events", event_row(ledger.raw, event))


@pytest.mark.parametrize(
    "facts", [None, "Kenya", 5, True, ["Kenya"], {"country": 5}, {"country": None}, {"a": {}}], ids=repr
)
def test_other_facts_are_refused(ledger: Ledger, facts: object) -> None:
    for event in (
        first_event(facts=facts),
        next_event(ledger.raw, ledger.active, "RETIRED", data={"facts": facts}),
        next_event(ledger.raw, ledger.active, "WITHDRAWN", data={"facts": facts}),
    ):
        assert_insert_refused(ledger.raw, "events", event_row(ledger.raw, event))


def test_a_lot_has_no_facts_of_its_own(ledger: Ledger) -> None:
    with rolled_back(ledger.raw):
        insert(ledger.raw, "splits", split_row(ledger.raw, ledger.active))
    row = split_row(ledger.raw, ledger.active, facts={"country": "Kenya"})
    assert_insert_refused(ledger.raw, "splits", row)


def test_the_facts_of_a_root_change_no_column_of_its_credit(database_url: str) -> None:
    with opened(database_url):
        credit_id = recorded_with_facts()
    with connected(database_url) as raw:
        (row,) = raw.execute("SELECT * FROM credits")
    assert row[1:] == (
        bytes.fromhex(credit_id),
        "Mangrove Restoration Project",
        "VCS",
        2023,
        1_000_000,
        "VCS-0001",
        None,
        None,
        None,
    )
