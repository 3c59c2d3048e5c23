"""The tonnes that were created, sold, reversed, retired and withdrawn by what was recorded between two days.

They are the difference between two times of knowledge (``as_of``): an amendment counts with what it changes,
and a credit that was voided takes its tonnes back.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from webapp.domain.lifecycle import EventType
from webapp.ledger import as_of, clock
from webapp.ledger.as_of import Cut, Where

# Up to so many events, reading what they changed is faster than adding up both sums.
_READ_MAX: Final = 20_000


def recorded_sums(day_from: str, day_to: str, party: str, time_zone: str) -> Mapping[EventType, int]:
    """Return ten-thousandths of a tonne by event type, without zeros, of one party or of all.

    Days are `YYYY-MM-DD` in UTC, both included; an empty one does not limit. Raises LedgerBusy.
    """
    today = clock.now().date().isoformat()
    if day_from > today:
        return {}
    after = as_of.cut(known_at=_end_of(day_to) if "" < day_to < today else None, time_zone=time_zone)
    where = Where.named(party=party)
    if not day_from:
        return _moved(after, where)
    eve = (date.fromisoformat(day_from) - timedelta(days=1)).isoformat()
    before = as_of.cut(known_at=_end_of(eve), time_zone=time_zone)
    if before.position >= after.position:
        return {}
    if before.position and after.position - before.position <= _READ_MAX:
        return _moved(after, where, since=before.position)
    earlier, later = _moved(before, where), _moved(after, where)
    differences = {kind: later.get(kind, 0) - earlier.get(kind, 0) for kind in EventType}
    return {kind: quantity_e4 for kind, quantity_e4 in differences.items() if quantity_e4}


def _end_of(day: str) -> str:
    return f"{day}T23:59:59.999999Z"


def _moved(cut: Cut, where: Where, since: int | None = None) -> dict[EventType, int]:
    amounts = as_of.movements(cut, ["type"], where, since=since)
    return {EventType(str(kind)): quantity_e4 for (kind,), _, quantity_e4 in amounts if quantity_e4}
