"""The clock of the ledger, a function so that tests can replace it."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

# The farthest time zone ahead of UTC.
_AHEAD: Final = timedelta(hours=14)


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def latest_day() -> date:
    """Return the latest day that it is anywhere on Earth. Any later one is in the future for everybody."""
    return (now() + _AHEAD).date()
