"""Read a file with a signed checkpoint of this ledger's log."""

from pathlib import Path
from typing import Final

from webapp.cli.output import CommandFailed
from webapp.domain.signed_note import Checkpoint, InvalidNote, Note
from webapp.ledger.transparency import checkpoints
from webapp.ledger.transparency.checkpoints import Tree
from webapp.ledger.transparency.keys import verify

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
    # As mail programs and editors leave it.
    text = text.replace("\r\n", "\n").strip("\n") + "\n"
    try:
        note = Note.parse(text)
        checkpoint = Checkpoint.parse(note.text)
    except InvalidNote as error:
        raise CommandFailed(
            f"{file}: this is no checkpoint as /log/checkpoint gives it, with its signatures. {error}"
        ) from None
    # Each key is registered for both trees.
    registered = checkpoints.keys()
    for number, key in enumerate(registered):
        if any(verify(key, note.text, each) for each in note.signatures):
            return checkpoint, Tree(number % len(Tree))
    if any(key.made(each) for key in registered for each in note.signatures):
        raise CommandFailed(
            f"{file}: the signature of this ledger's key does not fit the text, so the file was altered."
        )
    raise CommandFailed(
        f"{file}: no key that this ledger registered signed it. It is of another ledger, or the keys "
        "of this one were replaced."
    )
