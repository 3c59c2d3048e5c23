"""Check the standings and their sums against the log, as far as they follow it. Reads only."""

from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection

from webapp.domain.standing import FollowedCredit, advanced, zone_named
from webapp.ledger.audit.ancestors import ids_of
from webapp.ledger.audit.check_workers import KeyRange
from webapp.ledger.audit.findings import Finding
from webapp.ledger.event_log import parse_stored
from webapp.ledger.storage import standing_sql as sql
from webapp.ledger.storage.standing_tables import EPOCH
from webapp.ledger.storage.statements import Row, fetch

Rows = list[tuple[object, ...]]


def check_standings(connection: Connection, keys: KeyRange) -> list[Finding]:
    """Check the rows of a range of credits."""
    head = fetch(connection, sql.HEAD)
    position, time_zone = head[0] if head else (0, "UTC")
    expected: dict[int, Rows] = {}
    paths = fetch(connection, sql.PATHS_OF_RANGE, *keys, position)
    for leaf, path in groupby(paths, key=itemgetter(0)):
        rows = _expected(leaf, list(path), time_zone)
        if rows is not None:
            expected[leaf] = rows
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


def _expected(leaf: int, path: list[Row], time_zone: str) -> Rows | None:
    """Return the rows that the events on a path give its last credit; None if the path is damaged."""
    zone, history, followed = zone_named(time_zone), None, None
    try:
        for _, key, position, body in path:
            history = advanced(history, key, parse_stored(body), zone)
            if history.key != leaf:
                continue
            followed = followed or FollowedCredit(history, [])
            for _ in followed.changed(position):
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
