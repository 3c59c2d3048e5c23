"""What may follow what in the life of a credit.

The same table is enforced by the database's own guards (``webapp.ledger.storage.triggers_*``); a test
compares the two act by act.
"""

from enum import StrEnum
from typing import Final

from webapp.domain.errors import (
    ActNotAllowed,
    AlreadyCancelled,
    AlreadyRetired,
    AlreadySold,
    AlreadySplit,
)


class EventType(StrEnum):
    """The kinds of fact."""

    CREATED = "CREATED"
    SOLD = "SOLD"
    RETIRED = "RETIRED"
    SPLIT = "SPLIT"
    CANCELLED = "CANCELLED"


class Status(StrEnum):
    """What a credit is, derived from its events."""

    ACTIVE = "ACTIVE"
    SOLD = "SOLD"
    RETIRED = "RETIRED"
    SPLIT = "SPLIT"
    CANCELLED = "CANCELLED"


FIRST: Final = EventType.CREATED

STATUS_AFTER: Final = {
    EventType.CREATED: Status.ACTIVE,
    EventType.SOLD: Status.SOLD,
    EventType.RETIRED: Status.RETIRED,
    EventType.SPLIT: Status.SPLIT,
    EventType.CANCELLED: Status.CANCELLED,
}

# The statuses in which a credit holds its tonnes. A split credit has given them to its lots, and a
# cancelled one should never have been recorded: neither is counted.
COUNTED: Final = (Status.ACTIVE, Status.SOLD, Status.RETIRED)
NOT_COUNTED: Final = (Status.SPLIT, Status.CANCELLED)

# The events that a credit of this status can still have. RETIRED, SPLIT and CANCELLED are ends.
ALLOWED_ACTIONS: Final[dict[Status, tuple[EventType, ...]]] = {
    Status.ACTIVE: (EventType.SOLD, EventType.RETIRED, EventType.SPLIT, EventType.CANCELLED),
    Status.SOLD: (EventType.RETIRED, EventType.SPLIT),
    Status.RETIRED: (),
    Status.SPLIT: (),
    Status.CANCELLED: (),
}


def require_allowed(credit_id: str, status: Status, action: EventType, since: str) -> None:
    """Raise the refusal that fits, with the time `since` which the status has held."""
    if action in ALLOWED_ACTIONS[status]:
        return
    refusals: dict[Status, type[ActNotAllowed]] = {
        Status.RETIRED: AlreadyRetired,
        Status.SOLD: AlreadySold,
        Status.SPLIT: AlreadySplit,
        Status.CANCELLED: AlreadyCancelled,
    }
    raise refusals.get(status, ActNotAllowed)(credit_id, status, action, since)
