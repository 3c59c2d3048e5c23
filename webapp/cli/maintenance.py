"""The commands of whoever keeps the ledger running, for a terminal. See docs/operations.md."""

import os
from pathlib import Path

import click
from flask import Flask
from flask.cli import with_appcontext

from webapp import config, secret_key_file
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

    The ledger as it was at one moment, with people and imports. FILE appears once it is whole and
    checked; nothing is replaced by it. Prints the number of events and the digest, as verify does.
    """
    if db.engine.dialect.name != "sqlite":
        name = db.engine.url.database
        raise CommandFailed(
            f"PostgreSQL has its own program for this: pg_dump --format=custom --file={file} {name}"
        )
    with Progress("Copying", "pages") as progress:
        digest = back_up(Path(file), progress)
    click.echo(str(digest))


@click.command()
@with_appcontext
@one_line_errors
def compact() -> None:
    """Give back the disk that the SQLite database holds and does not use.

    After an upgrade that moved the ledger into new tables, for instance. The server may run, but
    nobody can write meanwhile, so choose a quiet time. It needs as much free disk as the ledger has
    afterwards, twice.
    """
    if db.engine.dialect.name != "sqlite":
        raise CommandFailed(
            "PostgreSQL gives the disk of old tables back by itself. What else is unused, VACUUM (FULL) gives"
            " back: run it as the owner of the tables, while nothing else uses them."
        )
    sizes = compact_database()
    click.echo(f"The database had {_megabytes(sizes.before)} MB and has {_megabytes(sizes.after)} MB now.")


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1024**2:,.1f}"


@click.command()
@click.argument("role")
@with_appcontext
@one_line_errors
def grant(role: str) -> None:
    """Give a PostgreSQL account what serving needs, and no more.

    Run it as the owner of the tables, once for a new account and after each upgrade. ROLE may then
    add to the log and never change it. What it could do beyond that before is taken away.
    """
    permissions.grant(role)
    click.echo(f"{role} may serve this ledger. It cannot change or remove what the log holds.")


@click.command("rotate-secret-key")
@click.option("--forget", is_flag=True, help="Believe the old key no more: everybody signs in again.")
@with_appcontext
@one_line_errors
def rotate_secret_key(*, forget: bool) -> None:
    """Make a new key for sessions and forms.

    The one before it is kept, so that nobody is signed out and no open form is lost, until the
    next rotation. Start the server again afterwards. With --forget, for a key that somebody may
    have seen, the old one is dropped.
    """
    if os.environ.get("SECRET_KEY"):
        raise CommandFailed(
            "The key is set in SECRET_KEY, so rotate it there: put it into SECRET_KEY_FALLBACKS, and a "
            "new one into SECRET_KEY."
        )
    path = config.key_path()
    try:
        secret_key_file.rotate(path, forget=forget)
    except secret_key_file.BadKeyFile as error:
        raise CommandFailed(str(error)) from None
    click.echo(f"{path} has a new key. Start the server again, so that all of it uses the same one.")
