"""Check the log's Merkle tree: its stored nodes, the registered keys, and everything that was signed.

The tree is computed anew from the texts of the events, so neither stored hashes nor stored nodes are
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
from webapp.ledger.projections.log_nodes import TILE_HEIGHT
from webapp.ledger.storage import log_statements as sql
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import fetch
from webapp.ledger.transparency import stored_checkpoints as stored
from webapp.ledger.transparency.differences import Difference
from webapp.ledger.transparency.key_folder import key_folder
from webapp.ledger.transparency.keys import verify
from webapp.ledger.transparency.stored_checkpoints import RegisteredKey
from webapp.ledger.transparency.tree import Tree

_PAGE: Final = 5_000
_NODES: Final = (
    "SELECT level, place, hash FROM log_nodes WHERE tree = ? AND (level, place) > (?, ?)"
    " ORDER BY level, place LIMIT ?"
)
_CHECKPOINTS: Final = (
    "SELECT size, note FROM checkpoints WHERE tree = ? AND key_number = ? AND size > ? ORDER BY size LIMIT ?"
)


@dataclass(frozen=True, order=True)
class Known:
    """What the root of a tree must be at a size, and where that is known from."""

    size: int
    root: bytes
    source: str


def known_outside() -> list[Known]:
    """Return what lies beside the key on this host, nothing where the key is elsewhere."""
    source = "beside the key"
    with reading() as connection, suppress(LogNotSigned, SchemaOutdated):
        folder, keys = key_folder(), stored.registered_keys(connection)
        if not keys:
            return []
        note = folder.last(keys[-1].origin, Tree.EVENTS)
        known = [
            Known(size, root, source) for size, root in folder.signed(keys[-1].origin, Tree.EVENTS).items()
        ]
        with suppress(InvalidNote):
            last = Checkpoint.parse(Note.parse(note or "").text)
            known.append(Known(last.size, last.root, source))
        return known
    return []


def check_log(connection: Connection, outside: Sequence[Known]) -> list[Finding]:
    """Check the tree of events against the stored nodes, the stored checkpoints, and those from elsewhere."""
    keys = stored.registered_keys(connection)
    findings = list(_wrong_keys(keys))
    nodes = dict(_stored_nodes(connection, Tree.EVENTS))
    merged = heapq.merge(sorted(outside), _stored_checkpoints(connection, Tree.EVENTS, keys, findings))
    roots = _Roots(merged)
    tree, wrong_nodes = RunningTree(), []
    roots.compare(tree)
    for body in _bodies(connection):
        for node, digest in tree.add(leaf_hash(body)):
            if node.level % TILE_HEIGHT == 0 and nodes.pop(node, None) != digest:
                wrong_nodes.append(node)
        roots.compare(tree)
    roots.end(tree)
    findings += [Finding(f"table log_nodes, {node.level}/{node.place}", _WRONG_NODE) for node in wrong_nodes]
    findings += [
        Finding(f"table log_nodes, {node.level}/{node.place}", "the log does not give this row")
        for node in nodes
    ]
    return findings + roots.findings(wrong_nodes, tree.size)


_WRONG_NODE: Final = "this row is missing, or has another hash than the log gives"


class _Roots:
    """Compares the tree with what is known of it, in ascending order of sizes."""

    def __init__(self, known: Iterator[Known]) -> None:
        self._known = known
        self._next = next(known, None)
        self._agreed = 0
        # Of each source the smallest that differs, and the largest that is longer than the log.
        self._differing: dict[str, Known] = {}
        self._beyond: dict[str, Known] = {}

    def compare(self, tree: RunningTree) -> None:
        """Compare what is known of the present size."""
        while self._next is not None and self._next.size <= tree.size:
            if self._next.root == tree.root():
                self._agreed = tree.size
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
        found = []
        first = min((each.size for each in self._differing.values()), default=None)
        where = _narrowed(Difference(self._agreed, first), wrong_nodes)
        for each in self._differing.values():
            wrong = (
                f"the first {each.size:,} events have another root, so the log was changed. {where.sentence}"
            )
            found.append(Finding(f"checkpoint {each.size} ({each.source})", wrong.removesuffix(".")))
        for each in self._beyond.values():
            missing = f"the last {each.size - size:,} that were signed are missing"
            wrong = f"the log has only {size:,} events: {missing}"
            found.append(Finding(f"checkpoint {each.size} ({each.source})", wrong))
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


def _bodies(connection: Connection) -> Iterator[str]:
    """Yield the texts of the events in feed order, up to the first gap, which ``feed_check`` reports."""
    after = 0
    while page := fetch(connection, sql.TEXTS, after + 1, after + _PAGE):
        for position, body in page:
            if position != after + 1:
                return
            yield body
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
                    findings.append(Finding(f"checkpoint {size} (key {key.number})", wrong))
                else:
                    yield Known(size, root, f"key {key.number}")
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
