"""What a project is: its id in its registry, or its name there where no id is recorded.

Tables keep the canonical forms. `project_names` finds how they were recorded.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from webapp.domain.facts import facts_in
from webapp.domain.registry_names import RegistryNames
from webapp.domain.text import canonical
from webapp.ledger.as_of import Where
from webapp.ledger.event_log import parse_stored
from webapp.ledger.storage import project_sql
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import as_json, fetch


class ProjectKey(NamedTuple):
    """A project in canonical form: the main name of its registry, and its id, or its name if it has no id."""

    registry: str
    id: str
    name: str

    @classmethod
    def of(cls, registries: RegistryNames, registry: str, name: str, project_id: str) -> "ProjectKey":
        """Return the key of a project from the names of registry and project, and an id or an empty text."""
        return cls(registries.key(registry), project_id, "" if project_id else name)

    @property
    def where(self) -> Where:
        """Return which tonnes are those of the project."""
        projects = (self.name,) if self.name else ()
        return Where(registries=(self.registry,), projects=projects, project_ids=(self.id,))


@dataclass(frozen=True)
class ProjectNames:
    """A project as recorded: the names of its registry and of itself, and its id or an empty text."""

    key: ProjectKey
    registry: str
    names: tuple[str, ...]
    id: str

    @property
    def name(self) -> str:
        """The name that was recorded first."""
        return self.names[0]


def project_names(registries: RegistryNames, keys: Iterable[ProjectKey]) -> dict[ProjectKey, ProjectNames]:
    """Return how these projects were recorded, of those that have a credit."""
    wanted = set(keys)
    ids, names = ({getattr(key, part) for key in wanted} - {""} for part in ("id", "name"))
    with reading() as connection:
        texts = dict(map(tuple, fetch(connection, project_sql.REGISTRIES)))
        rows = fetch(connection, project_sql.NAMES, as_json(sorted(ids)), as_json(sorted(names)))
    found: dict[ProjectKey, ProjectNames] = {}
    for registry, project, project_id, name, body in rows:
        key = ProjectKey.of(registries, registry, project, project_id)
        if key not in wanted:
            continue
        stated = facts_in(parse_stored(body).data).get("project_id", "")
        # An amendment may have restated the id since; ids of registries are written in capitals.
        shown = stated if canonical(stated) == project_id else project_id.upper()
        before = found[key].names if key in found else ()
        others = {canonical(other) for other in before}
        known = before if canonical(name) in others else (*before, name)
        found[key] = ProjectNames(key, texts.get(key.registry, key.registry), known, shown)
    return found
