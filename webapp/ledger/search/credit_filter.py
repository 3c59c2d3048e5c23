"""The filter of a list of credits: search texts, registry, vintage, status and sort order."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Final

from webapp.domain.fields import VINTAGE_MAX, VINTAGE_MIN
from webapp.domain.lifecycle import COUNTED, Status
from webapp.domain.registry_names import RegistryNames
from webapp.ledger.search import conditions
from webapp.ledger.storage.derived_tables import FILTERED_FACTS as FACT_NAMES

__all__ = ["FACT_NAMES", "SORTS", "CreditFilter"]

# The columns of credit_states to sort by. Ties are sorted by age.
SORTS: Final = {
    "created": "created_position",
    "project": "project_key",
    "registry": "registry_key",
    "vintage": "vintage",
    "quantity": "quantity_e4",
    "status": "status",
}


@dataclass(frozen=True)
class CreditFilter:
    """The filter and order of a list of credits. Texts are compared in canonical form.

    See ``conditions`` for `q` and `serial`. `import_number` is that of an import that recorded an event of
    the credit. `names` are the names of registries at the moment of reading (see ``listing``).
    """

    q: str = ""
    registry: str = ""
    vintage: int | None = None
    status: Status | None = None
    serial: str = ""
    project_id: str = ""
    country: str = ""
    project_type: str = ""
    import_number: int | None = None
    sort: str = "created"
    descending: bool = True
    names: RegistryNames = field(default_factory=RegistryNames, compare=False)

    @cached_property
    def condition(self) -> conditions.AllOf | None:
        """The condition of the search, None without a search."""
        facts = tuple(conditions.Fact(name, value) for name, value in self._facts if value)
        number = self.import_number
        imports = () if number is None else (conditions.OfImport(number),)
        return conditions.condition_of(self.q, self.serial, self.status, self.names, (*facts, *imports))

    @property
    def _facts(self) -> list[tuple[str, str]]:
        return [(name, conditions.key_of(getattr(self, name))) for name in FACT_NAMES]

    @property
    def registry_key(self) -> str:
        """The canonical name of the registry; empty for all registries."""
        return conditions.key_of(self.registry)

    @property
    def registry_keys(self) -> tuple[str, ...]:
        """The canonical names of the registry, with its aliases; empty for all registries."""
        return self.names.group(self.registry_key) if self.registry_key else ()

    @property
    def year(self) -> int | None:
        """The vintage; 0 if it is out of range, because a database rejects numbers that are too large."""
        if self.vintage is None:
            return None
        return self.vintage if VINTAGE_MIN <= self.vintage <= VINTAGE_MAX else 0

    @property
    def statuses(self) -> tuple[Status, ...]:
        """The statuses in the list: the one filtered for, by default all counted ones."""
        return (self.status,) if self.status else COUNTED

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to order by. The last one is unique."""
        return tuple(dict.fromkeys((SORTS[self.sort], SORTS["created"])))

    @property
    def fingerprint(self) -> str:
        """A hash that is equal for filters with the same list in the same order. Part of cursors."""
        facts = [
            conditions.words_of(self.q),
            self.registry_key,
            self.year,
            self.status,
            conditions.key_of(self.serial),
            self._facts,
            self.import_number,
            self.sort,
            self.descending,
        ]
        return sha256(json.dumps(facts).encode()).hexdigest()[:12]
