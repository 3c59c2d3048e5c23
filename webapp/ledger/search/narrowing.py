"""Find the credits of a search once, for a page that needs them several times.

A page shows rows, sums and facets of one search. If few credits match, they are found once, and the other
queries read these alone. Otherwise each searches by itself, as far as it needs.
"""

from contextlib import closing
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from webapp.domain.lifecycle import Status
from webapp.ledger.search.conditions import AllOf, AnyOf, Condition, IdStart, Listed, Numbers
from webapp.ledger.search.conditions_sql import FEW_HOLDERS, Source, sources_of, test_of
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.storage.statements import fetch, stream

# The most credits that are found, and the most candidates of each source that are read for them.
FOUND_MAX: Final = 4_000
READ_MAX: Final = 12_000


def narrowed(connection: Connection, wanted: CreditFilter) -> CreditFilter:
    """Return the filter with the credits that its search finds, if these are few.

    Otherwise only numbers and ids that few credits have are replaced by these credits. That is done for the
    statuses of the filter and for all statuses, because credits that nobody holds are found by more numbers.
    """
    found: dict[AllOf, AllOf] = {}
    known: dict[AllOf, AllOf] = {}
    for statuses in (wanted.statuses, tuple(Status)):
        searching = CreditFilter(q=wanted.q, serial=wanted.serial, statuses=statuses, names=wanted.names)
        condition = searching.searched
        if condition is None or condition in found:
            continue
        looked_up = AllOf(tuple(_looked_up(connection, searching, part) for part in condition.parts))
        if looked_up not in known:
            positions = _positions(connection, searching, looked_up, FOUND_MAX)
            known[looked_up] = looked_up if positions is None else AllOf((Listed(positions),))
        found[condition] = known[looked_up]
    return replace(wanted, found=found)


def _looked_up(connection: Connection, wanted: CreditFilter, condition: Condition) -> Condition:
    """Return the condition with the credits in place of numbers and ids that few have.

    So a candidate of the text index is not looked up in the other indexes.
    """
    match condition:
        case AllOf() | AnyOf():
            parts = tuple(_looked_up(connection, wanted, part) for part in condition.parts)
            return replace(condition, parts=parts)
        case Numbers() | IdStart():
            positions = _positions(connection, wanted, condition, FEW_HOLDERS)
            return condition if positions is None else Listed(positions)
        case _:
            return condition


def _positions(
    connection: Connection, wanted: CreditFilter, condition: Condition, found_max: int
) -> tuple[int, ...] | None:
    """Return the positions of all credits of a condition, None if they are many or take long to find."""
    sources = sources_of(connection, wanted, condition, by_age=False).sources
    if any(_has_many(connection, source) for source in sources):
        return None
    test = test_of(condition, connection.dialect.name)
    found: set[int] = set()
    for source in sources:
        text = (
            f"SELECT credit_states.created_position, {test.text}"
            f" FROM {source.tables.text} WHERE {source.where.text} LIMIT ?"
        )
        parameters = (*test.parameters, *source.tables.parameters, *source.where.parameters, READ_MAX + 1)
        with closing(stream(connection, text, *parameters)) as rows:
            for read, (position, passed) in enumerate(rows, start=1):
                if passed:
                    found.add(position)
                if read > READ_MAX or len(found) > found_max:
                    return None
    return tuple(sorted(found))


def _has_many(connection: Connection, source: Source) -> bool:
    """Return whether an index alone shows that a source has too many candidates."""
    if source.positions is None:
        return False
    text = f"SELECT count(*) FROM (SELECT 1 FROM ({source.positions.text}) AS candidates LIMIT ?) AS some"
    ((candidates,),) = fetch(connection, text, *source.positions.parameters, READ_MAX + 1)
    return bool(candidates > READ_MAX)
