"""Follow the log with the standings: what each credit was on each day, as known at each position.

This is no part of writing an event. `follow` reads the events since its last run and writes what they
change. A thread of each process calls it, and so does an answer that needs it (``as_of``). A write costs
nothing more, and an answer still includes all that was recorded before it.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import tzinfo
from typing import Final

from sqlalchemy import Connection, delete

from webapp.domain.errors import LedgerBusy, LedgerError
from webapp.domain.event import Event
from webapp.domain.lifecycle import EventType
from webapp.domain.standing import Cell, FollowedCredit, History, Period, advanced, zone_named
from webapp.ledger.background.thread import BackgroundThread
from webapp.ledger.event_log import parse_logged, parse_stored
from webapp.ledger.group_commit import transact
from webapp.ledger.storage import standing_sql as sql
from webapp.ledger.storage import standing_tables as tables
from webapp.ledger.storage.bulk_insert import insert_rows
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.standing_tables import EPOCH
from webapp.ledger.storage.statements import Parameters, as_json, fetch, send

# The most events in one transaction, for which other writes wait.
BATCH: Final = 2_000
# How often a process looks whether it has to follow.
_LOOK_EVERY_S: Final = 2.0
_log: Final = logging.getLogger(__name__)


def catch_up(time_zone: str, within_s: float) -> None:
    """Follow the log to its present end. Raises LedgerBusy if that takes longer than `within_s`."""
    until = time.monotonic() + within_s
    with reading() as connection:
        ((end,),) = fetch(connection, sql.LAST_POSITION)
    while (position := followed(time_zone)) < end:
        left_s = until - time.monotonic()
        share = 100 * position // end
        busy = LedgerBusy(f"The history by day is being prepared: {share} % so far. Try again later.")
        if left_s <= 0:
            raise busy
        try:
            transact(lambda connection: follow(connection, time_zone), unconditional=True, wait_s=left_s)
        except LedgerBusy:
            raise busy from None


class Follower(BackgroundThread):
    """A thread of a serving process that follows the log where it is more than BATCH events ahead.

    What is less, an answer follows by itself.
    """

    def __init__(
        self,
        app_context: Callable[[], AbstractContextManager[object]],
        time_zone: str,
        prepare: Callable[[str], None],
    ) -> None:
        """Take what opens a context of the application, and what to prepare once the log is followed."""
        super().__init__("standings", app_context)
        self._time_zone, self._prepare = time_zone, prepare

    def _work(self) -> None:
        while not self._is_stopping.wait(_LOOK_EVERY_S):
            try:
                with self._app_context():
                    self._follow()
                    self._prepare(self._time_zone)
            except LedgerError as error:
                _log.warning("Cannot follow the log now: %s", error)
            except Exception:  # noqa: BLE001 - after a bug here, the thread still has to follow later events
                _log.exception("Following the log failed")

    def _follow(self) -> None:
        while not self._is_stopping.is_set():
            with reading() as connection:
                ((end,),) = fetch(connection, sql.LAST_POSITION)
                if end - _followed(connection, self._time_zone) < BATCH:
                    return
            transact(lambda connection: follow(connection, self._time_zone), unconditional=True)


def followed(time_zone: str) -> int:
    """Return the last position that the standings include, 0 if they have other days."""
    with reading() as connection:
        return _followed(connection, time_zone)


def follow(connection: Connection, time_zone: str) -> int:
    """Follow the next BATCH events in an open write transaction; return the position reached."""
    position = _followed(connection, time_zone)
    if position == 0:
        for table in tables.FOLLOWING:
            connection.execute(delete(table))
    logged = fetch(connection, sql.EVENTS_AFTER, position, position + BATCH)
    if not logged:
        return position
    events = [(at, key, event) for at, key, body in logged if isinstance(event := parse_logged(body), Event)]
    batch = _Batch(connection, position, zone_named(time_zone))
    batch.load(events)
    for at, key, event in events:
        batch.apply(at, key, event)
    batch.write()
    reached: int = logged[-1][0]
    send(connection, sql.SET_HEAD, [(reached, time_zone)])
    return reached


def histories_of(
    connection: Connection, keys: Sequence[int], position: int, zone: tzinfo
) -> Iterator[History]:
    """Yield the histories of these credits as known at a position, of those recorded until then."""
    history: History | None = None
    leaf = None
    for asked, key, body in fetch(connection, sql.PATHS, as_json(keys), position):
        if asked != leaf:
            if history is not None and history.key == leaf:
                yield history
            history, leaf = None, asked
        history = advanced(history, key, parse_stored(body), zone)
    if history is not None and history.key == leaf:
        yield history


def _followed(connection: Connection, time_zone: str) -> int:
    rows = fetch(connection, sql.HEAD)
    return rows[0][0] if rows and rows[0][1] == time_zone else 0


class _Batch:
    """What a batch of events changes."""

    def __init__(self, connection: Connection, position: int, zone: tzinfo) -> None:
        """Begin after a position."""
        self._connection, self._position, self._zone = connection, position, zone
        self._followed: dict[int, FollowedCredit] = {}
        self._by_id: dict[str, int] = {}
        self._below: dict[int, list[int]] = {}
        self._sums: dict[tuple[Cell, int, int], list[int]] = {}

    def load(self, events: Sequence[tuple[int, int, Event]]) -> None:
        """Read the histories, up to the start of the batch, that its events change or continue."""
        created = {key for _, key, event in events if event.type is EventType.CREATED}
        wanted = {key for _, key, _ in events} - created
        parents = {str(event.data["parent"]) for _, _, event in events if "parent" in event.data}
        parents -= {event.credit_id for _, key, event in events if key in created}
        for parent in parents:
            wanted.update(key for (key,) in fetch(self._connection, sql.KEY_OF, bytes.fromhex(parent)))
        amended = sorted({key for _, key, event in events if event.type is EventType.AMENDED})
        if amended:
            wanted.update(key for (key,) in fetch(self._connection, sql.BELOW, as_json(amended)))
        if wanted:
            for history in histories_of(self._connection, sorted(wanted), self._position, self._zone):
                self._add(history, history.periods())

    def apply(self, position: int, key: int, event: Event) -> None:
        """Apply an event at its position."""
        if event.type is EventType.CREATED:
            parent = event.data.get("parent")
            above = self._followed[self._by_id[str(parent)]].history if parent else None
            history = advanced(above, key, event, self._zone)
            self._change(self._add(history, []), position)
            return
        lots = self._below.get(key, []) if event.type is EventType.AMENDED else []
        for each in [self._followed[key], *(self._followed[lot] for lot in lots)]:
            each.history.follow(key, event, self._zone)
            self._change(each, position)

    def write(self) -> None:
        """Write the rows and sums."""
        cells = {row.period.cell for each in self._followed.values() for row in each.rows}
        numbers = self._numbers(cells | {cell for cell, _, _ in self._sums})
        rows: list[Parameters] = [
            (row.known_from, key, row.step, row.known_to, numbers[row.period.cell], *row.period[1:],
             each.history.credit.quantity_e4)
            for key, each in self._followed.items()
            for row in each.rows
        ]  # fmt: skip
        rows.sort(key=lambda row: row[:3])
        ends = [(at, key, step) for key, each in self._followed.items() for step, at in each.ended]
        send(self._connection, sql.END_STANDING, ends)
        insert_rows(self._connection, tables.standings, sql.INSERT_STANDING, rows)
        sums = [(numbers[cell], *key, *added) for (cell, *key), added in self._sums.items() if any(added)]
        send(self._connection, sql.ADD_TO_DAY, sorted(sums))
        send(self._connection, sql.ADD_TO_CELL, self._totals(numbers))

    def _totals(self, numbers: Mapping[Cell, int]) -> list[Parameters]:
        """Return what the totals of each cell change by."""
        totals: dict[int, list[int]] = {}
        for (cell, _, _), (entered, entered_e4, went, went_e4) in self._sums.items():
            added = (entered - went, entered_e4 - went_e4, entered, entered_e4)
            before = totals.get(numbers[cell], [0] * len(added))
            totals[numbers[cell]] = [one + other for one, other in zip(before, added, strict=True)]
        return [(*added, number) for number, added in sorted(totals.items()) if any(added)]

    def _add(self, history: History, periods: list[Period]) -> FollowedCredit:
        added = self._followed[history.key] = FollowedCredit(history, periods)
        self._by_id[history.id] = history.key
        for above in history.above:
            self._below.setdefault(above, []).append(history.key)
        return added

    def _change(self, followed: FollowedCredit, position: int) -> None:
        for sign, period in followed.changed(position):
            self._count(period, position, sign, followed.history.credit.quantity_e4)

    def _count(self, period: Period, position: int, sign: int, quantity_e4: int) -> None:
        epoch = position // EPOCH
        entered = self._sums.setdefault((period.cell, period.first, epoch), [0, 0, 0, 0])
        entered[0] += sign
        entered[1] += sign * quantity_e4
        if period.last is not None:
            went = self._sums.setdefault((period.cell, period.last, epoch), [0, 0, 0, 0])
            went[2] += sign
            went[3] += sign * quantity_e4

    def _numbers(self, cells: set[Cell]) -> dict[Cell, int]:
        """Return the number of each cell; a new cell gets the next one."""
        found: dict[Cell, int] = {}
        new: list[Cell] = []
        for cell in sorted(cells):
            rows = fetch(self._connection, sql.FIND_CELL, *cell)
            if rows:
                found[cell] = rows[0][0]
            else:
                new.append(cell)
        ((last,),) = fetch(self._connection, sql.LAST_CELL)
        found |= {cell: number for number, cell in enumerate(new, start=last + 1)}
        send(self._connection, sql.INSERT_CELL, [(found[cell], *cell) for cell in new])
        return found
