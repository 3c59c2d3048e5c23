"""Read a file with a signed checkpoint of this ledger's log."""

from pathlib import Path
from typing import Final

from webapp.cli.output import CommandFailed
from webapp.domain.signed_note import Checkpoint
from webapp.ledger.transparency import kept_checkpoints
from webapp.ledger.transparency.checkpoints import Tree
from webapp.ledger.transparency.kept_checkpoints import NotACheckpoint

_BYTES_MAX: Final = 65_536


def read_checkpoint(file: str | None) -> Checkpoint | None:
    """Return the checkpoint of the events in a file. Raises OSError and CommandFailed, as `read_signed`."""
    signed = read_signed(file)
    if signed is None:
        return None
    checkpoint, tree = signed
    if tree is not Tree.EVENTS:
        raise CommandFailed(f"{file}: this is a checkpoint of the account log, and not of the events.")
    return checkpoint


def read_signed(file: str | None) -> tuple[Checkpoint, Tree] | None:
    """Return the checkpoint in a file, and its tree.

    Raises OSError, and CommandFailed unless a registered key signed it.
    """
    if file is None:
        return None
    with Path(file).open("rb") as opened:
        text = opened.read(_BYTES_MAX).decode(errors="replace")
    try:
        return kept_checkpoints.read(text)
    except NotACheckpoint as error:
        raise CommandFailed(f"{file}: {error}") from None
