"""Compare a checkpoint that somebody kept with this ledger: does its log begin with what was signed.

The log is compared as it is stored: that each hash is the hash of its event is known only from a check.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from webapp.domain.errors import InvalidFields, LogNotSigned, Problem
from webapp.domain.signed_note import Checkpoint, InvalidNote, Note
from webapp.ledger.storage.engine import reading
from webapp.ledger.transparency import checkpoints
from webapp.ledger.transparency.checkpoints import Tree
from webapp.ledger.transparency.differences import difference
from webapp.ledger.transparency.key_folder import key_folder
from webapp.ledger.transparency.keys import verify
from webapp.ledger.transparency.stored_checkpoints import events_origin
from webapp.ledger.transparency.tree import TreeReader


class NotACheckpoint(ValueError):
    """The text is no checkpoint that this ledger signed. The message says why."""


@dataclass(frozen=True)
class Comparison:
    """What was signed, what its leaves are called, and how many there are now.

    `difference` says in a sentence where the log differs; it is empty where the log continues the checkpoint.
    """

    checkpoint: Checkpoint
    leaves: str
    size: int
    difference: str

    @property
    def missing(self) -> int:
        """How many of the leaves that were signed are not there."""
        return max(0, self.checkpoint.size - self.size)


def read(text: str) -> tuple[Checkpoint, Tree]:
    """Return the checkpoint of a signed note, and its tree.

    Raises NotACheckpoint unless a registered key signed it.
    """
    # As mail programs and editors leave it.
    text = text.replace("\r\n", "\n").strip("\n") + "\n"
    try:
        note = Note.parse(text)
        checkpoint = Checkpoint.parse(note.text)
    except InvalidNote as error:
        raise NotACheckpoint(
            f"this is no checkpoint as /log/checkpoint gives it, with its signatures. {error}"
        ) from None
    # Each key is registered for both trees.
    registered = checkpoints.keys()
    for number, key in enumerate(registered):
        if any(verify(key, note.text, each) for each in note.signatures):
            return checkpoint, Tree(number % len(Tree))
    if any(key.made(each) for key in registered for each in note.signatures):
        raise NotACheckpoint(
            "the signature of this ledger's key does not fit the text, so the file was altered."
        )
    raise NotACheckpoint(
        "no key that this ledger registered signed it. It is of another ledger, or the keys of this one were "
        "replaced."
    )


def compare(text: str) -> Comparison:
    """Compare a signed checkpoint with the log. Raises InvalidFields if this ledger did not sign it."""
    try:
        checkpoint, tree = read(text)
    except NotACheckpoint as error:
        message = str(error)
        raise InvalidFields([Problem("kept", f"{message[0].upper()}{message[1:]}")]) from None
    with reading() as connection:
        reader = TreeReader(connection, tree)
        size, where = reader.size(), ""
        if checkpoint.size > size or reader.root(checkpoint.size) != checkpoint.root:
            where = difference(reader, _signed_until(checkpoint, reader)).sentence
        return Comparison(checkpoint, reader.leaves, size, where)


def _signed_until(kept: Checkpoint, reader: TreeReader) -> Mapping[int, bytes]:
    """Return the roots by sizes that were signed up to the kept checkpoint, those beside the key too.

    Those are left out if one after the kept checkpoint agrees with the log: then they are of another history.
    """
    beside: Mapping[int, bytes] = {}
    with suppress(LogNotSigned):  # the key is elsewhere
        beside = key_folder().signed(events_origin(kept.origin, reader.tree), reader.tree)
    later = min((size for size in beside if kept.size < size <= reader.size()), default=None)
    if later is not None and reader.root(later) == beside[later]:
        beside = {}
    return {**{size: root for size, root in beside.items() if size < kept.size}, kept.size: kept.root}
