"""The state machine of a credit: event types, statuses and allowed transitions.

The database triggers enforce the same transitions (``webapp.ledger.storage.triggers_*``); a test
compares the two.
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
    """The types of event."""

    CREATED = "CREATED"
    SOLD = "SOLD"
    RETIRED = "RETIRED"
    SPLIT = "SPLIT"
    CANCELLED = "CANCELLED"


class Status(StrEnum):
    """The status of a credit, which follows from its last event."""

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

# The statuses that count in totals. The tonnes of a split credit are in its lots, and a cancelled one
# was recorded in error.
COUNTED: Final = (Status.ACTIVE, Status.SOLD, Status.RETIRED)
NOT_COUNTED: Final = (Status.SPLIT, Status.CANCELLED)

# The event types that may follow in each status. RETIRED, SPLIT and CANCELLED are final.
ALLOWED_ACTIONS: Final[dict[Status, tuple[EventType, ...]]] = {
    Status.ACTIVE: (EventType.SOLD, EventType.RETIRED, EventType.SPLIT, EventType.CANCELLED),
    Status.SOLD: (EventType.RETIRED, EventType.SPLIT),
    Status.RETIRED: (),
    Status.SPLIT: (),
    Status.CANCELLED: (),
}


def require_allowed(credit_id: str, status: Status, action: EventType, since: str) -> None:
    """Raise a subclass of ActNotAllowed if `status` does not allow `action`.

    `since` is the time at which the credit got the status.
    """
    if action in ALLOWED_ACTIONS[status]:
        return
    refusals: dict[Status, type[ActNotAllowed]] = {
        Status.RETIRED: AlreadyRetired,
        Status.SOLD: AlreadySold,
        Status.SPLIT: AlreadySplit,
        Status.CANCELLED: AlreadyCancelled,
    }
    raise refusals.get(status, ActNotAllowed)(credit_id, status, action, since)
