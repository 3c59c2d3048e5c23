"""Signed checkpoints of the log: read them, and get one that includes a position."""

from webapp.domain.signed_note import VerifierKey
from webapp.ledger.storage.engine import reading
from webapp.ledger.transparency import stored_checkpoints as stored
from webapp.ledger.transparency.signing import covering
from webapp.ledger.transparency.stored_checkpoints import SignedCheckpoint
from webapp.ledger.transparency.tree import Tree

__all__ = ["SignedCheckpoint", "Tree", "at_size", "covering", "keys", "latest"]


def latest(tree: Tree = Tree.EVENTS) -> SignedCheckpoint | None:
    """Return the last checkpoint of the present origin; None if nothing was signed under it."""
    with reading() as connection:
        registered = stored.registered_keys(connection)
        return stored.last_checkpoint(connection, tree, registered[-1].origin) if registered else None


def at_size(size: int, tree: Tree = Tree.EVENTS) -> SignedCheckpoint | None:
    """Return the checkpoint of this size, that of the latest key if there are several."""
    with reading() as connection:
        return stored.checkpoint_at(connection, tree, size)


def keys() -> list[VerifierKey]:
    """Return all registered keys, each for the tree of events and for that of accounts, oldest first."""
    with reading() as connection:
        registered = stored.registered_keys(connection)
    return [key.verifier(tree) for key in registered for tree in Tree]
