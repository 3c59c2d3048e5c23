"""The feed for programs: the events after a position that match a filter, the oldest first.

One call looks at no more than SCANNED_MAX events, however few match. It says up to which position it
looked, so that a reader goes on from there. Filters compare events as they were recorded, without
amendments.
"""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import astuple, dataclass
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection

from webapp.domain.credit import is_credit_id
from webapp.domain.entry import IMPORT
from webapp.domain.event import IMPORT_KEY
from webapp.domain.facts import facts_in
from webapp.domain.text import canonical
from webapp.ledger.event_log import IN_ORDER_OF_TIME, last_position
from webapp.ledger.listing import FeedItem, LoggedType, feed_item
from webapp.ledger.projections.joined_names import party_names
from webapp.ledger.search.pagination import Page, PageRequest, decode_cursor, encode_cursor
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import Parameters, fetch
from webapp.ledger.views import EntryView, happened_on

# The most events that one call looks at, and how many of them it reads at once.
SCANNED_MAX: Final = 10_000
_READ: Final = 500
_DAY_LENGTH: Final = len("2026-11-28")
_PARTIES: Final = ("buyer", "beneficiary")
# When a credit happened, where its creation states it.
_CREATION_DAYS: Final = ("acquired_on", "issued_on")
_BODY_AT: Final = (
    "SELECT events.body FROM feed JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
    " WHERE feed.position = ?"
)
_LOOKED_AT: Final = (
    "SELECT count(*), max(position) FROM (SELECT position FROM feed"
    " WHERE feed.position > ?{} ORDER BY position LIMIT ?) AS looked_at"
)
_MARK: Final = "SELECT max(position) FROM log_marks WHERE name = ?"


@dataclass(frozen=True)
class FeedFilter:
    """What events to read: those that match all of these. Days are `YYYY-MM-DD` in UTC, both included.

    `party` is a buyer or a beneficiary, compared in canonical form and under all joined names. `subject` is
    the id of a credit or the name of another subject (`import/12`), `after` a position. An event happened on
    the day that it states; a creation on the day of the acquisition or else the issuance; any other when it
    was recorded.
    """

    event_type: LoggedType | None = None
    party: str = ""
    subject: str = ""
    import_number: int | None = None
    recorded_from: str | None = None
    recorded_to: str | None = None
    happened_from: str | None = None
    happened_to: str | None = None
    after: int = 0

    @property
    def fingerprint(self) -> str:
        """A text that differs for other filters, for cursors."""
        return sha256(json.dumps(astuple(self)).encode()).hexdigest()[:12]


def follow(wanted: FeedFilter, cursor: str | None, limit: int) -> Page[FeedItem]:
    """Return at most `limit` events after the cursor. Raises CursorMismatch.

    `next` is None at the current end of the feed. A page may have no items and a `next`: then SCANNED_MAX
    events were looked at and none matched. A client that stores `end` and continues there later gets every
    further event; it is None for an empty feed.
    """
    place = PageRequest(wanted.fingerprint, (int,), descending=False, cursor=cursor, limit=limit)
    start = wanted.after
    if cursor:
        keys, _ = decode_cursor(place)
        start = int(keys[0])
    with reading() as connection:
        items, end, has_more = _Scan(connection, wanted, limit).after(start)
    following = encode_cursor(place, (end,)) if end else None
    return Page(items, following if has_more else None, None, following)


