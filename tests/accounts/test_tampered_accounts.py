"""`flask verify` names each user, token, session and entry that the account log does not account for."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from tests.fixtures.clock import SetClock
from tests.fixtures.credits import a_credit, recorded
from tests.fixtures.ledger import MakeDatabase, RawClient, connected, opened
from tests.fixtures.users import PASSWORD, a_token, a_user, an_administrator
from tests.ledger.audit.tampering import findings, tamper
from tests.ledger.triggers.rows import put
from webapp.accounts import audit_log, login, passwords, sessions, tokens, users
from webapp.accounts.actors import CLI, LOCAL
from webapp.accounts.audit_log import AuditAction
from webapp.accounts.roles import Role
from webapp.accounts.users import User
from webapp.domain.credit import parse_credit
from webapp.domain.event import created_event, time_text
from webapp.ledger import archive, clock
from webapp.ledger.audit.findings import Finding, FindingKind
from webapp.ledger.commands import create_credit

pytestmark = pytest.mark.usefixtures("ledger_app", "quick_passwords")


@pytest.fixture
def people(ledger_app: Flask, quick_passwords: None) -> list[User]:
    """Add an administrator, an operator and a token, and have all of them do something."""
    del ledger_app, quick_passwords
    ada, oscar = an_administrator(), a_user()
    secret = a_token(actor=ada.actor)
    login.sign_in("Oscar", PASSWORD, "127.0.0.1")
    create_credit(a_credit(), oscar.actor)
    bearer = tokens.find(secret)
    assert bearer
    create_credit(a_credit(serial_number="VCS-2"), bearer.actor)
    return [ada, oscar]


@pytest.mark.usefixtures("people")
def test_nothing_is_wrong_with_what_the_program_did() -> None:
    assert findings() == []


def everything(people: list[User]) -> None:
    """Do what the program can do with accounts."""
    ada, oscar = people
    users.change_role(oscar.id, Role.VIEWER, ada.actor)
    users.set_password(oscar.id, "another one again", ada.actor)
    secret = login.change_password(ada.id, PASSWORD, "yet another one", address="127.0.0.1")
    sessions.end(secret)
    sessions.start(ada.id)
    sessions.end_all(ada.id, ada.actor)
    users.disable(oscar.id, ada.actor)
    users.enable(oscar.id, CLI)
    users.change_role(oscar.id, Role.ADMINISTRATOR, CLI)
    a_token(actor=oscar.actor)
    users.change_role(oscar.id, Role.OPERATOR, oscar.actor)  # revokes the token
    tokens.revoke(1, ada.actor)


def test_nothing_is_wrong_after_every_kind_of_change(people: list[User]) -> None:
    everything(people)
    assert findings() == []


def test_a_password_that_is_hashed_anew_at_sign_in_is_accounted_for(
    people: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "METHOD", "scrypt:512:8:1")
    login.sign_in(people[1].name, PASSWORD, "127.0.0.1")
    assert findings() == []


@pytest.mark.parametrize(
    ("column", "value", "wrong"),
    [
        ("role", "administrator", "role is administrator, but the account log gives operator"),
        ("name", "Eve", "the hash of the name is"),
        ("password_hash", "scrypt:1:1:1$a$b", "the hash of the password is"),
        ("disabled_at", "2026-11-20T00:00:00.000000Z", "disabled is True, but the account log gives False"),
        ("name_salt", None, "the salt of the name is missing, so the name cannot be compared"),
        ("name_salt", "0", "the hash of the name is"),
    ],
    ids=["role", "name", "password", "disabled", "no salt", "other salt"],
)
def test_a_changed_column_of_a_user_is_named(
    people: list[User], raw: RawClient, column: str, value: object, wrong: str
) -> None:
    raw.execute(f"UPDATE users SET {column} = ? WHERE id = ?", value, people[1].id)
    (found,) = findings()
    assert found.startswith(f"user {people[1].id}: {wrong}")


def test_a_user_who_was_enabled_around_the_program_is_named(people: list[User], raw: RawClient) -> None:
    users.disable(people[1].id, CLI)
    raw.execute("UPDATE users SET disabled_at = NULL")
    assert findings() == [f"user {people[1].id}: disabled is False, but the account log gives True"]


def test_a_token_that_was_unrevoked_is_named(people: list[User], raw: RawClient) -> None:
    tokens.revoke(1, people[0].actor)
    raw.execute("UPDATE tokens SET revoked_at = NULL")
    assert findings() == ["token 1: revoked is False, but the account log gives True"]


@pytest.mark.usefixtures("people")
def test_an_inserted_user_is_named(raw: RawClient) -> None:
    raw.execute(
        "INSERT INTO users (id, name, name_key, role, password_hash, added_at)"
        " VALUES (9, 'Eve', 'eve', 'administrator', 'x', '2026-11-20T00:00:00.000000Z')"
    )
    assert findings() == ["user 9: no entry of the account log accounts for it"]


@pytest.mark.usefixtures("people")
def test_emptied_users_are_named(raw: RawClient) -> None:
    tamper(raw, "DELETE FROM users")
    missing = "its row is missing, although the account log adds it"
    assert [line for line in findings() if line.startswith("user")] == [
        f"user 1: {missing}",
        f"user 2: {missing}",
    ]


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        (
            "UPDATE account_log SET data = replace(data, 'operator', 'viewer') WHERE position = 2",
            "user 2: role is operator, but the account log gives viewer",
        ),
        ("UPDATE account_log SET act = 'USER_ENABLED' WHERE position = 2", "user 2: no entry"),
        ("UPDATE account_log SET act = 'X' WHERE position = 2", "account log, entry 2: its type, its"),
        ("UPDATE account_log SET data = '[]' WHERE position = 2", "account log, entry 2: its data is no"),
        (
            "UPDATE account_log SET subject = 'user:1' WHERE position = 2",
            "account log, entry 2: it adds user:1",
        ),
        (
            "UPDATE account_log SET actor = 'user:2' WHERE position = 3",
            "account log, entry 3: its actor user:2",
        ),
        ("DELETE FROM account_log WHERE position = 2", "account log, entry 3: it follows entry 1"),
        ("DELETE FROM account_log WHERE position >= 3", "token 1: no entry of the account log accounts"),
        ("DELETE FROM account_log WHERE position = 4", "session of user 2 from "),
        (
            "UPDATE account_log SET recorded_at = '2026-11-01T00:00:00.000000Z' WHERE position = 4",
            "account log, entry 4: it was recorded at 2026-11-01T00:00:00.000000Z, before the previous",
        ),
    ],
)
@pytest.mark.usefixtures("people")
def test_an_edited_or_cut_account_log_is_named(raw: RawClient, statement: str, wrong: str) -> None:
    tamper(raw, statement)
    assert any(line.startswith(wrong) for line in findings())


def test_findings_about_accounts_are_of_kinds_of_their_own() -> None:
    kinds = {
        "user 1": FindingKind.ACCOUNT,
        "token 1": FindingKind.ACCOUNT,
        "session of user 1 from now": FindingKind.ACCOUNT,
        "account log, entry 1": FindingKind.ACCOUNT,
        "position 1": FindingKind.ACTOR,
    }
    assert {place: Finding(place, "its actor x is no actor").kind for place in kinds} == kinds


def credit_by(raw: RawClient, actor: str) -> None:
    """Append a credit with raw SQL, as a program around this one could."""
    put(raw, created_event(parse_credit(a_credit(serial_number="VCS-9")), actor, time_text(clock.now())))


def by(found: list[str]) -> list[str]:
    return [line for line in found if line.startswith("position")]


@pytest.mark.parametrize(
    ("actor", "why"),
    [
        ("user:9", "is in no entry of the account log"),
        ("token:9", "is in no entry of the account log"),
        ("mallory", "is no actor of this program"),
        (LOCAL, "could act only while there was no account"),
    ],
)
@pytest.mark.usefixtures("people")
def test_an_actor_who_did_not_exist_is_named(
    raw: RawClient, set_clock: SetClock, actor: str, why: str
) -> None:
    set_clock.moment = clock_after(raw)
    credit_by(raw, actor)
    assert by(findings()) == [f"position 3: its actor {actor} {why}"]


def clock_after(raw: RawClient) -> datetime:
    ((last,),) = raw.execute("SELECT max(recorded_at) FROM account_log")
    return datetime.fromisoformat(last) + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("change", "actor"),
    [
        (lambda ada, oscar: users.disable(oscar.id, ada.actor), "user:2"),
        (lambda ada, oscar: users.change_role(oscar.id, Role.VIEWER, ada.actor), "user:2"),
        (lambda ada, _oscar: tokens.revoke(1, ada.actor), "token:1"),
    ],
    ids=["disabled", "lesser role", "revoked"],
)
def test_an_actor_who_could_not_act_any_more_is_named(
    people: list[User],
    raw: RawClient,
    set_clock: SetClock,
    change: Callable[[User, User], None],
    actor: str,
) -> None:
    change(*people)
    set_clock.moment = clock_after(raw)
    credit_by(raw, actor)
    wrong = "was disabled, revoked or expired, or had a lesser role"
    assert by(findings()) == [f"position 3: its actor {actor} {wrong}"]


@pytest.mark.usefixtures("people")
def test_a_token_that_had_expired_is_named(raw: RawClient, set_clock: SetClock) -> None:
    set_clock.moment = clock_after(raw) + timedelta(days=91)
    credit_by(raw, "token:1")
    wrong = "was disabled, revoked or expired, or had a lesser role"
    assert by(findings()) == [f"position 3: its actor token:1 {wrong}"]


def test_an_actor_who_was_added_only_later_is_named(raw: RawClient, set_clock: SetClock) -> None:
    an_administrator()
    set_clock.moment = clock_after(raw)
    credit_by(raw, "user:2")
    set_clock.go(seconds=1)
    a_user()
    assert by(findings()) == ["position 1: its actor user:2 was added only later"]


def test_this_machine_could_act_before_the_first_account(set_clock: SetClock) -> None:
    recorded()
    set_clock.go(seconds=-1)
    an_administrator()
    assert findings() == []


def test_actors_of_a_restored_history_may_be_of_another_account_log(
    people: list[User], make_database: MakeDatabase, dialect: str, tmp_path: Path
) -> None:
    archive.export_to(tmp_path / "history.ndjson")
    url = make_database(dialect)
    with opened(url), connected(url) as restored:
        eve = an_administrator("Eve")
        archive.restore(tmp_path / "history.ndjson")
        assert audit_log.page()[0].act == AuditAction.HISTORY_RESTORED
        assert findings() == []
        tokens.create("x", Role.VIEWER, eve.actor)
        credit_by(restored, people[1].actor)
        assert by(findings()) == [
            f"position 3: its actor {people[1].actor} is in no entry of the account log"
        ]
