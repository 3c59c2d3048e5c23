"""Sessions: a secret that only the browser has, and an expiry."""

from datetime import timedelta

import pytest

from tests.fixtures.clock import SetClock
from tests.fixtures.ledger import RawClient
from tests.fixtures.users import a_user, an_administrator
from webapp.accounts import audit_log, sessions, users
from webapp.accounts.actors import CLI
from webapp.accounts.audit_log import AuditAction
from webapp.accounts.errors import AdministratorRequired, UnknownUser
from webapp.accounts.roles import Role
from webapp.ledger import group_commit

pytestmark = pytest.mark.usefixtures("ledger_app", "quick_passwords")


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write when a session was seen, however busy the machine is."""
    monkeypatch.setattr(group_commit, "BRIEF_WAIT_S", 30)


def test_a_session_tells_who_signed_in() -> None:
    oscar = a_user("Oscar", Role.OPERATOR)
    user = sessions.find(sessions.start(oscar.id))
    assert user == oscar
    assert user.actor == f"user:{oscar.id}"


def test_each_session_has_a_secret_of_its_own() -> None:
    oscar = a_user()
    first, second = sessions.start(oscar.id), sessions.start(oscar.id)
    assert first != second
    assert len(first) >= 43


@pytest.mark.parametrize("secret", ["", "x", "\x00", "\ud800", "a" * 100_000])
def test_another_secret_is_nobody_s(secret: str) -> None:
    sessions.start(a_user().id)
    assert sessions.find(secret) is None


def test_no_secret_is_in_the_database(raw: RawClient) -> None:
    secret = sessions.start(a_user().id)
    rows = repr([raw.execute(f"SELECT * FROM {table}") for table in ("sessions", "account_log")])
    assert secret not in rows


def test_the_hash_in_the_database_is_no_secret(raw: RawClient) -> None:
    sessions.start(a_user().id)
    ((hashed,),) = raw.execute("SELECT secret_hash FROM sessions")
    assert sessions.find(hashed) is None


def test_a_disabled_person_gets_no_session() -> None:
    oscar = a_user()
    users.disable(oscar.id, CLI)
    with pytest.raises(UnknownUser):
        sessions.start(oscar.id)


def test_a_person_disabled_by_raw_sql_is_out_at_once(raw: RawClient) -> None:
    oscar = a_user()
    secret = sessions.start(oscar.id)
    raw.execute("UPDATE users SET disabled_at = 'x' WHERE id = ?", oscar.id)
    assert sessions.find(secret) is None


def test_signing_out_ends_this_session_alone() -> None:
    oscar = a_user()
    here, there = sessions.start(oscar.id), sessions.start(oscar.id)
    sessions.end(here)
    sessions.end(here)
    assert sessions.find(here) is None
    assert sessions.find(there)
    assert [entry.act for entry in audit_log.page()].count(AuditAction.SIGNED_OUT) == 1


def test_signing_out_everywhere_ends_all_of_one_s_own() -> None:
    oscar, ada = a_user(), an_administrator("Zed")
    mine, theirs = [sessions.start(oscar.id) for _ in range(3)], sessions.start(ada.id)
    sessions.end_all(oscar.id, oscar.actor)
    assert [sessions.find(secret) for secret in mine] == [None] * 3
    assert sessions.find(theirs)
    with pytest.raises(AdministratorRequired):
        sessions.end_all(ada.id, oscar.actor)


def test_a_session_ends_when_it_is_not_used(set_clock: SetClock) -> None:
    secret = sessions.start(a_user().id)
    set_clock.go(seconds=sessions.IDLE.total_seconds() - 1)
    assert sessions.find(secret)
    set_clock.go(seconds=sessions.IDLE.total_seconds() - 1)
    assert sessions.find(secret)
    set_clock.go(seconds=sessions.IDLE.total_seconds())
    assert sessions.find(secret) is None


def test_a_session_ends_however_much_it_is_used(set_clock: SetClock) -> None:
    secret = sessions.start(a_user().id)
    for _ in range(int(sessions.LIFETIME / timedelta(hours=7)) - 1):
        set_clock.go(hours=7)
        assert sessions.find(secret)
    set_clock.go(hours=7)
    assert sessions.find(secret) is None


def test_being_seen_is_written_once_a_minute(set_clock: SetClock, raw: RawClient) -> None:
    secret = sessions.start(a_user().id)

    def seen_at() -> str:
        sessions.find(secret)
        ((found,),) = raw.execute("SELECT seen_at FROM sessions")
        return str(found)

    started = seen_at()
    set_clock.go(seconds=59)
    assert seen_at() == started
    set_clock.go(seconds=1)
    assert seen_at() > started


def test_sessions_that_are_over_are_cleared(set_clock: SetClock, raw: RawClient) -> None:
    oscar = a_user()
    for _ in range(3):
        sessions.start(oscar.id)
    set_clock.go(hours=9)
    kept = sessions.start(oscar.id)
    assert len(raw.execute("SELECT * FROM sessions")) == 1
    assert sessions.find(kept)


def test_a_session_works_where_the_database_takes_no_writes(
    set_clock: SetClock, raw: RawClient, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "BRIEF_WAIT_S", 0.1)
    secret = sessions.start(a_user().id)
    set_clock.go(minutes=5)
    raw.execute("BEGIN IMMEDIATE" if dialect == "sqlite" else "BEGIN")
    if dialect == "postgresql":
        raw.execute("SELECT * FROM sessions FOR UPDATE")
    assert sessions.find(secret)
    raw.execute("ROLLBACK")
