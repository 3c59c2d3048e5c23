"""Check the standings and their sums against the log, as far as they follow it. Reads only."""

from collections.abc import Iterable, Iterator
from datetime import tzinfo
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection

from webapp.domain.event import PositionedEvent
from webapp.domain.standing import FollowedCredit, advanced, zone_named
from webapp.ledger.audit.ancestors import ids_of
from webapp.ledger.audit.check_workers import KeyRange
from webapp.ledger.audit.findings import Finding
from webapp.ledger.audit.history_check import RangeEvents
from webapp.ledger.event_log import parse_stored
from webapp.ledger.storage import standing_sql as sql
from webapp.ledger.storage.standing_tables import EPOCH
from webapp.ledger.storage.statements import as_json, fetch

Rows = list[tuple[object, ...]]


def check_standings(connection: Connection, keys: KeyRange, events: RangeEvents) -> list[Finding]:
    """Check the rows of a range of credits, whose events are given."""
    head = fetch(connection, sql.HEAD)
    position, time_zone = head[0] if head else (0, "UTC")
    zone = zone_named(time_zone)
    expected = {
        key: rows
        for key, path in _paths(connection, events, position)
        if (rows := _expected(key, path, zone)) is not None
    }
    wrong = []
    for key, group in groupby(fetch(connection, sql.STANDINGS_OF_RANGE, *keys), key=itemgetter(0)):
        if [tuple(row[1:]) for row in group] != expected.pop(key, []):
            wrong.append(key)
    wrong += [key for key, rows in expected.items() if rows]
    ids = ids_of(connection, wrong) if wrong else {}
    message = "table standings: its rows are not those that the log gives"
    return [Finding(f"credit {ids.get(key, f'of key {key}')}", message) for key in wrong]


def check_day_sums(connection: Connection) -> list[Finding]:
    """Check the sums by cell and day against the standings, and the totals of cells against these."""
    days = [
        Finding(f"table day_sums, {cell} / {day} / {epoch}", "it is not the sum of the standings")
        for cell, day, epoch in fetch(connection, sql.WRONG_SUMS.format(EPOCH))
    ]
    return days + [
        Finding(f"table standing_cells, {cell}", "its totals are not those of its days")
        for (cell,) in fetch(connection, sql.WRONG_CELLS)
    ]


def _paths(
    connection: Connection, events: RangeEvents, position: int
) -> Iterator[tuple[int, Iterable[PositionedEvent]]]:
    """Yield the key of each credit with the events up to a position on the path to it."""
    for key, entries in events.roots.items():
        yield key, [entry for entry in entries if entry.position <= position]
    if events.others:
        rows = fetch(connection, sql.CHECKED_PATHS, as_json(events.others), position)
        for key, path in groupby(rows, key=itemgetter(0)):
            yield key, (PositionedEvent(at, of, parse_stored(body), None) for _, of, at, body in path)


def _expected(leaf: int, path: Iterable[PositionedEvent], zone: tzinfo) -> Rows | None:
    """Return the rows that the events on a path give its last credit; None if the path is damaged."""
    history, followed = None, None
    try:
        for entry in path:
            history = advanced(history, entry.key, entry.event, zone, entry.credit)
            if history.key != leaf:
                continue
            followed = followed or FollowedCredit(history, [])
            for _ in followed.changed(entry.position):
                pass
    except (ValueError, KeyError, IndexError, TypeError):  # reported by ``history_check``
        return None
    if followed is None:
        return []
    quantity_e4 = followed.history.credit.quantity_e4
    found: Rows = [
        (row.step, row.known_from, row.known_to, *row.period.cell, *row.period[1:], quantity_e4)
        for row in followed.rows
    ]
    return sorted(found, key=lambda row: (row[1], row[0]))
