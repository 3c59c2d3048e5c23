"""The state machine of a credit: event types, statuses and allowed transitions.

Events are of two kinds. A counting event gives the credit its status, and the last counting event
decides which one may follow. An AMENDED event only restates words of an earlier event: it may follow
any event, and changes no status.

``require_allowed`` is the program's check. The database enforces the same transitions: by triggers
(``webapp.ledger.storage.triggers_*``), which a test compares with this module, and a second retirement
also by a unique index (``webapp.ledger.storage.log_tables.Event``).
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from webapp.domain.errors import (
    ActionNotAllowed,
    AlreadyCancelled,
    AlreadyRetired,
    AlreadySold,
    AlreadySplit,
    AlreadyWithdrawn,
)


class EventType(StrEnum):
    """The types of event."""

    CREATED = "CREATED"
    SOLD = "SOLD"
    SALE_REVERSED = "SALE_REVERSED"
    RETIRED = "RETIRED"
    WITHDRAWN = "WITHDRAWN"
    SPLIT = "SPLIT"
    CANCELLED = "CANCELLED"
    AMENDED = "AMENDED"


class Status(StrEnum):
    """The status of a credit, which follows from its last counting event."""

    ACTIVE = "ACTIVE"
    SOLD = "SOLD"
    RETIRED = "RETIRED"
    WITHDRAWN = "WITHDRAWN"
    SPLIT = "SPLIT"
    CANCELLED = "CANCELLED"


FIRST: Final = EventType.CREATED

# The counting events, each with the status after it.
STATUS_AFTER: Final = {
    EventType.CREATED: Status.ACTIVE,
    EventType.SOLD: Status.SOLD,
    EventType.SALE_REVERSED: Status.ACTIVE,
    EventType.RETIRED: Status.RETIRED,
    EventType.WITHDRAWN: Status.WITHDRAWN,
    EventType.SPLIT: Status.SPLIT,
    EventType.CANCELLED: Status.CANCELLED,
}

# The statuses that count in totals and lists.
COUNTED: Final = (Status.ACTIVE, Status.SOLD, Status.RETIRED)
# The statuses of credits that hold their tonnes and serial numbers. WITHDRAWN tonnes were cancelled at
# the registry: they are in no total, but nobody may record them again.
HOLDING: Final = (*COUNTED, Status.WITHDRAWN)
# The tonnes of a split credit are in its lots, and a cancelled one was recorded in error.
NOT_HOLDING: Final = (Status.SPLIT, Status.CANCELLED)

# The counting event types that may follow in each status. All statuses but ACTIVE and SOLD are final.
ALLOWED_ACTIONS: Final[dict[Status, tuple[EventType, ...]]] = {
    Status.ACTIVE: (
        EventType.SOLD,
        EventType.RETIRED,
        EventType.WITHDRAWN,
        EventType.SPLIT,
        EventType.CANCELLED,
    ),
    Status.SOLD: (EventType.SALE_REVERSED, EventType.RETIRED, EventType.WITHDRAWN, EventType.SPLIT),
    Status.RETIRED: (),
    Status.WITHDRAWN: (),
    Status.SPLIT: (),
    Status.CANCELLED: (),
}


def is_allowed(status: Status, action: EventType) -> bool:
    """Return whether an event of this type may follow on a credit of this status."""
    return action is EventType.AMENDED or action in ALLOWED_ACTIONS[status]


def last_counting(types: Sequence[EventType]) -> EventType:
    """Return the type of the last counting event of a history, from the types of all its events."""
    return next((each for each in reversed(types) if each in STATUS_AFTER), FIRST)


def sale_in_force(types: Sequence[EventType]) -> int | None:
    """Return the place of the last sale in a history, None if there is none or it was reversed.

    `types` has the types of all its events, or of the first ones.
    """
    for place in range(len(types) - 1, -1, -1):
        if types[place] is EventType.SALE_REVERSED:
            return None
        if types[place] is EventType.SOLD:
            return place
    return None


def require_allowed(credit_id: str, status: Status, action: EventType, since: str) -> None:
    """Raise a subclass of ActionNotAllowed if `status` does not allow `action`.

    `since` is the time at which the credit got the status.
    """
    if is_allowed(status, action):
        return
    refusals: dict[Status, type[ActionNotAllowed]] = {
        Status.RETIRED: AlreadyRetired,
        Status.WITHDRAWN: AlreadyWithdrawn,
        Status.SOLD: AlreadySold,
        Status.SPLIT: AlreadySplit,
        Status.CANCELLED: AlreadyCancelled,
    }
    raise refusals.get(status, ActionNotAllowed)(credit_id, status, action, since)
