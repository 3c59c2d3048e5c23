"""Terminal commands for operators of the server. See docs/operations.md."""

import os
from collections.abc import Sequence
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from webapp import config, secret_key_file
from webapp.accounts import row_codes
from webapp.accounts.row_codes import Renewed
from webapp.cli.output import CommandFailed, Progress, one_line_errors
from webapp.ledger import permissions
from webapp.ledger.backup import back_up
from webapp.ledger.storage.compact import compact as compact_database
from webapp.ledger.storage.engine import db


def install(app: Flask) -> None:
    """Register every command."""
    for command in (backup, compact, grant, rotate_secret_key):
        app.cli.add_command(command)


@click.command()
@click.argument("file")
@with_appcontext
@one_line_errors
def backup(file: str) -> None:
    """Copy the SQLite database to FILE while the server runs.

    The copy is a consistent snapshot, with users and imports. FILE appears once it is complete and
    checked; an existing file is not replaced. Prints the number of events and the digest, as verify does.
    """
    if db.engine.dialect.name != "sqlite":
        name = db.engine.url.database
        raise CommandFailed(
            f"PostgreSQL has its own command for this: pg_dump --format=custom --file={file} {name}"
        )
    with Progress("Copying", "pages") as progress:
        digest = back_up(Path(file), progress)
    click.echo(str(digest))


@click.command()
@with_appcontext
@one_line_errors
def compact() -> None:
    """Release disk space that the SQLite database does not use.

    Useful after an upgrade that moved data to new tables. The server may run, but all writes wait, so
    choose a quiet time. It needs free disk space of twice the size of the compacted database.
    """
    if db.engine.dialect.name != "sqlite":
        raise CommandFailed(
            "PostgreSQL releases the space of dropped tables by itself. To release other unused space, run "
            "VACUUM (FULL) as the owner of the tables, while nothing else uses them."
        )
    sizes = compact_database()
    click.echo(f"The database had {_megabytes(sizes.before)} MB and now has {_megabytes(sizes.after)} MB.")


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1024**2:,.1f}"


@click.command()
@click.argument("role")
@with_appcontext
@one_line_errors
def grant(role: str) -> None:
    """Grant a PostgreSQL role the permissions that the server needs, and no others.

    Run it as the owner of the tables, for a new role and after each upgrade. ROLE can then append to the
    log but not change it. Its other permissions are revoked.
    """
    permissions.grant(role)
    click.echo(f"{role} can serve this ledger. It cannot change or delete events.")


@click.command("rotate-secret-key")
@click.option("--forget", is_flag=True, help="Reject the old key: everyone signs in again.")
@with_appcontext
@one_line_errors
def rotate_secret_key(*, forget: bool) -> None:
    """Create a new key for sessions, tokens and forms.

    The previous key stays valid until the next rotation, so that nobody is signed out, tokens work, and open
    forms still work. Restart the server afterwards.

    With --forget, for a key that may have leaked, the previous key is removed and everyone signs in again.
    Tokens that the account log accounts for go on working once the server was restarted.
    """
    fallbacks = current_app.config["SECRET_KEY_FALLBACKS"]
    if os.environ.get("SECRET_KEY"):
        _forget_fallbacks(fallbacks, forget=forget)
        return
    path = config.key_path()
    try:
        keys = secret_key_file.read_or_create(path)
        if forget:
            # In this order, the tokens work with the keys of the file even if this command is killed.
            rotated = secret_key_file.rotate(path)
            renewed = row_codes.renew([*rotated, *keys, *fallbacks], ends_sessions=True)
            secret_key_file.forget(path)
        else:
            renewed = row_codes.renew([*keys, *fallbacks])
            secret_key_file.rotate(path)
    except secret_key_file.BadKeyFile as error:
        raise CommandFailed(str(error)) from None
    click.echo(f"{path} has a new key. Restart the server to use it.")
    _print_tokens(renewed)


def _forget_fallbacks(fallbacks: Sequence[str], *, forget: bool) -> None:
    """Make tokens independent of the keys in SECRET_KEY_FALLBACKS. Raises CommandFailed."""
    if not (forget and fallbacks):
        raise CommandFailed(
            "The key is set in SECRET_KEY, so rotate it there: move it to SECRET_KEY_FALLBACKS and set a "
            "new one in SECRET_KEY. Then --forget makes tokens independent of the keys in "
            "SECRET_KEY_FALLBACKS."
        )
    renewed = row_codes.renew([current_app.config["SECRET_KEY"], *fallbacks], ends_sessions=True)
    click.echo("Everyone signs in again. Remove SECRET_KEY_FALLBACKS and restart the server.")
    _print_tokens(renewed)


def _print_tokens(renewed: Renewed) -> None:
    click.echo(f"Tokens that go on working: {renewed.tokens}.")
    if renewed.refused:
        numbers = ", ".join(map(str, renewed.refused))
        click.echo(f"Refused, because their rows were not made by this program: {numbers}.")
