"""The database refuses credits without events, and invalid positions and marks of the feed."""

import pytest

from tests.fixtures.ledger import RawClient
from tests.ledger.triggers.rows import (
    COLUMNS,
    Ids,
    assert_insert_refused,
    event_row,
    feed_row,
    insert,
    key_of,
    log_of,
    next_event,
    next_key,
    rolled_back,
)
from webapp.domain.event import Event
from webapp.domain.lifecycle import EventType


def test_a_credit_without_its_created_event_is_refused(raw: RawClient) -> None:
    facts = (next_key(raw), b"e" * 32, "A", "B", 2020, 10_000, *[None] * 4)
    row = dict(zip(COLUMNS["credits"], facts, strict=True))
    assert_insert_refused(raw, "credits", row)
    for column, value in (("id", None), ("key", None), ("key", 0), ("key", -1), ("key", 2**62)):
        assert_insert_refused(raw, "credits", {**row, column: value})


def test_a_credit_cannot_be_recorded_twice(raw: RawClient, ids: Ids) -> None:
    key, credit_id = key_of(raw, ids.active), bytes.fromhex(ids.active)
    for facts in ((key, b"e" * 32), (next_key(raw), credit_id), (key, credit_id)):
        row = dict(zip(COLUMNS["credits"], (*facts, "A", "B", 2020, 10_000, *[None] * 4), strict=True))
        assert_insert_refused(raw, "credits", row)


def test_an_event_without_its_credit_is_refused(raw: RawClient, ids: Ids) -> None:
    event = next_event(raw, ids.active, "SOLD")
    assert_insert_refused(raw, "events", event_row(raw, event, subject=next_key(raw)))


@pytest.mark.parametrize("position", [-1, 0, 1, 6, 8, 2**62, None])
def test_the_positions_of_the_feed_have_no_gap_and_none_twice(
    raw: RawClient, ids: Ids, position: int | None
) -> None:
    event = Event(ids.unplaced, 2, EventType.SOLD, {}, "", "", "")
    assert_insert_refused(raw, "feed", feed_row(raw, event, position=position))


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": 99},
        {"subject": 0},
        {"seq": 3},
        {"type": "RETIRED"},
        {"subject": None},
        {"seq": None},
        {"type": None},
    ],
    ids=repr,
)
def test_a_position_refers_to_an_existing_event(raw: RawClient, ids: Ids, changes: dict[str, object]) -> None:
    event = Event(ids.unplaced, 2, EventType.SOLD, {}, "", "", "")
    assert_insert_refused(raw, "feed", feed_row(raw, event, **changes))


def test_an_event_has_one_position(raw: RawClient) -> None:
    for _, subject, seq, event_type in log_of(raw)["feed"]:
        (last,) = raw.execute("SELECT max(position) FROM feed")[0]
        row = {"position": last + 1, "subject": subject, "seq": seq, "type": event_type}
        assert_insert_refused(raw, "feed", row)


@pytest.mark.parametrize("position", [-1, 0, 1, 6, 8, 2**62, None])
def test_a_mark_is_set_at_the_next_position_alone(raw: RawClient, position: int | None) -> None:
    with rolled_back(raw):
        insert(raw, "log_marks", {"name": "x", "position": 7})
    assert_insert_refused(raw, "log_marks", {"name": "in_order_of_time", "position": position})
