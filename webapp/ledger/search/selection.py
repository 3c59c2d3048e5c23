"""Select the credits of a filter and search: one window in order, all of them, or their sums.

Without a search, a window is read by scanning the list. With one there are two strategies: a short scan,
which suffices if many credits match, and the candidates of the search's sources, which are few if few
credits match.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from webapp.ledger.search.conditions import AllOf
from webapp.ledger.search.conditions_sql import Source, source_of_positions, sources_of, test_of
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.search.index_merge import (
    RUNS_MAX,
    Sql,
    counted_runs_of,
    parameters_of,
    unordered_runs_of,
    walk,
    walk_among,
    where_filtered,
)
from webapp.ledger.search.pagination import Keys, Window
from webapp.ledger.storage.statements import fetch

# The most candidates that are all read for one page.
FEW: Final = 10_000
# With more candidates, the most rows of the list to scan, and then the most index entries to compare with
# the candidates.
WALKED_MAX: Final = 3000
PASSED_MAX: Final = 50_000
# For the sums of a search: the most candidates to read, and the most matching credits for an exact sum.
CANDIDATES_MAX: Final = 12_000
SUMMED_MAX: Final = 10_000
_NO_LIMIT: Final = 2**62


class Sums(NamedTuple):
    """Numbers of credits and ten-thousandths of a tonne by status. Incomplete if `is_all` is false."""

    by_status: dict[str, tuple[int, int]]
    is_all: bool = True


class Groups(NamedTuple):
    """Numbers of credits and ten-thousandths of a tonne by values of columns; incomplete as in `Sums`."""

    by_values: dict[tuple[Any, ...], tuple[int, int]]
    is_all: bool = True


def keys_in(connection: Connection, wanted: CreditFilter, window: Window) -> list[Keys]:
    """Return the keys of the credits in a window of the list."""
    condition = wanted.condition
    if condition is None:
        return _walk_on(connection, wanted, window)
    sources, is_narrow, is_in_order = sources_of(
        connection, wanted, condition, by_age=wanted.sort == "created"
    )
    if wanted.listed is not None or (is_in_order and _are_sources_in_order(connection, wanted)):
        return _keys_of_sources(connection, wanted, condition, sources, window)
    candidates = _positions(sources) if is_narrow and connection.dialect.name == "sqlite" else None
    if candidates:
        some = f"SELECT * FROM ({candidates.text}) LIMIT ?"
        positions = {position for (position,) in fetch(connection, some, *candidates.parameters, FEW + 1)}
        if len(positions) <= FEW:
            few = [source_of_positions(positions)]
            return _keys_of_sources(connection, wanted, condition, few, window)
    test = _test(connection, condition)
    walked = walk(connection, wanted, window, WALKED_MAX, test)
    if walked.is_end or len(walked.found) == window.limit:
        return walked.found
    if candidates:
        found = walk_among(connection, wanted, window, candidates, test, PASSED_MAX)
        if len(found) == window.limit:
            return found
    return _keys_of_sources(connection, wanted, condition, sources, window)


def _walk_on(connection: Connection, wanted: CreditFilter, window: Window) -> list[Keys]:
    """Return the keys of the credits in a window of a list, without a search."""
    keys, last, is_end = walk(connection, wanted, window, window.limit)
    while not is_end and len(keys) < window.limit:
        further = window._replace(after=last, limit=window.limit - len(keys))
        found, last, is_end = walk(connection, wanted, further, further.limit)
        keys += found
    return keys


def every_key(connection: Connection, wanted: CreditFilter) -> Iterator[list[Keys]]:
    """Yield the keys of all credits of the list in order, in batches."""
    window, condition = Window(None, wanted.descending, _NO_LIMIT), wanted.condition
    if condition and sums_of(connection, wanted, CANDIDATES_MAX).is_all:
        yield keys_in(connection, wanted, window)
        return
    test = _test(connection, condition) if condition else None
    is_end = False
    while not is_end:
        found, last, is_end = walk(connection, wanted, window, WALKED_MAX, test)
        yield found
        window = window._replace(after=last)


def sums_of(connection: Connection, wanted: CreditFilter, candidates_max: int | None = None) -> Sums:
    """Return the sums over the list. A search reads at most `candidates_max` candidates of each source."""
    groups, is_all = groups_of(connection, wanted, ("status",), candidates_max)
    return Sums({str(status): sum_ for (status,), sum_ in groups.items()}, is_all)


def groups_of(
    connection: Connection, wanted: CreditFilter, columns: tuple[str, ...], candidates_max: int | None
) -> Groups:
    """Return the sums over the list by columns of credit_states, among `GROUP_COLUMNS`.

    A search reads at most `candidates_max` candidates of each source. Without a search, the sums are in
    totals, which have no `party_key`.
    """
    if wanted.condition is None:
        where = where_filtered(wanted, "totals")
        names = ", ".join(columns)
        totals = Sql(
            f"SELECT {names}, sum(credits), sum(quantity_e4) FROM totals WHERE credits > 0 AND {where.text}"
            f" GROUP BY {names}",
            where.parameters,
        )
        return Groups(_added(connection, [totals]))
    if sum(run.credits for run in counted_runs_of(connection, wanted)) <= WALKED_MAX:
        return Groups(_added(connection, _counting_runs(connection, wanted, wanted.condition, columns)))
    limit = _NO_LIMIT if candidates_max is None else candidates_max
    counting = _counting_candidates(connection, wanted, wanted.condition, columns, limit)
    sums = _added(connection, [counting])
    candidates = sum(credits for credits, _ in sums.values())
    sums.pop(("",) * len(columns), None)
    found = sum(credits for credits, _ in sums.values())
    return Groups(sums, candidates_max is None or (candidates < limit and found <= SUMMED_MAX))


def _are_sources_in_order(connection: Connection, wanted: CreditFilter) -> bool:
    """Return whether the sources of a search give their rows in the order of the list, and few others.

    SQLite's full-text index and serial_blocks are in order of age, but do not consider filters.
    """
    is_of_list = connection.dialect.name == "sqlite" and wanted.sort == "created"
    return is_of_list and wanted.is_of_all_groups


def _keys_of_sources(
    connection: Connection,
    wanted: CreditFilter,
    condition: AllOf,
    sources: Sequence[Source],
    window: Window,
) -> list[Keys]:
    """Return the keys of the credits in a window of the list, from the sources of the search."""
    by_age = wanted.sort == "created"
    columns = [f"credit_states.{column}" for column in wanted.columns]
    sign, direction = ("<", " DESC") if window.descending else (">", "")
    passed = _passed(connection, wanted, condition)
    found: set[Keys] = set()
    for source in sources:
        text = f"{source.tables.text} WHERE {source.where.text} AND {passed.text}"
        parameters = (*source.tables.parameters, *source.where.parameters, *passed.parameters)
        if window.after:
            beyond = source.beyond if by_age else f"({', '.join(columns)}) {{}} (?, ?)"
            text, parameters = f"{text} AND {beyond.format(sign)}", (*parameters, *window.after)
        order = ", ".join(f"{key}{direction}" for key in ([source.age] if by_age else columns))
        page = f"SELECT {', '.join(columns)} FROM {text} ORDER BY {order} LIMIT ?"
        found.update(tuple(row) for row in fetch(connection, page, *parameters, window.limit))
    return sorted(found, reverse=window.descending)[: window.limit]


def _positions(sources: Sequence[Source]) -> Sql:
    """Return a SELECT of the created_positions of all candidates, with duplicates."""
    parts = [source.all_positions for source in sources]
    return Sql(" UNION ALL ".join(part.text for part in parts), parameters_of(parts))


# By what credits can be added up, besides their list.
GROUP_COLUMNS: Final = ("status", "registry_key", "vintage", "party_key")
_SUMMED: Final = "SELECT {0}, count(*), sum(quantity_e4) FROM ({1}) AS candidates GROUP BY {0}"


def _counting_runs(
    connection: Connection, wanted: CreditFilter, condition: AllOf, columns: tuple[str, ...]
) -> list[Sql]:
    """Return statements that together add up the matching credits by testing all of the list."""
    test, names = _test(connection, condition), ", ".join(columns)
    parts = [
        Sql(
            f"SELECT {names}, quantity_e4 FROM credit_states WHERE {run.where.text} AND {test.text}",
            (*run.where.parameters, *test.parameters),
        )
        for run in unordered_runs_of(connection, wanted)
    ]
    several = [parts[start : start + RUNS_MAX] for start in range(0, len(parts), RUNS_MAX)]
    return [
        Sql(_SUMMED.format(names, " UNION ALL ".join(part.text for part in some)), parameters_of(some))
        for some in several
    ]


def _counting_candidates(
    connection: Connection,
    wanted: CreditFilter,
    condition: AllOf,
    columns: tuple[str, ...],
    limit: int,
) -> Sql:
    """Return a statement that adds up `limit` candidates of each source; those that fail have "" for all."""
    passed = _passed(connection, wanted, condition)
    # As texts, because PostgreSQL requires one type of all values of a column.
    values = ", ".join(
        f"CASE WHEN passed THEN CAST({name} AS TEXT) ELSE '' END AS {name}" for name in columns
    )
    read = ", ".join(f"credit_states.{name}" for name in ("created_position", "quantity_e4", *columns))
    parts = [
        Sql(
            f"SELECT * FROM (SELECT {read}, {passed.text} AS passed FROM {tables.text}"
            f" WHERE {where.text} LIMIT ?) AS part",
            (*passed.parameters, *tables.parameters, *where.parameters, limit),
        )
        for source in sources_of(connection, wanted, condition, by_age=False).sources
        for tables, where in [(source.tables, source.where)]
    ]
    union = " UNION ".join(part.text for part in parts)
    marked = f"SELECT {values}, quantity_e4 FROM ({union}) AS found"
    return Sql(_SUMMED.format(", ".join(columns), marked), parameters_of(parts))


def _passed(connection: Connection, wanted: CreditFilter, condition: AllOf) -> Sql:
    """Return the condition that a candidate is in the list."""
    filtered, test = where_filtered(wanted, "credit_states"), _test(connection, condition)
    return Sql(f"{filtered.text} AND {test.text}", (*filtered.parameters, *test.parameters))


def _test(connection: Connection, condition: AllOf) -> Sql:
    return test_of(condition, connection.dialect.name)


def _added(connection: Connection, statements: Sequence[Sql]) -> dict[tuple[Any, ...], tuple[int, int]]:
    """Run statements that return rows of values, credits and quantity; return the sums by values."""
    sums: dict[tuple[Any, ...], tuple[int, int]] = {}
    for statement in statements:
        for *values, credits, quantity_e4 in fetch(connection, statement.text, *statement.parameters):
            before = sums.get(tuple(values), (0, 0))
            sums[tuple(values)] = (before[0] + int(credits), before[1] + int(quantity_e4))
    return sums
