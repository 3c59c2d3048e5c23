"""An event that raw SQL appended without a feed position is not used, exported or rebuilt silently."""

from datetime import date

import pytest
from flask import Flask

from tests.fixtures.credits import recorded
from tests.fixtures.ledger import RawClient
from tests.ledger.triggers.rows import event_row, insert
from webapp.accounts.actors import LOCAL
from webapp.domain.action_fields import parse_action
from webapp.domain.errors import BrokenLog
from webapp.domain.event import Event
from webapp.domain.lifecycle import EventType
from webapp.ledger import archive, queries
from webapp.ledger.commands import retire_credit

pytestmark = pytest.mark.usefixtures("ledger_app")


@pytest.fixture
def credit_id(ledger_app: Flask, raw: RawClient) -> str:
    with ledger_app.app_context():
        credit_id = recorded()
        first = queries.record(credit_id).events[0]
    data = parse_action(EventType.RETIRED, {"occurred_on": "2026-01-01"}, date(2026, 11, 20))
    event = Event(credit_id, 2, EventType.RETIRED, data, LOCAL, first.recorded_at, first.hash)
    insert(raw, "events", event_row(raw, event))
    return credit_id


def test_no_action_follows_an_event_without_a_position(credit_id: str) -> None:
    with pytest.raises(BrokenLog, match=credit_id):
        retire_credit(credit_id, {}, LOCAL)


@pytest.mark.usefixtures("credit_id")
def test_an_export_refuses_an_event_without_a_position() -> None:
    with pytest.raises(BrokenLog, match="no position"):
        archive.export(lambda _line: None)


@pytest.mark.usefixtures("credit_id")
def test_a_rebuild_refuses_an_event_without_a_position() -> None:
    with pytest.raises(BrokenLog, match="no position"):
        archive.rebuild()
