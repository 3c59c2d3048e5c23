"""0027 enters in the account log what it finds, and changes no entry that is there."""

import json

import pytest
from flask_migrate import upgrade

from tests.fixtures.credits import recorded
from tests.fixtures.empty_databases import OldLedger
from tests.fixtures.ledger import RawClient, connected, opened
from tests.ledger.audit.tampering import findings
from webapp.accounts import audit_log, sessions, tokens, users
from webapp.accounts.actors import CLI, LOCAL
from webapp.domain.account_log import name_hash

pytestmark = pytest.mark.slow

AT, LATE = "2026-11-20T00:00:00.000000Z", "2099-11-20T00:00:00.000000Z"
SECRET = "ccl_" + "a" * 43
ENTRIES = [
    (1, AT, LOCAL, "USER_ADDED", "user:1", '{"name":"Ada","role":"administrator"}'),
    (2, AT, "user:1", "USER_ADDED", "user:2", '{"name":"Oscar","role":"operator"}'),
    (3, AT, "user:1", "USER_DISABLED", "user:2", "{}"),
    (4, AT, "user:1", "TOKEN_MADE", "token:1", f'{{"expires_at":"{LATE}","name":"x","role":"operator"}}'),
]


def fill(raw: RawClient) -> None:
    """Add two users, a token and a session as they were stored before."""
    person = "INSERT INTO users (id, name, name_key, role, password_hash, added_at, disabled_at) VALUES"
    raw.execute(f"{person} (1, 'Ada', 'ada', 'administrator', 'hash', ?, NULL)", AT)
    raw.execute(f"{person} (2, 'Oscar', 'oscar', 'operator', 'hash', ?, ?)", AT, AT)
    raw.execute(
        "INSERT INTO tokens (id, name, role, secret_hash, added_by, added_at, expires_at)"
        " VALUES (1, 'x', 'operator', ?, 'user:1', ?, ?)",
        tokens.hash_of(SECRET),
        AT,
        LATE,
    )
    raw.execute(
        "INSERT INTO sessions (secret_hash, user_id, started_at, seen_at, expires_at) VALUES (?, 1, ?, ?, ?)",
        tokens.hash_of("cookie"),
        AT,
        LATE,
        LATE,
    )
    for entry in ENTRIES:
        raw.execute("INSERT INTO account_log VALUES (?, ?, ?, ?, ?, ?)", *entry)


def filled(url: str) -> None:
    with connected(url) as raw:
        fill(raw)


@pytest.fixture
def migrated(old_ledger: OldLedger) -> str:
    """Fill a ledger of revision 0026 and migrate it; return its address."""
    url = old_ledger("0026", filled)
    with opened(url):
        upgrade()
    return url


def test_users_tokens_and_sessions_are_entered_and_earlier_entries_stay(migrated: str) -> None:
    with connected(migrated) as raw:
        rows = raw.execute("SELECT * FROM account_log ORDER BY position")
        salts = dict(raw.execute("SELECT name, name_salt FROM users"))
    assert rows[:4] == ENTRIES
    assert [(position, actor, act, subject) for position, _, actor, act, subject, _ in rows[4:]] == [
        (5, CLI, "USER_FOUND", "user:1"),
        (6, CLI, "USER_FOUND", "user:2"),
        (7, CLI, "TOKEN_FOUND", "token:1"),
        (8, CLI, "SESSION_FOUND", "user:1"),
        (9, CLI, "HISTORY_FOUND", ""),
    ]
    ada, oscar = (json.loads(row[5]) for row in rows[4:6])
    assert (ada["state"], oscar["state"]) == ("usable", "ended")
    assert ada["name_hash"] == name_hash("Ada", salts["Ada"])
    assert len(set(salts.values())) == 2


def test_what_was_found_goes_on_and_is_accounted_for(migrated: str) -> None:
    with opened(migrated):
        assert findings() == []
        assert sessions.find("cookie")
        assert tokens.find(SECRET)
        users.enable(2, CLI)
        recorded()
        assert findings() == ["position 1: its actor local could act only while there was no account"]


def test_a_change_since_the_migration_is_named(migrated: str) -> None:
    with connected(migrated) as raw:
        raw.execute("UPDATE users SET role = 'administrator' WHERE id = 2")
        raw.execute("UPDATE tokens SET secret_hash = 'x'")
    with opened(migrated):
        assert [line.split(" is ")[0] for line in findings()] == [
            "user 2: role",
            "token 1: the hash of the secret",
        ]


def test_a_row_that_was_changed_before_is_found_as_it_is(old_ledger: OldLedger) -> None:
    url = old_ledger("0026", filled)
    with connected(url) as raw:
        raw.execute("UPDATE users SET role = 'viewer' WHERE id = 2")
    with opened(url):
        upgrade()
        assert findings() == []


@pytest.mark.usefixtures("ledger_app")
def test_a_new_ledger_has_no_entries() -> None:
    assert audit_log.page() == []
