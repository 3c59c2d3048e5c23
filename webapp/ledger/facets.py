"""Facets of a list of credits: what its filter could choose, each with the number of credits.

The number beside a value is that of the list if this facet had this value alone, and all other filters
stayed. Without a search, registries, vintages and statuses are counted in totals, and parties in their
index. A search is counted over a limited number of its candidates.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from webapp.domain.joined_names import PartyNames
from webapp.domain.lifecycle import Status
from webapp.ledger.listing import with_names
from webapp.ledger.projections.joined_names import party_names
from webapp.ledger.search import selection
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.search.index_merge import where_filtered
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import as_json, fetch

# The most candidates of a search that are read, and the most credits of one party that are counted.
CANDIDATES_MAX: Final = 3_000
PARTY_COUNT_MAX: Final = 1_000
# The parties on offer: so many of those that were named last.
PARTIES_MAX: Final = 20
_GROUP: Final = ("registry_key", "vintage", "status")
_ALL_STATUSES: Final = tuple(Status)


class Choice(NamedTuple):
    """A value of a facet with its number of credits. `is_all` is false if there may be more."""

    value: str
    credits: int
    is_all: bool = True


@dataclass(frozen=True)
class Facets:
    """The values of each facet that credits have: names as recorded, years, statuses."""

    registries: Sequence[Choice]
    vintages: Sequence[Choice]
    statuses: Sequence[Choice]
    parties: Sequence[Choice]


def facets_of(wanted: CreditFilter) -> Facets:
    """Return the facets of a list of credits."""
    with reading() as connection:
        known = with_names(connection, wanted)
        counted = _Counted(connection, known)
        names = {str(key): str(name) for key, name in fetch(connection, _REGISTRIES)}
        parties = _parties(connection, known, counted)
    by_registry = counted.by(0, lambda group: known.has_year(group[1]) and group[2] in known.statuses)
    by_vintage = counted.by(1, lambda group: known.has_registry(group[0]) and group[2] in known.statuses)
    by_status = counted.by(2, lambda group: known.has_registry(group[0]) and known.has_year(group[1]))

    def choice(value: str, credits: int) -> Choice:
        return Choice(value, credits, counted.is_all)

    return Facets(
        [choice(names[key], by_registry[key]) for key in sorted(by_registry)],
        [choice(str(year), by_vintage[year]) for year in sorted(by_vintage, reverse=True)],
        [choice(str(status), by_status[status]) for status in Status],
        parties,
    )


class _Counted:
    """The numbers of credits by registry, vintage and status of a filter without these three."""

    def __init__(self, connection: Connection, wanted: CreditFilter) -> None:
        of_all = replace(wanted, registries=(), vintage_from=None, vintage_to=None, statuses=_ALL_STATUSES)
        # A search is counted once for all facets, unless one of its parties is chosen.
        has_parties = bool(of_all.condition) and of_all.condition == replace(wanted, parties=()).condition
        columns = (*_GROUP, "party_key") if has_parties else _GROUP
        found, self.is_all = selection.groups_of(connection, of_all, columns, CANDIDATES_MAX)
        self._groups: Counter[tuple[str, int, str]] = Counter()
        self.parties: Counter[str] | None = Counter() if has_parties else None
        for (registry, year, status, *party), (credits, _) in found.items():
            group = (registry, int(year), status)
            self._groups[group] += credits
            if self.parties is not None and party[0] and wanted.has_group(*group):
                self.parties[party[0]] += credits

    def by(self, place: int, is_counted: Callable[[tuple[str, int, str]], bool]) -> Counter[Any]:
        """Return the numbers by one part of the groups, over those that are counted."""
        numbers: Counter[Any] = Counter()
        for group, credits in self._groups.items():
            if is_counted(group):
                numbers[group[place]] += credits
        return numbers


def _parties(connection: Connection, wanted: CreditFilter, searched: _Counted) -> list[Choice]:
    """Return parties of the list by their main names, those with most credits first, with the chosen ones."""
    names, others = party_names(connection), replace(wanted, parties=())
    if searched.parties is not None:
        counted = {key: (credits, searched.is_all) for key, credits in searched.parties.items()}
    elif others.condition is None:
        counted = _of_recent(connection, others, [*wanted.party_keys], names)
    else:
        groups, is_all = selection.groups_of(connection, others, ("party_key",), CANDIDATES_MAX)
        counted = {key: (credits, is_all) for (key,), (credits, _) in groups.items() if key}
    together: dict[str, tuple[int, bool]] = {names.key(key): (0, True) for key in wanted.party_keys}
    chosen = set(together)
    for key, (credits, is_all) in counted.items():
        before, was_all = together.get(names.key(key), (0, True))
        together[names.key(key)] = (before + credits, was_all and is_all)
    ordered = sorted(together.items(), key=lambda item: (item[0] not in chosen, -item[1][0], item[0]))
    shown = ordered[: max(PARTIES_MAX, len(chosen))]
    spelling = _names_of(connection, [key for key, _ in shown])
    by_number = sorted(shown, key=lambda item: (-item[1][0], item[0]))
    return [Choice(spelling.get(key, key), credits, is_all) for key, (credits, is_all) in by_number]


def _of_recent(
    connection: Connection, others: CreditFilter, chosen: Sequence[str], names: PartyNames
) -> dict[str, tuple[int, bool]]:
    """Return the numbers of credits by name of the parties that were named last, and of the chosen ones."""
    where = where_filtered(others, "credit_states")
    indexed = " INDEXED BY ix_credit_states_party_key" if connection.dialect.name == "sqlite" else ""
    text = (
        f"SELECT count(*) FROM (SELECT 1 FROM credit_states{indexed}"
        f" WHERE party_key = ? AND {where.text} LIMIT ?) AS few"
    )
    recent = [key for key, _ in fetch(connection, _RECENT, PARTIES_MAX, PARTIES_MAX)]
    counted = {}
    for key in dict.fromkeys(each for name in (*chosen, *recent) for each in names.group(name)):
        ((credits,),) = fetch(connection, text, key, *where.parameters, PARTY_COUNT_MAX + 1)
        if credits:
            counted[key] = (min(credits, PARTY_COUNT_MAX), credits <= PARTY_COUNT_MAX)
    return counted


def _names_of(connection: Connection, keys: Sequence[str]) -> Mapping[str, str]:
    """Return the latest spelling of the names of parties, by their canonical names."""
    return {str(key): str(name) for key, name in fetch(connection, _NAMES, as_json(keys))}


_REGISTRIES: Final = "SELECT registry_key, name FROM registries"
_RECENT_OF: Final = (
    "SELECT * FROM (SELECT name_key, last_position FROM parties WHERE role = '{}'"
    " ORDER BY last_position DESC LIMIT ?) AS of_role"
)
_RECENT: Final = " UNION ALL ".join(_RECENT_OF.format(role) for role in ("SOLD", "RETIRED"))
_NAMED: Final = "SELECT name_key, name FROM parties WHERE name_key"
_NAMES: Final = {
    "sqlite": f"{_NAMED} IN (SELECT value FROM json_each(?)) ORDER BY last_position",
    "postgresql": f"{_NAMED} = ANY (ARRAY(SELECT jsonb_array_elements_text(?::jsonb)))"
    " ORDER BY last_position",
}
