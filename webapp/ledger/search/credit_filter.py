"""Which credits a list shows, and in which order."""

import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Final

from webapp.domain.fields import VINTAGE_MAX, VINTAGE_MIN
from webapp.domain.lifecycle import COUNTED, Status
from webapp.ledger.search import conditions

# The column of credit_states by which a list is sorted; credits that are equal in it are sorted by age.
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
    """Which credits a list shows, and in which order; every text matches in any spelling.

    What `q` and `serial` find is said in ``conditions``.
    """

    q: str = ""
    registry: str = ""
    vintage: int | None = None
    status: Status | None = None
    serial: str = ""
    sort: str = "created"
    descending: bool = True

    @cached_property
    def condition(self) -> conditions.AllOf | None:
        """What the search asks of a credit, None where nothing is searched for."""
        return conditions.condition_of(self.q, self.serial, self.status)

    @property
    def registry_key(self) -> str:
        """The canonical name of the registry, empty for all."""
        return conditions.key_of(self.registry)

    @property
    def year(self) -> int | None:
        """The vintage, 0 for one that no credit has: a database fails at numbers it cannot hold."""
        if self.vintage is None:
            return None
        return self.vintage if VINTAGE_MIN <= self.vintage <= VINTAGE_MAX else 0

    @property
    def statuses(self) -> tuple[Status, ...]:
        """The statuses of the credits in the list: those that are counted, unless one is asked for."""
        return (self.status,) if self.status else COUNTED

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns by which the list is ordered; the last of them is unique."""
        return tuple(dict.fromkeys((SORTS[self.sort], SORTS["created"])))

    @property
    def fingerprint(self) -> str:
        """The same for filters that show the same list in the same order."""
        facts = [
            conditions.words_of(self.q),
            self.registry_key,
            self.year,
            self.status,
            conditions.key_of(self.serial),
            self.sort,
            self.descending,
        ]
        return sha256(json.dumps(facts).encode()).hexdigest()[:12]
