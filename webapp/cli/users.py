"""People and tokens from the terminal: `flask user …` and `flask token …`.

A password is asked for, or read as one line of the standard input; never an option, which others on
the machine could see. A token's secret is the only thing on the standard output.
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
    "--password-stdin", is_flag=True, help="Read the password from the standard input: its first line."
)

user: Final = AppGroup("user", help="People who may sign in.")
token: Final = AppGroup("token", help="Secrets by which programs use the API.")


def install(app: Flask) -> None:
    """Register the commands."""
    app.cli.add_command(user)
    app.cli.add_command(token)


@user.command("add")
@click.argument("name")
@click.option("--role", type=_ROLE, required=True, help="What the person may do.")
@_from_stdin
@one_line_errors
def add_user(name: str, role: str, *, password_stdin: bool) -> None:
    """Add a person; asks for the password.

    The first one must be an administrator. From then on everybody signs in. Anybody after the first has
    7 days to sign in with it, and then chooses their own.
    """
    user = users.add(name, Role(role), _password(from_stdin=password_stdin), CLI)
    click.echo(one_line(f"Added {user.name}, {user.role}."))


@user.command("list")
@one_line_errors
def list_users() -> None:
    """List everybody: the number that events name, since when, role and name."""
    for account in users.list_all():
        state = "" if account.is_enabled else ", disabled"
        state += ", given password" if account.has_initial_password else ""
        click.echo(one_line(f"{account.id}  {account.added_at}  {account.role}{state}  {account.name}"))


@user.command("role")
@click.argument("name")
@click.argument("role", type=_ROLE)
@one_line_errors
def change_role(name: str, role: str) -> None:
    """Give a person another role; they sign in again."""
    user = users.find_by_name(name)
    users.change_role(user.id, Role(role), CLI)
    click.echo(one_line(f"{user.name} is {role} now."))


@user.command()
@click.argument("name")
@one_line_errors
def disable(name: str) -> None:
    """Let a person sign in no more.

    It holds at once: their sessions end, and the tokens that they made are revoked.
    """
    user = users.find_by_name(name)
    users.disable(user.id, CLI)
    click.echo(one_line(f"{user.name} is disabled now."))


@user.command()
@click.argument("name")
@one_line_errors
def enable(name: str) -> None:
    """Let a disabled person sign in again."""
    user = users.find_by_name(name)
    users.enable(user.id, CLI)
    click.echo(one_line(f"{user.name} may sign in now."))


@user.command("password")
@click.argument("name")
@_from_stdin
@one_line_errors
def set_password(name: str, *, password_stdin: bool) -> None:
    """Give a person a new password; asks for it.

    They sign in again everywhere, and failed sign-ins no longer hold them up. They have 7 days to sign in
    with it, and then choose their own.
    """
    user = users.find_by_name(name)
    users.set_password(user.id, _password(from_stdin=password_stdin), CLI)
    click.echo(one_line(f"{user.name} has a new password."))


@token.command("add")
@click.argument("name")
@click.option("--role", type=_ROLE, required=True, help="What it may do.")
@click.option(
    "--days", default=tokens.DAYS, show_default=True, help=f"How long it works, 1 to {tokens.DAYS_MAX}."
)
@one_line_errors
def add_token(name: str, role: str, days: int) -> None:
    """Make a token; prints its secret, this once."""
    made = tokens.create(name, Role(role), CLI, days=days)
    click.echo(
        one_line(f"Token {made.token.id}, {made.token.name}, {role}, until {made.token.expires_at}."),
        err=True,
    )
    click.echo(made.secret)


@token.command("list")
@one_line_errors
def list_tokens() -> None:
    """List every token, the newest first: its number, role, times, maker and name."""
    listed = tokens.list_all()
    names = names_of(token.added_by for token in listed)
    for shown in listed:
        state = "revoked" if shown.revoked_at else "until" if shown.is_usable else "expired"
        moment = shown.revoked_at or shown.expires_at
        used = f"used {shown.last_used_at}" if shown.last_used_at else "never used"
        maker = names.get(shown.added_by, shown.added_by)
        click.echo(one_line(f"{shown.id}  {shown.role}  {state} {moment}  {used}  by {maker}  {shown.name}"))


@token.command()
@click.argument("number", type=int)
@one_line_errors
def revoke(number: int) -> None:
    """Let a token work no more, by its number."""
    tokens.revoke(number, CLI)
    click.echo(f"Token {number} is revoked.")


def is_terminal() -> bool:
    """Say whether somebody can be asked."""
    return sys.stdin.isatty()


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        line = sys.stdin.buffer.readline(_LINE_BYTES_MAX)
        try:
            return line.removesuffix(b"\n").removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            raise CommandFailed("The password on the standard input is not UTF-8.") from None
    if not is_terminal():
        raise CommandFailed("There is no terminal to ask for the password on. Use --password-stdin.")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True))
