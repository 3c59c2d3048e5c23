"""Balances and movements as of a day, as known at a time. See "As of" in docs/ledger.md.

Two cuts: `as_of` says what had happened by the end of that day, `known_at` what was recorded by then. An
answer with both is the same for ever, because later events have later positions.

Sums come from `day_sums`, which are by epoch of the feed. The part of an epoch before the cut comes from
`standings`. So no query reads all credits.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final, Literal, NamedTuple

from sqlalchemy import Connection

from webapp.domain.errors import InvalidFields, LedgerUnavailable, Problem
from webapp.domain.event import time_text
from webapp.domain.joined_names import JoinedNames
from webapp.domain.lifecycle import STATUS_AFTER, EventType, Status
from webapp.domain.standing import zone_named
from webapp.domain.text import canonical
from webapp.ledger import clock
from webapp.ledger.projections.joined_names import party_names_at, registry_names_at
from webapp.ledger.standings import catch_up, followed
from webapp.ledger.storage import standing_sql as sql
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.standing_tables import EPOCH
from webapp.ledger.storage.statements import Parameters, Row, fetch

# How long an answer waits until the standings include all that is recorded.
WAIT_S: Final = 5.0
_LAST_DAY: Final = date.max.toordinal()
_NOT_A_DAY: Final = "Must be a day such as 2026-12-31."
_NOT_A_TIME: Final = "Must be a time such as 2027-01-31T12:00:00Z or 2027-01-31 12:00, or a day."
_LATER: Final = "Must not lie in the future. A day must have ended; leave it empty for now."

Dimension = Literal[
    "registry", "project", "project_id", "vintage", "type", "party", "is_dated", "day", "month", "year"
]
_COLUMNS: Final[dict[Dimension, str]] = {
    "registry": "registry_key",
    "project": "project_key",
    "project_id": "project_id",
    "vintage": "vintage",
    "type": "type",
    "party": "party_key",
    "is_dated": "is_dated",
}
# What of the last epoch counts: rows that became known in it, less those that ended in it.
_REST: Final = (("", "known_from >= ? AND known_from <= ?"), ("-", "known_to >= ? AND known_to <= ?"))
# Which names are one, as of a position, of the dimensions that have such.
_NAMES: Final[dict[Dimension, Callable[[Connection, int], JoinedNames]]] = {
    "registry": registry_names_at,
    "party": party_names_at,
}
# The parts of an ISO day that the dimensions of time keep.
_OF_DAY: Final[dict[Dimension, int]] = {"day": 10, "month": 7, "year": 4}


@dataclass(frozen=True)
class Cut:
    """The two cuts of an answer.

    `as_of` is a day, None for all days. `known_at` is a time in UTC, and `position` the last feed position
    that was recorded by then. `time_zone` is that in which days end.
    """

    as_of: str | None
    known_at: str
    position: int
    time_zone: str

    @property
    def day(self) -> int:
        """The ordinal of the last day."""
        return _LAST_DAY if self.as_of is None else date.fromisoformat(self.as_of).toordinal()


@dataclass(frozen=True)
class Where:
    """Which cells count; an empty tuple does not limit. Names are in canonical form.

    A registry or party counts with all names that are joined to it as of the cut.
    """

    registries: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    project_ids: tuple[str, ...] = ()
    first_vintage: int | None = None
    last_vintage: int | None = None
    types: tuple[EventType, ...] = ()
    parties: tuple[str, ...] = ()

    @classmethod
    def named(
        cls,
        *,
        registry: str = "",
        project: str = "",
        project_id: str = "",
        party: str = "",
        types: tuple[EventType, ...] = (),
        first_vintage: int | None = None,
        last_vintage: int | None = None,
    ) -> "Where":
        """Return what counts by names in canonical form; an empty text does not limit."""
        registries, projects, project_ids, parties = (
            (canonical(name),) if name else () for name in (registry, project, project_id, party)
        )
        return cls(registries, projects, project_ids, first_vintage, last_vintage, types, parties)

    def condition(self, cut_: Cut) -> tuple[str, Parameters]:
        """Return the condition on `standing_cells` as SQL, empty if there is none, and its parameters."""
        with reading() as connection:
            lists: dict[str, Sequence[object]] = {
                "registry_key": _with_aliases(connection, "registry", self.registries, cut_),
                "project_key": self.projects,
                "project_id": self.project_ids,
                "type": self.types,
                "party_key": _with_aliases(connection, "party", self.parties, cut_),
            }
        parts = [f"{name} IN ({', '.join('?' * len(values))})" for name, values in lists.items() if values]
        # The indexes of these columns leave out empty texts, which SQLite has to be told.
        parts += [f"{name} <> ''" for name in ("project_id", "party_key") if lists[name] and all(lists[name])]
        parameters = [value for values in lists.values() for value in values]
        for operator, year in ((">=", self.first_vintage), ("<=", self.last_vintage)):
            if year is not None:
                parts.append(f"vintage {operator} ?")
                parameters.append(year)
        return " AND ".join(parts), tuple(parameters)


EVERYTHING: Final = Where()


class Amount(NamedTuple):
    """A sum: the values of the dimensions asked for, in their order, with credits and their tonnes.

    A registry or party is told by its main name as of the cut. `quantity_e4` is in ten-thousandths of a
    tonne.
    """

    of: tuple[str | int, ...]
    credits: int
    quantity_e4: int


def types_of(*statuses: Status) -> tuple[EventType, ...]:
    """Return the types of event that give a credit one of these statuses."""
    return tuple(kind for kind, status in STATUS_AFTER.items() if status in statuses)


def cut(
    as_of: str | None = None, known_at: str | None = None, *, time_zone: str = "UTC", within_s: float = WAIT_S
) -> Cut:
    """Return the cuts that a person states, each a text or missing.

    Without `known_at`, all that is recorded counts. Raises InvalidFields, and LedgerBusy after `within_s`.
    """
    problems: list[Problem] = []
    day = _parsed_day(as_of, problems) if as_of else None
    at = _parsed_time(known_at, time_zone, problems) if known_at else None
    if problems:
        raise InvalidFields(problems)
    try:
        catch_up(time_zone, within_s)
    except LedgerUnavailable:  # a standby: what it has followed so far is what it knows
        if at is not None or not followed(time_zone):
            raise
    with reading() as connection:
        if at is None:
            position = followed(time_zone)
            at = recorded_at(connection, position) if position else time_text(clock.now())
        else:
            position = _position_at(connection, at)
    _wait_until_after(at)
    return Cut(day, at, position, time_zone)


def parse_days(stated: Mapping[str, str]) -> list[str | None]:
    """Return the days that a person states, by their fields; None if missing. Raises InvalidFields."""
    problems: list[Problem] = []
    days = [_parsed_day(text, problems, name) if text else None for name, text in stated.items()]
    if problems:
        raise InvalidFields(problems)
    return days


def balances(
    cut_: Cut, by: Sequence[Dimension], where: Where = EVERYTHING, *, since: int | None = None
) -> list[Amount]:
    """Return what stood in the cells at the end of the day, without zeros. There is no dimension of time.

    With `since`, return the difference from what was known of that day at this earlier position.
    """
    condition, parameters = where.condition(cut_)
    if since is None and is_everything(cut_):
        return _in_cells(cut_, "sum(credits)", "sum(quantity_e4)", where, by)
    stood = "first_day <= ? AND (last_day IS NULL OR last_day > ?)"
    parts = [("sum(entered - went)", "sum(entered_e4 - went_e4)", "day_sums", "day <= ? AND epoch < ?")]
    values: list[object] = [cut_.day, epoch := _epoch(cut_), *parameters]
    start = epoch * EPOCH
    if since is not None:
        parts, values, start = [], [], since + 1
    for sign, known in _REST if since is not None or start <= cut_.position else ():
        parts.append((f"{sign}count(*)", f"{sign}sum(quantity_e4)", "standings", f"{stood} AND {known}"))
        values += [cut_.day, cut_.day, start, cut_.position, *parameters]
    return _added(cut_, parts, values, condition, by)


def movements(
    cut_: Cut,
    by: Sequence[Dimension],
    where: Where = EVERYTHING,
    first_day: str | None = None,
    last_day: str | None = None,
    *,
    since: int | None = None,
) -> list[Amount]:
    """Return what entered the cells between two days, both included, by the day on which it happened.

    That is what was created, sold, reversed, retired or withdrawn (dimension `type`), without zeros. Days
    after `as_of` do not count. With `since`, return the difference from this earlier position.
    """
    condition, parameters = where.condition(cut_)
    if since is None and not (first_day or last_day or set(by) & set(_OF_DAY)) and is_everything(cut_):
        return _in_cells(cut_, "sum(entered)", "sum(entered_e4)", where, by)
    first = date.fromisoformat(first_day).toordinal() if first_day else 0
    last = min(date.fromisoformat(last_day).toordinal() if last_day else _LAST_DAY, cut_.day)
    parts = [("sum(entered)", "sum(entered_e4)", "day_sums", "day BETWEEN ? AND ? AND epoch < ?")]
    values: list[object] = [first, last, epoch := _epoch(cut_), *parameters]
    start = epoch * EPOCH
    if since is not None:
        parts, values, start = [], [], since + 1
    for sign, known in _REST if since is not None or start <= cut_.position else ():
        within = f"first_day BETWEEN ? AND ? AND {known}"
        parts.append((f"{sign}count(*)", f"{sign}sum(quantity_e4)", "standings", within))
        values += [first, last, start, cut_.position, *parameters]
    return _added(cut_, parts, values, condition, by)


def _with_aliases(
    connection: Connection, dimension: Dimension, keys: Sequence[str], cut_: Cut
) -> Sequence[str]:
    """Return the names of a dimension with all names that are joined to them as of the cut."""
    if not keys:
        return keys
    names = _NAMES[dimension](connection, cut_.position)
    return list(dict.fromkeys(name for key in keys for name in names.group(key)))


def is_everything(cut_: Cut) -> bool:
    """Return whether the cut has all that happened, and all that the standings include."""
    return cut_.as_of is None and cut_.position == followed(cut_.time_zone)


def _in_cells(cut_: Cut, credits: str, quantity: str, where: Where, by: Sequence[Dimension]) -> list[Amount]:
    """Add up the totals of the cells, without looking at days."""
    condition, parameters = where.condition(cut_)
    keys = ", ".join(_COLUMNS[name] for name in by)
    statement = (
        f"SELECT {keys + ', ' if keys else ''}{credits}, {quantity} FROM standing_cells"
        f"{' WHERE ' + condition if condition else ''}{' GROUP BY ' + keys if keys else ''}"
    )
    with reading() as connection:
        rows = fetch(connection, statement, *parameters)
        return _folded(rows, by, None, _names_of(connection, by, cut_))


def _names_of(connection: Connection, by: Sequence[Dimension], cut_: Cut) -> dict[int, JoinedNames]:
    """Return the joined names of the dimensions that have such, by their places."""
    return {
        by.index(name): names_at(connection, cut_.position) for name, names_at in _NAMES.items() if name in by
    }


def _epoch(cut_: Cut) -> int:
    """Return the epoch before which all sums count: also the last one, if all that it has is known."""
    return cut_.position // EPOCH + (cut_.position == followed(cut_.time_zone))


def _added(
    cut_: Cut,
    parts: Sequence[tuple[str, str, str, str]],
    values: Sequence[object],
    condition: str,
    by: Sequence[Dimension],
) -> list[Amount]:
    """Add up the parts: the credits, the quantity, a table, and which of its rows count."""
    day = next((name for name in by if name in _OF_DAY), None)
    columns = [_COLUMNS[name] for name in by if name not in _OF_DAY]
    among = f"IN (SELECT cell FROM standing_cells WHERE {condition})"
    # `+ 0` keeps the index of cells out: the rows of an epoch are next to each other.
    limits = {"day_sums": f" AND cell {among}", "standings": f" AND cell + 0 {among}"}
    inner = " UNION ALL ".join(
        f"SELECT cell, {_day_of(table) if day else '0'} AS day, {credits} AS credits,"
        f" {quantity} AS quantity_e4 FROM {table} WHERE {rows}{limits[table] if condition else ''}"
        f" GROUP BY cell{', ' + _day_of(table) if day else ''}"
        for credits, quantity, table, rows in parts
    )
    keys = ", ".join([*columns, *(["day"] if day else [])])
    statement = (
        f"SELECT {keys + ', ' if keys else ''}sum(part.credits), sum(part.quantity_e4) FROM ({inner}) AS part"
        f" JOIN standing_cells ON standing_cells.cell = part.cell{' GROUP BY ' + keys if keys else ''}"
    )
    with reading() as connection:
        rows = fetch(connection, statement, *values)
        return _folded(rows, by, day, _names_of(connection, by, cut_))


def _day_of(table: str) -> str:
    return "day" if table == "day_sums" else "first_day"


def _folded(
    rows: Iterable[Row], by: Sequence[Dimension], day: Dimension | None, names: Mapping[int, JoinedNames]
) -> list[Amount]:
    """Return the rows as sums.

    The day is put at its place, as month or year where that is asked for. `names` has the joined names of
    the dimensions at some places.
    """
    found: dict[tuple[str | int, ...], list[int]] = {}
    for *keys, credits, quantity_e4 in rows:
        if day:
            keys.insert(by.index(day), _day_text(keys.pop(), day))
        for place, joined in names.items():
            keys[place] = joined.key(keys[place])
        added = found.setdefault(tuple(keys), [0, 0])
        added[0] += int(credits or 0)
        added[1] += int(quantity_e4 or 0)
    return [Amount(of, *added) for of, added in sorted(found.items()) if any(added)]


def _day_text(ordinal: int, dimension: Dimension) -> str:
    return date.fromordinal(ordinal).isoformat()[: _OF_DAY[dimension]]


def _parsed_day(text: str, problems: list[Problem], name: str = "as_of") -> str | None:
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        problems.append(Problem(name, _NOT_A_DAY))
        return None


def _parsed_time(text: str, time_zone: str, problems: list[Problem]) -> str | None:
    """Return a time in UTC: of a day its end, and of a time without a zone the one in `time_zone`."""
    try:
        moment = _moment(text.strip(), zone_named(time_zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        problems.append(Problem("known_at", _NOT_A_TIME))
        return None
    if moment > clock.now():
        problems.append(Problem("known_at", _LATER))
    return time_text(moment)


def _moment(text: str, zone: tzinfo) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    after = day + timedelta(days=1)
    return datetime(after.year, after.month, after.day, tzinfo=zone) - timedelta(microseconds=1)


def _position_at(connection: Connection, at: str) -> int:
    """Return the last position recorded by a time.

    Searched by halves from the position on since which the feed is in order of time, and before that in the
    same way: the answer is always the same, and in an old log with times out of order only near.
    """
    ((end,),) = fetch(connection, sql.LAST_POSITION)
    ((mark,),) = fetch(connection, sql.IN_ORDER_FROM)
    start = max(int(mark or 1), 1)
    low, high = (start - 1, end) if start <= end and recorded_at(connection, start) <= at else (0, start - 1)
    while low < high:
        middle = (low + high + 1) // 2
        if recorded_at(connection, middle) <= at:
            low = middle
        else:
            high = middle - 1
    return low


def recorded_at(connection: Connection, position: int) -> str:
    """Return the time of the event at a feed position."""
    rows = fetch(connection, sql.RECORDED_AT, position)
    return str(rows[0][0])


def _wait_until_after(at: str) -> None:
    """Wait until the clock is past `at`, for at most 10 ms, so that no later event has the same time."""
    until = time.monotonic() + 0.01
    while time_text(clock.now()) <= at and time.monotonic() < until:
        time.sleep(0.000_01)
