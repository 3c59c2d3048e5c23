"""The labels of statuses, event types and fields, and the phrases of events."""

from dataclasses import replace

import pytest

from webapp.domain.action_fields import ACTION_FIELDS
from webapp.domain.event import Data
from webapp.domain.lifecycle import EventType, Status
from webapp.ledger.listing import LOGGED_TYPES
from webapp.ledger.views import EventView
from webapp.web import labels

ID = "a" * 64
EVENT = EventView(
    1, ID, 1, EventType.CREATED, {}, "cli", "2026-01-02T03:04:05.000000Z", ID, ID, "A", 1, False
)


@pytest.mark.parametrize(
    ("event_type", "data", "expected"),
    [
        (EventType.CREATED, {}, "Created"),
        (EventType.SOLD, {"buyer": "Acme"}, "Sold to Acme"),
        (EventType.SOLD, {}, "Sold"),
        (EventType.RETIRED, {"beneficiary": "Acme"}, "Retired for Acme"),
        (EventType.RETIRED, {}, "Retired"),
        (EventType.CREATED, {"parent": ID, "offset": "0"}, "Created as a lot"),
        (EventType.SPLIT, {"quantities": ["25", "75"]}, "Split into 2 lots"),
        (EventType.CANCELLED, {"reason": "Typo"}, "Voided"),
        (EventType.WITHDRAWN, {"reason": "Buffer"}, "Cancelled at the registry"),
        (EventType.AMENDED, {"amends": 2, "buyer": "Acme", "why": "Typo"}, "Amended: buyer Acme"),
        (EventType.AMENDED, {"amends": 2, "note": "", "import": "7"}, "Amended: no note"),
        (EventType.AMENDED, {"amends": 1, "facts": {"project_id": "5"}}, "Amended: project ID 5"),
    ],
)
def test_an_event_is_phrased_for_people(event_type: EventType, data: Data, expected: str) -> None:
    event = replace(EVENT, event_type=event_type, data=data)
    assert labels.event_phrase(event) == expected
    carried = labels.event_phrase(replace(event, is_carried=True))
    assert carried == f"{expected}, carried over from the credit it was split from"


def test_every_status_and_event_type_has_a_label() -> None:
    assert set(labels.STATUS_LABELS) == set(Status)
    assert set(labels.EVENT_LABELS) == set(LOGGED_TYPES)
    assert labels.status_label("CANCELLED") == "Void"
    assert labels.event_label("CANCELLED") == "Voided"
    assert labels.status_label("WITHDRAWN") == labels.event_label("WITHDRAWN") == "Cancelled at the registry"


def test_the_date_of_an_action_is_named_after_it() -> None:
    assert labels.data_labels(EventType.SOLD)["occurred_on"] == "Trade date"
    assert labels.data_labels(EventType.RETIRED)["occurred_on"] == "Retirement date"
    for event_type, fields in ACTION_FIELDS.items():
        assert {field.name for field in fields} <= set(labels.data_labels(event_type))


@pytest.mark.parametrize(
    ("offset", "expected"),
    [("0", "from tonne 1"), ("1200", "from tonne 1,201"), ("0.5", "after 0.5 t")],
)
def test_a_lot_says_where_in_its_parent_it_begins(offset: str, expected: str) -> None:
    assert labels.lot_start(offset) == expected
