"""Store the nodes of the log's Merkle trees that full tiles have, each once, when it becomes complete.

A tile has 256 hashes of one level, so only the nodes of levels 8, 16, 24 … are stored. Leaves are read from
the log, and nodes between are computed.
"""

import logging
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from webapp.domain.account_log import leaf_text
from webapp.domain.merkle import leaf_hash, root_of
from webapp.ledger.storage import log_sql as sql
from webapp.ledger.storage.statements import Row, fetch, send
from webapp.ledger.storage.transparency_tables import Tree

# The hashes in a tile, and the levels that a tile spans.
TILE: Final = 256
TILE_HEIGHT: Final = 8
_BATCH: Final = 1_000
_log: Final = logging.getLogger(__name__)


def add_nodes(connection: Connection, tree: Tree, size: int) -> None:
    """Store the nodes that are complete in the tree of `size` leaves and not stored yet.

    Where hashes are missing, which is damage that `flask verify` names, nothing is stored from there on.
    """
    level = TILE_HEIGHT
    while (complete := size >> level) > 0:
        ((next_place,),) = fetch(connection, sql.NEXT_NODE, tree, level)
        for start in range(next_place, complete, _BATCH):
            if not _add(connection, tree, level, range(start, min(start + _BATCH, complete))):
                return
        level += TILE_HEIGHT


def _add(connection: Connection, tree: Tree, level: int, places: range) -> bool:
    """Store the nodes of these places. Returns whether all hashes below them are there."""
    rows = []
    for place in places:
        hashes = tile_hashes(connection, tree, level - TILE_HEIGHT, place)
        if len(hashes) != TILE:
            _log.error(
                "The log has a gap below node %d of level %d. `flask verify` says where.", place, level
            )
            break
        rows.append((tree, level, place, root_of(hashes)))
    send(connection, sql.INSERT_NODE, rows)
    return len(rows) == len(places)


def tile_hashes(connection: Connection, tree: Tree, level: int, tile: int) -> list[bytes]:
    """Return the hashes of a tile of a stored level, or those before the first that is missing."""
    first = tile * TILE
    if level == 0:
        # Leaf 0 is at position 1.
        rows = _leaves(connection, tree, first + 1, first + TILE)
        first += 1
    else:
        rows = fetch(connection, sql.NODES, tree, level, first, first + TILE - 1)
    return [bytes(digest) for place, (at, digest) in enumerate(rows) if at == first + place and digest]


def _leaves(connection: Connection, tree: Tree, first: int, last: int) -> Sequence[Row]:
    """Return the positions from `first` to `last` and the hashes of their leaves."""
    if tree is Tree.EVENTS:
        return fetch(connection, sql.EVENT_LEAVES, first, last)
    texts = leaf_texts(connection, tree, first, last)
    return [(position, leaf_hash(text)) for position, text in texts]


def leaf_texts(connection: Connection, tree: Tree, first: int, last: int) -> Sequence[Row]:
    """Return the positions from `first` to `last` and the texts of their leaves."""
    if tree is Tree.EVENTS:
        return fetch(connection, sql.EVENT_TEXTS, first, last)
    return [(entry[0], leaf_text(*entry)) for entry in fetch(connection, sql.ACCOUNT_ENTRIES, first, last)]
