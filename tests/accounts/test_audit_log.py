"""The account log: paging, and its append-only triggers."""

from collections.abc import Iterator
from sqlite3 import Error as SqliteError
from typing import Any

import psycopg
import pytest
from flask import Flask

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import recorded
from tests.fixtures.ledger import RawClient
from tests.fixtures.users import a_user, an_administrator
from webapp.accounts import audit_log, users
from webapp.accounts.actors import CLI
from webapp.accounts.audit_log import PAGE_MAX, AuditAction, change
from webapp.accounts.roles import Role
from webapp.domain.account_log import fingerprint, name_hash
from webapp.domain.event import time_text
from webapp.ledger import queries

ROW = (3, "2026-11-20T12:00:00.000000Z", "cli", "USER_ADDED", "user:9", "{}")
INSERT = "INTO account_log (position, recorded_at, actor, act, subject, data) VALUES (?, ?, ?, ?, ?, ?)"


@pytest.fixture
def entries(ledger_app: Flask, quick_passwords: None, raw: RawClient) -> Iterator[list[tuple[Any, ...]]]:
    """Write two entries, yield them as rows, and check that they are unchanged afterwards."""
    del ledger_app, quick_passwords
    a_user()
    rows = raw.execute("SELECT * FROM account_log ORDER BY position")
    assert len(rows) == 2
    yield rows
    assert raw.execute("SELECT * FROM account_log ORDER BY position") == rows


def assert_refused(raw: RawClient, statement: str, *values: object) -> None:
    with pytest.raises((SqliteError, psycopg.Error), match="ledger: "):
        raw.execute(statement, *values)


@pytest.mark.usefixtures("entries")
@pytest.mark.parametrize("column", "position recorded_at actor act subject data".split())
def test_no_column_of_the_log_can_be_updated(raw: RawClient, column: str) -> None:
    assert_refused(raw, f"UPDATE account_log SET {column} = {column}")


@pytest.mark.usefixtures("entries")
def test_no_entry_can_be_deleted(raw: RawClient) -> None:
    assert_refused(raw, "DELETE FROM account_log")
    assert_refused(raw, "DELETE FROM account_log WHERE position = 2")


@pytest.mark.usefixtures("entries")
@pytest.mark.parametrize("dialect", ["postgresql"])
def test_the_log_cannot_be_truncated(raw: RawClient) -> None:
    assert_refused(raw, "TRUNCATE account_log")


@pytest.mark.usefixtures("entries")
@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize("clause", ["OR REPLACE", "OR IGNORE", "OR ABORT", "OR FAIL", "OR ROLLBACK", ""])
@pytest.mark.parametrize("position", [1, 2])
def test_no_entry_can_be_replaced_on_sqlite(raw: RawClient, clause: str, position: int) -> None:
    assert_refused(raw, f"INSERT {clause} {INSERT}", position, *ROW[1:])


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_replace_itself_replaces_nothing_on_sqlite(raw: RawClient, entries: list[tuple[Any, ...]]) -> None:
    assert_refused(raw, f"REPLACE {INSERT}", entries[0][0], *ROW[1:])


@pytest.mark.usefixtures("entries")
def test_an_upsert_changes_no_entry(raw: RawClient) -> None:
    assert_refused(
        raw, f"INSERT {INSERT} ON CONFLICT (position) DO UPDATE SET actor = 'somebody'", 2, *ROW[1:]
    )


@pytest.mark.usefixtures("entries")
@pytest.mark.parametrize("position", [-1, 0, 4, 10**9])
def test_positions_have_no_gaps(raw: RawClient, position: int) -> None:
    assert_refused(raw, f"INSERT {INSERT}", position, *ROW[1:])


@pytest.mark.usefixtures("entries")
def test_an_entry_that_follows_is_accepted(raw: RawClient) -> None:
    raw.execute("BEGIN")
    raw.execute(f"INSERT {INSERT}", *ROW)
    assert raw.execute("SELECT * FROM account_log WHERE position = 3") == [ROW]
    raw.execute("ROLLBACK")


@pytest.mark.usefixtures("ledger_app")
def test_pages_go_from_the_newest_to_the_first() -> None:
    def fill(connection: Any) -> None:  # noqa: ANN401 - a connection of either database
        for number in range(1, 8):
            audit_log.append(connection, CLI, AuditAction.USER_ENABLED, f"user:{number}")

    change(fill)
    first = audit_log.page(limit=3)
    second = audit_log.page(first[-1].position, limit=3)
    third = audit_log.page(second[-1].position, limit=3)
    assert [entry.position for entry in first + second + third] == [7, 6, 5, 4, 3, 2, 1]
    assert audit_log.page(1) == []


@pytest.mark.usefixtures("ledger_app")
@pytest.mark.parametrize("before", [-1, 0, 10**30])
def test_a_place_outside_the_log_is_no_error(before: int) -> None:
    assert audit_log.page(before) == []


@pytest.mark.usefixtures("ledger_app", "quick_passwords")
def test_an_entry_holds_no_name_but_its_hash_with_the_salt_of_the_row(raw: RawClient) -> None:
    users.add_first('Zoë "<script>" O\'Neill', "correct horse battery", CLI)
    (entry,) = audit_log.page(limit=PAGE_MAX + 1)
    ((salt, stored),) = raw.execute("SELECT name_salt, password_hash FROM users")
    assert dict(entry.data) == {
        "name_hash": name_hash('Zoë "<script>" O\'Neill', salt),
        "password": fingerprint(stored),
        "role": "administrator",
    }


@pytest.mark.usefixtures("ledger_app", "quick_passwords")
def test_the_same_name_has_another_hash_in_another_ledger(raw: RawClient) -> None:
    salts = {users.add(name, Role.ADMINISTRATOR, "correct horse battery", CLI).id for name in ("Ada", "Bob")}
    assert len({salt for (salt,) in raw.execute("SELECT name_salt FROM users")}) == len(salts) == 2


@pytest.mark.usefixtures("ledger_app", "quick_passwords")
def test_an_entry_is_not_earlier_than_the_one_before_it(set_clock: SetClock) -> None:
    a_user()
    set_clock.go(hours=-1)
    users.disable(2, CLI)
    newest, *earlier = audit_log.page()
    assert newest.act == AuditAction.USER_DISABLED
    assert newest.recorded_at == earlier[0].recorded_at


@pytest.mark.usefixtures("ledger_app", "quick_passwords")
def test_an_entry_is_not_earlier_than_the_last_event_and_the_next_event_not_earlier_than_it(
    set_clock: SetClock,
) -> None:
    recorded()
    at = time_text(set_clock())
    set_clock.go(hours=-1)
    an_administrator()
    assert audit_log.page()[0].recorded_at == at
    set_clock.go(hours=3)
    users.disable(a_user().id, CLI)
    later = audit_log.page()[0].recorded_at
    set_clock.go(hours=-3)
    credit_id = recorded(serial_number="another")
    assert queries.credit(credit_id).created_at == later
