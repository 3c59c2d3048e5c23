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
    reader = TreeReader(connection, tree)
    try:
        here = folder.origins()
        keys = stored.registered_keys(connection)
        own = [origin for origin in here if keys and origin == keys[-1].origin]
        for note in [folder.last(origin, tree) for origin in own or here]:
            if note is None:
                continue
            last = Checkpoint.parse(Note.parse(note).text)
            if reader.size() < last.size or reader.root(last.size) != last.root:
                return True
    except (LogNotSigned, BrokenLog, InvalidNote):
        return True
    return False
