"""Terminal commands of users and tokens: `flask user …` and `flask token …`.

A password is prompted for or read from standard input. It is never an option, because other users of the
machine could see that. A token's secret is the only text on standard output.
"""

import sys
from typing import Final

import click
from flask import Flask
from flask.cli import AppGroup

from webapp.accounts import tokens, users
from webapp.accounts.actors import CLI, names_of
from webapp.accounts.passwords import LENGTH_MAX
from webapp.accounts.roles import Role
from webapp.cli.output import CommandFailed, one_line_errors
from webapp.ledger.audit.findings import one_line

_LINE_BYTES_MAX: Final = 16 * LENGTH_MAX

_ROLE: Final = click.Choice([str(role) for role in Role])
_from_stdin: Final = click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of standard input."
)

user: Final = AppGroup("user", help="People who can sign in.")
token: Final = AppGroup("token", help="API tokens of programs.")


def install(app: Flask) -> None:
    """Register the commands."""
    app.cli.add_command(user)
    app.cli.add_command(token)


@user.command("add")
@click.argument("name")
@click.option("--role", type=_ROLE, required=True, help="Role of the person.")
@_from_stdin
@one_line_errors
def add_user(name: str, role: str, *, password_stdin: bool) -> None:
    """Add a person; prompts for the password.

    The first person must be an administrator. From then on, everyone signs in. Each further person has 7
    days to sign in with this password, and then chooses their own.
    """
    user = users.add(name, Role(role), _password(from_stdin=password_stdin), CLI)
    click.echo(one_line(f"Added {user.name} with the role {user.role}."))


@user.command("list")
@one_line_errors
def list_users() -> None:
    """List all people: id, time added, role and name."""
    for account in users.list_all():
        state = "" if account.is_enabled else ", disabled"
        state += ", initial password" if account.has_initial_password else ""
        click.echo(one_line(f"{account.id}  {account.added_at}  {account.role}{state}  {account.name}"))


@user.command("role")
@click.argument("name")
@click.argument("role", type=_ROLE)
@one_line_errors
def change_role(name: str, role: str) -> None:
    """Change the role of a person, who then signs in again."""
    user = users.find_by_name(name)
    users.change_role(user.id, Role(role), CLI)
    click.echo(one_line(f"{user.name} is now {role}."))


@user.command()
@click.argument("name")
@one_line_errors
def disable(name: str) -> None:
    """Disable a person.

    Their sessions end at once, and the tokens that they created are revoked.
    """
    user = users.find_by_name(name)
    users.disable(user.id, CLI)
    click.echo(one_line(f"{user.name} is now disabled."))


@user.command()
@click.argument("name")
@one_line_errors
def enable(name: str) -> None:
    """Enable a disabled person again."""
    user = users.find_by_name(name)
    users.enable(user.id, CLI)
    click.echo(one_line(f"{user.name} can sign in again."))


@user.command("password")
@click.argument("name")
@_from_stdin
@one_line_errors
def set_password(name: str, *, password_stdin: bool) -> None:
    """Set a new password for a person; prompts for it.

    They are signed out everywhere, and earlier failed sign-ins no longer count. They have 7 days to sign in
    with this password, and then choose their own.
    """
    user = users.find_by_name(name)
    users.set_password(user.id, _password(from_stdin=password_stdin), CLI)
    click.echo(one_line(f"{user.name} has a new password."))


@token.command("add")
@click.argument("name")
@click.option("--role", type=_ROLE, required=True, help="Role of the token.")
@click.option(
    "--days", default=tokens.DAYS, show_default=True, help=f"Days until it expires, 1 to {tokens.DAYS_MAX}."
)
@one_line_errors
def add_token(name: str, role: str, days: int) -> None:
    """Create a token and print its secret, which is shown only once."""
    new_token = tokens.create(name, Role(role), CLI, days=days)
    click.echo(
        one_line(
            f"Token {new_token.token.id}, {new_token.token.name}, {role}, until {new_token.token.expires_at}."
        ),
        err=True,
    )
    click.echo(new_token.secret)


@token.command("list")
@one_line_errors
def list_tokens() -> None:
    """List all tokens, newest first: id, role, times, creator and name."""
    listed = tokens.list_all()
    names = names_of(token.added_by for token in listed)
    for shown in listed:
        state = "revoked" if shown.revoked_at else "until" if shown.is_usable else "expired"
        moment = shown.revoked_at or shown.expires_at
        used = f"used {shown.last_used_at}" if shown.last_used_at else "never used"
        creator = names.get(shown.added_by, shown.added_by)
        click.echo(
            one_line(f"{shown.id}  {shown.role}  {state} {moment}  {used}  by {creator}  {shown.name}")
        )


@token.command()
@click.argument("number", type=int)
@one_line_errors
def revoke(number: int) -> None:
    """Revoke the token with this id."""
    tokens.revoke(number, CLI)
    click.echo(f"Token {number} is revoked.")


def is_terminal() -> bool:
    """Return whether standard input is a terminal."""
    return sys.stdin.isatty()


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        line = sys.stdin.buffer.readline(_LINE_BYTES_MAX)
        try:
            return line.removesuffix(b"\n").removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            raise CommandFailed("The password on standard input is not UTF-8.") from None
    if not is_terminal():
        raise CommandFailed("There is no terminal to prompt for the password. Use --password-stdin.")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt="Confirm password", err=True))
