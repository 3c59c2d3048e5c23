"""Check the Merkle trees of both logs: stored nodes, the registered keys, and everything that was signed.

A tree is computed anew from the texts of its leaves, so neither stored hashes nor stored nodes are
trusted. Reads only.
"""

import heapq
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from webapp.domain.errors import LogNotSigned, SchemaOutdated
from webapp.domain.merkle import Node, RunningTree, leaf_hash
from webapp.domain.signed_note import Checkpoint, InvalidNote, Note
from webapp.ledger.audit.findings import Finding
from webapp.ledger.projections.log_nodes import TILE_HEIGHT, leaf_texts
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import fetch
from webapp.ledger.transparency import stored_checkpoints as stored
from webapp.ledger.transparency.differences import Difference
from webapp.ledger.transparency.key_folder import KeyFolder, key_folder
from webapp.ledger.transparency.keys import verify
from webapp.ledger.transparency.stored_checkpoints import RegisteredKey
from webapp.ledger.transparency.tree import LEAVES, TREES, Tree

_PAGE: Final = 5_000
_BESIDE: Final = "beside the key"
# How findings about nodes and checkpoints of a tree begin.
_OF_TREE: Final = {Tree.EVENTS: "", Tree.ACCOUNTS: " of accounts"}
_PLACE: Final = {Tree.EVENTS: "checkpoint", Tree.ACCOUNTS: "accounts checkpoint"}
_NODES: Final = (
    "SELECT level, place, hash FROM log_nodes WHERE tree = ? AND (level, place) > (?, ?)"
    " ORDER BY level, place LIMIT ?"
)
_CHECKPOINTS: Final = (
    "SELECT size, note FROM checkpoints WHERE tree = ? AND key_number = ? AND size > ? ORDER BY size LIMIT ?"
)


@dataclass(frozen=True, order=True)
class Known:
    """The expected root of a tree at a size, and the source that says so."""

    size: int
    root: bytes
    source: str
    tree: Tree = Tree.EVENTS


def known_outside() -> list[Known]:
    """Return what lies beside the key on this host, nothing where the key is elsewhere."""
    with reading() as connection, suppress(LogNotSigned, SchemaOutdated):
        folder, keys = key_folder(), stored.registered_keys(connection)
        if not keys:
            return []
        return [each for tree in TREES for each in _known_beside_key(folder, keys[-1].origin, tree)]
    return []


def _known_beside_key(folder: KeyFolder, origin: str, tree: Tree) -> Iterator[Known]:
    for size, root in folder.signed(origin, tree).items():
        yield Known(size, root, _BESIDE, tree)
    with suppress(InvalidNote):
        last = Checkpoint.parse(Note.parse(folder.last(origin, tree) or "").text)
        yield Known(last.size, last.root, _BESIDE, tree)


def check_log(connection: Connection, outside: Sequence[Known], tree: Tree) -> list[Finding]:
    """Check a tree against the stored nodes, the stored checkpoints, and those from elsewhere."""
    keys = stored.registered_keys(connection)
    findings = list(_wrong_keys(keys)) if tree is Tree.EVENTS else []
    nodes = dict(_stored_nodes(connection, tree))
    known = sorted(each for each in outside if each.tree is tree)
    roots = _Roots(tree, heapq.merge(known, _stored_checkpoints(connection, tree, keys, findings)))
    running, wrong_nodes = RunningTree(), []
    roots.compare(running)
    for text in _texts(connection, tree):
        for node, digest in running.add(leaf_hash(text)):
            if node.level % TILE_HEIGHT == 0 and nodes.pop(node, None) != digest:
                wrong_nodes.append(node)
        roots.compare(running)
    roots.end(running)
    findings += [Finding(_node_place(tree, node), _WRONG_NODE) for node in wrong_nodes]
    findings += [Finding(_node_place(tree, node), "the log does not give this row") for node in nodes]
    return findings + roots.findings(wrong_nodes, running.size)


def _node_place(tree: Tree, node: Node) -> str:
    return f"table log_nodes{_OF_TREE[tree]}, {node.level}/{node.place}"


_WRONG_NODE: Final = "this row is missing, or has another hash than the log gives"


