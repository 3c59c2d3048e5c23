"""The projects of credits: what stands in each, as of two cuts, and what its credits say of it."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from webapp.domain.errors import UnknownCredit, UnknownProject
from webapp.domain.lifecycle import STATUS_AFTER, EventType, Status
from webapp.domain.text import canonical
from webapp.ledger import queries
from webapp.ledger.as_of import Amount, Cut, Where, balances
from webapp.ledger.project_keys import ProjectKey, ProjectNames, project_names
from webapp.ledger.projections.joined_names import registry_names_at
from webapp.ledger.storage import project_sql
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import fetch
from webapp.ledger.summaries import StatusSums, Sum

Key = TypeVar("Key", bound=Hashable)

# The facts of credits that are those of their project.
PROJECT_FACTS: Final = (
    "programme",
    "country",
    "project_type",
    "methodology",
    "activity",
    "removal_kind",
    "durability",
    "developer",
)
# How many credits of a project are read for its facts.
_READ: Final = 5


@dataclass(frozen=True)
class ProjectSums:
    """A project by its key, with the tonnes in it by status."""

    key: ProjectKey
    sums: StatusSums


@dataclass(frozen=True)
class ProjectView:
    """One project: its names, what its latest credits say of it, and its tonnes by vintage, newest first.

    `facts` has the different texts of each fact by its name.
    """

    names: ProjectNames
    facts: Mapping[str, Sequence[str]]
    sums: StatusSums
    vintages: Sequence[StatusSums]
    where: Where


def list_projects(cut: Cut, q: str = "") -> list[ProjectSums]:
    """Return the projects that have any tonnes, those with the most available tonnes first.

    Of `q`, each word must occur in the name, the id or the registry of the project.
    """
    found = balances(cut, ("registry", "project", "project_id", "type"))
    with reading() as connection:
        registries = registry_names_at(connection, cut.position)
    words = canonical(q).split()
    kept = [amount for amount in found if all(_has(amount, word) for word in words)]
    sums = _by_status(
        (ProjectKey.of(registries, *map(str, amount.of[:3])), str(amount.of[3]), amount) for amount in kept
    )
    projects = [ProjectSums(key, of) for key, of in sums.items()]
    return sorted(
        projects, key=lambda each: (-each.sums["ACTIVE"].quantity_e4, -each.sums.all.quantity_e4, each.key)
    )


def names_of(cut: Cut, keys: Iterable[ProjectKey]) -> dict[ProjectKey, ProjectNames]:
    """Return how these projects were recorded."""
    with reading() as connection:
        registries = registry_names_at(connection, cut.position)
    return project_names(registries, keys)


def project(cut: Cut, registry: str, project_id: str = "", name: str = "") -> ProjectView:
    """Return the project with this id in the registry, or with this name where no id is recorded.

    The texts may have any spelling. Raises UnknownProject.
    """
    with reading() as connection:
        registries = registry_names_at(connection, cut.position)
        key = ProjectKey.of(registries, canonical(registry), canonical(name), canonical(project_id))
        where = key.where
        known = project_names(registries, [key]).get(key)
        if known is None or not (key.id or key.name):
            raise UnknownProject
        facts = _facts(cut, where)
    found = balances(cut, ("vintage", "type"), where)
    vintages = _by_status((str(amount.of[0]), str(amount.of[1]), amount) for amount in found)
    return ProjectView(
        known,
        facts,
        _by_status(("", str(amount.of[1]), amount) for amount in found).get("", StatusSums("", {})),
        [vintages[vintage] for vintage in sorted(vintages, reverse=True)],
        where,
    )


def ids_of_name(cut: Cut, registry: str, name: str) -> list[ProjectNames]:
    """Return the projects with an id that have this name in the registry, compared in canonical form."""
    with reading() as connection:
        registries = registry_names_at(connection, cut.position)
        rows = fetch(connection, project_sql.IDS_OF_NAME, canonical(name))
    own = registries.key(canonical(registry))
    keys = {ProjectKey.of(registries, each, "", project_id) for each, project_id in rows}
    known = project_names(registries, {key for key in keys if key.registry == own})
    return [known[key] for key in sorted(known)]


def _facts(cut: Cut, where: Where) -> dict[str, list[str]]:
    """Return what some of the latest credits of a project say of it, as known at the cut."""
    condition, parameters = where.condition(cut)
    with reading() as connection:
        rows = fetch(connection, project_sql.EXAMPLES.format(condition), *parameters, _READ)
        found: dict[str, dict[str, None]] = {}
        for (digest,) in rows:
            try:
                facts = queries.read_record(connection, bytes(digest).hex(), cut.position).facts
            except UnknownCredit:
                continue  # recorded after the cut
            for name in PROJECT_FACTS:
                if facts.get(name):
                    found.setdefault(name, {})[facts[name]] = None
    return {name: list(texts) for name, texts in found.items()}


def _by_status(amounts: Iterable[tuple[Key, str, Amount]]) -> dict[Key, StatusSums]:
    """Add amounts up by key and by the status that the type of event gave."""
    found: dict[Key, dict[Status, Sum]] = {}
    for key, event_type, amount in amounts:
        own, status = found.setdefault(key, {}), STATUS_AFTER[EventType(event_type)]
        own[status] = own.get(status, Sum()) + Sum(amount.credits, amount.quantity_e4)
    return {key: StatusSums(str(key), sums) for key, sums in found.items()}


def _has(amount: Amount, word: str) -> bool:
    return any(word in str(text) for text in amount.of[:3])
