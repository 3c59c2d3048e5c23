"""A password that somebody else chose: for the first sign-in, and not for long."""

import pytest
from flask import Flask

from tests.fixtures.clock import SetClock
from tests.fixtures.people import PASSWORD, an_administrator
from webapp.accounts import account_log, people, sessions, sign_in
from webapp.accounts.account_log import Act
from webapp.accounts.errors import SignInRefused
from webapp.accounts.passwords import GIVEN_LIFETIME
from webapp.accounts.people import Person
from webapp.accounts.roles import Role
from webapp.domain.errors import InvalidFields
from webapp.ledger.actors import CLI

HERE = "192.0.2.1"
OWN = "a sentence of my own"


@pytest.fixture
def oscar(ledger_app: Flask, quick_passwords: None, set_clock: SetClock) -> Person:
    """Add an administrator, and an operator with a given password, at noon."""
    del ledger_app, quick_passwords, set_clock
    an_administrator()
    return people.add("Oscar", Role.OPERATOR, PASSWORD, CLI)


@pytest.mark.usefixtures("ledger_app", "quick_passwords")
def test_the_first_administrator_chose_theirs() -> None:
    person = people.add("Ada", Role.ADMINISTRATOR, PASSWORD, CLI)
    assert not person.has_given_password
    assert not people.find(person.id).has_given_password


def test_whoever_is_added_has_a_given_password_until_they_choose(oscar: Person) -> None:
    assert oscar.has_given_password
    signed_in = sign_in.sign_in("Oscar", PASSWORD, HERE)
    assert signed_in.person.has_given_password
    assert sessions.find(signed_in.secret) == oscar
    secret = sign_in.change_password(oscar.id, PASSWORD, OWN, address=HERE)
    now = sessions.find(secret)
    assert now
    assert not now.has_given_password
    assert people.find(oscar.id).password_given_at is None


def test_a_new_password_from_somebody_else_is_a_given_one_again(oscar: Person) -> None:
    sign_in.change_password(oscar.id, PASSWORD, OWN, address=HERE)
    people.set_password(oscar.id, PASSWORD, CLI)
    assert sign_in.sign_in("Oscar", PASSWORD, HERE).person.has_given_password


def test_the_given_password_is_not_chosen_again(oscar: Person) -> None:
    with pytest.raises(InvalidFields) as refusal:
        sign_in.change_password(oscar.id, PASSWORD, PASSWORD, address=HERE)
    assert [problem.field for problem in refusal.value.problems] == ["new"]
    assert people.find(oscar.id).has_given_password


def test_a_given_password_runs_out_and_is_then_refused_as_a_wrong_one(
    oscar: Person, set_clock: SetClock
) -> None:
    set_clock.go(seconds=GIVEN_LIFETIME.total_seconds() - 1)
    secret = sign_in.sign_in("Oscar", PASSWORD, HERE).secret
    set_clock.go(seconds=1)
    assert sessions.find(secret) is None
    with pytest.raises(SignInRefused) as run_out:
        sign_in.sign_in("Oscar", PASSWORD, HERE)
    logged = account_log.page(limit=1)[0]
    assert (logged.act, logged.subject) == (Act.SIGN_IN_REFUSED, oscar.actor)
    with pytest.raises(SignInRefused) as wrong:
        sign_in.sign_in("Oscar", OWN, HERE)
    assert str(run_out.value) == str(wrong.value)
    assert people.find(oscar.id).has_password_run_out


def test_a_password_of_ones_own_does_not_run_out(oscar: Person, set_clock: SetClock) -> None:
    sign_in.change_password(oscar.id, PASSWORD, OWN, address=HERE)
    set_clock.go(days=400)
    assert sign_in.sign_in("Oscar", OWN, HERE).person == people.Person(oscar.id, "Oscar", Role.OPERATOR)
