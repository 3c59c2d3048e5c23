"""The filter of a list of credits: search texts, registry, vintage, status and sort order."""

import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Final

from webapp.domain.fields import VINTAGE_MAX, VINTAGE_MIN
from webapp.domain.lifecycle import COUNTED, Status
from webapp.ledger.search import conditions

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

    See ``conditions`` for `q` and `serial`.
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
        """The condition of the search, None without a search."""
        return conditions.condition_of(self.q, self.serial, self.status)

    @property
    def registry_key(self) -> str:
        """The canonical name of the registry; empty for all registries."""
        return conditions.key_of(self.registry)

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
            self.sort,
            self.descending,
        ]
        return sha256(json.dumps(facts).encode()).hexdigest()[:12]
