"""Cut the keys of all credits into ranges, so that each can be checked by itself and in little memory."""

from typing import Final, NamedTuple

from sqlalchemy import Connection

from webapp.ledger import statements

EVENTS_IN_RANGE: Final = 10_000
_FIRST: Final = -(2**63)
_LAST: Final = 2**63 - 1
_END_OF_RANGE: Final = "SELECT subject FROM events WHERE subject >= ? ORDER BY subject LIMIT 1 OFFSET ?"


class KeyRange(NamedTuple):
    """The keys from `first` to `last`, both included."""

    first: int
    last: int


def key_ranges(connection: Connection) -> list[KeyRange]:
    """Return ranges that cover every key there can be, each with about as many events."""
    ranges, first = [], _FIRST
    while found := statements.fetch(connection, _END_OF_RANGE, first, EVENTS_IN_RANGE):
        ((last,),) = found
        if last == _LAST:
            break
        ranges.append(KeyRange(first, last))
        first = last + 1
    return [*ranges, KeyRange(first, _LAST)]
