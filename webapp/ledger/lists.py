"""The two long lists, of credits and of events: filters, sorts and keyset pages, or all of it.

A page is found by the values of the row it starts after, never by counting rows (OFFSET), so the
thousandth page costs what the first does, and rows that arrive meanwhile shift nothing. The
cursor is those values and a fingerprint of the filters, so that it cannot be used with others.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Row, Select, func, select, tuple_

from webapp.domain.errors import CursorMismatch
from webapp.domain.fields import VINTAGE_MAX, VINTAGE_MIN
from webapp.domain.lifecycle import COUNTED, NOT_COUNTED, EventType, Status
from webapp.domain.unicode14 import SURROGATE
from webapp.ledger import search
from webapp.ledger.database import reading
from webapp.ledger.queries import (
    CreditView,
    EventView,
    StatusSums,
    Sum,
    credit_view,
    event_view,
    select_events,
)
from webapp.ledger.tables import credit_states, feed, totals

T = TypeVar("T")

LIMIT_MAX: Final = 500
LIMIT: Final = 50
_INTEGER_MAX: Final = 2**63
_READ: Final = 1000

SORTS: Final[dict[str, ColumnElement[Any]]] = {
    "created": credit_states.c.created_position,
    "project": credit_states.c.project_key,
    "registry": credit_states.c.registry_key,
    "vintage": credit_states.c.vintage,
    "quantity": credit_states.c.quantity_e4,
    "status": credit_states.c.status,
}


@dataclass(frozen=True)
class CreditFilter:
    """Which credits a list shows, and in which order; every text matches in any spelling.

    What `q` and `serial` find is said in ``search``.
    """

    q: str = ""
    registry: str = ""
    vintage: int | None = None
    status: Status | None = None
    serial: str = ""
    sort: str = "created"
    descending: bool = True

    @property
    def terms(self) -> list[str]:
        """The different words of the search, canonical. A credit must hold each of them."""
        return search.words_of(self.q)

    @property
    def registry_key(self) -> str:
        """The canonical name of the registry, empty for all."""
        return search.key_of(self.registry)

    @property
    def year(self) -> int | None:
        """The vintage, 0 for one that no credit has: a database fails at numbers it cannot hold."""
        if self.vintage is None:
            return None
        return self.vintage if VINTAGE_MIN <= self.vintage <= VINTAGE_MAX else 0

    @property
    def fingerprint(self) -> str:
        """The same for filters that show the same list in the same order."""
        facts = [
            self.terms,
            self.registry_key,
            self.year,
            self.status,
            search.key_of(self.serial),
            self.sort,
            self.descending,
        ]
        return sha256(json.dumps(facts).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list, with the cursors of its neighbours, None where there is none.

    `end` is the cursor of what comes after these items, also where nothing does yet; it is None
    only in a list that was read from its start and is empty.
    """

    items: Sequence[T]
    next: str | None
    previous: str | None
    end: str | None = None


def list_credits(wanted: CreditFilter, cursor: str | None = None, limit: int = LIMIT) -> Page[CreditView]:
    """Return a page of credits. Raises CursorMismatch."""
    place = _Place(_keys(wanted), wanted.descending, wanted.fingerprint, cursor, limit)
    return _page(_matching(select(credit_states), wanted), place, credit_view)


def every_credit(wanted: CreditFilter) -> Iterator[CreditView]:
    """Yield all credits of the list in its order, as they were at one moment.

    Read it to its end at once: until then, the database keeps that moment.
    """
    query = _in_order(_matching(select(credit_states), wanted), _keys(wanted), descending=wanted.descending)
    return _every(query, credit_view)


def _keys(wanted: CreditFilter) -> list[ColumnElement[Any]]:
    keys = [SORTS[wanted.sort]]
    if wanted.sort != "created":
        keys.append(credit_states.c.created_position)
    return keys


def sum_credits(wanted: CreditFilter) -> StatusSums:
    """Return the sums by status over all credits that the filter shows, on every page of it."""
    query = _sums_of_search(wanted) if wanted.terms or wanted.serial else _sums_of_totals(wanted)
    with reading() as connection:
        rows = connection.execute(query).all()
    return StatusSums("", {Status(row[0]): Sum(int(row[1]), int(row[2])) for row in rows})


def _sums_of_search(wanted: CreditFilter) -> Select[Any]:
    states = credit_states.c
    query = select(states.status, func.count(), func.sum(states.quantity_e4))
    return _matching(query, wanted).group_by(states.status)


def _sums_of_totals(wanted: CreditFilter) -> Select[Any]:
    kept = totals.c
    query: Select[Any] = select(kept.status, func.sum(kept.credits), func.sum(kept.quantity_e4))
    if wanted.registry_key:
        query = query.where(kept.registry_key == wanted.registry_key)
    if wanted.year is not None:
        query = query.where(kept.vintage == wanted.year)
    if wanted.status:
        query = query.where(kept.status == wanted.status)
    else:
        query = query.where(kept.status.in_(COUNTED))
    return query.where(kept.credits > 0).group_by(kept.status)


