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
    """Return the checkpoint of a file. Raises OSError and CommandFailed, unless a key signed it."""
    if file is None:
        return None
    with Path(file).open("rb") as opened:
        text = opened.read(_BYTES_MAX).decode(errors="replace")
    try:
        note = Note.parse(text)
        checkpoint = Checkpoint.parse(note.text)
    except InvalidNote as error:
        raise CommandFailed(f"{file}: {error}") from None
    # Keys are registered for both trees; only that of the events is checked here.
    keys = checkpoints.keys()[Tree.EVENTS :: len(Tree)]
    if not any(verify(key, note.text, each) for key in keys for each in note.signatures):
        raise CommandFailed(
            f"{file}: no key that this ledger registered signed it. It is of another ledger, or the keys "
            "of this one were replaced."
        )
    return checkpoint
