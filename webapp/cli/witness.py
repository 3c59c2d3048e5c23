"""Terminal commands of the witness for other logs."""

from typing import Final

import click
from flask import Flask
from flask.cli import AppGroup

from webapp.cli.output import one_line_errors
from webapp.ledger.transparency.witness import witness

group: Final = AppGroup("witness", help="The witness that cosigns checkpoints of other logs (WITNESS_LOGS).")


def install(app: Flask) -> None:
    """Register every command."""
    app.cli.add_command(group)


@group.command()
@one_line_errors
def key() -> None:
    """Print the key of this witness, for CHECKPOINT_TO of the logs that it follows."""
    click.echo(str(witness().key().cosignature_verifier))


@group.command()
@one_line_errors
def status() -> None:
    """Print the logs that this witness follows, each with the last size that it cosigned."""
    for log in dict.fromkeys(each.name for each in witness().logs):
        last = witness().last(log)
        click.echo(f"{log}: {f'{last.size}, root {last.root.hex()}' if last else 'nothing yet'}")
