"""The Merkle tree of the account log, for administrators alone. See ``log``."""

from typing import Final

from flask import Blueprint, Response

from webapp.accounts.roles import Role
from webapp.api import log_operations, query_parameters
from webapp.api.log_answers import consistency_proof, inclusion_proof, last_checkpoint
from webapp.api.operation import describes
from webapp.authorization import allows
from webapp.ledger.transparency.checkpoints import Tree
from webapp.ledger.transparency.tiles import Tile, tile_of_entries, tile_of_hashes

_OCTETS: Final = "application/octet-stream"

api = Blueprint("api_accounts_log", __name__)


@api.get("/log/accounts/checkpoint")
@describes(log_operations.GET_ACCOUNTS_CHECKPOINT)
@allows(Role.ADMINISTRATOR)
def get_accounts_checkpoint() -> Response:
    query_parameters.read()
    note = last_checkpoint(Tree.ACCOUNTS).note
    return _unstored(Response(note, content_type="text/plain; charset=utf-8"))


@api.get("/log/accounts/tile/<level>/<path:tile>")
@describes(log_operations.GET_ACCOUNTS_TILE)
@allows(Role.ADMINISTRATOR)
def get_accounts_tile(level: str, tile: str) -> Response:
    query_parameters.read()
    number, size = query_parameters.number_of(level), last_checkpoint(Tree.ACCOUNTS).checkpoint.size
    hashes = tile_of_hashes(-1 if number is None else number, Tile.parse(tile), size, Tree.ACCOUNTS)
    return _unstored(Response(hashes, content_type=_OCTETS))


@api.get("/log/accounts/tile/entries/<path:tile>")
@describes(log_operations.GET_ACCOUNTS_ENTRIES)
@allows(Role.ADMINISTRATOR)
def get_accounts_entries(tile: str) -> Response:
    query_parameters.read()
    size = last_checkpoint(Tree.ACCOUNTS).checkpoint.size
    return _unstored(Response(tile_of_entries(Tile.parse(tile), size, Tree.ACCOUNTS), content_type=_OCTETS))


@api.get("/log/accounts/proof")
@describes(log_operations.GET_ACCOUNTS_PROOF)
@allows(Role.ADMINISTRATOR)
def get_accounts_inclusion_proof() -> Response:
    values = query_parameters.read(*log_operations.GET_ACCOUNTS_PROOF.query)
    return _unstored(inclusion_proof(Tree.ACCOUNTS, values))


@api.get("/log/accounts/consistency")
@describes(log_operations.GET_ACCOUNTS_CONSISTENCY)
@allows(Role.ADMINISTRATOR)
def get_accounts_consistency_proof() -> Response:
    values = query_parameters.read(*log_operations.GET_ACCOUNTS_CONSISTENCY.query)
    return _unstored(consistency_proof(Tree.ACCOUNTS, values))


def _unstored(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer
