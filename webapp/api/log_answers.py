"""What the addresses of both logs answer, for one of the two trees. See ``log`` and ``accounts_log``."""

from flask import Response

from webapp.api import log_operations
from webapp.api.log_schemas import ConsistencyProof, InclusionProof
from webapp.api.query_parameters import Values
from webapp.api.serializers import json_response
from webapp.domain.errors import InvalidFields, LogNotSigned, Problem
from webapp.ledger.transparency import checkpoints, tree
from webapp.ledger.transparency.checkpoints import NotSignedYet, SignedCheckpoint, State, Tree


def last_checkpoint(which: Tree) -> SignedCheckpoint:
    """Return the last checkpoint. Raises LogNotSigned, or NotSignedYet where a retry helps."""
    last = checkpoints.latest(which)
    if last is None:
        found = checkpoints.status(which)
        if found.state is State.SIGNING:
            raise NotSignedYet(
                "No checkpoint of this log was signed yet. The first event is signed in seconds."
            )
        raise LogNotSigned(f"No checkpoint of this log was signed yet. {found.reason}")
    return last


def inclusion_proof(which: Tree, values: Values) -> Response:
    """Answer with an inclusion proof. Raises InvalidFields and LogNotSigned."""
    last = last_checkpoint(which)
    size = values[log_operations.SIZE] or last.checkpoint.size
    position = values[log_operations.POSITION] or 0
    _require_within("size", size, last.checkpoint.size)
    _require_within("position", position, size)
    steps = [step.hex() for step in tree.inclusion(position, size, which)]
    leaf = tree.leaf(position, which).hex()
    return json_response(InclusionProof(position, size, leaf, steps, _note(which, size, last)))


def consistency_proof(which: Tree, values: Values) -> Response:
    """Answer with a consistency proof. Raises InvalidFields and LogNotSigned."""
    last = last_checkpoint(which)
    new = values[log_operations.TO] or last.checkpoint.size
    old = values[log_operations.FROM] or 0
    _require_within("to", new, last.checkpoint.size)
    _require_within("from", old, new)
    steps = [step.hex() for step in tree.consistency(old, new, which)]
    return json_response(ConsistencyProof(old, new, steps, _note(which, new, last)))


def _note(which: Tree, size: int, last: SignedCheckpoint) -> str | None:
    signed = last if size == last.checkpoint.size else checkpoints.at_size(size, which)
    return signed.note if signed else None


def _require_within(name: str, number: int, most: int) -> None:
    if not 1 <= number <= most:
        raise InvalidFields([Problem(name, f"Must be from 1 to {most} at the last checkpoint.")])
