"""Signing in: one error for all refusals, counted guesses, and no permanent lockout."""

import pytest
from flask import Flask
from werkzeug.security import check_password_hash

from tests.fixtures.clock import SetClock
from tests.fixtures.ledger import RawClient
from tests.fixtures.users import PASSWORD, a_user
from webapp.accounts import audit_log, login, login_rate_limit, passwords, sessions, users
from webapp.accounts.actors import CLI
from webapp.accounts.audit_log import AuditAction, Entry
from webapp.accounts.errors import LoginFailed, LoginRateLimited
from webapp.accounts.users import User
from webapp.domain.errors import InvalidFields
from webapp.ledger.group_commit import transact

HERE, THERE = "192.0.2.1", "198.51.100.7"
WRONG = "a wrong password"


@pytest.fixture
def oscar(ledger_app: Flask, quick_passwords: None, set_clock: SetClock) -> User:
    """Add an administrator and an operator, at noon."""
    del ledger_app, quick_passwords, set_clock
    return a_user("Oscar")


def guess(name: str = "Oscar", password: str = WRONG, address: str = HERE) -> str:
    """Try to sign in and return the result: in, refused or held."""
    try:
        login.sign_in(name, password, address)
    except LoginFailed:
        return "refused"
    except LoginRateLimited:
        return "held"
    return "in"


def guesses(number: int, *args: str) -> list[str]:
    return [guess(*args) for _ in range(number)]


def log(*actions: AuditAction) -> list[Entry]:
    """Return the entries of these actions, oldest first."""
    return [entry for entry in reversed(audit_log.page(limit=200)) if entry.act in actions]


# Signing in


@pytest.mark.parametrize("name", ["Oscar", "oscar", " OSCAR ", "Os\u200bcar"])
def test_a_name_in_any_spelling_and_its_password_start_a_session(oscar: User, name: str) -> None:
    signed_in = login.sign_in(name, PASSWORD, HERE)
    assert signed_in.user == oscar
    assert sessions.find(signed_in.secret) == oscar


@pytest.mark.parametrize(
    "password", ["", PASSWORD + " ", " " + PASSWORD, PASSWORD.upper(), PASSWORD + "\x00", "\ud800" * 20]
)
@pytest.mark.usefixtures("oscar")
def test_nothing_but_the_password_itself_gets_in(password: str) -> None:
    assert guess("Oscar", password) == "refused"


@pytest.mark.parametrize("name", ["", "Nobody", "x" * 100_000, "\x00", "\ud800", "Oscar\x00", "' OR 1=1 --"])
def test_a_name_that_nobody_has_is_refused_like_a_wrong_password(oscar: User, name: str) -> None:
    with pytest.raises(LoginFailed) as unknown:
        login.sign_in(name, PASSWORD, HERE)
    with pytest.raises(LoginFailed) as wrong:
        login.sign_in(oscar.name, WRONG, HERE)
    assert str(unknown.value) == str(wrong.value)


def test_a_disabled_person_is_refused_like_a_wrong_password(oscar: User) -> None:
    users.disable(oscar.id, CLI)
    assert guess("Oscar", PASSWORD) == "refused"
    users.enable(oscar.id, CLI)
    assert guess("Oscar", PASSWORD) == "in"


