"""Queries for totals, and for the choices in filters and forms: registries, vintages, parties."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from webapp.domain.fields import quantity_text
from webapp.domain.lifecycle import COUNTED, EventType, Status
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import Row, fetch


@dataclass(frozen=True)
class Sum:
    """A number of credits and their tonnes in ten-thousandths."""

    credits: int = 0
    quantity_e4: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        """Return the sum of both."""
        return Sum(self.credits + other.credits, self.quantity_e4 + other.quantity_e4)

    @property
    def quantity(self) -> str:
        """The quantity in tonnes as exact decimal text."""
        return quantity_text(self.quantity_e4)


@dataclass(frozen=True)
class StatusSums:
    """Sums by status, with the name of their registry or vintage.

    `is_all` is false if only some of the credits were added up.
    """

    name: str
    by_status: Mapping[Status, Sum]
    is_all: bool = True

    def __getitem__(self, status: str) -> Sum:
        """Return the sum of a status, by default zero."""
        return self.by_status.get(Status(status), Sum())

    @property
    def all(self) -> Sum:
        """The sum over the counted statuses, in which each tonne occurs once."""
        return sum((self[status] for status in COUNTED), Sum())


@dataclass(frozen=True)
class Totals:
    """The sums of the dashboard: of the whole ledger, by registry and by vintage."""

    ledger: StatusSums
    registries: Sequence[StatusSums]
    vintages: Sequence[StatusSums]


def ledger_totals() -> Totals:
    """Return the sums of the whole ledger, by registry (by name) and by vintage (newest first)."""
    with reading() as connection:
        by_registry = _by_name(fetch(connection, _BY_REGISTRY))
        by_vintage = _by_name(fetch(connection, _BY_VINTAGE))
    ledger: dict[Status, Sum] = {}
    for sums in by_vintage:
        for status, amount in sums.by_status.items():
            ledger[status] = ledger.get(status, Sum()) + amount
    return Totals(StatusSums("", ledger), by_registry, by_vintage)


def filter_choices() -> tuple[list[str], list[int]]:
    """Return the recorded registries, each in its first spelling, and the recorded vintages."""
    with reading() as connection:
        names = fetch(connection, "SELECT name FROM registries ORDER BY registry_key")
        years = fetch(connection, "SELECT DISTINCT vintage FROM totals ORDER BY vintage DESC")
    return [name for (name,) in names], [year for (year,) in years]


def suggest_parties(role: EventType, limit: int = 100) -> list[str]:
    """Return the names of recorded buyers (SOLD) or beneficiaries (RETIRED), the latest first."""
    with reading() as connection:
        return [name for (name,) in fetch(connection, _PARTIES, role, limit)]


_BY_REGISTRY = (
    "SELECT registries.name, totals.status, sum(totals.credits), sum(totals.quantity_e4)"
    " FROM totals JOIN registries ON registries.registry_key = totals.registry_key"
    " GROUP BY totals.registry_key, registries.name, totals.status ORDER BY totals.registry_key"
)
_BY_VINTAGE = (
    "SELECT vintage, status, sum(credits), sum(quantity_e4) FROM totals"
    " GROUP BY vintage, status ORDER BY vintage DESC"
)
_PARTIES = "SELECT name FROM parties WHERE role = ? ORDER BY last_position DESC LIMIT ?"


def _by_name(rows: Sequence[Row]) -> list[StatusSums]:
    """Group rows of name, status, credits and quantity by their names."""
    names: dict[str, dict[Status, Sum]] = {}
    for name, status, credits, quantity_e4 in rows:
        names.setdefault(str(name), {})[Status(status)] = Sum(int(credits), int(quantity_e4))
    return [StatusSums(name, sums) for name, sums in names.items()]
