"""Whether a tree still has all that was signed of it, by what lies beside the keys."""

from sqlalchemy import Connection

from webapp.domain.errors import BrokenLog, LogNotSigned
from webapp.domain.signed_note import Checkpoint, InvalidNote, Note
from webapp.ledger.transparency import stored_checkpoints as stored
from webapp.ledger.transparency.key_folder import key_folder
from webapp.ledger.transparency.tree import Tree, TreeReader


def lacks_signed(connection: Connection, tree: Tree) -> bool:
    """Return whether leaves of a tree are missing or changed that were signed.

    Without the registered key, the checkpoint beside any key counts: an emptied database knows none. A
    folder that cannot be read counts as well.
    """
    folder = key_folder()
    try:
        here = folder.origins()
        notes = {origin: note for origin in here if (note := folder.last(origin, tree))}
        if not notes:  # as in every ledger before its first account, so without a query
            return False
        keys = stored.registered_keys(connection)
        present = keys[-1].origin if keys else ""
        if present in here:
            notes = {origin: note for origin, note in notes.items() if origin == present}
        reader = TreeReader(connection, tree)
        return not all(_follows(reader, note) for note in notes.values())
    except (LogNotSigned, BrokenLog, InvalidNote):
        return True


def _follows(reader: TreeReader, note: str) -> bool:
    last = Checkpoint.parse(Note.parse(note).text)
    return reader.size() >= last.size and reader.root(last.size) == last.root