@pytest.mark.parametrize("case", ["unknown", "wrong", "disabled", "right"])
def test_every_sign_in_costs_one_check_of_a_password(
    oscar: User, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    if case == "disabled":
        users.disable(oscar.id, CLI)
    checks: list[str] = []

    def counted(hashed: str, password: str) -> bool:
        checks.append(hashed.partition("$")[0])
        return check_password_hash(hashed, password)

    monkeypatch.setattr(passwords, "check_password_hash", counted)
    name = "Nobody" if case == "unknown" else "Oscar"
    guess(name, WRONG if case == "wrong" else PASSWORD)
    assert checks == [passwords.METHOD]


def test_signing_in_renews_a_hash_of_older_sizes(
    oscar: User, monkeypatch: pytest.MonkeyPatch, raw: RawClient
) -> None:
    def stored() -> str:
        ((hashed,),) = raw.execute("SELECT password_hash FROM users WHERE id = ?", oscar.id)
        return str(hashed)

    before = stored()
    monkeypatch.setattr(passwords, "METHOD", "scrypt:512:8:1")
    assert guess("Oscar", PASSWORD) == "in"
    assert not before.startswith("scrypt:512:8:1$")
    assert stored().startswith("scrypt:512:8:1$")
    renewed = stored()
    assert guess("Oscar", PASSWORD) == "in"
    assert stored() == renewed


def test_a_password_changed_while_it_is_checked_gets_nobody_in(
    oscar: User, monkeypatch: pytest.MonkeyPatch, raw: RawClient
) -> None:
    matches = passwords.matches

    def slowly(hashed: str | None, password: str) -> bool:
        users.set_password(oscar.id, "another good one", CLI)
        return matches(hashed, password)

    monkeypatch.setattr(passwords, "matches", slowly)
    assert guess("Oscar", PASSWORD) == "refused"
    assert raw.execute("SELECT * FROM sessions") == []


# Rate limits


@pytest.mark.parametrize("name", ["Oscar", "Nobody"])
@pytest.mark.usefixtures("oscar")
def test_the_sixth_guess_at_a_name_from_an_address_is_held(name: str) -> None:
    assert guesses(7, name) == ["refused"] * 5 + ["held"] * 2


@pytest.mark.usefixtures("oscar")
def test_a_held_sign_in_is_not_checked_even_with_the_right_password() -> None:
    guesses(5)
    assert guess("Oscar", PASSWORD) == "held"


def test_a_held_sign_in_says_how_long_to_wait(oscar: User, set_clock: SetClock) -> None:
    for _ in range(5):
        guess(oscar.name)
        set_clock.go(minutes=1)
    with pytest.raises(LoginRateLimited, match=r"Try again in 10 minutes\.") as held:
        login.sign_in(oscar.name, PASSWORD, HERE)
    assert held.value.retry_after_s == 600
    set_clock.go(seconds=held.value.retry_after_s)
    assert guess(oscar.name, PASSWORD) == "in"


@pytest.mark.usefixtures("oscar")
def test_a_guess_whose_count_could_be_taken_back_is_not_tried() -> None:
    with pytest.raises(RuntimeError, match="counted in a transaction of its own"):
        transact(lambda _connection: guess("Oscar", PASSWORD))


@pytest.mark.usefixtures("oscar")
def test_trying_while_held_makes_nobody_wait_longer(set_clock: SetClock) -> None:
    guesses(5)
    for _ in range(14):
        set_clock.go(minutes=1)
        assert guess() == "held"
    set_clock.go(minutes=1)
    assert guess("Oscar", PASSWORD) == "in"


@pytest.mark.usefixtures("oscar")
def test_signing_in_clears_the_guesses_before() -> None:
    guesses(4)
    assert guess("Oscar", PASSWORD) == "in"
    assert guesses(6) == ["refused"] * 5 + ["held"]


@pytest.mark.usefixtures("oscar")
def test_an_address_guesses_at_twenty_names_at_most() -> None:
    outcomes = [guess(f"Name {number}") for number in range(21)]
    assert outcomes == ["refused"] * 20 + ["held"]
    assert guess("Oscar", PASSWORD) == "held"
    assert guess("Oscar", PASSWORD, THERE) == "in"


@pytest.mark.usefixtures("oscar")
def test_a_name_is_guessed_at_twenty_five_times_from_anywhere() -> None:
    outcomes = [guess("Oscar", "wrong", f"203.0.113.{number}") for number in range(26)]
    assert outcomes == ["refused"] * 25 + ["held"]


def test_own_success_does_not_clear_guesses_at_others(oscar: User) -> None:
    for number in range(20):
        assert guess(f"Name {number}", address=THERE) == "refused"
    users.set_password(oscar.id, "another good one", CLI)
    assert guess("Oscar", "another good one", THERE) == "held"


@pytest.mark.usefixtures("oscar")
def test_guesses_elsewhere_never_hold_a_person_where_they_signed_in_before() -> None:
    assert guess("Oscar", PASSWORD, HERE) == "in"
    for number in range(26):
        guess("Oscar", "wrong", f"203.0.113.{number}")
    for number in range(20):
        guess(f"Name {number}", address=HERE)
    assert guess("Oscar", PASSWORD, THERE) == "held"
    assert guess("Somebody", PASSWORD, HERE) == "held"
    assert guess("Oscar", PASSWORD, HERE) == "in"
    assert guesses(6) == ["refused"] * 5 + ["held"]


def test_an_address_is_known_for_a_month(oscar: User, set_clock: SetClock) -> None:
    assert guess("Oscar", PASSWORD, HERE) == "in"
    set_clock.go(seconds=login_rate_limit.KNOWN_FOR.total_seconds())
    for number in range(25):
        guess("Oscar", "wrong", f"203.0.113.{number}")
    assert guess(oscar.name, PASSWORD, HERE) == "held"


def test_an_administrator_s_new_password_lets_a_person_in_at_once(oscar: User) -> None:
    for number in range(26):
        guess("Oscar", "wrong", f"203.0.113.{number}")
    users.set_password(oscar.id, "another good one", CLI)
    assert guess("Oscar", "another good one", THERE) == "in"


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ("2001:db8:1:2:3::4", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::4", "2001:db8:1:3::4", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("unix:", "", False),
    ],
)
@pytest.mark.usefixtures("oscar")
def test_an_address_of_ipv6_counts_by_its_network(first: str, second: str, *, is_same: bool) -> None:
    for _ in range(5):
        guess("Oscar", "wrong", first)
    assert guess("Oscar", PASSWORD, second) == ("held" if is_same else "in")


