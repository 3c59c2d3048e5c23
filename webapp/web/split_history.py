"""The split history on the page of a credit: the whole tree, or an excerpt of a large one."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from webapp.domain.lifecycle import HOLDING
from webapp.ledger.views import CreditView, SplitNode, SplitTree

SHOWN_MAX: Final = 60
# In an excerpt: the number of credits with tonnes, and of ancestors including the root.
LEAVES_MAX: Final = 100
ANCESTORS_MAX: Final = 6


@dataclass(frozen=True)
class TreeExcerpt:
    """The nodes that a page shows, in the order of the tree.

    `left_out` is the number of other nodes, `leaves_left_out` the number of those that hold tonnes.
    `is_cut` says that the tree has more nodes, which were not read.
    """

    nodes: Sequence[SplitNode]
    left_out: int
    leaves_left_out: int
    is_cut: bool

    @property
    def is_whole(self) -> bool:
        """Whether the excerpt is the whole tree."""
        return not (self.left_out or self.is_cut)


def around(tree: SplitTree, credit_id: str) -> TreeExcerpt:
    """Return the excerpt for the page of this credit.

    Of a large tree it has the credit's ancestors, siblings and lots, and up to LEAVES_MAX credits that
    hold tonnes: active ones first, then sold, retired and withdrawn ones.
    """
    if tree.is_whole and len(tree.nodes) <= SHOWN_MAX:
        return TreeExcerpt(tree.nodes, left_out=0, leaves_left_out=0, is_cut=False)
    ancestors = _ancestors(tree, credit_id)
    near = set(ancestors[:2])
    holding = [node for node in tree.nodes if node.credit.status in HOLDING]
    holding.sort(key=lambda node: HOLDING.index(node.credit.status))
    wanted = {node.credit.id for node in holding[:LEAVES_MAX]}
    is_deep = len(ancestors) > ANCESTORS_MAX
    wanted.update([*ancestors[: ANCESTORS_MAX - 1], ancestors[-1]] if is_deep else ancestors)
    shown = [node for node in tree.nodes if node.credit.id in wanted or node.origin.parent in near]
    leaves_shown = sum(node.credit.status in HOLDING for node in shown)
    return TreeExcerpt(
        shown,
        left_out=len(tree.nodes) - len(shown),
        leaves_left_out=len(holding) - leaves_shown,
        is_cut=not tree.is_whole,
    )


def _ancestors(tree: SplitTree, credit_id: str) -> list[str]:
    """Return the ids of the credit and its ancestors, up to the root."""
    parents = {node.credit.id: node.origin.parent for node in tree.nodes}
    found: list[str] = []
    current: str | None = credit_id
    while current in parents:
        found.append(current)
        current = parents[current]
    return found


def leaves(tree: SplitTree, credit_id: str) -> list[CreditView]:
    """Return the descendants of a split credit that hold its tonnes."""
    start = next((n for n, node in enumerate(tree.nodes) if node.credit.id == credit_id), None)
    if start is None:
        return []
    depth = tree.nodes[start].depth
    below = takewhile(lambda node: node.depth > depth, tree.nodes[start + 1 :])
    return [node.credit for node in below if node.credit.status in HOLDING]
