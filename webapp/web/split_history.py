"""Families as pages show them: whole where they are small, else the part around one credit."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from webapp.domain.lifecycle import COUNTED
from webapp.ledger.views import CreditView, SplitNode, SplitTree

SHOWN_MAX: Final = 60
# Of a large family: of the credits with its tonnes so many, and those nearest above, with the root.
LEAVES_MAX: Final = 100
ABOVE_MAX: Final = 6


@dataclass(frozen=True)
class TreeExcerpt:
    """The members that a page shows, in the order of the tree.

    `left_out` is the number of the others, and `leaves_left_out` how many of these hold tonnes.
    `is_cut` says that there are more still, which were not even read.
    """

    nodes: Sequence[SplitNode]
    left_out: int
    leaves_left_out: int
    is_cut: bool

    @property
    def is_whole(self) -> bool:
        """Whether these are all."""
        return not (self.left_out or self.is_cut)


def around(tree: SplitTree, credit_id: str) -> TreeExcerpt:
    """Return what is shown on the page of this credit.

    Of a large family these are the credits it came from, its siblings, the lots it was split into,
    and the credits that hold the tonnes now, of very many rather those that can still be acted on.
    """
    if tree.is_whole and len(tree.nodes) <= SHOWN_MAX:
        return TreeExcerpt(tree.nodes, left_out=0, leaves_left_out=0, is_cut=False)
    above = _above(tree, credit_id)
    near = set(above[:2])
    holding = [node for node in tree.nodes if node.credit.status in COUNTED]
    holding.sort(key=lambda node: COUNTED.index(node.credit.status))
    wanted = {node.credit.id for node in holding[:LEAVES_MAX]}
    wanted.update(above if len(above) <= ABOVE_MAX else [*above[: ABOVE_MAX - 1], above[-1]])
    shown = [m for m in tree.nodes if m.credit.id in wanted or m.origin.parent in near]
    leaves_shown = sum(node.credit.status in COUNTED for node in shown)
    return TreeExcerpt(
        shown,
        left_out=len(tree.nodes) - len(shown),
        leaves_left_out=len(holding) - leaves_shown,
        is_cut=not tree.is_whole,
    )


def _above(tree: SplitTree, credit_id: str) -> list[str]:
    """Return the credit and those it came from, up to the root."""
    parents = {node.credit.id: node.origin.parent for node in tree.nodes}
    above: list[str] = []
    upwards: str | None = credit_id
    while upwards in parents:
        above.append(upwards)
        upwards = parents[upwards]
    return above


def leaves(tree: SplitTree, credit_id: str) -> list[CreditView]:
    """Return the lots, or lots of lots, that hold the tonnes of a split credit now."""
    start = next((n for n, node in enumerate(tree.nodes) if node.credit.id == credit_id), None)
    if start is None:
        return []
    depth = tree.nodes[start].depth
    below = takewhile(lambda node: node.depth > depth, tree.nodes[start + 1 :])
    return [node.credit for node in below if node.credit.status in COUNTED]
