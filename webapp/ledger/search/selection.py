"""The credits that a filter and a search select: the next of them in their order, all of them, their sums.

Without a search, the next credits are those of a walk along the list. With one there are two ways to
them: a short walk, which is enough for what many credits have, and the sources of the search, which
have few candidates for what few have.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

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

# Up to so many candidates of a search are all read for a page of it.
FEW: Final = 10_000
# Of more, so many credits of the list are looked at first, and then so many passed by to find candidates
# among them.
WALKED_MAX: Final = 3000
PASSED_MAX: Final = 50_000
# So many candidates are read to add up what a search finds, and so many credits found are added up.
CANDIDATES_MAX: Final = 12_000
SUMMED_MAX: Final = 10_000
_NO_LIMIT: Final = 2**62


class Sums(NamedTuple):
    """By status, a number of credits and their ten-thousandths of tonnes. Of a part, unless `is_all`."""

    by_status: dict[str, tuple[int, int]]
    is_all: bool = True


def keys_in(connection: Connection, wanted: CreditFilter, window: Window) -> list[Keys]:
    """Return the keys of the credits in a window of the list."""
    condition = wanted.condition
    if condition is None:
        return _walk_on(connection, wanted, window)
    sources, is_narrow = sources_of(connection, wanted, condition, by_age=wanted.sort == "created")
    if _are_sources_in_order(connection, wanted):
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
    """Return the keys of the credits in a window of a list without a search."""
    keys, last, is_end = walk(connection, wanted, window, window.limit)
    while not is_end and len(keys) < window.limit:
        further = window._replace(after=last, limit=window.limit - len(keys))
        found, last, is_end = walk(connection, wanted, further, further.limit)
        keys += found
    return keys


def every_key(connection: Connection, wanted: CreditFilter) -> Iterator[list[Keys]]:
    """Yield the keys of all credits of the list in its order, some at a time."""
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
    """Return the sums over the list. Of a search that has more candidates, only over the first of them."""
    if wanted.condition is None:
        where = where_filtered(wanted, "totals")
        totals = Sql(
            f"SELECT status, sum(credits), sum(quantity_e4) FROM totals WHERE credits > 0 AND {where.text}"
            " GROUP BY status",
            where.parameters,
        )
        return Sums(_added(connection, [totals]))
    if sum(run.credits for run in counted_runs_of(connection, wanted)) <= WALKED_MAX:
        return Sums(_added(connection, _counting_runs(connection, wanted, wanted.condition)))
    limit = _NO_LIMIT if candidates_max is None else candidates_max
    sums = _added(connection, [_counting_candidates(connection, wanted, wanted.condition, limit)])
    candidates = sum(credits for credits, _ in sums.values())
    sums.pop("", None)
    found = sum(credits for credits, _ in sums.values())
    return Sums(sums, candidates_max is None or (candidates < limit and found <= SUMMED_MAX))


def _are_sources_in_order(connection: Connection, wanted: CreditFilter) -> bool:
    """Say whether the sources of a search give the credits of the list in its order, and few others.

    The full-text index of SQLite does, and the blocks do; but they know nothing of a filter.
    """
    is_filtered = wanted.registry_key or wanted.year is not None or wanted.status
    return connection.dialect.name == "sqlite" and wanted.sort == "created" and not is_filtered


def _keys_of_sources(
    connection: Connection,
    wanted: CreditFilter,
    condition: AllOf,
    sources: Sequence[Source],
    window: Window,
) -> list[Keys]:
    """Return the keys of the credits in a window of the list, as the sources of the search have them."""
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
    """Return the SELECT of the created_positions of all candidates, some of them more than once."""
    parts = [source.all_positions for source in sources]
    return Sql(" UNION ALL ".join(part.text for part in parts), parameters_of(parts))


_SUMMED: Final = "SELECT status, count(*), sum(quantity_e4) FROM ({}) AS candidates GROUP BY status"


def _counting_runs(connection: Connection, wanted: CreditFilter, condition: AllOf) -> list[Sql]:
    """Return statements that together add up what is found among all credits of the list."""
    test = _test(connection, condition)
    parts = [
        Sql(
            f"SELECT status, quantity_e4 FROM credit_states WHERE {run.where.text} AND {test.text}",
            (*run.where.parameters, *test.parameters),
        )
        for run in unordered_runs_of(connection, wanted)
    ]
    several = [parts[start : start + RUNS_MAX] for start in range(0, len(parts), RUNS_MAX)]
    return [
        Sql(_SUMMED.format(" UNION ALL ".join(part.text for part in some)), parameters_of(some))
        for some in several
    ]


def _counting_candidates(connection: Connection, wanted: CreditFilter, condition: AllOf, limit: int) -> Sql:
    """Return the statement that adds up `limit` candidates of each source; of status "" what is not found."""
    passed = _passed(connection, wanted, condition)
    columns = (
        "credit_states.created_position, credit_states.quantity_e4,"
        f" CASE WHEN {passed.text} THEN credit_states.status ELSE '' END AS status"
    )
    parts = [
        Sql(
            f"SELECT * FROM (SELECT {columns} FROM {tables.text} WHERE {where.text} LIMIT ?) AS part",
            (*passed.parameters, *tables.parameters, *where.parameters, limit),
        )
        for source in sources_of(connection, wanted, condition, by_age=False).sources
        for tables, where in [(source.tables, source.where)]
    ]
    return Sql(_SUMMED.format(" UNION ".join(part.text for part in parts)), parameters_of(parts))


def _passed(connection: Connection, wanted: CreditFilter, condition: AllOf) -> Sql:
    """Return what is true of a candidate that is in the list."""
    filtered, test = where_filtered(wanted, "credit_states"), _test(connection, condition)
    return Sql(f"{filtered.text} AND {test.text}", (*filtered.parameters, *test.parameters))


def _test(connection: Connection, condition: AllOf) -> Sql:
    return test_of(condition, connection.dialect.name)


def _added(connection: Connection, statements: Sequence[Sql]) -> dict[str, tuple[int, int]]:
    """Return the sums of statements of which each has a row for a status, added up."""
    sums: dict[str, tuple[int, int]] = {}
    for statement in statements:
        for status, credits, quantity_e4 in fetch(connection, statement.text, *statement.parameters):
            before = sums.get(status, (0, 0))
            sums[status] = (before[0] + int(credits), before[1] + int(quantity_e4))
    return sums