class _Roots:
    """Compares the tree with what is known of it, in ascending order of sizes."""

    def __init__(self, tree: Tree, known: Iterator[Known]) -> None:
        self._tree, self._known = tree, known
        self._next = next(known, None)
        # The largest size that agrees before one differs, and the one before it.
        self._agreed = self._agreed_before = 0
        # Of each source the smallest that differs, and the largest that is longer than the log.
        self._differing: dict[str, Known] = {}
        self._beyond: dict[str, Known] = {}

    def compare(self, tree: RunningTree) -> None:
        """Compare what is known of the present size."""
        while self._next is not None and self._next.size <= tree.size:
            if self._next.root == tree.root():
                # Those of a later origin agree also from the first difference to an earlier one on.
                if not self._differing and tree.size > self._agreed:
                    self._agreed_before, self._agreed = self._agreed, tree.size
            else:
                self._differing.setdefault(self._next.source, self._next)
            self._next = next(self._known, None)

    def end(self, tree: RunningTree) -> None:
        """Take what is known of more leaves than there are."""
        self.compare(tree)
        for each in (self._next, *self._known):
            if each is not None:
                self._beyond[each.source] = each

    def findings(self, wrong_nodes: Sequence[Node], size: int) -> list[Finding]:
        """Return a finding for each checkpoint that the log does not follow, with the first difference."""
        found, leaves, place = [], LEAVES[self._tree], _PLACE[self._tree]
        first = min((each.size for each in self._differing.values()), default=None)
        agreed = self._agreed_before if first == self._agreed else self._agreed
        where = _narrowed(Difference(agreed, first), wrong_nodes)
        for each in self._differing.values():
            changed = f"the first {each.size:,} {leaves} have another root, so the log was changed."
            wrong = f"{changed} {where.sentence}"
            found.append(Finding(f"{place} {each.size} ({each.source})", wrong.removesuffix(".")))
        for each in self._beyond.values():
            missing = f"the last {each.size - size:,} that were signed are missing"
            wrong = f"the log has only {size:,} {leaves}: {missing}"
            found.append(Finding(f"{place} {each.size} ({each.source})", wrong))
        return found


def _narrowed(where: Difference, wrong_nodes: Sequence[Node]) -> Difference:
    """Narrow a difference down to the first tile whose stored node is another one."""
    tiles = [node.place for node in wrong_nodes if node.level == TILE_HEIGHT]
    if where.until is None or not tiles:
        return where
    first, end = min(tiles) << TILE_HEIGHT, (min(tiles) + 1) << TILE_HEIGHT
    if first >= where.until or end <= where.agreed:
        return where
    return Difference(max(where.agreed, first), min(where.until, end))


def _texts(connection: Connection, tree: Tree) -> Iterator[str]:
    """Yield the texts of the leaves in their order, up to the first gap, which another check reports."""
    after = 0
    while page := leaf_texts(connection, tree, after + 1, after + _PAGE):
        for position, text in page:
            if position != after + 1:
                return
            yield text
            after = position


def _stored_nodes(connection: Connection, tree: Tree) -> Iterator[tuple[Node, bytes]]:
    level, place = -1, -1
    while page := fetch(connection, _NODES, tree, level, place, _PAGE):
        for level, place, digest in page:
            yield Node(level, place), bytes(digest)


def _stored_checkpoints(
    connection: Connection, tree: Tree, keys: Sequence[RegisteredKey], findings: list[Finding]
) -> Iterator[Known]:
    """Return the stored checkpoints by size; those that no registered key signed are reported instead."""

    def of_key(key: RegisteredKey) -> Iterator[Known]:
        after = 0
        while page := fetch(connection, _CHECKPOINTS, tree, key.number, after, _PAGE):
            for size, note in page:
                wrong, root = _read(note, key, tree, size)
                if wrong:
                    findings.append(Finding(f"{_PLACE[tree]} {size} (key {key.number})", wrong))
                else:
                    yield Known(size, root, f"key {key.number}", tree)
            after = page[-1][0]

    return heapq.merge(*map(of_key, keys))


def _read(note: str, key: RegisteredKey, tree: Tree, size: int) -> tuple[str, bytes]:
    """Return what is wrong with a stored note, and its root."""
    verifier = key.verifier(tree)
    try:
        parsed = Note.parse(note)
        checkpoint = Checkpoint.parse(parsed.text)
    except InvalidNote as error:
        return f"it is damaged: {error}".removesuffix("."), b""
    if (checkpoint.origin, checkpoint.size) != (verifier.name, size):
        return "its text is of another log or size than its row", b""
    if [verify(verifier, parsed.text, each) for each in parsed.signatures] != [True]:
        return "its registered key did not sign it", b""
    return "", checkpoint.root


def _wrong_keys(keys: Sequence[RegisteredKey]) -> Iterator[Finding]:
    """Report keys whose numbers have gaps, and new origins that name no checkpoint."""
    for number, key in enumerate(keys, start=1):
        if key.number != number:
            yield Finding(f"table log_keys, {key.number}", f"the row of number {number} is missing")
            return
        before = keys[number - 2] if number > 1 else None
        if before is not None and before.origin == key.origin and key.follows is not None:
            yield Finding(
                f"table log_keys, {key.number}", "it begins no new origin, but follows a checkpoint"
            )
