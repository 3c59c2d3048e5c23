"""Families as pages show them: whole where they are small, else the part around one credit."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from webapp.domain.lifecycle import COUNTED
from webapp.ledger.queries import CreditView, Family, Member

SHOWN_MAX: Final = 60


@dataclass(frozen=True)
class Branch:
    """The members that a page shows, in the order of the tree, and whether there are others."""

    members: Sequence[Member]
    is_whole: bool


def around(family: Family, credit_id: str) -> Branch:
    """Return what is shown on the page of this credit.

    Of a large family these are the credits it came from, its siblings and the lots it was split into.
    """
    members = {member.credit.id: member for member in family.members}
    if family.is_whole and len(members) <= SHOWN_MAX:
        return Branch(family.members, is_whole=True)
    above: list[str] = []
    upwards: str | None = credit_id
    while upwards in members:
        above.append(upwards)
        upwards = members[upwards].origin.parent
    near = set(above[:2])
    shown = [m for m in family.members if m.credit.id in above or m.origin.parent in near]
    return Branch(shown, is_whole=False)


def leaves(family: Family, credit_id: str) -> list[CreditView]:
    """Return the lots, or lots of lots, that hold the tonnes of a split credit now."""
    start = next((n for n, member in enumerate(family.members) if member.credit.id == credit_id), None)
    if start is None:
        return []
    depth = family.members[start].depth
    below = takewhile(lambda member: member.depth > depth, family.members[start + 1 :])
    return [member.credit for member in below if member.credit.status in COUNTED]
