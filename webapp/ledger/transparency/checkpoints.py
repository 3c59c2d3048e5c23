"""Signed checkpoints of the log: read them, and get one that includes a position."""

from webapp.domain.signed_note import VerifierKey
from webapp.ledger.storage.engine import reading
from webapp.ledger.transparency import stored_checkpoints as stored
from webapp.ledger.transparency.signing import (
    NotSignedYet,
    Refused,
    State,
    Status,
    covering,
    state_on,
    status,
)
from webapp.ledger.transparency.stored_checkpoints import Cosigned, SignedCheckpoint
from webapp.ledger.transparency.tree import TREES, Tree

__all__ = [
    "Cosigned",
    "NotSignedYet",
    "Refused",
    "SignedCheckpoint",
    "State",
    "Status",
    "Tree",
    "at_size",
    "covering",
    "keys",
    "keys_by_tree",
    "keys_of",
    "last_cosigned",
    "latest",
    "state",
    "status",
]


def latest(tree: Tree = Tree.EVENTS) -> SignedCheckpoint | None:
    """Return the last checkpoint of the present origin; None if nothing was signed under it."""
    with reading() as connection:
        registered = stored.registered_keys(connection)
        return stored.last_checkpoint(connection, tree, registered[-1].origin) if registered else None


def state() -> State:
    """Return whether this host signs all trees, or the first reason why it does not."""
    with reading() as connection:
        states = [state_on(connection, tree)[0] for tree in TREES]
    return next((each for each in states if each is not State.SIGNING), State.SIGNING)


def at_size(size: int, tree: Tree = Tree.EVENTS) -> SignedCheckpoint | None:
    """Return the checkpoint of this size, that of the latest key if there are several."""
    with reading() as connection:
        return stored.checkpoint_at(connection, tree, size)


def last_cosigned() -> Cosigned | None:
    """Return the newest checkpoint of the events that a witness cosigned."""
    with reading() as connection:
        return stored.last_cosigned(connection, Tree.EVENTS)


def keys_by_tree() -> list[VerifierKey]:
    """Return all registered keys of the tree of events, then those of the accounts, each oldest first."""
    return [key for tree in Tree for key in keys_of(tree)]


def keys_of(tree: Tree) -> list[VerifierKey]:
    """Return all registered keys of a tree, oldest first."""
    return keys()[tree :: len(Tree)]


def keys() -> list[VerifierKey]:
    """Return all registered keys, each for the tree of events and for that of accounts, oldest first."""
    with reading() as connection:
        registered = stored.registered_keys(connection)
    return [key.verifier(tree) for key in registered for tree in Tree]
