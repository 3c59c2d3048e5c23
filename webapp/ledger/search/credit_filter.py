"""The filter of a list of credits: search texts, facets, ranges and sort order."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Final

from webapp.domain.fields import VINTAGE_MAX, VINTAGE_MIN
from webapp.domain.joined_names import PartyNames
from webapp.domain.lifecycle import COUNTED, Status
from webapp.domain.registry_names import RegistryNames
from webapp.ledger.search import conditions
from webapp.ledger.storage.projection_tables import FILTERED_FACTS as FACT_NAMES

__all__ = ["ALL", "CURRENT", "FACT_NAMES", "SORTS", "STATUS_WORDS", "CreditFilter"]

# The columns of credit_states to sort by. Ties are sorted by age.
SORTS: Final = {
    "created": "created_position",
    "project": "project_key",
    "registry": "registry_key",
    "vintage": "vintage",
    "quantity": "quantity_e4",
    "status": "status",
}
# The last moment of a day in the texts of times, of which the last begins with T23.
_DAY_END: Final = "T24"
# What filters say of the status, with the statuses that they mean.
CURRENT: Final = "CURRENT"
ALL: Final = "ALL"
STATUS_WORDS: Final[Mapping[str, tuple[Status, ...]]] = {
    CURRENT: COUNTED,
    **{str(status): (status,) for status in Status},
    ALL: tuple(Status),
}
_NUMBER_MAX: Final = 2**62
_TEXT_MAX: Final = "~"


@dataclass(frozen=True)
class CreditFilter:
    """The filter and order of a list of credits. Texts are compared in canonical form.

    Of several `registries`, `statuses` or `parties`, a credit has one; an empty tuple of registries or
    parties allows any. A party is the buyer of a SOLD credit or the beneficiary of a RETIRED one. Ranges
    include both ends, and None or "" leaves an end open: vintages, quantities in ten-thousandths of a tonne,
    the day on which a credit was sold, retired or withdrawn (`happened`), and the day (UTC) on which it was
    recorded, each as `YYYY-MM-DD`.

    See ``conditions`` for `q` and `serial`, and ``narrowing`` for `found`: conditions that are read in place
    of those of the search. `import_number` is that of an import that recorded an event of the credit. `names`
    and `party_names` are those joined at the moment of reading (see ``listing``).
    """

    q: str = ""
    registries: tuple[str, ...] = ()
    vintage_from: int | None = None
    vintage_to: int | None = None
    statuses: tuple[Status, ...] = COUNTED
    parties: tuple[str, ...] = ()
    serial: str = ""
    project_id: str = ""
    country: str = ""
    project_type: str = ""
    quantity_from_e4: int | None = None
    quantity_to_e4: int | None = None
    happened_from: str = ""
    happened_to: str = ""
    recorded_from: str = ""
    recorded_to: str = ""
    import_number: int | None = None
    sort: str = "created"
    descending: bool = True
    names: RegistryNames = field(default_factory=RegistryNames, compare=False)
    party_names: PartyNames = field(default_factory=PartyNames, compare=False)
    found: Mapping[conditions.AllOf, conditions.AllOf] = field(default_factory=dict, compare=False)

    @cached_property
    def condition(self) -> conditions.AllOf | None:
        """The condition beside registries, vintages and statuses; None without one."""
        facts = tuple(conditions.Fact(name, value) for name, value in self._facts if value)
        number = self.import_number
        imports = () if number is None else (conditions.OfImport(number),)
        parties = (conditions.OneOf("party_key", self.party_keys),) if self.party_keys else ()
        searched = self.found.get(self.searched, self.searched) if self.searched else None
        texts = searched.parts if searched else ()
        parts = (*texts, *facts, *imports, *parties, *self._ranges)
        return conditions.AllOf(parts) if parts else None

    @cached_property
    def searched(self) -> conditions.AllOf | None:
        """The condition of `q` and `serial` alone; None without them."""
        return conditions.condition_of(self.q, self.serial, self.statuses, self.names)

    @property
    def listed(self) -> tuple[int, ...] | None:
        """The positions of all credits that the search finds, None if they are not known."""
        known = self.found.get(self.searched) if self.searched else None
        first = known.parts[0] if known else None
        return first.positions if isinstance(first, conditions.Listed) else None

    @property
    def _facts(self) -> list[tuple[str, str]]:
        return [(name, conditions.key_of(getattr(self, name))) for name in FACT_NAMES]

    @property
    def _ranges(self) -> list[conditions.Between]:
        low, high = self.quantity_from_e4, self.quantity_to_e4
        recorded_to = self.recorded_to and f"{self.recorded_to}{_DAY_END}"
        ranges = (
            ("quantity_e4", low, high, 0, _NUMBER_MAX),
            ("happened_on", self.happened_from or None, self.happened_to or None, "", _TEXT_MAX),
            ("created_at", self.recorded_from or None, recorded_to or None, "", _TEXT_MAX),
        )
        return [
            conditions.Between(column, least if first is None else first, most if last is None else last)
            for column, first, last, least, most in ranges
            if first is not None or last is not None
        ]

    @cached_property
    def registry_keys(self) -> tuple[str, ...]:
        """The canonical names of the registries, with their aliases; empty for all registries."""
        groups = (self.names.group(conditions.key_of(name)) for name in self.registries)
        return tuple(dict.fromkeys(key for group in groups for key in group))

    @cached_property
    def party_keys(self) -> tuple[str, ...]:
        """The canonical names of the parties, with those joined to them; empty for all credits."""
        groups = (self.party_names.group(conditions.key_of(name)) for name in self.parties)
        return tuple(dict.fromkeys(key for group in groups for key in group))

    @cached_property
    def years(self) -> tuple[int, int] | None:
        """The first and last vintage, None for all. Within the years that credits can have."""
        if self.vintage_from is None and self.vintage_to is None:
            return None
        first = VINTAGE_MIN if self.vintage_from is None else self.vintage_from
        last = VINTAGE_MAX if self.vintage_to is None else self.vintage_to
        # A database rejects numbers that are too large.
        return min(max(first, VINTAGE_MIN), VINTAGE_MAX + 1), max(min(last, VINTAGE_MAX), VINTAGE_MIN - 1)

    def has_registry(self, registry_key: str) -> bool:
        """Return whether credits of the registry with this canonical name can be in the list."""
        return not self.registries or registry_key in self.registry_keys

    def has_year(self, year: int) -> bool:
        """Return whether credits of this vintage can be in the list."""
        return self.years is None or self.years[0] <= year <= self.years[1]

    def has_group(self, registry_key: str, year: int, status: str) -> bool:
        """Return whether credits of this registry, vintage and status can be in the list."""
        return self.has_registry(registry_key) and self.has_year(year) and status in self.statuses

    @property
    def is_of_all_groups(self) -> bool:
        """Whether it has neither registries, vintages nor statuses."""
        return not self.registries and self.years is None and self.statuses == COUNTED

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to order by. The last one is unique."""
        return tuple(dict.fromkeys((SORTS[self.sort], SORTS["created"])))

    @property
    def fingerprint(self) -> str:
        """A hash that is equal for filters with the same list in the same order. Part of cursors."""
        facts = [
            conditions.words_of(self.q),
            sorted(map(conditions.key_of, self.registries)),
            self.years,
            sorted(self.statuses),
            sorted(map(conditions.key_of, self.parties)),
            conditions.key_of(self.serial),
            self._facts,
            [(each.column, each.first, each.last) for each in self._ranges],
            self.import_number,
            self.sort,
            self.descending,
        ]
        return sha256(json.dumps(facts).encode()).hexdigest()[:12]
