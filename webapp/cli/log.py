"""Terminal commands of the log's checkpoints and keys, and the sample for an audit."""

from itertools import islice
from typing import Final

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from webapp.cli.checkpoint_file import read_checkpoint
from webapp.cli.output import CommandFailed, one_line_errors
from webapp.domain.audit_sample import drawn_positions
from webapp.domain.errors import UnknownAct
from webapp.domain.fields import quantity_text
from webapp.domain.signed_note import Checkpoint
from webapp.ledger import acts
from webapp.ledger.audit.findings import one_line
from webapp.ledger.transparency import checkpoints, destinations, signing, tree
from webapp.ledger.transparency.checkpoints import State, Status, Tree

group: Final = AppGroup("log", help="Checkpoints of the log, and the keys that sign them.")
SAMPLE_MAX: Final = 1_000
# Drawing ends after this many positions for each act: a small log may have fewer acts than were asked for.
_DRAWS_PER_ACT: Final = 100


class NotDelivered(CommandFailed):
    """The host signs, but a checkpoint did not reach a destination. The exit status is 3."""

    exit_code = 3


def install(app: Flask) -> None:
    """Register every command."""
    app.cli.add_command(group)
    app.cli.add_command(audit_sample)


@group.command()
@one_line_errors
def status() -> None:
    """Say whether this host signs checkpoints, what was signed last, and where it went.

    Ends with status 1 if it does not sign, and with 3 if it signs but a delivery failed.
    """
    found, accounts = checkpoints.status(), checkpoints.status(Tree.ACCOUNTS)
    for key in found.keys[-1:]:
        click.echo(f"origin: {key.origin}")
        click.echo(f"key: {key.number}, registered {key.registered_at}")
    for key in found.keys:
        if key.left:
            click.echo(f"fork: {key.origin} left {key.left.origin} at {key.left.size} events")
    _say_signed("last checkpoint", found, "events")
    if accounts.last:
        _say_signed("last checkpoint of the account log", accounts, "entries")
    deliveries = destinations.deliveries()
    for each in deliveries:
        state = f"{each.size} entries, {each.delivered_at}" if each.size else "nothing yet"
        failure = f"; failed {each.failed_at}: {each.failure}" if each.failure else ""
        click.echo(one_line(f"{each.destination}, {each.origin}: {state}{failure}"))
    if found.state is not State.SIGNING:
        raise CommandFailed(f"Not signing ({found.state}). {found.reason}")
    if accounts.state is not State.SIGNING:
        raise CommandFailed(f"Not signing the account log ({accounts.state}). {accounts.reason}")
    click.echo("This host signs.")
    failed = dict.fromkeys(each.destination for each in deliveries if each.failure)
    if failed:
        raise NotDelivered(f"But these did not get the last checkpoint: {', '.join(failed)}.")


def _say_signed(what: str, of: Status, leaves: str) -> None:
    """Print the last checkpoint of a tree in the database, and the one beside the key if that is another."""
    if of.last:
        click.echo(f"{what}: {_sizes(of.last.checkpoint, leaves)}, signed {of.last.signed_at}")
    else:
        click.echo(f"{what}: none")
    if of.beside_key and not (of.last and of.last.checkpoint == of.beside_key):
        click.echo(f"{what} beside the key, which this database lacks: {_sizes(of.beside_key, leaves)}")


def _sizes(checkpoint: Checkpoint, leaves: str) -> str:
    return f"{checkpoint.size} {leaves}, root {checkpoint.root.hex()}"


@group.command()
@one_line_errors
def key() -> None:
    """Print the public keys, one on each line: of the events, then of the accounts, each oldest first."""
    for each in checkpoints.keys_by_tree():
        click.echo(str(each))


@group.command("rotate-key")
@one_line_errors
def rotate_key() -> None:
    """Replace the key that signs by a new one of the same origin.

    What the old key signed stays valid, and its public key stays registered; its private key is removed.
    Tell the people who check the log the new key (`flask log key`).
    """
    added = signing.rotate()
    click.echo(f"Key {added.number} of {added.origin} signs from now on.")


@group.command()
@click.confirmation_option(prompt="A new origin starts a new log for everybody who follows this one. Go on?")
@one_line_errors
def fork() -> None:
    """Start a new log origin with a new key, because this log no longer extends the last signed checkpoint.

    Use it after restoring an older backup whose later events are lost. The new key names the last
    checkpoint of the old origin.
    """
    added = signing.fork()
    click.echo(f"Key {added.number} begins the origin {added.origin}.")


@click.command("audit-sample")
@click.argument("number", type=click.IntRange(1, SAMPLE_MAX))
@click.option("--checkpoint", metavar="FILE", help="A signed checkpoint; by default the last one.")
@with_appcontext
@one_line_errors
def audit_sample(number: int, checkpoint: str | None) -> None:
    """Print NUMBER acts that are drawn from the root of a checkpoint, so that nobody could choose them.

    Positions are drawn by SHA-256 of the root and a counter (docs/ledger.md has the exact rule). A position
    stands for the act that its event belongs to, and each act is printed once. An import's or a name's own
    entry in the log is no act, and is passed over. Events after the checkpoint are not drawn from: a line
    says how many there are.
    """
    signed = read_checkpoint(checkpoint) or _last()
    if not tree.follows(signed):
        raise CommandFailed(
            "This log does not follow from that checkpoint. `flask verify` says where it differs."
        )
    click.echo(f"# {signed.origin}, {signed.size} events, root {signed.root.hex()}")
    stored = checkpoints.at_size(signed.size)
    when = f"signed {stored.signed_at}" if stored and stored.checkpoint == signed else "not in this database"
    later = tree.size() - signed.size
    click.echo(f"# {when}; {later} later {'event is' if later == 1 else 'events are'} not drawn from")
    if not current_app.config["PUBLIC_URL"]:
        click.echo("Addresses are without a host, because PUBLIC_URL is not set.", err=True)
    found: dict[int, acts.Act] = {}
    for position in islice(drawn_positions(signed.root, signed.size), number * _DRAWS_PER_ACT):
        try:
            act = acts.act_at(position)
        except UnknownAct:
            continue
        if act.position not in found:
            found[act.position] = act
            click.echo(_line(position, act))
        if len(found) == number:
            return
    click.echo(f"The log has no more acts than these {len(found)}, or they are very few.", err=True)


def _last() -> Checkpoint:
    last = checkpoints.latest()
    if last is None:
        raise CommandFailed("Nothing was signed yet, so there is no checkpoint to draw from.")
    return last.checkpoint


def _line(position: int, act: acts.Act) -> str:
    address = f"{current_app.config['PUBLIC_URL']}/acts/{act.position}"
    tonnes = quantity_text(act.quantity_e4)
    return one_line(f"position {position}: {address} {act.event_type} {tonnes} t, {act.recorded_at}")
