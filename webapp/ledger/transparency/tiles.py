"""Tiles of the log under the addresses of C2SP tlog-tiles: hashes of a level, and the texts of events.

A tile has 256 hashes, or fewer at the end of the log (a partial tile). None reaches beyond the last
checkpoint that was signed.
"""

import re
import struct
from dataclasses import dataclass
from typing import Final, Self

from webapp.domain.errors import UnknownTile
from webapp.ledger.projections.log_nodes import leaf_texts
from webapp.ledger.storage.engine import reading
from webapp.ledger.transparency.tree import TILE, TILE_HEIGHT, Tree, TreeReader

LEVEL_MAX: Final = 7
_NAME: Final = re.compile(r"((?:x[0-9]{3}/){0,4})([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
_LENGTH: Final = struct.Struct(">H")


@dataclass(frozen=True)
class Tile:
    """The number of a tile in its level, and how many hashes or entries of it are wanted."""

    number: int
    width: int

    @classmethod
    def parse(cls, name: str) -> Self:
        """Return the tile of a name such as `x001/234` or `x001/234.p/70`. Raises UnknownTile."""
        found = _NAME.fullmatch(name)
        if not found or (found[1].startswith("x000/")):
            raise UnknownTile
        width = int(found[3]) if found[3] else TILE
        if found[3] and width >= TILE:
            raise UnknownTile
        return cls(int(re.sub("[x/]", "", found[1]) + found[2]), width)

    @property
    def first(self) -> int:
        """The place of its first hash in its level."""
        return self.number * TILE

    @property
    def is_full(self) -> bool:
        """Whether it never changes."""
        return self.width == TILE

    def require_within(self, count: int) -> None:
        """Raise UnknownTile unless a level of `count` hashes has all of it."""
        if self.first + self.width > count:
            raise UnknownTile


def tile_of_hashes(level: int, tile: Tile, size: int, tree: Tree = Tree.EVENTS) -> bytes:
    """Return the hashes of a tile in the tree of `size` leaves. Raises UnknownTile and BrokenLog."""
    if not 0 <= level <= LEVEL_MAX:
        raise UnknownTile
    tile.require_within(size >> (TILE_HEIGHT * level))
    with reading() as connection:
        reader = TreeReader(connection, tree)
        return b"".join(reader.hashes(level * TILE_HEIGHT, tile.first, tile.width))


def tile_of_entries(tile: Tile, size: int, tree: Tree = Tree.EVENTS) -> bytes:
    """Return the texts of the leaves of a tile, each after its length as two bytes.

    Raises UnknownTile, also for texts that are longer than the form allows, which none is.
    """
    tile.require_within(size)
    with reading() as connection:
        rows = leaf_texts(connection, tree, tile.first + 1, tile.first + tile.width)
    texts = [body.encode() for _, body in rows]
    if len(texts) != tile.width or max(map(len, texts)) >= 1 << (8 * _LENGTH.size):
        raise UnknownTile
    return b"".join(_LENGTH.pack(len(text)) + text for text in texts)
