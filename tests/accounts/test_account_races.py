"""Concurrent changes of the same accounts keep the rules of sequential ones."""

from collections import Counter
from functools import partial

import pytest

from tests.fixtures.concurrency import AtOnce
from tests.fixtures.users import PASSWORD, a_user, an_administrator
from webapp.accounts import audit_log, login, login_rate_limit, passwords, sessions, tokens, users
from webapp.accounts.actors import CLI, LOCAL
from webapp.accounts.errors import (
    AdministratorRequired,
    AlreadySetUp,
    LastAdministrator,
    LoginFailed,
    LoginRateLimited,
    NameTaken,
)
from webapp.accounts.roles import Role
from webapp.accounts.tokens import NewToken
from webapp.accounts.users import User

THREADS = 16
pytestmark = pytest.mark.usefixtures("quick_passwords")


def kinds(outcomes: list[object]) -> Counter[type]:
    return Counter(type(outcome) for outcome in outcomes)


def enabled_administrators() -> int:
    return sum(who.role is Role.ADMINISTRATOR and who.is_enabled for who in users.list_all())


def test_two_administrators_who_disable_each_other_leave_one(at_once: AtOnce) -> None:
    for number in range(6):
        pair = [an_administrator(f"A{number}"), an_administrator(f"B{number}")]
        for other in users.list_all():
            if other.is_enabled and other.id not in {who.id for who in pair}:
                users.disable(other.id, CLI)
        first, second = pair
        outcomes = at_once(
            [partial(users.disable, second.id, first.actor), partial(users.disable, first.id, second.actor)]
        )
        assert kinds(outcomes) == {type(None): 1, AdministratorRequired: 1}
        assert enabled_administrators() == 1


def test_of_all_administrators_who_lose_the_role_at_once_one_keeps_it(at_once: AtOnce) -> None:
    several = [an_administrator(f"A{number}") for number in range(8)]
    outcomes = at_once([partial(users.change_role, who.id, Role.VIEWER, CLI) for who in several])
    assert kinds(outcomes) == {type(None): 7, LastAdministrator: 1}
    assert enabled_administrators() == 1


def test_the_first_administrator_is_made_once_however_many_try(at_once: AtOnce) -> None:
    outcomes = at_once([partial(users.add_first, f"A{number}", PASSWORD, LOCAL) for number in range(THREADS)])
    assert kinds(outcomes) == {User: 1, AlreadySetUp: THREADS - 1}
    assert len(users.list_all()) == 1


def test_a_name_is_given_once_however_many_want_it(at_once: AtOnce) -> None:
    an_administrator()
    outcomes = at_once([partial(users.add, "Oscar", Role.VIEWER, PASSWORD, CLI)] * THREADS)
    assert kinds(outcomes) == {User: 1, NameTaken: THREADS - 1}


@pytest.mark.parametrize("name", ["Oscar", "Nobody"])
def test_guesses_at_once_do_not_slip_past_the_limit(at_once: AtOnce, name: str) -> None:
    a_user("Oscar")
    outcomes = at_once([partial(login.sign_in, name, "wrong", "192.0.2.1")] * THREADS)
    assert kinds(outcomes) == {
        LoginFailed: login_rate_limit.PER_PAIR,
        LoginRateLimited: THREADS - login_rate_limit.PER_PAIR,
    }


def test_guesses_from_many_addresses_at_once_do_not_slip_past_the_limit(
    at_once: AtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_rate_limit, "PER_NAME", 7)
    a_user("Oscar")
    outcomes = at_once(
        [partial(login.sign_in, "Oscar", "wrong", f"203.0.113.{number}") for number in range(THREADS)]
    )
    assert kinds(outcomes) == {LoginFailed: 7, LoginRateLimited: THREADS - 7}


def test_of_many_who_sign_in_as_one_person_all_get_in_while_the_hash_is_renewed(
    at_once: AtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_user("Oscar")
    monkeypatch.setattr(passwords, "METHOD", "scrypt:512:8:1")
    outcomes = at_once([partial(login.sign_in, "Oscar", PASSWORD, f"192.0.2.{n}") for n in range(4)])
    assert kinds(outcomes) == {login.SignedIn: 4}


def test_a_person_disabled_while_signing_in_has_no_session_afterwards(at_once: AtOnce) -> None:
    for number in range(6):
        user = a_user(f"Oscar {number}")
        outcomes = at_once(
            [
                partial(users.disable, user.id, CLI),
                *[partial(login.sign_in, user.name, PASSWORD, f"192.0.2.{n}") for n in range(3)],
            ]
        )
        secrets = [outcome.secret for outcome in outcomes if isinstance(outcome, login.SignedIn)]
        assert [sessions.find(secret) for secret in secrets] == [None] * len(secrets)


def test_a_demoted_administrator_leaves_no_token_behind(at_once: AtOnce) -> None:
    an_administrator("Root")
    for number in range(6):
        eve = an_administrator(f"Eve {number}")
        outcomes = at_once(
            [
                partial(users.change_role, eve.id, Role.VIEWER, CLI),
                *[partial(tokens.create, "x", Role.ADMINISTRATOR, eve.actor) for _ in range(4)],
            ]
        )
        secrets = [outcome.secret for outcome in outcomes if isinstance(outcome, NewToken)]
        assert [tokens.find(secret) for secret in secrets] == [None] * len(secrets)


def test_entries_of_many_at_once_have_positions_without_gaps(at_once: AtOnce) -> None:
    an_administrator()
    at_once([partial(users.add, f"Person {number}", Role.VIEWER, PASSWORD, CLI) for number in range(THREADS)])
    assert [entry.position for entry in audit_log.page()] == list(range(THREADS + 1, 0, -1))
