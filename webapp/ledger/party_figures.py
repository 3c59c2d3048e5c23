"""What was sold to parties and retired for them, as of two cuts (``as_of``).

A party has the sums of all names that were joined to it at the cut's position.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from sqlalchemy import Connection

from webapp.domain.entry import PARTY, PARTY_NAME
from webapp.domain.errors import UnknownParty
from webapp.domain.joined_names import PARTIES, PartyNames
from webapp.domain.lifecycle import EventType
from webapp.domain.text import canonical
from webapp.ledger.as_of import Cut, Dimension, Where, movements
from webapp.ledger.parties import spellings
from webapp.ledger.project_keys import ProjectKey, ProjectNames, project_names
from webapp.ledger.projections.joined_names import (
    name_entries,
    party_names_at,
    registry_names_at,
)
from webapp.ledger.storage import party_sql
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import fetch
from webapp.ledger.summaries import Sum

Key = TypeVar("Key", bound=Hashable)

# The events that name a party, or that reverse one that does.
FLOWS: Final = (EventType.RETIRED, EventType.SOLD, EventType.SALE_REVERSED)


@dataclass(frozen=True)
class Flow:
    """What was retired for a party, what was sold to it, and which of these sales were reversed."""

    by_type: Mapping[EventType, Sum] = field(default_factory=dict)

    def __getitem__(self, event_type: str) -> Sum:
        """Return the sum of a type of event, by default zero."""
        return self.by_type.get(EventType(event_type), Sum())

    def __add__(self, other: "Flow") -> "Flow":
        """Return the sum of both."""
        types = {**self.by_type, **other.by_type}
        return Flow({event_type: self[event_type] + other[event_type] for event_type in types})

    @property
    def all_e4(self) -> int:
        """All of it together, by which parties are ordered; it counts a tonne more than once."""
        return sum(sum_.quantity_e4 for sum_ in self.by_type.values())


@dataclass(frozen=True)
class PartySums:
    """A party by its main name as recorded, its other names, and its flow over all days."""

    name: str
    aliases: Sequence[str]
    flow: Flow


class Join(NamedTuple):
    """Another name of a party, with who joined it and when."""

    name: str
    actor: str
    recorded_at: str


@dataclass(frozen=True)
class PartyView:
    """The figures of one party: years newest first, registries by name, projects with the most tonnes first.

    `where` says which tonnes are its own.
    """

    name: str
    joins: Sequence[Join]
    flow: Flow
    by_year: Sequence[tuple[str, Flow]]
    by_registry: Sequence[tuple[str, Flow]]
    by_project: Sequence[tuple[ProjectNames, Flow]]
    where: Where


def list_parties(cut: Cut, q: str = "") -> list[PartySums]:
    """Return the parties with any figures, those with the most tonnes first.

    Of `q`, each word must occur in a name of the party.
    """
    found = _moved(cut, ("party", "type"), Where(types=FLOWS))
    with reading() as connection:
        names = party_names_at(connection, cut.position)
        spelling = dict(map(tuple, fetch(connection, party_sql.ALL_SPELLINGS)))
    flows = _folded((key, flow) for (key, _), flow in found if key)
    words = canonical(q).split()
    parties = [
        PartySums(spelling[key], [spelling[alias] for alias in names.group(key)[1:]], flow)
        for key, flow in flows.items()
        if all(any(word in name for name in names.group(key)) for word in words)
    ]
    return sorted(parties, key=lambda party: (-party.flow.all_e4, canonical(party.name)))


def party(cut: Cut, name: str) -> PartyView:
    """Return the party with this name, compared in canonical form. Raises UnknownParty."""
    with reading() as connection:
        names = party_names_at(connection, cut.position)
        registries = registry_names_at(connection, cut.position)
        keys = names.group(canonical(name))
        spelling = spellings(connection, keys)
        if keys[0] not in spelling:
            raise UnknownParty
        joins = _joins(connection, names, keys[0], cut.position)
    where = Where(parties=keys[:1], types=FLOWS)
    by_year = _folded((of[0], flow) for of, flow in _moved(cut, ("year", "type"), where))
    by_project = _folded(
        (ProjectKey.of(registries, registry, project, project_id), flow)
        for (registry, project, project_id, _), flow in _moved(
            cut, ("registry", "project", "project_id", "type"), where
        )
    )
    known = project_names(registries, by_project)
    by_registry = _folded((known[key].registry, flow) for key, flow in by_project.items())
    return PartyView(
        spelling[keys[0]],
        joins,
        sum(by_year.values(), Flow()),
        sorted(by_year.items(), reverse=True),
        sorted(by_registry.items()),
        sorted(((known[key], flow) for key, flow in by_project.items()), key=_by_tonnes),
        where,
    )


def _by_tonnes(row: tuple[ProjectNames, Flow]) -> tuple[object, ...]:
    project, flow = row
    return -flow.all_e4, canonical(project.name), project.key


def _moved(cut: Cut, by: Sequence[Dimension], where: Where) -> Iterator[tuple[tuple[str, ...], Flow]]:
    """Yield each movement as a flow, with its dimensions; the last of these is `type`."""
    for of, credits, quantity_e4 in movements(cut, by, where):
        *_, event_type = texts = tuple(map(str, of))
        yield texts, Flow({EventType(event_type): Sum(credits, quantity_e4)})


def _folded(rows: Iterable[tuple[Key, Flow]]) -> dict[Key, Flow]:
    """Add the flows of each key up."""
    found: dict[Key, Flow] = {}
    for key, flow in rows:
        found[key] = found.get(key, Flow()) + flow
    return found


def _joins(connection: Connection, names: PartyNames, main: str, position: int) -> list[Join]:
    """Return the other names of a party, with the entries that joined them last."""
    entries = {
        canonical(entry.data[PARTY_NAME.name]): entry
        for _, entry in name_entries(connection, PARTIES, position, f"{PARTY}{main}")
        if entry.type is PARTIES.joins
    }
    return [
        Join(entries[alias].data[PARTY_NAME.name], entries[alias].actor, entries[alias].recorded_at)
        for alias in names.group(main)[1:]
    ]
