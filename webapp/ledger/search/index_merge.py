"""Read a filtered list of credits by merging index scans ("runs"), each in the order of the list.

A run has the credits of one status, or of one status, registry and vintage. The table totals shows which
runs exist and how many credits each has. So the cost of a page depends on its own rows, not on the number
of credits outside the list.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Final, NamedTuple

from sqlalchemy import Connection

from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.search.pagination import Keys, Window
from webapp.ledger.storage.statements import Row, fetch, stream

# The most runs in one statement. SQLite allows 500 SELECTs, and with a cursor a run needs two.
RUNS_MAX: Final = 200
# The most rows that PostgreSQL reads for a merge, divided equally among the SELECTs.
READ_MAX: Final = 10_000
# The sorts for which an index has the order within a run. For the others, all credits of a run are equal.
_INDEXED: Final = frozenset({"created", "project", "quantity"})


class Sql(NamedTuple):
    """A piece of SQL with its parameters, one `?` for each."""

    text: str
    parameters: tuple[object, ...] = ()


class Run(NamedTuple):
    """The credits of one status, and of one registry and vintage if these are set."""

    status: str
    registry_key: str | None = None
    vintage: int | None = None
    credits: int = 0

    @property
    def where(self) -> Sql:
        """The condition for its credits, with the columns in the order of the indexes."""
        if self.registry_key is None:
            return Sql("status = ?", (self.status,))
        condition = "registry_key = ? AND vintage = ? AND status = ?"
        return Sql(condition, (self.registry_key, self.vintage, self.status))

    def value(self, sort: str) -> str | int:
        """Return the value that all credits of the run have in the column of a sort without an index."""
        values = {"registry": self.registry_key, "vintage": self.vintage, "status": self.status}
        return values[sort] or ""


class Walked(NamedTuple):
    """The result of `walk`: the keys of the matching rows, and those of the last row read.

    `is_end` is true if the list has no further rows.
    """

    found: list[Keys]
    last: Keys | None
    is_end: bool


def walk(
    connection: Connection, wanted: CreditFilter, window: Window, rows_max: int, test: Sql | None = None
) -> Walked:
    """Scan a list from the start of a window until the window is full or `rows_max` rows are read.

    A row matches if `test`, an expression over the columns of credit_states, is true.
    """
    merge = _merge_of(connection, wanted, window, rows_max)
    found: list[Keys] = []
    last, looked_at = window.after, 0
    with ExitStack() as streams:
        rows, is_cut = merge.rows(connection, streams, rows_max, test or Sql("1"))
        for row in rows:
            looked_at, last = looked_at + 1, merge.order.keys(row)
            if row[-2]:
                found.append(last)
                if len(found) == window.limit:
                    return Walked(found, last, is_end=False)
    return Walked(found, last, is_end=looked_at < rows_max and not is_cut)


def walk_among(
    connection: Connection, wanted: CreditFilter, window: Window, candidates: Sql, test: Sql, rows_max: int
) -> list[Keys]:
    """Return the keys of a window of a list, only of candidates that pass the test. SQLite only.

    `candidates` is a SELECT of created_positions. It is evaluated first, so the scan reads index entries
    only, at most `rows_max`, and a table row only for candidates.
    """
    merge = _merge_of(connection, wanted, window, rows_max)
    columns = ", ".join(f"walked.{column}" for column in merge.order.columns)
    found: list[Keys] = []
    for merged in merge.statements(rows_max, Sql("1")):
        rows = fetch(
            connection,
            # SQLite keeps the order of a subquery that has a limit, and joins from left to right.
            f"SELECT {columns} FROM ({merged.text}) AS walked CROSS JOIN credit_states"
            f" WHERE walked.created_position IN ({candidates.text})"
            f" AND credit_states.created_position = walked.created_position AND {test.text} LIMIT ?",
            *merged.parameters,
            *candidates.parameters,
            *test.parameters,
            window.limit,
        )
        found += map(merge.order.keys, rows)
    return sorted(found, reverse=window.descending)[: window.limit]


def runs_of(connection: Connection, wanted: CreditFilter) -> list[Run]:
    """Return the runs of the list: in the order of registry or vintage, one for each registry and vintage."""
    if wanted.sort in {"registry", "vintage"}:
        return counted_runs_of(connection, wanted)
    return unordered_runs_of(connection, wanted)


def unordered_runs_of(connection: Connection, wanted: CreditFilter) -> list[Run]:
    """Return the fewest runs that have all credits of the list, for use without an order."""
    if wanted.registries or wanted.years:
        return counted_runs_of(connection, wanted)
    return [Run(status) for status in wanted.statuses]


def counted_runs_of(connection: Connection, wanted: CreditFilter) -> list[Run]:
    """Return the runs of one status, registry and vintage each, with their numbers of credits."""
    where = where_filtered(wanted, "totals")
    rows = fetch(connection, f"{_COUNTED} AND {where.text}", *where.parameters)
    return [Run(*row) for row in rows]


def where_filtered(wanted: CreditFilter, table: str) -> Sql:
    """Return the condition of the filter, without the search, on totals or credit_states."""
    marks = ", ".join("?" * len(wanted.statuses))
    text = f"{table}.status IN ({marks})"
    parameters: list[object] = [*map(str, wanted.statuses)]
    if wanted.registry_keys:
        text += f" AND {table}.registry_key IN ({', '.join('?' * len(wanted.registry_keys))})"
        parameters += wanted.registry_keys
    if wanted.years:
        text += f" AND {table}.vintage BETWEEN ? AND ?"
        parameters += wanted.years
    return Sql(text, tuple(parameters))


def parameters_of(parts: Iterable[Sql]) -> tuple[object, ...]:
    """Return the parameters of several pieces of SQL, one after another."""
    return tuple(parameter for part in parts for parameter in part.parameters)


_COUNTED: Final = "SELECT status, registry_key, vintage, credits FROM totals WHERE credits > 0"


class _Order(NamedTuple):
    """The order of a list, and the keys after which it is read."""

    sort: str
    columns: tuple[str, ...]
    after: Keys | None
    descending: bool

    def keys(self, row: Row) -> Keys:
        """Return the keys of a row, which begins with the columns."""
        return tuple(row[: len(self.columns)])

    def reaching(self, runs: Sequence[Run], rows: int) -> Sequence[Run]:
        """Return the runs that can have the next `rows` rows.

        Sorted by registry, vintage or status, the runs follow one another, so the others are not needed.
        """
        if self.sort in _INDEXED or not all(run.credits for run in runs):
            return runs

        def value(run: Run) -> str | int:
            return run.value(self.sort)

        reached: list[Run] = []
        covered = 0
        for key, alike in groupby(sorted(runs, key=value, reverse=self.descending), key=value):
            together = list(alike)
            if self._is_passed(key):
                continue
            reached += together
            if self.after is None or key != self.after[0]:  # a run that was begun has fewer rows left
                covered += sum(run.credits for run in together)
            if covered >= rows:
                break
        return reached

    def beyond(self, run: Run) -> list[Sql]:
        """Return the conditions for the credits of a run after the keys. Each is one range of an index."""
        if self.after is None:
            return [Sql("")]
        sign, column, age = "<" if self.descending else ">", self.columns[0], self.columns[-1]
        older = Sql(f" AND {age} {sign} ?", self.after[-1:])
        if self.sort == "created":
            return [older]
        if self.sort in _INDEXED:
            alike = Sql(f" AND {column} = ?{older.text}", self.after)
            return [alike, Sql(f" AND {column} {sign} ?", self.after[:1])]
        value = run.value(self.sort)
        if value == self.after[0]:
            return [older]
        return [] if self._is_passed(value) else [Sql("")]

    def _is_passed(self, value: str | int) -> bool:
        """Return whether rows with this sort value come before the keys to read after."""
        if self.after is None or value == self.after[0]:
            return False
        return ((value,) > self.after[:1]) is self.descending


@dataclass(frozen=True)
class _Merge:
    """Conditions that together select the list. For each, an index has the rows in order."""

    order: _Order
    conditions: Sequence[Sql]
    is_sqlite: bool

    def rows(
        self, connection: Connection, streams: ExitStack, rows_max: int, test: Sql
    ) -> tuple[Iterable[Row], bool]:
        """Return the first rows of the list, and whether they were cut off before `rows_max`.

        A row has the keys, the result of the test, and the number of the condition.
        """
        merged = islice(
            heapq.merge(
                *(
                    streams.enter_context(closing(stream(connection, each.text, *each.parameters)))
                    for each in self.statements(rows_max, test)
                ),
                key=self.order.keys,
                reverse=self.order.descending,
            ),
            rows_max,
        )
        return (merged, False) if self.is_sqlite else self._known(list(merged), rows_max)

    def statements(self, rows_max: int, test: Sql) -> list[Sql]:
        """Return statements that each give the first rows of some of the conditions.

        SQLite merges rows lazily. PostgreSQL would read and sort all rows, so each condition has a limit.
        """
        direction = " DESC" if self.order.descending else ""
        places = range(1, len(self.order.columns) + 1)
        in_order = f"ORDER BY {', '.join(f'{place}{direction}' for place in places)} LIMIT ?"
        columns = ", ".join(self.order.columns)
        terms = []
        for number, (text, parameters) in enumerate(self.conditions):
            select = f"SELECT {columns}, {test.text}, {number} FROM credit_states WHERE {text}"
            given = (*test.parameters, *parameters)
            if not self.is_sqlite:
                select = f"SELECT * FROM ({select} {in_order}) AS run"
                given = (*given, self._read_of_each(rows_max))
            terms.append(Sql(select, given))
        several = [terms[start : start + RUNS_MAX] for start in range(0, len(terms), RUNS_MAX)]
        return [
            Sql(
                f"{' UNION ALL '.join(term.text for term in some)} {in_order}",
                (*parameters_of(some), rows_max),
            )
            for some in several
        ]

    def _read_of_each(self, rows_max: int) -> int:
        return min(rows_max, max(1, READ_MAX // len(self.conditions)))

    def _known(self, rows: list[Row], rows_max: int) -> tuple[list[Row], bool]:
        """Return the rows before the first condition that reached its limit, and whether one did.

        After that row, rows of the condition may be missing.
        """
        last_of = {row[-1]: place for place, row in enumerate(rows, start=1)}
        read = Counter(row[-1] for row in rows)
        cut = [last_of[number] for number, times in read.items() if times == self._read_of_each(rows_max)]
        return (rows[: min(cut)], True) if cut else (rows, False)


def _merge_of(connection: Connection, wanted: CreditFilter, window: Window, rows_max: int) -> _Merge:
    order = _Order(wanted.sort, wanted.columns, window.after, window.descending)
    conditions = [
        Sql(f"{run.where.text}{beyond.text}", (*run.where.parameters, *beyond.parameters))
        for run in order.reaching(runs_of(connection, wanted), rows_max)
        for beyond in order.beyond(run)
    ]
    return _Merge(order, conditions, connection.dialect.name == "sqlite")
