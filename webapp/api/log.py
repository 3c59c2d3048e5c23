"""The log's Merkle tree: the last checkpoint, keys, tiles and proofs. Nothing reaches beyond a checkpoint."""

from typing import Final

from flask import Blueprint, Response, current_app

from webapp.accounts.roles import Role
from webapp.api import log_operations, query_parameters
from webapp.api.log_answers import consistency_proof, inclusion_proof, last_checkpoint
from webapp.api.operation import describes
from webapp.authorization import PUBLIC_LOG, allows, public_where
from webapp.ledger.transparency import checkpoints
from webapp.ledger.transparency.checkpoints import Tree
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
    last = last_checkpoint(Tree.EVENTS)
    answer = Response(last.note, content_type=_TEXT)
    # As those that CHECKPOINT_TO puts into a folder.
    answer.headers["Content-Disposition"] = f'inline; filename="{last.file_name}"'
    return _cached(answer, seconds=0)


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
    hashes = tile_of_hashes(
        -1 if number is None else number, wanted, last_checkpoint(Tree.EVENTS).checkpoint.size
    )
    # A tile never changes, and neither does the beginning of one.
    return _cached(Response(hashes, content_type=_OCTETS), seconds=_YEAR_S if wanted.is_full else _MINUTE_S)


@api.get("/log/tile/entries/<path:tile>")
@describes(log_operations.GET_ENTRIES)
@allows(Role.VIEWER)
def get_log_entries(tile: str) -> Response:
    query_parameters.read()
    texts = tile_of_entries(Tile.parse(tile), last_checkpoint(Tree.EVENTS).checkpoint.size)
    answer = Response(texts, content_type=_OCTETS)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@api.get("/log/proof")
@describes(log_operations.GET_PROOF)
@public_where(PUBLIC_LOG)
@allows(Role.VIEWER)
def get_inclusion_proof() -> Response:
    values = query_parameters.read(*log_operations.GET_PROOF.query)
    return inclusion_proof(Tree.EVENTS, values)


@api.get("/log/consistency")
@describes(log_operations.GET_CONSISTENCY)
@public_where(PUBLIC_LOG)
@allows(Role.VIEWER)
def get_consistency_proof() -> Response:
    values = query_parameters.read(*log_operations.GET_CONSISTENCY.query)
    return consistency_proof(Tree.EVENTS, values)


def _cached(answer: Response, seconds: int) -> Response:
    """Let clients keep the answer, and caches between too where the log is public."""
    whose = "public" if current_app.config[PUBLIC_LOG] else "private"
    kept = f"max-age={seconds}, immutable" if seconds == _YEAR_S else f"max-age={seconds}"
    answer.headers["Cache-Control"] = f"{whose}, {kept}" if seconds else f"{whose}, no-cache"
    return answer
