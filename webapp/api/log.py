"""The log's Merkle tree: the last checkpoint, keys, tiles and proofs. Nothing reaches beyond a checkpoint."""

from typing import Final

from flask import Blueprint, Response, current_app

from webapp.accounts.roles import Role
from webapp.api import log_operations, query_parameters
from webapp.api.log_schemas import ConsistencyProof, InclusionProof
from webapp.api.operation import describes
from webapp.api.serializers import json_response
from webapp.authorization import PUBLIC_LOG, allows, public_where
from webapp.domain.errors import InvalidFields, LogNotSigned, Problem
from webapp.ledger.transparency import checkpoints, tree
from webapp.ledger.transparency.checkpoints import SignedCheckpoint
from webapp.ledger.transparency.tiles import Tile, tile_of_entries, tile_of_hashes

_MINUTE_S: Final = 60
_YEAR_S: Final = 365 * 24 * 60 * 60
_OCTETS: Final = "application/octet-stream"
_TEXT: Final = "text/plain; charset=utf-8"

api = Blueprint("api_log", __name__)


@api.get("/log/checkpoint")
@describes(log_operations.GET_CHECKPOINT)
@public_where(PUBLIC_LOG)
@allows(Role.VIEWER)
def get_log_checkpoint() -> Response:
    query_parameters.read()
    return _cached(Response(_last().note, content_type=_TEXT), seconds=0)


@api.get("/log/key")
@describes(log_operations.GET_KEYS)
@public_where(PUBLIC_LOG)
@allows(Role.VIEWER)
def get_log_keys() -> Response:
    query_parameters.read()
    text = "".join(f"{key}\n" for key in checkpoints.keys_by_tree())
    return _cached(Response(text, content_type=_TEXT), seconds=_MINUTE_S)


@api.get("/log/tile/<level>/<path:tile>")
@describes(log_operations.GET_TILE)
@public_where(PUBLIC_LOG)
@allows(Role.VIEWER)
def get_log_tile(level: str, tile: str) -> Response:
    query_parameters.read()
    wanted, number = Tile.parse(tile), query_parameters.number_of(level)
    hashes = tile_of_hashes(-1 if number is None else number, wanted, _last().checkpoint.size)
    # A tile never changes, and neither does the beginning of one.
    return _cached(Response(hashes, content_type=_OCTETS), seconds=_YEAR_S if wanted.is_full else _MINUTE_S)


@api.get("/log/tile/entries/<path:tile>")
@describes(log_operations.GET_ENTRIES)
@allows(Role.VIEWER)
def get_log_entries(tile: str) -> Response:
    query_parameters.read()
    texts = tile_of_entries(Tile.parse(tile), _last().checkpoint.size)
    answer = Response(texts, content_type=_OCTETS)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@api.get("/log/proof")
@describes(log_operations.GET_PROOF)
@public_where(PUBLIC_LOG)
@allows(Role.VIEWER)
def get_inclusion_proof() -> Response:
    values = query_parameters.read(*log_operations.GET_PROOF.query)
    last = _last()
    size = values[log_operations.SIZE] or last.checkpoint.size
    position = values[log_operations.POSITION] or 0
    _require_within("size", size, last.checkpoint.size)
    _require_within("position", position, size)
    steps = tree.inclusion(position, size)
    body = InclusionProof(
        position, size, tree.leaf(position).hex(), [step.hex() for step in steps], _note(size, last)
    )
    return json_response(body)


@api.get("/log/consistency")
@describes(log_operations.GET_CONSISTENCY)
@public_where(PUBLIC_LOG)
@allows(Role.VIEWER)
def get_consistency_proof() -> Response:
    values = query_parameters.read(*log_operations.GET_CONSISTENCY.query)
    last = _last()
    new = values[log_operations.TO] or last.checkpoint.size
    old = values[log_operations.FROM] or 0
    _require_within("to", new, last.checkpoint.size)
    _require_within("from", old, new)
    steps = tree.consistency(old, new)
    return json_response(ConsistencyProof(old, new, [step.hex() for step in steps], _note(new, last)))


def _last() -> SignedCheckpoint:
    last = checkpoints.latest()
    if last is None:
        raise LogNotSigned("No checkpoint of this log was signed yet.")
    return last


def _note(size: int, last: SignedCheckpoint) -> str | None:
    signed = last if size == last.checkpoint.size else checkpoints.at_size(size)
    return signed.note if signed else None


def _require_within(name: str, number: int, most: int) -> None:
    if not 1 <= number <= most:
        raise InvalidFields([Problem(name, f"Must be a number from 1 to {most}.")])


def _cached(answer: Response, seconds: int) -> Response:
    """Let clients keep the answer, and caches between too where the log is public."""
    whose = "public" if current_app.config[PUBLIC_LOG] else "private"
    kept = f"max-age={seconds}, immutable" if seconds == _YEAR_S else f"max-age={seconds}"
    answer.headers["Cache-Control"] = f"{whose}, {kept}" if seconds else f"{whose}, no-cache"
    return answer
