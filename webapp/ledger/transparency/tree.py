"""Read the log's Merkle trees: roots, proofs, and the hashes of tiles.

Sizes are numbers of leaves; the leaf at position n is leaf n - 1. All functions read one snapshot.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection

from webapp.domain import merkle
from webapp.domain.errors import BrokenLog
from webapp.domain.merkle import Node
from webapp.domain.signed_note import Checkpoint
from webapp.ledger.projections.log_nodes import TILE, TILE_HEIGHT, tile_hashes
from webapp.ledger.storage import log_sql as sql
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import fetch
from webapp.ledger.storage.transparency_tables import Tree

__all__ = [
    "LEAVES",
    "TILE",
    "TILE_HEIGHT",
    "TREES",
    "Tree",
    "TreeReader",
    "consistency",
    "follows",
    "inclusion",
    "inclusions",
    "leaf",
    "root",
    "size",
]

# The trees that have leaves.
TREES: Final = tuple(sql.SIZE)
# What the leaves of a tree are called.
LEAVES: Final = {Tree.EVENTS: "events", Tree.ACCOUNTS: "entries of the account log"}
_GAP: Final = "The Merkle tree of the log has a gap. `flask verify` says where."


class TreeReader:
    """Reads one tree on a connection, each tile and each node once."""

    def __init__(self, connection: Connection, tree: Tree = Tree.EVENTS) -> None:
        """Read with this connection, which is in a read transaction."""
        self._connection, self.tree = connection, tree
        self._tiles: dict[tuple[int, int], list[bytes]] = {}
        self._nodes: dict[Node, bytes] = {}

    @property
    def leaves(self) -> str:
        """What the leaves are called."""
        return LEAVES[self.tree]

    def size(self) -> int:
        """Return the number of leaves."""
        return int(fetch(self._connection, sql.SIZE[self.tree])[0][0])

    def root(self, size: int) -> bytes:
        """Return the root of the tree of the first `size` leaves. Raises BrokenLog."""
        return merkle.root(size, self._read)

    def inclusion(self, position: int, size: int) -> list[bytes]:
        """Return the proof that the leaf at a position is in the tree of `size` leaves. Raises BrokenLog."""
        return merkle.inclusion_proof(position - 1, size, self._read)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the proof that the first `old` leaves are the beginning of `new`. Raises BrokenLog."""
        return merkle.consistency_proof(old, new, self._read)

    def hashes(self, level: int, first: int, count: int) -> list[bytes]:
        """Return the hashes of `count` nodes of a stored level, all in one tile. Raises BrokenLog."""
        tile, offset = divmod(first, TILE)
        if (level, tile) not in self._tiles:
            self._tiles[level, tile] = tile_hashes(self._connection, self.tree, level, tile)
        found = self._tiles[level, tile][offset : offset + count]
        if len(found) != count:
            raise BrokenLog(_GAP)
        return found

    def _read(self, nodes: Sequence[Node]) -> list[bytes]:
        return [self._hash(node) for node in nodes]

    def _hash(self, node: Node) -> bytes:
        if node not in self._nodes:
            above = node.level % TILE_HEIGHT
            hashes = self.hashes(node.level - above, node.place << above, 1 << above)
            self._nodes[node] = merkle.root_of(hashes)
        return self._nodes[node]


def size(tree: Tree = Tree.EVENTS) -> int:
    """Return the number of leaves of the tree."""
    with reading() as connection:
        return TreeReader(connection, tree).size()


def root(size: int, tree: Tree = Tree.EVENTS) -> bytes:
    """Return the root of the tree of the first `size` leaves. Raises BrokenLog."""
    with reading() as connection:
        return TreeReader(connection, tree).root(size)


def follows(checkpoint: Checkpoint, tree: Tree = Tree.EVENTS) -> bool:
    """Return whether the tree begins with that of the checkpoint."""
    with reading() as connection:
        reader = TreeReader(connection, tree)
        return checkpoint.size <= reader.size() and reader.root(checkpoint.size) == checkpoint.root


def leaf(position: int, tree: Tree = Tree.EVENTS) -> bytes:
    """Return the hash of the leaf at a position. Raises BrokenLog."""
    with reading() as connection:
        return TreeReader(connection, tree).hashes(0, position - 1, 1)[0]


def inclusion(position: int, size: int, tree: Tree = Tree.EVENTS) -> list[bytes]:
    """Return the proof that the leaf at `position` is in the tree of `size` leaves. Raises BrokenLog."""
    return inclusions([position], size, tree)[position]


def inclusions(positions: Sequence[int], size: int, tree: Tree = Tree.EVENTS) -> Mapping[int, list[bytes]]:
    """Return the proof of each position, reading each tile once. See `inclusion`."""
    with reading() as connection:
        prove = partial(TreeReader(connection, tree).inclusion, size=size)
        return {position: prove(position) for position in positions}


def consistency(old: int, new: int, tree: Tree = Tree.EVENTS) -> list[bytes]:
    """Return the proof that the tree of `old` leaves is the beginning of that of `new`. Raises BrokenLog."""
    with reading() as connection:
        return TreeReader(connection, tree).consistency(old, new)