class _Scan:
    """The search for one page. SQL leaves out what an index or a search in texts can; Python decides."""

    def __init__(self, connection: Connection, wanted: FeedFilter, limit: int) -> None:
        self._connection, self._wanted, self._limit = connection, wanted, limit
        self._last = last_position(connection)
        parties = party_names(connection).group(canonical(wanted.party)) if wanted.party else ()
        self._conditions, self._texts = list(_conditions(wanted, parties)), list(_texts(wanted))
        # The position from which the feed is in order of time; one after its end if it is not known.
        ((mark,),) = fetch(connection, _MARK, IN_ORDER_OF_TIME)
        self._ordered_from = self._last + 1 if mark is None else int(mark)

    def after(self, start: int) -> tuple[Sequence[FeedItem], int, bool]:
        """Return events after a position, up to where was looked, and whether there may be more now."""
        wanted = self._wanted
        indexed, values = self._indexed()
        if indexed is None:
            return [], max(start, self._last), False
        if wanted.recorded_from:
            start = self._skip(start, wanted.recorded_from)
        stop, is_end = self._stop(start, indexed, values)
        items: list[FeedItem] = []
        for item in self._items(start, stop, indexed, values):
            if wanted.recorded_to and item.position >= self._ordered_from and _day(item) > wanted.recorded_to:
                return items, item.position - 1, False
            if not all(matches(item) for matches in self._conditions):
                continue
            if len(items) == self._limit:
                return items, items[-1].position, True
            items.append(item)
        return items, max(start, self._last) if is_end else stop, not is_end

    def _indexed(self) -> tuple[str | None, Parameters]:
        """Return the conditions that an index answers, None if nothing can match."""
        conditions: str = ""
        values: Parameters = ()
        if self._wanted.event_type:
            conditions, values = " AND feed.type = ?", (str(self._wanted.event_type),)
        if self._wanted.subject:
            key = self._key_of_subject()
            if key is None:
                return None, ()
            conditions, values = f"{conditions} AND feed.subject = ?", (*values, key)
        return conditions, values

    def _key_of_subject(self) -> int | None:
        subject = self._wanted.subject
        if is_credit_id(subject):
            rows = fetch(self._connection, statements.KEYS_OF.format("?"), bytes.fromhex(subject))
            return int(rows[0][1]) if rows else None
        ((key, _),) = fetch(self._connection, statements.SUBJECT, subject)
        return None if key is None else int(key)

    def _stop(self, start: int, indexed: str, values: Parameters) -> tuple[int, bool]:
        """Return up to which position to look, and whether that is the end of the feed."""
        ((count, stop),) = fetch(
            self._connection,
            _LOOKED_AT.format(indexed),
            start,
            *values,
            SCANNED_MAX,
        )
        return stop or start, count < SCANNED_MAX

    def _items(self, start: int, stop: int, indexed: str, values: Parameters) -> Iterator[FeedItem]:
        """Yield the events between two positions that may match."""
        conditions = f"{indexed}{''.join(f' AND ({text})' for text, _ in self._texts)}"
        patterns = [pattern for _, found in self._texts for pattern in found]
        read = min(_READ, self._limit + 1) if not self._conditions else _READ
        while start < stop:
            rows = fetch(
                self._connection,
                f"{statements.FEED} WHERE feed.position > ? AND feed.position <= ?{conditions}"
                " ORDER BY feed.position LIMIT ?",
                *(start, stop, *values, *patterns, read),
            )
            yield from map(feed_item, rows)
            if len(rows) < read:
                return
            start = rows[-1][0]

    def _skip(self, start: int, day: str) -> int:
        """Return the last position after `start` whose event was recorded before the day, or `start`."""
        if start < self._ordered_from - 1:
            return start
        low, high = start, self._last
        while low < high:
            middle = (low + high + 1) // 2
            rows = fetch(self._connection, _BODY_AT, middle)
            if rows and json.loads(rows[0][0])["recorded_at"][:_DAY_LENGTH] < day:
                low = middle
            else:
                high = middle - 1
        return low


def _texts(wanted: FeedFilter) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield conditions on the texts of events, with their patterns, that leave out most of the others."""
    either = "events.body LIKE ? OR events.body LIKE ?"
    if wanted.party:
        yield either, [f'%"{name}":%' for name in _PARTIES]
    if number := wanted.import_number:
        yield either, [f'%"{IMPORT_KEY}":"{number}"%', f'%"subject":"{IMPORT}{number}"%']


def _conditions(wanted: FeedFilter, parties: Collection[str]) -> Iterator[Callable[[FeedItem], bool]]:
    """Yield what Python decides of an event."""
    if wanted.party:
        yield lambda item: not _parties(item).isdisjoint(parties)
    if wanted.import_number:
        number = str(wanted.import_number)
        yield lambda item: _import_of(item) == number
    if wanted.recorded_from or wanted.recorded_to:
        yield lambda item: _is_within(_day(item), wanted.recorded_from, wanted.recorded_to)
    if wanted.happened_from or wanted.happened_to:
        yield lambda item: _is_within(_happened(item), wanted.happened_from, wanted.happened_to)


def _is_within(day: str, first: str | None, last: str | None) -> bool:
    return (first or "") <= day and (last is None or day <= last)


def _day(item: FeedItem) -> str:
    return item.recorded_at[:_DAY_LENGTH]


def _happened(item: FeedItem) -> str:
    """Return the day on which an event happened. See `FeedFilter`."""
    day = happened_on(item)
    if day is None and not isinstance(item, EntryView) and item.seq == 1:
        facts = facts_in(item.data)
        day = next((facts[name] for name in _CREATION_DAYS if name in facts), None)
    return day or _day(item)


def _parties(item: FeedItem) -> set[str]:
    return {canonical(str(item.data[name])) for name in _PARTIES if name in item.data}


def _import_of(item: FeedItem) -> str | None:
    if isinstance(item, EntryView) and item.subject.startswith(IMPORT):
        return item.subject.removeprefix(IMPORT)
    return str(item.data[IMPORT_KEY]) if IMPORT_KEY in item.data else None
