"""Find the feed positions at which credits recorded between two times can be.

Since the mark `in_order_of_time` of the log, times of recording do not decrease, so the ends are found by
halving. Credits before the mark may have any time.
"""

from typing import Final

from sqlalchemy import Connection

from webapp.ledger.storage.statements import fetch

_ENDS: Final = (
    "SELECT (SELECT coalesce(max(position), 1) FROM log_marks WHERE name = 'in_order_of_time'),"
    " (SELECT coalesce(max(created_position), 0) FROM credit_states)"
)
_NEXT_CREDIT: Final = (
    "SELECT created_position, created_at FROM credit_states WHERE created_position >= ?"
    " ORDER BY created_position LIMIT 1"
)


def positions_between(connection: Connection, first: str, last: str) -> list[tuple[int, int]]:
    """Return ranges of positions, with both ends, that have all credits recorded between two times.

    The times have the format of events, or begin like it. Credits at the ends may lie outside.
    """
    ((mark, end),) = fetch(connection, _ENDS)
    before = [(1, mark - 1)] if mark > 1 else []
    low = _first_from(connection, first, mark, end + 1)
    return [*before, (low, _first_from(connection, last, low, end + 1))]


def _first_from(connection: Connection, time: str, low: int, high: int) -> int:
    """Return the lowest position of this range whose credit was not recorded before the time, or its end."""
    while low < high:
        middle = (low + high) // 2
        ((position, created_at),) = fetch(connection, _NEXT_CREDIT, middle)
        low, high = (position + 1, high) if created_at < time else (low, middle)
    return low
