"""What the charts of the dashboard show: shares, a matrix by registry and vintage, and sums by period.

All of it is made on the server and drawn as inline SVG without a `viewBox`: horizontal measures are
percentages, so a chart is as wide as its place, while its text keeps its size. Each chart has the same
figures in a table.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Literal, NamedTuple

from webapp.domain.lifecycle import EventType, Status
from webapp.ledger.overview import Held, Moved
from webapp.ledger.summaries import Sum

# What a matrix shows before it adds up the rest: registries, and vintages.
ROWS_MAX: Final = 8
COLUMNS_MAX: Final = 10
# With more vintages than columns: the latest ones that have a column each, and the lengths in years of the
# ranges of the others, of which the shortest is taken that needs few columns.
SINGLE_YEARS: Final = 6
_RANGES_MAX: Final = COLUMNS_MAX - SINGLE_YEARS
RANGES: Final = (2, 5, 10, 20, 50, 200)
# The shades of a cell, by its share of the largest one.
SHADES: Final = 4
MONTHS: Final = 24
YEARS: Final = 20
# The height of the highest column in pixels; `_moved.html` has the room above and below.
HEIGHT: Final = 140
# The share of the room of a period that its columns leave free.
_GAP: Final = 0.3
_MONTHS_OF_YEAR: Final = 12
# The months below which a chart has their name, or the year; and the most years that all have a tick.
_TICKS: Final = {"01": "", "04": "Apr", "07": "Jul", "10": "Oct"}
_TICKS_MAX: Final = 8

By = Literal["month", "year"]


class Segment(NamedTuple):
    """A part of a bar: its status, its sum, and where it is, in percent of the bar."""

    status: Status
    sum: Sum
    start: str
    width: str
    share: str


class Years(NamedTuple):
    """A column of the matrix: the first and the last vintage, both included."""

    first: int
    last: int

    @property
    def label(self) -> str:
        """The vintage, or the range."""
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"  # noqa: RUF001


class MatrixRow(NamedTuple):
    """A registry with its sums by column, each with its shade from 0 (nothing) to SHADES, and in all.

    `others` is how many registries the row is of, 0 if it is of one.
    """

    registry: str
    cells: Sequence[tuple[Years, Sum, int]]
    all: Sum
    others: int = 0


@dataclass(frozen=True)
class Matrix:
    """The sums of one status by registry, the largest first, and by vintage, the latest first."""

    columns: Sequence[Years]
    rows: Sequence[MatrixRow]
    sums: Sequence[Sum]
    all: Sum


class Period(NamedTuple):
    """The sums by type of what happened in a month (`YYYY-MM`) or a year (`YYYY`)."""

    name: str
    sums: Mapping[EventType, Sum]


class Column(NamedTuple):
    """A column of a chart: where it is in percent of the width, and its top and height in pixels."""

    event_type: EventType
    x: str
    width: str
    y: str
    height: str


class Place(NamedTuple):
    """The room of a period in a chart: its start, middle and width in percent, and its columns.

    `tick` is what stands below it, often nothing; narrow charts leave out the minor ones.
    """

    period: Period
    start: str
    middle: str
    width: str
    columns: Sequence[Column]
    tick: str
    is_minor: bool


@dataclass(frozen=True)
class Periods:
    """Periods in order, those before them added up, and how much has no stated day, of all."""

    by: By
    shown: Sequence[Period]
    earlier: Period
    undated: Sum

    @property
    def all(self) -> Period:
        """The sums of all periods."""
        return _added("", (self.earlier, *self.shown))

    @property
    def highest(self) -> int:
        """The largest sum of a period that is shown, in ten-thousandths of a tonne."""
        return max((each.quantity_e4 for period in self.shown for each in period.sums.values()), default=0)

    def places(self, types: Sequence[EventType]) -> list[Place]:
        """Return the periods with a column for each of these types."""
        room = 100 / len(self.shown)
        width = room * (1 - _GAP) / len(types)
        has_minor = self.by == "year" and len(self.shown) > _TICKS_MAX
        places = []
        for number, period in enumerate(self.shown):
            start = number * room
            columns = [
                Column(event_type, _percent(start + room * _GAP / 2 + each * width), _percent(width), *height)
                for each, event_type in enumerate(types)
                if (height := self._height(period.sums.get(event_type, Sum())))
            ]
            middle = _percent(start + room / 2)
            is_minor = has_minor and (len(self.shown) - number) % 2 == 0
            tick = _tick(period.name)
            places.append(Place(period, _percent(start), middle, _percent(room), columns, tick, is_minor))
        return places

    def _height(self, amount: Sum) -> tuple[str, str] | None:
        if not amount.quantity_e4:
            return None
        height = max(HEIGHT * amount.quantity_e4 / self.highest, 1)
        return f"{HEIGHT - height:.1f}", f"{height:.1f}"


def sums_by_status(held: Iterable[Held]) -> dict[Status, Sum]:
    """Return the sum of each status."""
    sums = dict.fromkeys(Status, Sum())
    for each in held:
        sums[each.status] += each.sum
    return sums


def shares(sums: Mapping[Status, Sum], statuses: Sequence[Status]) -> list[Segment]:
    """Return the statuses that hold anything as parts of one bar."""
    held = [(status, sums[status]) for status in statuses if sums[status].quantity_e4]
    whole = sum(each.quantity_e4 for _, each in held)
    ends = [0, *accumulate(each.quantity_e4 for _, each in held)]
    return [
        Segment(
            status,
            each,
            _percent(100 * start / whole),
            _percent(100 * each.quantity_e4 / whole),
            _share_text(each.quantity_e4, whole),
        )
        for (status, each), start in zip(held, ends, strict=False)
    ]


def matrix(held: Sequence[Held], status: Status) -> Matrix:
    """Return the matrix of the credits of one status."""
    cells: dict[tuple[str, int], Sum] = {}
    for each in held:
        if each.status is status:
            cells[each.registry, each.vintage] = each.sum
    columns = _columns({vintage for _, vintage in cells})
    rows: dict[str, list[Sum]] = {}
    for (registry, vintage), amount in cells.items():
        row = rows.setdefault(registry, [Sum()] * len(columns))
        at = next(number for number, years in enumerate(columns) if years.first <= vintage <= years.last)
        row[at] += amount
    largest = sorted(rows.items(), key=lambda row: (-_total(row[1]).quantity_e4, row[0]))
    shown = largest if len(largest) <= ROWS_MAX else largest[: ROWS_MAX - 1]
    others = [row for _, row in largest[len(shown) :]]
    highest = max((each.quantity_e4 for _, row in shown for each in row), default=0)

    def matrix_row(registry: str, row: Sequence[Sum], others: int = 0) -> MatrixRow:
        shaded = [(years, each, _shade(each, highest)) for years, each in zip(columns, row, strict=True)]
        return MatrixRow(registry, shaded, _total(row), others)

    made = [matrix_row(registry, row) for registry, row in shown]
    if others:
        made.append(matrix_row("", _totals(others), len(others)))
    sums = _totals(list(rows.values()))
    return Matrix(columns, made, sums, _total(sums))


def periods(moved: Iterable[Moved], last_day: str, by: By | None) -> Periods:
    """Return what moved by month or by year up to a day, by default by month unless it began before."""
    moved = list(moved)
    months = _months_until(last_day[:7])
    if by is None:
        by = "year" if any(each.month < months[0] for each in moved) else "month"
    length = len(months[0]) if by == "month" else len("2026")
    if by == "month":
        names = months
    else:
        last = int(last_day[:4])
        first = min((int(each.month[:4]) for each in moved), default=last)
        names = [str(year) for year in range(max(min(first, last - 4), last - YEARS + 1), last + 1)]
    sums: dict[str, dict[EventType, Sum]] = {name: {} for name in names}
    earlier: dict[EventType, Sum] = {}
    for each in moved:
        found = sums.get(each.month[:length], earlier)
        found[each.event_type] = found.get(each.event_type, Sum()) + each.sum
    undated = sum((each.sum for each in moved if not each.is_dated), Sum())
    return Periods(by, [Period(name, sums[name]) for name in names], Period("", earlier), undated)


def days_of(period: str) -> tuple[str, str]:
    """Return the first and the last day of a month (`YYYY-MM`) or a year (`YYYY`)."""
    year, _, month = period.partition("-")
    if not month:
        return f"{year}-01-01", f"{year}-12-31"
    _, length = monthrange(int(year), int(month))
    return f"{period}-01", f"{period}-{length}"


def _columns(vintages: Iterable[int]) -> list[Years]:
    """Return the vintages, the latest first; of very many, the earlier ones in ranges of equal length."""
    years = sorted(vintages, reverse=True)
    if len(years) <= COLUMNS_MAX:
        return [Years(year, year) for year in years]
    single, earlier = years[:SINGLE_YEARS], years[SINGLE_YEARS:]
    ranges = next(found for length in RANGES if len(found := _ranges(earlier, length)) <= _RANGES_MAX)
    return [*(Years(year, year) for year in single), *ranges]


def _ranges(years: Sequence[int], length: int) -> list[Years]:
    """Return the ranges of this length, counted back from the first year, that have any of the years."""
    last = years[0]
    numbers = sorted({(last - year) // length for year in years})
    return [Years(last - (number + 1) * length + 1, last - number * length) for number in numbers]


def _months_until(last: str) -> list[str]:
    end = int(last[:4]) * _MONTHS_OF_YEAR + int(last[5:7]) - 1
    return [
        f"{month // _MONTHS_OF_YEAR:04d}-{month % _MONTHS_OF_YEAR + 1:02d}"
        for month in range(end - MONTHS + 1, end + 1)
    ]


def _tick(name: str) -> str:
    year, _, month = name.partition("-")
    return _TICKS.get(month, "") or (year if month in {"", "01"} else "")


def _added(name: str, added: Iterable[Period]) -> Period:
    sums: dict[EventType, Sum] = {}
    for period in added:
        for event_type, amount in period.sums.items():
            sums[event_type] = sums.get(event_type, Sum()) + amount
    return Period(name, sums)


def _totals(rows: Sequence[Sequence[Sum]]) -> list[Sum]:
    return [_total(column) for column in zip(*rows, strict=True)]


def _total(sums: Iterable[Sum]) -> Sum:
    return sum(sums, Sum())


def _shade(amount: Sum, highest: int) -> int:
    return -(-SHADES * amount.quantity_e4 // highest) if highest else 0


def _percent(value: float) -> str:
    return f"{value:.3f}%"


def _share_text(part: int, whole: int) -> str:
    """Return a share as people say it, never 0 % of something or 100 % of less than all."""
    percent = 100 * part / whole
    if percent < 1:
        return "under 1 %"
    return f"{percent:.0f} %" if percent <= 99 or part == whole else "over 99 %"  # noqa: PLR2004
