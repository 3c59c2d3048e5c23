"""A password that somebody else chose: for the first sign-in, and not for long."""

import pytest
from flask import Flask

from tests.fixtures.clock import SetClock
from tests.fixtures.users import PASSWORD, an_administrator
from webapp.accounts import audit_log, login, sessions, users
from webapp.accounts.actors import CLI
from webapp.accounts.audit_log import Act
from webapp.accounts.errors import SignInRefused
from webapp.accounts.passwords import GIVEN_LIFETIME
from webapp.accounts.roles import Role
from webapp.accounts.users import Person
from webapp.domain.errors import InvalidFields

HERE = "192.0.2.1"
OWN = "a sentence of my own"


@pytest.fixture
def oscar(ledger_app: Flask, quick_passwords: None, set_clock: SetClock) -> Person:
    """Add an administrator, and an operator with a given password, at noon."""
    del ledger_app, quick_passwords, set_clock
    an_administrator()
    return users.add("Oscar", Role.OPERATOR, PASSWORD, CLI)


@pytest.mark.usefixtures("ledger_app", "quick_passwords")
def test_the_first_administrator_chose_theirs() -> None:
    person = users.add("Ada", Role.ADMINISTRATOR, PASSWORD, CLI)
    assert not person.has_given_password
    assert not users.find(person.id).has_given_password


def test_whoever_is_added_has_a_given_password_until_they_choose(oscar: Person) -> None:
    assert oscar.has_given_password
    signed_in = login.sign_in("Oscar", PASSWORD, HERE)
    assert signed_in.person.has_given_password
    assert sessions.find(signed_in.secret) == oscar
    secret = login.change_password(oscar.id, PASSWORD, OWN, address=HERE)
    now = sessions.find(secret)
    assert now
    assert not now.has_given_password
    assert users.find(oscar.id).password_given_at is None


def test_a_new_password_from_somebody_else_is_a_given_one_again(oscar: Person) -> None:
    login.change_password(oscar.id, PASSWORD, OWN, address=HERE)
    users.set_password(oscar.id, PASSWORD, CLI)
    assert login.sign_in("Oscar", PASSWORD, HERE).person.has_given_password


def test_the_given_password_is_not_chosen_again(oscar: Person) -> None:
    with pytest.raises(InvalidFields) as refusal:
        login.change_password(oscar.id, PASSWORD, PASSWORD, address=HERE)
    assert [problem.field for problem in refusal.value.problems] == ["new"]
    assert users.find(oscar.id).has_given_password


def test_a_given_password_runs_out_and_is_then_refused_as_a_wrong_one(
    oscar: Person, set_clock: SetClock
) -> None:
    set_clock.go(seconds=GIVEN_LIFETIME.total_seconds() - 1)
    secret = login.sign_in("Oscar", PASSWORD, HERE).secret
    set_clock.go(seconds=1)
    assert sessions.find(secret) is None
    with pytest.raises(SignInRefused) as run_out:
        login.sign_in("Oscar", PASSWORD, HERE)
    logged = audit_log.page(limit=1)[0]
    assert (logged.act, logged.subject) == (Act.SIGN_IN_REFUSED, oscar.actor)
    with pytest.raises(SignInRefused) as wrong:
        login.sign_in("Oscar", OWN, HERE)
    assert str(run_out.value) == str(wrong.value)
    assert users.find(oscar.id).has_password_run_out


def test_a_password_of_ones_own_does_not_run_out(oscar: Person, set_clock: SetClock) -> None:
    login.change_password(oscar.id, PASSWORD, OWN, address=HERE)
    set_clock.go(days=400)
    assert login.sign_in("Oscar", OWN, HERE).person == users.Person(oscar.id, "Oscar", Role.OPERATOR)
