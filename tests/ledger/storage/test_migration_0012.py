"""A ledger that was filled at revision 0009 gets withdrawals, amendments and entries, and keeps its log."""

from collections.abc import Iterator

import pytest
from flask_migrate import upgrade

from tests.fixtures.credits import withdrawn
from tests.fixtures.empty_databases import OldLedger
from tests.fixtures.entries import imported
from tests.fixtures.ledger import RawClient, connected, opened
from tests.ledger.histories import record_histories, record_split_trees
from tests.ledger.invariants import assert_sound
from tests.ledger.storage.test_migrations import schema_of
from webapp.accounts.actors import LOCAL
from webapp.ledger import archive
from webapp.ledger.commands import amend_credit
from webapp.ledger.listing import list_credits
from webapp.ledger.search.credit_filter import CreditFilter

pytestmark = pytest.mark.slow

LOG = {"credits": "key", "events": "subject, seq", "splits": "subject", "feed": "position"}


def rows_of(raw: RawClient) -> dict[str, list[tuple[object, ...]]]:
    return {name: raw.execute(f"SELECT * FROM {name} ORDER BY {key}") for name, key in LOG.items()}


def copy_log(source: RawClient, target: RawClient) -> None:
    """Insert the log of one ledger into another one, event by event, as a client of it does."""
    envelopes = dict(source.execute("SELECT subject, envelope FROM splits"))
    events = {row[:2]: row for row in source.execute("SELECT subject, seq, type, hash, body FROM events")}
    lots = {key for (key,) in source.execute("SELECT key FROM credits WHERE parent IS NOT NULL")}
    for position, subject, seq, kind in source.execute("SELECT * FROM feed ORDER BY position"):
        known = target.execute("SELECT 1 FROM events WHERE subject = ? AND seq = ?", subject, seq)
        if kind == "SPLIT":
            target.execute("INSERT INTO splits VALUES (?, ?)", subject, envelopes[subject])
        elif not known:
            assert not (kind == "CREATED" and subject in lots)
            target.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?)", *events[subject, seq])
        target.execute("INSERT INTO feed VALUES (?, ?, ?, ?)", position, subject, seq, kind)


@pytest.fixture
def old(old_ledger: OldLedger, database_url: str) -> Iterator[tuple[str, RawClient]]:
    """Fill a ledger of revision 0009 with histories of every kind that it knew."""
    url = old_ledger("0009")
    with opened(database_url), connected(database_url) as source, connected(url) as target:
        record_histories()
        record_split_trees()
        copy_log(source, target)
        assert rows_of(target) == rows_of(source)
    with connected(url) as target:
        yield url, target


def test_the_upgrade_moves_no_row_of_the_log(old: tuple[str, RawClient], raw: RawClient) -> None:
    url, client = old
    before = rows_of(client)
    with opened(url):
        upgrade()
        assert rows_of(client) == before
        assert schema_of(client) == schema_of(raw)


def test_the_upgrade_computes_nothing_that_is_derived_again(old: tuple[str, RawClient]) -> None:
    url, client = old
    with opened(url):
        upgrade()
    # The log alone was copied into this ledger, so a rebuild would have filled the table.
    assert client.execute("SELECT * FROM credit_states") == []


def test_the_upgraded_ledger_takes_the_new_events(old: tuple[str, RawClient]) -> None:
    url, _ = old
    with opened(url):
        upgrade()
        archive.rebuild()
        for credit in list_credits(CreditFilter()).items:
            amend_credit(credit.id, {"amends": "1", "facts": {"country": "Kenya"}}, LOCAL)
            if "WITHDRAWN" in credit.allowed_actions:
                withdrawn(credit.id)
        imported()
        assert_sound()
