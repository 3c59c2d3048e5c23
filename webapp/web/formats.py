"""Formatting of values on pages: tonnes, counts, times, ids. No value is rounded.

`FILTERS` holds the template filters.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from webapp.domain import fields
from webapp.domain.event import time_text
from webapp.ledger import clock

SHORT_ID_LENGTH: Final = 10
# Characters of a quantity without its unit; a longer one is marked as long.
SHORT_LENGTH_MAX: Final = 10
# Size of the caches. The same values recur in many rows, and formatting one takes several times as long as
# escaping text.
CACHE_SIZE: Final = 4096
_MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
# Markup because these are cached, which a template macro is not. Only these constants are markup: `%` of
# Markup escapes every value.
_QUANTITY: Final = Markup('<span class="figure%s">%s<span class="unit">&nbsp;t</span></span>')
_TIME: Final = Markup('<time datetime="%s" title="%s">%s</time>')
# The script times.js shows it relative, and in the reader's time zone.
_AGO: Final = Markup('<time datetime="%s" title="%s" data-ago>%s</time>')
_DAY_OF: Final = Markup(
    '<time datetime="%s" title="Recorded %s">%s</time><span class="visually-hidden">, recorded %s</span>'
)
_DAY: Final = Markup('<time datetime="%s">%s</time>')


def number(count: int) -> str:
    """Return a count with thousands separators: "1,234,567"."""
    return f"{count:,}"


def duration(seconds: float) -> str:
    """Return a time as people say it, rounded up: "40 s", "3 min", "2 h 5 min"."""
    whole = math.ceil(seconds)
    if whole < 60:  # noqa: PLR2004 - a minute
        return f"{whole} s"
    minutes = -(-whole // 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004 - an hour


def tonnes(quantity: int | str) -> str:
    """Return a quantity with thousands separators and its unit: "2,765.37 t". All decimals are kept.

    An int is ten-thousandths of a tonne, as stored; a str is tonnes in plain decimals.
    """
    return fields.tonnes(quantity if isinstance(quantity, int) else fields.quantity_from_text(quantity))


def bare_tonnes(quantity_e4: int) -> str:
    """Return a quantity as `tonnes` does, without its unit, for tables that state it once: "2,765.37"."""
    return tonnes(quantity_e4).removesuffix(" t")


@lru_cache(CACHE_SIZE)
def quantity(amount: int | str) -> Markup:
    """Return a quantity as `tonnes` does, as markup; a long one gets a class for narrow places."""
    shown = tonnes(amount).removesuffix(" t")
    return _QUANTITY % (" figure-long" if len(shown) > SHORT_LENGTH_MAX else "", shown)


@lru_cache(CACHE_SIZE)
def when(recorded_at: str) -> Markup:
    """Return a time (`YYYY-MM-DDTHH:MM:SS.ffffffZ`) as a <time> element: "20 Nov 2026, 16:29 UTC"."""
    return _TIME % (recorded_at, recorded_at, _moment_text(recorded_at))


@lru_cache(CACHE_SIZE)
def ago(recorded_at: str) -> Markup:
    """Return a time as `when` does; with scripts, it says how long ago that was, for a week."""
    return _AGO % (recorded_at, recorded_at, _moment_text(recorded_at))


def this_minute() -> str:
    """Return the present time in the format of events, without seconds: when a page was printed."""
    return time_text(clock.now().replace(second=0, microsecond=0))


@lru_cache(CACHE_SIZE)
def day(date_text: str) -> Markup:
    """Return a date (`YYYY-MM-DD`) as a <time> element: "20 Nov 2026"."""
    return _DAY % (date_text, _day_text(datetime.fromisoformat(date_text)))


@lru_cache(CACHE_SIZE)
def day_of(date_text: str, recorded_at: str) -> Markup:
    """Return the day of an event as `day` does, with the time of its recording on hover and for readers."""
    recorded = _moment_text(recorded_at)
    return _DAY_OF % (date_text, recorded, day_text(date_text), recorded)


def day_text(date_text: str) -> str:
    """Return a date (`YYYY-MM-DD`) as text: "20 Nov 2026"."""
    return _day_text(datetime.fromisoformat(date_text))


def period(name: str) -> str:
    """Return a month (`YYYY-MM`) or a year (`YYYY`) as text: "Nov 2026", "2026"."""
    year, _, month = name.partition("-")
    return f"{_MONTHS[int(month) - 1]} {year}" if month else year


def _moment_text(recorded_at: str) -> str:
    moment = datetime.fromisoformat(recorded_at)
    return f"{_day_text(moment)}, {moment.hour:02d}:{moment.minute:02d} UTC"


def _day_text(moment: datetime) -> str:
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def short_id(full: str) -> str:
    """Return the first SHORT_ID_LENGTH characters of an id."""
    return full[:SHORT_ID_LENGTH]


FILTERS: Final[dict[str, Callable[..., str]]] = {
    "number": number,
    "duration": duration,
    "tonnes": tonnes,
    "bare_tonnes": bare_tonnes,
    "quantity": quantity,
    "plain_quantity": fields.quantity_text,
    "when": when,
    "ago": ago,
    "day": day,
    "day_text": day_text,
    "day_of": day_of,
    "period": period,
    "short_id": short_id,
}
