"""Activity: what was done, the newest first, one item for what one request did, or one import recorded.

An act and all of its lots are one item, a split with its lots, a correction, or an entry about a registry.
The events of an import stand behind its entry, which follows them and has its counts; until it is recorded,
each run of them is an item. Where a type of event, a party or words are asked for, each event of an import is
an item. The items follow from the log; ``projections.feed_runs`` only lets a reader pass over the events of
long acts and imports.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final, NamedTuple

from sqlalchemy import Connection

from webapp.domain.entry import IMPORT, Entry
from webapp.domain.event import ACT_KEY, IMPORT_KEY, Event
from webapp.domain.facts import facts_in
from webapp.domain.lifecycle import EventType
from webapp.domain.text import canonical
from webapp.ledger.event_log import parse_logged
from webapp.ledger.listing import LoggedType
from webapp.ledger.projections.joined_names import party_names
from webapp.ledger.storage import activity_sql as sql
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import Row, fetch
from webapp.ledger.views import EntryView, EventView, entry_of, event_of

LIMIT: Final = 50
# The lots of an item that are read.
LOTS_MAX: Final = 10
# The most events that are read for one page.
SCANNED_MAX: Final = 2_000
_BATCH: Final = 150
_BATCH_OF_TYPE: Final = 5
_LOT_TYPES: Final = (EventType.CREATED, EventType.SOLD)
_ON_A_PART: Final = (EventType.SOLD, EventType.SALE_REVERSED, EventType.RETIRED, EventType.WITHDRAWN)
_CARRIED_SEQ: Final = 2
# The events that name a party.
_NAMING_PARTY: Final = (EventType.SOLD, EventType.RETIRED, EventType.AMENDED)
_DAY_END: Final = "T24"


@dataclass(frozen=True)
class ActivityFilter:
    """Which items to list. Days (UTC, `YYYY-MM-DD`) are those of the recording, with both ends.

    `party` is a buyer or beneficiary that the item names, by any name joined to it. Each of the words in `q`
    occurs in its texts, its projects, registries or serial numbers; of long acts, in those of the first ones.
    """

    type: LoggedType | None = None
    actor: str = ""
    party: str = ""
    q: str = ""
    recorded_from: str = ""
    recorded_to: str = ""

    @property
    def is_set(self) -> bool:
        """Whether it leaves anything out."""
        return self != ActivityFilter()


class Lot(NamedTuple):
    """A credit of an item."""

    id: str
    project_name: str
    registry: str
    vintage: int
    quantity_e4: int
    serial_number: str | None


@dataclass(frozen=True)
class ActivityItem:
    """What was done. `lead` is the event or entry that says it, `lots` are its first credits.

    `credits` and `quantity_e4` count all of them; an entry has none. `is_corrected`: the voided credit was
    replaced by another one.
    """

    lead: EventView | EntryView
    lots: Sequence[Lot]
    credits: int
    quantity_e4: int
    is_corrected: bool = False

    @property
    def project_names(self) -> list[str]:
        """The different projects of its lots."""
        return list(dict.fromkeys(lot.project_name for lot in self.lots))


@dataclass(frozen=True)
class ActivityPage:
    """A page of items. `below` is the position from which the next page reads, None at the end.

    `is_searched` is false if only the newest `searched` events below the start were, because few items match.
    """

    items: Sequence[ActivityItem]
    below: int | None
    is_searched: bool = True
    searched: int = 0


class _Logged(NamedTuple):
    position: int
    subject: int
    hash: str
    event: Event | Entry
    lot: Lot | None

    @property
    def stamp(self) -> tuple[str, str]:
        return self.event.actor, self.event.recorded_at

    @property
    def is_split(self) -> bool:
        """Whether it is a split."""
        return self.event.type is EventType.SPLIT

    @property
    def names_more(self) -> bool:
        """Whether it names the import or the act on many credits that it belongs to."""
        return isinstance(self.event, Event) and bool(self.event.data.keys() & {IMPORT_KEY, ACT_KEY})

    @property
    def is_of_lot(self) -> bool:
        """Whether it may be one of the events by which a split makes a lot."""
        event = self.event
        if isinstance(event, Entry) or event.type not in _LOT_TYPES:
            return False
        return "parent" in event.data or (event.type is EventType.SOLD and event.seq == _CARRIED_SEQ)


class _Run(NamedTuple):
    first: int
    last: int
    import_number: int | None
    credits: int
    quantity_e4: int


def list_activity(wanted: ActivityFilter, below: int | None = None, limit: int = LIMIT) -> ActivityPage:
    """Return a page of items; the events of all of them are at positions up to `below`."""
    with reading() as connection:
        ((end,),) = fetch(connection, sql.END)
        reader = _Reader(connection, wanted, min(end, end if below is None else below))
        parties = _parties(connection, wanted)
        items: list[ActivityItem] = []
        start = reader.at
        for item in reader.items():
            if len(items) == limit:
                return ActivityPage(items, reader.started_at)
            if _matches(item, wanted, parties):
                items.append(item)
            if reader.scanned >= SCANNED_MAX:
                left = reader.at if reader.at >= reader.low else None
                return ActivityPage(items, left, left is None, start - reader.at)
        return ActivityPage(items, None)


class _Reader:
    """Reads items downwards from a position.

    `at` is the next one, `started_at` that of the last item, and `low` the last one to read.
    """

    def __init__(self, connection: Connection, wanted: ActivityFilter, start: int) -> None:
        self._connection = connection
        self._types: Sequence[str] = [wanted.type] if wanted.type else _NAMING_PARTY if wanted.party else []
        # The entry of an import says nothing of its events, so these are items where they are asked for.
        self._opens_imports = wanted.type in set(EventType) or bool(wanted.party or wanted.q)
        low, high = _positions_of(connection, wanted.recorded_from, wanted.recorded_to)
        self.low = low
        self.at = min(start, high)
        self.started_at = self.at
        self.scanned = 0
        self._rows: dict[int, Row] = {}

    def items(self) -> Iterator[ActivityItem]:
        """Yield the items, the newest first."""
        while self.at >= self.low:
            if self._types:
                self.at = max(self._next_of(event_type) for event_type in self._types)
                if self.at < self.low:
                    break
            self.started_at = self.at
            item = self._next()
            if item is not None:
                yield item
        self.at = 0

    def _next_of(self, event_type: str) -> int:
        ((position,),) = fetch(self._connection, sql.NEXT_OF_TYPE, str(event_type), self.at)
        return int(position or 0)

    def _next(self) -> ActivityItem | None:
        """Return the item at the position and move below it; None where an entry stands for it."""
        head = self._read(self.at)
        if isinstance(head.event, Entry):
            self.at -= 1
            return ActivityItem(entry_of(head.event, head.position, head.hash), [], 0, 0)
        if head.names_more:
            run = self._run_at(head)
            if self._opens_imports and run.import_number is not None:
                self.at -= 1
                return ActivityItem(_view(head), _lots([head]), 1, head.lot.quantity_e4 if head.lot else 0)
            self.at = run.first - 1
            self._pass_splits(head)
            return None if self._has_entry(run) else self._of_run(run)
        return self._of_group(self._group(head))

    def _has_entry(self, run: _Run) -> bool:
        """Return whether a run is of an import that has an entry, which stands for it."""
        subject = f"{IMPORT}{run.import_number}"
        return run.import_number is not None and bool(fetch(self._connection, sql.SUBJECT, subject))

    def _run_at(self, head: _Logged) -> _Run:
        rows = fetch(self._connection, sql.RUN_AT, head.position)
        run = _Run(*rows[0]) if rows else None
        if run is None or run.last < head.position:  # only where the projection is damaged
            return _Run(head.position, head.position, None, 1, head.lot.quantity_e4 if head.lot else 0)
        return run

    def _of_run(self, run: _Run) -> ActivityItem:
        rows = self._upwards(run.first, min(run.last + 1 - run.first, LOTS_MAX))
        return ActivityItem(_view(rows[0]), _lots(rows), run.credits, run.quantity_e4)

    def _upwards(self, position: int, limit: int) -> list[_Logged]:
        rows = fetch(self._connection, sql.FEED_UP, position, limit)
        self.scanned += len(rows)
        return [_logged(row) for row in rows]

    def _pass_splits(self, head: _Logged) -> None:
        """Move below the splits of the same request, which made lots that it acted on."""
        while self.at >= 1:
            row = self._read(self.at)
            if row.stamp != head.stamp or row.names_more or not (row.is_of_lot or row.is_split):
                break
            self.at -= 1

    def _group(self, head: _Logged) -> list[_Logged]:
        """Return the events of one request without a key, oldest first, and move below them."""
        group = [head]
        self.at -= 1
        while self.at >= 1 and not _is_closed(group[-1]):
            row = self._read(self.at)
            if row.stamp != head.stamp or not _belongs(row, group[-1]):
                break
            group.append(row)
            self.at -= 1
        return group[::-1]

    def _of_group(self, group: Sequence[_Logged]) -> ActivityItem:
        first, last = group[0].event, group[-1].event
        acting = [group[0]]
        is_corrected = False
        if isinstance(first, Event) and isinstance(last, Event) and len(group) > 1:
            if first.type is EventType.CANCELLED:
                acting, is_corrected = list(group), True
            elif last.type in _ON_A_PART and not _is_carried(group):
                acting = [group[-1]]
        shown = acting
        if acting[0].is_split:  # its lots are right above it
            above = self._upwards(acting[0].position + 1, 2 * LOTS_MAX)
            shown = [row for row in above if row.is_of_lot and row.event.seq == 1]
            shown = list(takewhile(lambda row: row.stamp == group[0].stamp, shown))
        view = _view(acting[0])
        quantities = view.data.get("quantities")
        credits = len(quantities) if isinstance(quantities, list) else len(shown)
        return ActivityItem(view, _lots(shown[:LOTS_MAX]), credits, view.quantity_e4, is_corrected)

    def _read(self, position: int) -> _Logged:
        """Return the event at a position, reading some below it at once."""
        if position not in self._rows:
            limit = _BATCH_OF_TYPE if self._types else _BATCH
            rows = fetch(self._connection, sql.FEED_DOWN, position, limit)
            self._rows = {row[0]: row for row in rows}
            self.scanned += len(rows)
        # Parsed only here: a run of many events is passed over after its last one.
        return _logged(self._rows[position])


def _is_closed(lowest: _Logged) -> bool:
    """Return whether the earliest event read so far begins its request: no earlier event can belong to it."""
    event = lowest.event
    if isinstance(event, Entry) or event.type in {EventType.SPLIT, EventType.CANCELLED, EventType.AMENDED}:
        return True
    return event.type is EventType.CREATED and not {"parent", "replaces"} & event.data.keys()


def _belongs(row: _Logged, above: _Logged) -> bool:
    """Return whether an event right before another one of the same time is of the same request."""
    event = row.event
    if isinstance(event, Entry) or row.names_more:
        return False
    if isinstance(above.event, Event) and "replaces" in above.event.data:
        return event.type is EventType.CANCELLED
    return row.is_of_lot or (row.is_split and above.is_of_lot)


def _is_carried(group: Sequence[_Logged]) -> bool:
    """Return whether the last event of a split is the sale that its last lot carries over."""
    last, before = group[-1].event, group[-2].event
    is_sale = isinstance(last, Event) and last.type is EventType.SOLD and last.seq == _CARRIED_SEQ
    return is_sale and group[-1].subject == group[-2].subject and isinstance(before, Event)


def _lots(rows: Sequence[_Logged]) -> list[Lot]:
    return [row.lot for row in rows if row.lot]


def _logged(row: Row) -> _Logged:
    position, subject, event_hash, body, *credit = row
    event = parse_logged(body)
    if isinstance(event, Entry):
        return _Logged(position, subject, event_hash.hex(), event, None)
    project_name, registry, vintage, quantity_e4, serial_number = credit
    lot = Lot(event.credit_id, project_name, registry, vintage, quantity_e4, serial_number)
    return _Logged(position, subject, event_hash.hex(), event, lot)


def _view(row: _Logged) -> EventView:
    if isinstance(row.event, Entry) or row.lot is None:
        raise TypeError("an entry is no event of a credit")
    return event_of(row.event, row.position, row.hash, row.lot.project_name, row.lot.quantity_e4)


def event_test(wanted: ActivityFilter) -> Callable[[EventView | EntryView], bool]:
    """Return a function that says whether an event passes the filter, apart from the words in `q`."""
    with reading() as connection:
        parties = _parties(connection, wanted)
    return lambda event: _is_wanted(event, wanted, parties)


def _parties(connection: Connection, wanted: ActivityFilter) -> Sequence[str]:
    """Return all canonical names of the party that is asked for."""
    return party_names(connection).group(canonical(wanted.party)) if wanted.party else ()


def _is_wanted(event: EventView | EntryView, wanted: ActivityFilter, parties: Sequence[str]) -> bool:
    if wanted.type is not None and event.event_type != wanted.type:
        return False
    if wanted.actor and event.actor != wanted.actor:
        return False
    if not (wanted.recorded_from or "") <= event.recorded_at <= f"{wanted.recorded_to or '9999'}{_DAY_END}":
        return False
    named = {canonical(str(event.data.get(name, ""))) for name in ("buyer", "beneficiary")}
    return not parties or not named.isdisjoint(parties)


def words_test(wanted: ActivityFilter) -> Callable[[EventView | EntryView, Lot | None], bool]:
    """Return a function that says whether each of the words in `q` occurs in an event or its credit."""
    return lambda event, lot: _has_words(_texts(event, [lot] if lot else []), wanted.q)


def _matches(item: ActivityItem, wanted: ActivityFilter, parties: Sequence[str]) -> bool:
    """Return whether an item is wanted. `parties` has all canonical names of the party."""
    return _is_wanted(item.lead, wanted, parties) and _has_words(_texts(item.lead, item.lots), wanted.q)


def _has_words(texts: Sequence[str], q: str) -> bool:
    return all(any(word in text for text in texts) for word in canonical(q).split(" "))


def _texts(event: EventView | EntryView, lots: Sequence[Lot]) -> list[str]:
    words = [value for value in event.data.values() if isinstance(value, str)]
    if isinstance(event, EventView):
        words += facts_in(event.data).values()
    credits = [f"{lot.project_name} {lot.registry} {lot.serial_number or ''} {lot.vintage}" for lot in lots]
    return [canonical(text) for text in (*words, *credits)] or [""]


def _positions_of(connection: Connection, recorded_from: str, recorded_to: str) -> tuple[int, int]:
    """Return the first and last position at which events recorded on these days can be."""
    ((end,),) = fetch(connection, sql.END)
    ((mark,),) = fetch(connection, sql.MARK)
    low = _first_from(connection, recorded_from, mark, end + 1) if recorded_from else 1
    high = _first_from(connection, f"{recorded_to}{_DAY_END}", mark, end + 1) if recorded_to else end
    return (low if low > mark == 1 else 1), min(high, end)


def _first_from(connection: Connection, time: str, low: int, high: int) -> int:
    """Return the lowest position of this range that was not recorded before the time, or its end."""
    while low < high:
        middle = (low + high) // 2
        ((position, body),) = fetch(connection, sql.BODY_FROM, middle)
        low, high = (position + 1, high) if parse_logged(body).recorded_at < time else (low, middle)
    return low
