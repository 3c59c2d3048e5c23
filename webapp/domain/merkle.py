"""The Merkle tree of a log, as in RFC 6962 and RFC 9162: its root, and proofs of inclusion and consistency.

Hashes are 32 bytes. Leaves are counted from 0, so the event at feed position n is leaf n - 1. A *node* is
the root of a complete subtree: node (level, place) spans 2**level leaves from place * 2**level on. Nodes
never change while the log grows, so they can be stored.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256().digest()


class Node(NamedTuple):
    """The place of the root of a complete subtree."""

    level: int
    place: int


# Returns the hashes of nodes, in their order.
Reader = Callable[[Sequence[Node]], Sequence[bytes]]


def leaf_hash(text: str) -> bytes:
    """Return the hash of the leaf with this text; for an event it is the event's hash."""
    return sha256(b"\x00" + text.encode()).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the tree with these two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return the root of the tree whose leaves, or nodes of one level, have these hashes."""
    if not hashes:
        return EMPTY_ROOT
    level = list(hashes)
    while len(level) > 1:
        last = level[-1:] if len(level) % 2 else []
        level = [node_hash(*pair) for pair in zip(level[::2], level[1::2], strict=False)] + last
    return level[0]


class RunningTree:
    """The tree of the leaves added so far, with one hash for each full subtree."""

    def __init__(self) -> None:
        """Start without leaves."""
        self.size = 0
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> list[tuple[Node, bytes]]:
        """Add the hash of a leaf; return the nodes above it that are complete now, with their hashes."""
        level, digest, place = 0, leaf, self.size
        complete = []
        while self._peaks and self._peaks[-1][0] == level:
            digest = node_hash(self._peaks.pop()[1], digest)
            level, place = level + 1, place // 2
            complete.append((Node(level, place), digest))
        self._peaks.append((level, digest))
        self.size += 1
        return complete

    def root(self) -> bytes:
        """Return the root."""
        return _fold([digest for _, digest in self._peaks])


def root(size: int, read: Reader) -> bytes:
    """Return the root of the tree of the first `size` leaves."""
    return _fold(read(list(_nodes(0, size))))


def inclusion_proof(leaf: int, size: int, read: Reader) -> list[bytes]:
    """Return the proof that a leaf is in the tree of `size` leaves (RFC 9162, 2.1.3.1).

    The leaf is from 0 to `size` - 1.
    """
    return _hashes(list(_inclusion_ranges(leaf, 0, size)), read)


def consistency_proof(old: int, new: int, read: Reader) -> list[bytes]:
    """Return the proof that the tree of `old` leaves is the beginning of that of `new` (RFC 9162, 2.1.4.1).

    0 < old <= new. The proof between equal trees is empty.
    """
    return _hashes(list(_consistency_ranges(old, 0, new, is_whole=True)), read)


def root_from_inclusion(leaf_hash: bytes, leaf: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """Return the root that the proof leads to (RFC 9162, 2.1.3.2); None if it has the wrong length."""
    if not 0 <= leaf < size:
        return None
    place, last, result = leaf, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            return None
        if place % 2 or place == last:
            result = node_hash(sibling, result)
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            result = node_hash(result, sibling)
        place, last = place // 2, last // 2
    return result if last == 0 else None


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Return whether the proof shows that the old tree is the beginning of the new (RFC 9162, 2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    if not steps:
        return False
    place, last = old - 1, new - 1
    while place % 2:
        place, last = place // 2, last // 2
    first = second = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            return False
        if place % 2 or place == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            second = node_hash(second, sibling)
        place, last = place // 2, last // 2
    return last == 0 and first == old_root and second == new_root


def _inclusion_ranges(leaf: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of leaves whose subtrees are siblings on the way from the leaf up to the root."""
    if end - start == 1:
        return
    middle = start + _split(end - start)
    if leaf < middle:
        yield from _inclusion_ranges(leaf, start, middle)
        yield middle, end
    else:
        yield from _inclusion_ranges(leaf, middle, end)
        yield start, middle


def _consistency_ranges(old: int, start: int, end: int, *, is_whole: bool) -> Iterator[tuple[int, int]]:
    if old == end:
        if not is_whole:
            yield start, end
        return
    middle = start + _split(end - start)
    if old <= middle:
        yield from _consistency_ranges(old, start, middle, is_whole=is_whole)
        yield middle, end
    else:
        yield from _consistency_ranges(old, middle, end, is_whole=False)
        yield start, middle


def _split(length: int) -> int:
    """Return the largest power of two that is less than `length`."""
    return 1 << ((length - 1).bit_length() - 1)


def _nodes(start: int, end: int) -> Iterator[Node]:
    """Yield the nodes that cover a subtree of RFC 6962, from left to right."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield Node(level, start >> level)
        start += 1 << level


def _hashes(ranges: Iterable[tuple[int, int]], read: Reader) -> list[bytes]:
    """Return the hash of each subtree, reading all nodes at once."""
    covers = [list(_nodes(start, end)) for start, end in ranges]
    hashes = iter(read([node for cover in covers for node in cover]))
    return [_fold([next(hashes) for _ in cover]) for cover in covers]


def _fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root over nodes of falling levels, as `_nodes` yields them."""
    if not hashes:
        return EMPTY_ROOT
    result = hashes[-1]
    for left in reversed(hashes[:-1]):
        result = node_hash(left, result)
    return result
