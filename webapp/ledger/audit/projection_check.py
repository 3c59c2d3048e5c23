"""Check the projections that are not by credit: totals, registries, parties and files of evidence.

Their expected contents are added up from the histories (``history_check``) and compared with the
tables. Reads only.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection

from webapp.domain.credit import Credit
from webapp.domain.event import PositionedEvent
from webapp.domain.fields import quantity_text
from webapp.domain.lifecycle import STATUS_AFTER, Status
from webapp.domain.text import canonical
from webapp.ledger.audit.check_workers import Checks
from webapp.ledger.audit.findings import Finding, Report, differences
from webapp.ledger.projections import evidence_files
from webapp.ledger.projections.apply import parties_of
from webapp.ledger.projections.totals import Sums
from webapp.ledger.storage import statements

_PAGE: Final = 5_000
# For each table, the columns of its primary key, and the others.
_TABLES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "registries": (("registry_key",), ("name",)),
    "totals": (("registry_key", "vintage", "status"), ("credits", "quantity_e4")),
    "parties": (("role", "name_key"), ("name", "last_position")),
}

Key = tuple[object, ...]
Values = tuple[object, ...]


class Expected:
    """The expected contents of these tables, added up from histories. Can be merged with another.

    The first spelling of a name counts, so its position is kept with it.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.sums = Sums()
        self.registries: dict[str, tuple[int, str]] = {}
        # First position, first spelling and last position.
        self.parties: dict[tuple[str, str], tuple[int, str, int]] = {}
        self.evidence: set[tuple[bytes, int]] = set()
        # Ten-thousandths of a tonne of all root credits, and of all credits that were not split.
        self.recorded_e4 = 0
        self.accounted_e4 = 0
        self.is_whole = True

    def add(self, credit: Credit, placed: Sequence[PositionedEvent]) -> None:
        """Add the history of one credit."""
        registry = credit.canonical.registry
        self._add_registry(registry, (placed[0].position, credit.registry))
        if credit.parent is None:
            self.recorded_e4 += credit.quantity_e4
        statuses = [STATUS_AFTER[e.event.type] for e in placed if e.event.type in STATUS_AFTER]
        if statuses[-1] is not Status.SPLIT:
            self.accounted_e4 += credit.quantity_e4
        for status in statuses[:-1]:  # earlier statuses have a row as well, possibly with zeros
            self.sums.add((registry, credit.vintage, status), 0, 0)
        self.sums.add((registry, credit.vintage, statuses[-1]), 1, credit.quantity_e4)
        for each in placed[1:]:
            self._add_party_of(each)
            self.evidence.update(evidence_files.rows_of(each))

    def merge(self, other: "Expected") -> None:
        """Add the contents of another one."""
        for key, sum_ in other.sums.items():
            self.sums.add(key, *sum_)
        for registry, place in other.registries.items():
            self._add_registry(registry, place)
        for party, (first, name, last) in other.parties.items():
            self._add_party(party, first, name, last)
        self.evidence |= other.evidence
        self.recorded_e4 += other.recorded_e4
        self.accounted_e4 += other.accounted_e4
        self.is_whole = self.is_whole and other.is_whole

    def rows(self) -> dict[str, dict[Key, Values]]:
        """Return the expected rows of each table, by primary key."""
        return {
            "registries": {(key,): (name,) for key, (_, name) in self.registries.items()},
            "totals": {key: sum_ for key, sum_ in self.sums.items()},  # noqa: C416 - its type is wider
            "parties": {key: (name, last) for key, (_, name, last) in self.parties.items()},
        }

    def _add_registry(self, key: str, place: tuple[int, str]) -> None:
        self.registries[key] = min(place, self.registries.get(key, place))

    def _add_party_of(self, placed: PositionedEvent) -> None:
        for role, name in parties_of(placed.event):
            self._add_party((role, canonical(name)), placed.position, name, placed.position)

    def _add_party(self, party: tuple[str, str], first: int, name: str, last: int) -> None:
        known_first, known_name, known_last = self.parties.get(party, (first, name, last))
        first, name = min((first, name), (known_first, known_name))
        self.parties[party] = (first, name, max(last, known_last))


def check_projections(checks: Checks, report: Report, expected: Expected) -> None:
    """Compare the tables with their expected contents."""
    if expected.accounted_e4 != expected.recorded_e4:
        leaves, recorded = quantity_text(expected.accounted_e4), quantity_text(expected.recorded_e4)
        wrong = f"{recorded} t were recorded, but leaves and cancelled credits hold {leaves} t"
        report(Finding("ledger", wrong))
    for table, rows in expected.rows().items():
        _compare(checks, report, table, rows)
    (found,) = checks.start([_evidence])
    for sha256, position in sorted(found ^ expected.evidence):
        is_found = (sha256, position) in found
        wrong = "the log does not give this row" if is_found else "this row is missing"
        report(Finding(f"table evidence_files, {sha256.hex()} / {position}", wrong))


def _compare(checks: Checks, report: Report, table: str, expected: dict[Key, Values]) -> None:
    names, columns = _TABLES[table]
    for row in _rows(checks, table):
        key, found = row[: len(names)], row[len(names) :]
        values = expected.pop(key, None)
        if values is None:
            report(Finding(_place(table, key), "the log does not give this row"))
        elif found != values:
            one, other = (dict(zip(columns, pair, strict=True)) for pair in (found, values))
            for wrong in differences(one, other, "the log gives"):
                report(Finding(_place(table, key), wrong))
    for key in expected:
        report(Finding(_place(table, key), "this row is missing"))


def _evidence(connection: Connection) -> set[tuple[bytes, int]]:
    rows = statements.fetch(connection, "SELECT sha256, position FROM evidence_files")
    return {(bytes(sha256), position) for sha256, position in rows}


def _place(table: str, key: Key) -> str:
    return f"table {table}, {' / '.join(map(str, key))}"


def _rows(checks: Checks, table: str) -> Iterator[tuple[object, ...]]:
    """Yield all rows of a table, reading some thousand at a time."""
    last: Key | None = None
    while page := next(checks.start([partial(_page, table=table, after=last)])):
        yield from page
        last = page[-1][: len(_TABLES[table][0])]


def _page(connection: Connection, table: str, after: Key | None) -> list[tuple[object, ...]]:
    names, columns = _TABLES[table]
    key = ", ".join(names)
    where = f" WHERE ({key}) > ({', '.join('?' * len(names))})" if after else ""
    query = f"SELECT {key}, {', '.join(columns)} FROM {table}{where} ORDER BY {key} LIMIT {_PAGE}"  # noqa: S608
    return [tuple(row) for row in statements.fetch(connection, query, *(after or ()))]
