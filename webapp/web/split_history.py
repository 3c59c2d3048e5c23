"""Families as pages show them: whole where they are small, else the part around one credit."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from webapp.domain.lifecycle import COUNTED
from webapp.ledger.views import CreditView, Family, Member

SHOWN_MAX: Final = 60
# Of a large family: of the credits with its tonnes so many, and those nearest above, with the root.
LEAVES_MAX: Final = 100
ABOVE_MAX: Final = 6


@dataclass(frozen=True)
class Branch:
    """The members that a page shows, in the order of the tree.

    `left_out` is the number of the others, and `leaves_left_out` how many of these hold tonnes.
    `is_cut` says that there are more still, which were not even read.
    """

    members: Sequence[Member]
    left_out: int
    leaves_left_out: int
    is_cut: bool

    @property
    def is_whole(self) -> bool:
        """Whether these are all."""
        return not (self.left_out or self.is_cut)


def around(family: Family, credit_id: str) -> Branch:
    """Return what is shown on the page of this credit.

    Of a large family these are the credits it came from, its siblings, the lots it was split into,
    and the credits that hold the tonnes now, of very many rather those that can still be acted on.
    """
    if family.is_whole and len(family.members) <= SHOWN_MAX:
        return Branch(family.members, left_out=0, leaves_left_out=0, is_cut=False)
    above = _above(family, credit_id)
    near = set(above[:2])
    holding = [member for member in family.members if member.credit.status in COUNTED]
    holding.sort(key=lambda member: COUNTED.index(member.credit.status))
    wanted = {member.credit.id for member in holding[:LEAVES_MAX]}
    wanted.update(above if len(above) <= ABOVE_MAX else [*above[: ABOVE_MAX - 1], above[-1]])
    shown = [m for m in family.members if m.credit.id in wanted or m.origin.parent in near]
    leaves_shown = sum(member.credit.status in COUNTED for member in shown)
    return Branch(
        shown,
        left_out=len(family.members) - len(shown),
        leaves_left_out=len(holding) - leaves_shown,
        is_cut=not family.is_whole,
    )


def _above(family: Family, credit_id: str) -> list[str]:
    """Return the credit and those it came from, up to the root."""
    parents = {member.credit.id: member.origin.parent for member in family.members}
    above: list[str] = []
    upwards: str | None = credit_id
    while upwards in parents:
        above.append(upwards)
        upwards = parents[upwards]
    return above


def leaves(family: Family, credit_id: str) -> list[CreditView]:
    """Return the lots, or lots of lots, that hold the tonnes of a split credit now."""
    start = next((n for n, member in enumerate(family.members) if member.credit.id == credit_id), None)
    if start is None:
        return []
    depth = family.members[start].depth
    below = takewhile(lambda member: member.depth > depth, family.members[start + 1 :])
    return [member.credit for member in below if member.credit.status in COUNTED]
