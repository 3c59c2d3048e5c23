"""How values read on a page: tonnes, counts, times, ids. Pure text; no request, no database.

`FILTERS` is what the templates see. Nothing here decides anything; rounding is never done.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from webapp.domain import fields

SHORT_ID_LENGTH: Final = 10
# Characters of a quantity without its unit.
SHORT_LENGTH_MAX: Final = 10
# How many results of a filter are kept. The same values stand in many rows and pages, and formatting
# one as markup takes several times as long as escaping a text.
KEPT: Final = 4096
_MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_QUANTITY: Final = Markup('<span class="figure%s">%s<span class="unit">&nbsp;t</span></span>')
_TIME: Final = Markup('<time datetime="%s" title="%s">%s</time>')
_DAY: Final = Markup('<time datetime="%s">%s</time>')


def number(count: int) -> str:
    """A count with its thousands grouped: 1234567 is "1,234,567"."""
    return f"{count:,}"


def tonnes(quantity: int | str) -> str:
    """A quantity with its thousands grouped and its unit: "2,765.37 t". Every decimal is kept.

    An int is ten-thousandths of a tonne, as stored; a text is tonnes in plain decimals.
    """
    return fields.tonnes(quantity if isinstance(quantity, int) else fields.quantity_from_text(quantity))


@lru_cache(KEPT)
def quantity(amount: int | str) -> Markup:
    """A quantity as `tonnes`, its unit set small; a long one is marked, for where the room is small."""
    shown = tonnes(amount).removesuffix(" t")
    return _QUANTITY % (" figure-long" if len(shown) > SHORT_LENGTH_MAX else "", shown)


@lru_cache(KEPT)
def when(recorded_at: str) -> Markup:
    """An event's time (`YYYY-MM-DDTHH:MM:SS.ffffffZ`) as a <time> that reads "20 Nov 2026, 16:29 UTC"."""
    moment = datetime.fromisoformat(recorded_at)
    shown = f"{_day_text(moment)}, {moment.hour:02d}:{moment.minute:02d} UTC"
    return _TIME % (recorded_at, recorded_at, shown)


@lru_cache(KEPT)
def day(date_text: str) -> Markup:
    """A date (`YYYY-MM-DD`) as a <time> that reads "20 Nov 2026"."""
    return _DAY % (date_text, _day_text(datetime.fromisoformat(date_text)))


def _day_text(moment: datetime) -> str:
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def short_id(full: str) -> str:
    """The first characters of an id, enough to tell two credits of one page apart by eye."""
    return full[:SHORT_ID_LENGTH]


FILTERS: Final[dict[str, Callable[..., str]]] = {
    "number": number,
    "tonnes": tonnes,
    "quantity": quantity,
    "when": when,
    "day": day,
    "short_id": short_id,
}
