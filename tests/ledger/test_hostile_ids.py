"""Malformed ids and cursors from URLs are handled."""

import base64
import json

import pytest

from tests.fixtures.credits import recorded
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import CursorMismatch, UnknownCredit
from webapp.ledger import queries
from webapp.ledger.commands import retire_credit
from webapp.ledger.listing import list_credits, list_events
from webapp.ledger.search.credit_filter import CreditFilter

pytestmark = pytest.mark.usefixtures("ledger_app")

NO_IDS = ["\0", "x", "", "A" * 64, "0" * 63, "0" * 65, "0" * 63 + "\n", "\ud800"]


@pytest.mark.parametrize("credit_id", NO_IDS, ids=ascii)
def test_a_malformed_id_is_an_unknown_credit(credit_id: str) -> None:
    with pytest.raises(UnknownCredit):
        queries.record(credit_id)
    with pytest.raises(UnknownCredit):
        retire_credit(credit_id, {}, LOCAL)


@pytest.mark.parametrize("value", ["\0", "\ud800", 1, None, [], True], ids=ascii)
def test_a_cursor_with_a_value_that_no_column_can_store_is_refused(value: object) -> None:
    wanted = CreditFilter(sort="project")
    forged = [wanted.fingerprint, False, value, 1]
    cursor = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode()
    with pytest.raises(CursorMismatch):
        list_credits(wanted, cursor)


def test_the_end_cursor_of_the_feed_leads_to_later_events() -> None:
    recorded()
    first = list_events()
    assert list_events(cursor=first.end).items == []
    assert list_events(cursor=first.end).end == first.end

    recorded(serial_number="VCS-0002")
    assert [event.position for event in list_events(cursor=first.end).items] == [2]


def test_an_empty_ledger_has_no_end_cursor() -> None:
    assert list_events().end is None