@pytest.mark.usefixtures("oscar")
def test_old_guesses_are_cleared(set_clock: SetClock, raw: RawClient) -> None:
    guesses(5)
    set_clock.go(seconds=login_rate_limit.WINDOW.total_seconds())
    guess("Nobody")
    assert len(raw.execute("SELECT * FROM sign_in_failures")) == 1


@pytest.mark.usefixtures("oscar")
def test_no_address_and_no_typed_name_is_in_the_database(raw: RawClient) -> None:
    guess("my-secret-password", "x", HERE)
    guess("Oscar", PASSWORD, HERE)
    tables = ("sign_in_failures", "known_addresses", "sessions", "account_log")
    rows = repr([raw.execute(f"SELECT * FROM {table}") for table in tables])
    assert HERE not in rows
    assert "my-secret-password" not in rows


# The account log


def test_a_refusal_is_logged_with_whom_it_was_about(oscar: User) -> None:
    guess("Oscar")
    guess("Nobody")
    refusals = log(AuditAction.SIGN_IN_REFUSED)
    assert [(entry.actor, entry.subject, dict(entry.data)) for entry in refusals] == [
        ("nobody", oscar.actor, {}),
        ("nobody", "", {}),
    ]


def test_the_guess_that_reaches_a_limit_is_logged_once(oscar: User) -> None:
    guesses(9)
    held = log(AuditAction.SIGN_INS_HELD)
    assert [(entry.subject, dict(entry.data)) for entry in held] == [(oscar.actor, {"limit": "pair"})]
    assert len(log(AuditAction.SIGN_IN_REFUSED)) == 5


@pytest.mark.usefixtures("oscar")
def test_many_refusals_do_not_flood_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "LOGGED_MAX", 10)
    for number in range(30):
        assert guess(f"Name {number}", address=f"203.0.113.{number}") == "refused"
    assert len(log(AuditAction.SIGN_IN_REFUSED)) == 10
    assert [dict(entry.data) for entry in log(AuditAction.SIGN_INS_HELD)] == [{"limit": "listed"}]


@pytest.mark.usefixtures("oscar")
def test_that_refusals_are_listed_no_more_is_said_once_however_many_came_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(login, "LOGGED_MAX", 3)
    for number in range(6):
        login_rate_limit.begin(f"guessed at once {number}", HERE)
    guesses(2, "Nobody")
    assert [dict(entry.data) for entry in log(AuditAction.SIGN_INS_HELD)] == [{"limit": "listed"}]


def test_signing_in_is_logged(oscar: User) -> None:
    guess("Oscar", PASSWORD)
    assert [(entry.actor, entry.subject) for entry in log(AuditAction.SIGNED_IN)] == [
        (oscar.actor, oscar.actor)
    ]


# Changing one's own password


def change(user: User, current: str, new: str) -> str:
    return login.change_password(user.id, current, new, address=HERE)


def test_a_changed_password_leaves_one_session_with_a_new_secret(oscar: User) -> None:
    here, there = sessions.start(oscar.id), sessions.start(oscar.id)
    new = change(oscar, PASSWORD, "another good one")
    assert sessions.find(new) == oscar
    assert [sessions.find(here), sessions.find(there)] == [None, None]
    assert guess("Oscar", PASSWORD) == "refused"
    assert guess("Oscar", "another good one") == "in"
    assert [entry.actor for entry in log(AuditAction.PASSWORD_CHANGED)] == [oscar.actor]


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [("wrong", "another good one", "current"), (PASSWORD, "short", "new"), (PASSWORD, "oscar1234567", "new")],
)
def test_a_password_is_changed_only_with_the_current_one_to_a_good_one(
    oscar: User, current: str, new: str, field: str
) -> None:
    with pytest.raises(InvalidFields) as refusal:
        change(oscar, current, new)
    assert [problem.field for problem in refusal.value.problems] == [field]
    assert guess("Oscar", PASSWORD) == "in"


def test_a_password_that_was_set_meanwhile_is_not_changed_with_the_old_one(
    oscar: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    matches = passwords.matches

    def slowly(hashed: str | None, password: str) -> bool:
        users.set_password(oscar.id, "set by somebody else", CLI)
        return matches(hashed, password)

    with monkeypatch.context() as patch:
        patch.setattr(passwords, "matches", slowly)
        with pytest.raises(InvalidFields, match="no longer your password"):
            change(oscar, PASSWORD, "another good one")
    assert guess("Oscar", "set by somebody else") == "in"


def test_guesses_at_the_current_password_are_held_too(oscar: User) -> None:
    for _ in range(5):
        with pytest.raises(InvalidFields):
            change(oscar, "wrong", "another good one")
    with pytest.raises(LoginRateLimited):
        change(oscar, PASSWORD, "another good one")
    assert guess("Oscar", PASSWORD) == "held"
