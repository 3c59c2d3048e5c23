"""Queries for the lists of credits and of events: one page, all rows, and sums of credits."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection

from webapp.domain.entry import Entry, EntryType
from webapp.domain.lifecycle import EventType, Status
from webapp.ledger.event_log import parse_logged
from webapp.ledger.projections.joined_names import party_names, registry_names
from webapp.ledger.search import narrowing, selection
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.search.pagination import Keys, Page, PageRequest, Window, read_page
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import Row, as_json, fetch
from webapp.ledger.summaries import StatusSums, Sum
from webapp.ledger.views import CreditView, EntryView, EventView, Origin, credit_of_row, entry_of, event_of

FeedItem = EventView | EntryView
# The types by which the feed can be filtered: of events of credits, and of entries about other subjects.
LoggedType = EventType | EntryType
LOGGED_TYPES: Final[tuple[LoggedType, ...]] = (*EventType, *EntryType)
LIMIT_MAX: Final = 500
LIMIT: Final = 50
_KINDS: Final = {"project": str, "registry": str, "status": str, "vintage": int, "quantity": int}
_READ: Final = 1000


def list_credits(wanted: CreditFilter, cursor: str | None = None, limit: int = LIMIT) -> Page[CreditView]:
    """Return a page of credits. Raises CursorMismatch."""
    page = list_records(wanted, cursor, limit)
    return Page([credit for credit, _ in page.items], page.next, page.previous, page.end)


def list_records(
    wanted: CreditFilter, cursor: str | None = None, limit: int = LIMIT
) -> Page[tuple[CreditView, Origin]]:
    """Return a page of credits, each with its origin. Raises CursorMismatch."""
    kinds = (int,) if wanted.sort == "created" else (_KINDS[wanted.sort], int)
    place = PageRequest(wanted.fingerprint, kinds, wanted.descending, cursor, limit)
    with reading() as connection:
        known = with_names(connection, wanted)
        page = read_page(
            place, lambda window: selection.keys_in(connection, known, window), lambda keys: keys
        )
        return Page(_credits_at(connection, page.items), page.next, page.previous, page.end)


def narrowed(wanted: CreditFilter) -> CreditFilter:
    """Return the filter with the credits that its search finds, if these are few. See ``narrowing``.

    For a page that reads the list, its sums and its facets, in one read transaction.
    """
    if not (wanted.q or wanted.serial):
        return wanted
    with reading() as connection:
        return narrowing.narrowed(connection, with_names(connection, wanted))


def every_record(wanted: CreditFilter) -> Iterator[tuple[CreditView, Origin]]:
    """Yield all credits of the list in order, each with its origin, from one snapshot.

    Read it to its end without delay, because the read transaction stays open until then.
    """
    with reading() as connection:
        for keys in selection.every_key(connection, with_names(connection, wanted)):
            for start in range(0, len(keys), _READ):
                yield from _credits_at(connection, keys[start : start + _READ])


def sum_credits(wanted: CreditFilter, *, is_quick: bool = False) -> StatusSums:
    """Return the sums by status over all credits of the filter, not only those of one page.

    With `is_quick`, a search with very many results is added up only in part, and `is_all` is false.
    """
    with reading() as connection:
        limit = selection.CANDIDATES_MAX if is_quick else None
        found = selection.sums_of(connection, with_names(connection, wanted), limit)
    sums = {Status(status): Sum(*sum_) for status, sum_ in found.by_status.items()}
    return StatusSums("", sums, found.is_all)


def list_events(
    event_type: LoggedType | None = None,
    cursor: str | None = None,
    limit: int = LIMIT,
    *,
    newest_first: bool = False,
) -> Page[FeedItem]:
    """Return a page of the feed. Raises CursorMismatch.

    In oldest-first order `next` is None at the current end of the feed. A client that stores `end` and
    continues from there later gets every further event.
    """
    fingerprint = sha256(json.dumps([event_type, newest_first]).encode()).hexdigest()[:12]
    place = PageRequest(fingerprint, (int,), newest_first, cursor, limit)
    with reading() as connection:
        return read_page(
            place,
            lambda window: _events_in(connection, event_type, window),
            lambda event: (event.position,),
        )


def every_event(event_type: LoggedType | None = None) -> Iterator[FeedItem]:
    """Yield all events of the feed, the newest first, from one snapshot.

    Read it to its end without delay, because the read transaction stays open until then.
    """
    after: Keys | None = None
    with reading() as connection:
        while events := _events_in(connection, event_type, Window(after, descending=True, limit=_READ)):
            yield from events
            after = (events[-1].position,)


def with_names(connection: Connection, wanted: CreditFilter) -> CreditFilter:
    """Return the filter with the joined names of registries and parties, if it depends on them."""
    if wanted.registries or wanted.q:
        wanted = replace(wanted, names=registry_names(connection))
    return replace(wanted, party_names=party_names(connection)) if wanted.parties else wanted


def _credits_at(connection: Connection, keys: Sequence[Keys]) -> list[tuple[CreditView, Origin]]:
    """Return the credits with these sort keys, in the same order."""
    positions = [each[-1] for each in keys]
    rows = fetch(connection, statements.CREDITS_AT, as_json(positions)) if positions else []
    found = {credit.created_position: (credit, origin) for credit, origin in map(credit_of_row, rows)}
    return [found[int(position)] for position in positions]


def _events_in(connection: Connection, event_type: LoggedType | None, window: Window) -> list[FeedItem]:
    conditions = ["1 = 1"]
    parameters: list[object] = []
    if event_type:
        conditions.append("feed.type = ?")
        parameters.append(str(event_type))
    if window.after:
        conditions.append(f"feed.position {'<' if window.descending else '>'} ?")
        parameters.append(window.after[0])
    order = f"feed.position{' DESC' if window.descending else ''}"
    rows = fetch(
        connection,
        f"{statements.FEED} WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?",
        *parameters,
        window.limit,
    )
    return [feed_item(row) for row in rows]


def feed_item(row: Row) -> FeedItem:
    """Return the event or entry of a row of `statements.FEED`."""
    position, body, event_hash, project_name, quantity_e4, is_carried = row
    logged = parse_logged(body)
    if isinstance(logged, Entry):
        return entry_of(logged, position, event_hash.hex())
    event = event_of(logged, position, event_hash.hex(), project_name, quantity_e4)
    return replace(event, is_carried=True) if is_carried else event
