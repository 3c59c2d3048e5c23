"""`flask user …` and `flask token …`: output, and one line per error."""

import re

import pytest
from click.testing import Result
from flask import Flask

from tests.fixtures.cli import one_line, run
from tests.fixtures.clock import SetClock
from tests.fixtures.users import PASSWORD, a_user, an_administrator
from webapp.accounts import audit_log, login, sessions, tokens, users
from webapp.accounts.actors import CLI
from webapp.accounts.errors import LoginFailed
from webapp.accounts.roles import Role
from webapp.cli import users as user_commands

pytestmark = pytest.mark.usefixtures("ledger_app", "quick_passwords", "set_clock")


def add(app: Flask, name: str, role: str = "administrator", line: str = PASSWORD + "\n") -> Result:
    """Add a person, with the password on standard input."""
    return run(app, "user", "add", name, "--role", role, "--password-stdin", input=line)


def printed(result: Result) -> str:
    """Return the standard output of a command without errors."""
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return str(result.stdout)


def may_sign_in(name: str, password: str = PASSWORD) -> bool:
    try:
        return bool(login.sign_in(name, password, "192.0.2.1"))
    except LoginFailed:
        return False


@pytest.mark.parametrize("ending", ["\n", "\r\n", "", "\nanother line\n"])
def test_a_person_is_added_with_the_password_of_the_first_line(ledger_app: Flask, ending: str) -> None:
    assert (
        printed(add(ledger_app, "Ada", line=PASSWORD + ending)) == "Added Ada with the role administrator.\n"
    )
    assert may_sign_in("Ada")
    assert [entry.actor for entry in audit_log.page()][-1] == CLI


def test_spaces_around_a_password_belong_to_it(ledger_app: Flask) -> None:
    add(ledger_app, "Ada", line=f"  {PASSWORD} \n")
    assert may_sign_in("Ada", f"  {PASSWORD} ")
    assert not may_sign_in("Ada", PASSWORD)


def test_a_password_is_asked_for_twice_on_a_terminal_and_not_shown(
    ledger_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_commands, "is_terminal", lambda: True)
    result = run(
        ledger_app, "user", "add", "Ada", "--role", "administrator", input=f"{PASSWORD}\n{PASSWORD}\n"
    )
    assert result.stdout == "Added Ada with the role administrator.\n"
    assert "Password: " in result.stderr
    assert "Confirm password: " in result.stderr
    assert PASSWORD not in result.output
    assert may_sign_in("Ada")


def test_without_a_terminal_nothing_is_asked(ledger_app: Flask) -> None:
    result = run(ledger_app, "user", "add", "Ada", "--role", "administrator")
    assert one_line(result) == "There is no terminal to prompt for the password. Use --password-stdin."


@pytest.mark.parametrize(
    ("name", "role", "line", "said"),
    [
        ("Ada", "viewer", PASSWORD, "The first person must be an administrator, because only"),
        ("Ada", "administrator", "short", "password: Must have at least 12 characters; this has 5."),
        ("Ada", "administrator", "", "password: Must have at least 12 characters; this has 0."),
        ("Ada", "administrator", "password1234", "password: Is a common password."),
        ("", "administrator", PASSWORD, "name: This is required."),
    ],
)
def test_a_person_who_cannot_be_added_is_refused_in_one_line(
    ledger_app: Flask, name: str, role: str, line: str, said: str
) -> None:
    assert one_line(add(ledger_app, name, role, line)).startswith(said)
    assert not users.any_exists()


def test_a_password_that_is_not_utf_8_is_refused(ledger_app: Flask) -> None:
    result = run(ledger_app, "user", "add", "Ada", "--role", "viewer", "--password-stdin", input=b"\xff" * 20)
    assert one_line(result) == "The password on standard input is not UTF-8."


def test_there_is_no_option_that_holds_a_password(ledger_app: Flask) -> None:
    result = run(ledger_app, "user", "add", "Ada", "--role", "viewer", "--password", PASSWORD)
    assert result.exit_code == 2
    assert "No such option" in result.stderr


def test_people_are_listed_with_role_and_state(ledger_app: Flask) -> None:
    an_administrator()
    oscar = a_user()
    users.disable(oscar.id, CLI)
    assert printed(run(ledger_app, "user", "list")).splitlines() == [
        "1  2026-11-20T12:00:00.000000Z  administrator  Ada",
        "2  2026-11-20T12:00:00.000000Z  operator, disabled  Oscar",
    ]


