"""Pairs of names that are probably one party's: proposed to a person, who joins or dismisses them.

Nothing is stored but what was dismissed (``storage.party_tables``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select

from webapp.domain.entry import PARTY_NAME
from webapp.domain.event import time_text
from webapp.domain.fields import parse_fields
from webapp.domain.joined_names import PartyNames
from webapp.domain.lifecycle import EventType
from webapp.domain.similar_names import SimilarNames, similar_names
from webapp.domain.text import canonical
from webapp.ledger import clock
from webapp.ledger.as_of import Cut, Where, movements
from webapp.ledger.group_commit import transact
from webapp.ledger.parties import MAIN_NAME
from webapp.ledger.projections.joined_names import party_names
from webapp.ledger.storage import party_sql
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.party_tables import dismissed_pairs
from webapp.ledger.storage.statements import fetch, send


@dataclass(frozen=True)
class ProposedPair:
    """Two parties by their main names, each with all that was sold to it or retired for it.

    `joined_to` are the ways in which they can be joined: the main name that stays and the name that becomes
    its alias. A party that has aliases itself cannot become one. Quantities are ten-thousandths of a tonne.
    """

    one: str
    one_e4: int
    other: str
    other_e4: int
    joined_to: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Proposals:
    """The pairs that are proposed, and those that were dismissed, each as two names."""

    pairs: Sequence[ProposedPair]
    dismissed: Sequence[SimilarNames]


def proposals(cut: Cut) -> Proposals:
    """Return the pairs of parties that are probably one, of those with any tonnes, in order of their names.

    The cost grows with the number of names, not with its square (``domain.similar_names``).
    """
    tonnes = {
        str(amount.of[0]): amount.quantity_e4
        for amount in movements(cut, ["party"], Where(types=(EventType.SOLD, EventType.RETIRED)))
    }
    with reading() as connection:
        spelling = dict(map(tuple, fetch(connection, party_sql.ALL_SPELLINGS)))
        names = party_names(connection)
        dismissed = {
            (row.one_key, row.other_key)
            for row in connection.execute(select(dismissed_pairs.c.one_key, dismissed_pairs.c.other_key))
        }
    found: dict[tuple[str, str], ProposedPair] = {}
    for one, other in similar_names(tuple(spelling)):
        pair = _in_order(names.key(one), names.key(other))
        ways = _ways(names, *pair)
        if pair[0] != pair[1] and pair not in dismissed and ways and set(pair) <= tonnes.keys():
            texts = [(spelling[main], spelling[alias]) for main, alias in ways]
            one_key, other_key = pair
            found[pair] = ProposedPair(
                spelling[one_key], tonnes[one_key], spelling[other_key], tonnes[other_key], texts
            )
    known = [pair for pair in sorted(dismissed) if set(pair) <= spelling.keys()]
    return Proposals(
        list(found.values()), [SimilarNames(spelling[one], spelling[other]) for one, other in known]
    )


def dismiss_pair(values: Mapping[str, object], actor: str) -> None:
    """Stop proposing that `party` and `name` are one party. Raises InvalidFields."""
    row = (*_parse(values), actor, time_text(clock.now()))
    transact(lambda connection: send(connection, party_sql.DISMISS, [row]))


def propose_pair(values: Mapping[str, object]) -> None:
    """Propose these two names again, if they are similar. Raises InvalidFields."""
    one, other = _parse(values)
    is_pair = (dismissed_pairs.c.one_key == one) & (dismissed_pairs.c.other_key == other)
    transact(lambda connection: connection.execute(delete(dismissed_pairs).where(is_pair)))


def _parse(values: Mapping[str, object]) -> tuple[str, str]:
    stated = parse_fields((MAIN_NAME, PARTY_NAME), values)
    return _in_order(*(canonical(str(stated[field.name])) for field in (MAIN_NAME, PARTY_NAME)))


def _in_order(one: str, other: str) -> tuple[str, str]:
    return min(one, other), max(one, other)


def _ways(names: PartyNames, one: str, other: str) -> list[tuple[str, str]]:
    return [
        (main, alias)
        for main, alias in ((one, other), (other, one))
        if main != alias and len(names.group(alias)) == 1
    ]
