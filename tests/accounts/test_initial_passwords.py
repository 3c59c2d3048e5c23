"""Initial passwords: for the first sign-in, and with an expiry."""

import pytest
from flask import Flask

from tests.fixtures.clock import SetClock
from tests.fixtures.users import PASSWORD, an_administrator
from webapp.accounts import audit_log, login, sessions, users
from webapp.accounts.actors import CLI
from webapp.accounts.audit_log import AuditAction
from webapp.accounts.errors import LoginFailed
from webapp.accounts.passwords import INITIAL_PASSWORD_LIFETIME
from webapp.accounts.roles import Role
from webapp.accounts.users import User
from webapp.domain.errors import InvalidFields

HERE = "192.0.2.1"
OWN = "a sentence of my own"


@pytest.fixture
def oscar(ledger_app: Flask, quick_passwords: None, set_clock: SetClock) -> User:
    """Add an administrator, and an operator with an initial password, at noon."""
    del ledger_app, quick_passwords, set_clock
    an_administrator()
    return users.add("Oscar", Role.OPERATOR, PASSWORD, CLI)


@pytest.mark.usefixtures("ledger_app", "quick_passwords")
def test_the_first_administrator_chose_theirs() -> None:
    user = users.add("Ada", Role.ADMINISTRATOR, PASSWORD, CLI)
    assert not user.has_initial_password
    assert not users.find(user.id).has_initial_password


def test_whoever_is_added_has_a_given_password_until_they_choose(oscar: User) -> None:
    assert oscar.has_initial_password
    signed_in = login.sign_in("Oscar", PASSWORD, HERE)
    assert signed_in.user.has_initial_password
    assert sessions.find(signed_in.secret) == oscar
    secret = login.change_password(oscar.id, PASSWORD, OWN, address=HERE)
    now = sessions.find(secret)
    assert now
    assert not now.has_initial_password
    assert users.find(oscar.id).password_given_at is None


def test_a_new_password_from_somebody_else_is_a_given_one_again(oscar: User) -> None:
    login.change_password(oscar.id, PASSWORD, OWN, address=HERE)
    users.set_password(oscar.id, PASSWORD, CLI)
    assert login.sign_in("Oscar", PASSWORD, HERE).user.has_initial_password


def test_the_given_password_is_not_chosen_again(oscar: User) -> None:
    with pytest.raises(InvalidFields) as refusal:
        login.change_password(oscar.id, PASSWORD, PASSWORD, address=HERE)
    assert [problem.field for problem in refusal.value.problems] == ["new"]
    assert users.find(oscar.id).has_initial_password


def test_a_given_password_runs_out_and_is_then_refused_as_a_wrong_one(
    oscar: User, set_clock: SetClock
) -> None:
    set_clock.go(seconds=INITIAL_PASSWORD_LIFETIME.total_seconds() - 1)
    secret = login.sign_in("Oscar", PASSWORD, HERE).secret
    set_clock.go(seconds=1)
    assert sessions.find(secret) is None
    with pytest.raises(LoginFailed) as run_out:
        login.sign_in("Oscar", PASSWORD, HERE)
    logged = audit_log.page(limit=1)[0]
    assert (logged.act, logged.subject) == (AuditAction.SIGN_IN_REFUSED, oscar.actor)
    with pytest.raises(LoginFailed) as wrong:
        login.sign_in("Oscar", OWN, HERE)
    assert str(run_out.value) == str(wrong.value)
    assert users.find(oscar.id).is_password_expired


def test_a_password_of_ones_own_does_not_run_out(oscar: User, set_clock: SetClock) -> None:
    login.change_password(oscar.id, PASSWORD, OWN, address=HERE)
    set_clock.go(days=400)
    assert login.sign_in("Oscar", OWN, HERE).user == users.User(oscar.id, "Oscar", Role.OPERATOR)