def test_a_person_is_found_by_any_spelling_for_another_role(ledger_app: Flask) -> None:
    oscar = a_user()
    assert printed(run(ledger_app, "user", "role", " OSCAR", "viewer")) == "Oscar is now viewer.\n"
    assert users.find(oscar.id).role is Role.VIEWER


def test_a_person_is_disabled_and_enabled(ledger_app: Flask) -> None:
    secret = sessions.start(a_user().id)
    assert printed(run(ledger_app, "user", "disable", "Oscar")) == "Oscar is now disabled.\n"
    assert sessions.find(secret) is None
    assert not may_sign_in("Oscar")
    assert printed(run(ledger_app, "user", "enable", "Oscar")) == "Oscar can sign in again.\n"
    assert may_sign_in("Oscar")


def test_a_forgotten_password_is_replaced(ledger_app: Flask) -> None:
    a_user()
    result = run(ledger_app, "user", "password", "Oscar", "--password-stdin", input="another good one\n")
    assert printed(result) == "Oscar has a new password.\n"
    assert may_sign_in("Oscar", "another good one")


@pytest.mark.parametrize("command", [["disable"], ["enable"], ["role"], ["password"]])
def test_a_name_that_nobody_has_is_refused(ledger_app: Flask, command: list[str]) -> None:
    more = ["viewer"] if command == ["role"] else []
    assert one_line(run(ledger_app, "user", *command, "Nobody", *more)) == "There is no such person."


def test_the_last_administrator_is_kept(ledger_app: Flask) -> None:
    an_administrator()
    for command in (["disable", "Ada"], ["role", "Ada", "viewer"]):
        said = one_line(run(ledger_app, "user", *command))
        assert said.startswith("This is the only administrator who can sign in.")


def test_the_secret_of_a_token_is_all_that_is_on_the_standard_output(ledger_app: Flask) -> None:
    result = run(ledger_app, "token", "add", "nightly import", "--role", "operator", "--days", "7")
    assert re.fullmatch(r"ccl_[A-Za-z0-9_-]{43}\n", result.stdout)
    assert result.stderr == "Token 1, nightly import, operator, until 2026-11-27T12:00:00.000000Z.\n"
    bearer = tokens.find(result.stdout.strip())
    assert bearer
    assert bearer.role is Role.OPERATOR


def test_tokens_are_listed_without_their_secrets(ledger_app: Flask, set_clock: SetClock) -> None:
    ada = an_administrator()
    tokens.create("brief", Role.VIEWER, ada.actor, days=1)
    used = tokens.create("nightly", Role.OPERATOR, CLI)
    revoked = tokens.create("lost", Role.OPERATOR, CLI)
    tokens.revoke(revoked.token.id, CLI)
    set_clock.go(days=2)
    tokens.find(used.secret)
    shown = printed(run(ledger_app, "token", "list"))
    assert shown.splitlines() == [
        "3  operator  revoked 2026-11-20T12:00:00.000000Z  never used  by cli  lost",
        "2  operator  until 2027-02-18T12:00:00.000000Z  used 2026-11-22T12:00:00.000000Z  by cli  nightly",
        "1  viewer  expired 2026-11-21T12:00:00.000000Z  never used  by Ada  brief",
    ]
    assert tokens.PREFIX not in shown


def test_a_token_is_revoked_by_its_number(ledger_app: Flask) -> None:
    made = tokens.create("nightly", Role.OPERATOR, CLI)
    assert printed(run(ledger_app, "token", "revoke", "1")) == "Token 1 is revoked.\n"
    assert tokens.find(made.secret) is None
    assert one_line(run(ledger_app, "token", "revoke", "2")) == "There is no such token."


def test_a_token_that_would_work_too_long_is_refused(ledger_app: Flask) -> None:
    result = run(ledger_app, "token", "add", "x", "--role", "viewer", "--days", "999999999999")
    assert one_line(result) == "days: Must be from 1 to 366."


@pytest.mark.parametrize("group", ["user", "token"])
def test_help_says_what_each_command_does(ledger_app: Flask, group: str) -> None:
    listed = run(ledger_app, group, "--help").stdout.partition("Commands:")[2]
    commands = [line.split(None, 1) for line in listed.strip().splitlines()]
    assert len(commands) >= 3
    assert all(len(command) == 2 for command in commands)