def list_events(
    event_type: EventType | None = None,
    cursor: str | None = None,
    limit: int = LIMIT,
    *,
    newest_first: bool = False,
) -> Page[EventView]:
    """Return a page of the feed. Raises CursorMismatch.

    Oldest first, `next` is None only where the feed ends for now: a reader that keeps `end` and
    comes back misses nothing.
    """
    fingerprint = sha256(json.dumps([event_type, newest_first]).encode()).hexdigest()[:12]
    place = _Place([feed.c.position], newest_first, fingerprint, cursor, limit)
    return _page(_events_of(event_type), place, event_view)


def every_event(event_type: EventType | None = None) -> Iterator[EventView]:
    """Yield all events of the feed, the newest first, as they were at one moment.

    Read it to its end at once: until then, the database keeps that moment.
    """
    return _every(_in_order(_events_of(event_type), [feed.c.position], descending=True), event_view)


def _events_of(event_type: EventType | None) -> Select[Any]:
    query = select_events()
    return query.where(feed.c.type == event_type) if event_type else query


def _matching(query: Select[Any], wanted: CreditFilter) -> Select[Any]:
    states = credit_states.c
    if wanted.registry_key:
        query = query.where(states.registry_key == wanted.registry_key)
    if wanted.year is not None:
        query = query.where(states.vintage == wanted.year)
    if wanted.status:
        query = query.where(states.status == wanted.status)
    else:
        # Said of what is left out: for what is kept, SQLite would take the index of the statuses
        # and sort all of it, where an index in the order of the list gives a page at once.
        query = query.where(states.status.not_in(NOT_COUNTED))
    return query.where(
        *search.holds_serial(wanted.serial, wanted.status), *search.holds_words(wanted.terms, wanted.status)
    )


@dataclass(frozen=True)
class _Place:
    """Where in which order a page stands. The last of the keys is unique."""

    keys: Sequence[ColumnElement[Any]]
    descending: bool
    fingerprint: str
    cursor: str | None
    limit: int


def _page(query: Select[Any], place: _Place, view: Callable[[Row[Any]], T]) -> Page[T]:
    start = _Cursor.read(place) if place.cursor else None
    backwards = start is not None and start.backwards
    descending = place.descending is not backwards
    keys = tuple_(*place.keys)
    if start:
        edge = tuple_(*start.values)
        query = query.where(keys < edge if descending else keys > edge)
    query = _in_order(query, place.keys, descending=descending)
    with reading() as connection:
        rows = connection.execute(query.limit(place.limit + 1)).all()
    more, rows = len(rows) > place.limit, rows[: place.limit]
    if backwards:
        rows = rows[::-1]
    has_next = bool(rows) and (backwards or more)
    has_previous = bool(rows) and (more if backwards else start is not None)
    return Page(
        items=[view(row) for row in rows],
        next=_Cursor.at(rows[-1], place, backwards=False) if has_next else None,
        previous=_Cursor.at(rows[0], place, backwards=True) if has_previous else None,
        end=_Cursor.at(rows[-1], place, backwards=False) if rows else place.cursor,
    )


def _in_order(query: Select[Any], keys: Sequence[ColumnElement[Any]], *, descending: bool) -> Select[Any]:
    return query.order_by(*(key.desc() if descending else key.asc() for key in keys))


def _every(query: Select[Any], view: Callable[[Row[Any]], T]) -> Iterator[T]:
    # One statement sees one moment on both databases; only so many of its rows are in memory.
    with reading() as connection, connection.execute(query, execution_options={"yield_per": _READ}) as rows:
        for row in rows:
            yield view(row)


@dataclass(frozen=True)
class _Cursor:
    values: Sequence[str | int]
    backwards: bool

    @staticmethod
    def at(row: Row[Any], place: _Place, *, backwards: bool) -> str:
        values = [row._mapping[key] for key in place.keys]
        facts = json.dumps([place.fingerprint, backwards, *values], separators=(",", ":"))
        return base64.urlsafe_b64encode(facts.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, place: _Place) -> "_Cursor":
        cursor = place.cursor or ""
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            facts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            fingerprint, backwards, *values = facts
        except (binascii.Error, ValueError, TypeError, RecursionError):
            raise CursorMismatch from None
        kinds = [key.type.python_type for key in place.keys]
        if (
            fingerprint != place.fingerprint
            or not isinstance(backwards, bool)
            or [type(value) for value in values] != kinds
            or not all(_can_be_stored(value) for value in values)
        ):
            raise CursorMismatch
        return cls(values, backwards=backwards)


def _can_be_stored(value: str | int) -> bool:
    """Say whether the value can stand in a column at all; a database fails where it cannot."""
    if isinstance(value, int):
        return abs(value) < _INTEGER_MAX
    return "\0" not in value and not any(character in SURROGATE for character in value)
