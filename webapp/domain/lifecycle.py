"""What may follow what in the life of a credit.

The same table is enforced by the database's own guards (``webapp.ledger.guards``); a test
compares the two act by act.
"""

from enum import StrEnum
from typing import Final

from webapp.domain.errors import ActNotAllowed, AlreadyRetired, AlreadySold


class EventType(StrEnum):
    """The kinds of fact."""

    CREATED = "CREATED"
    SOLD = "SOLD"
    RETIRED = "RETIRED"


class Status(StrEnum):
    """What a credit is, derived from its events."""

    ACTIVE = "ACTIVE"
    SOLD = "SOLD"
    RETIRED = "RETIRED"


FIRST: Final = EventType.CREATED

STATUS_AFTER: Final = {
    EventType.CREATED: Status.ACTIVE,
    EventType.SOLD: Status.SOLD,
    EventType.RETIRED: Status.RETIRED,
}

# The events that a credit of this status can still have. RETIRED is the end.
OPEN_ACTS: Final[dict[Status, tuple[EventType, ...]]] = {
    Status.ACTIVE: (EventType.SOLD, EventType.RETIRED),
    Status.SOLD: (EventType.RETIRED,),
    Status.RETIRED: (),
}


def require_allowed(credit_id: str, status: Status, act: EventType, since: str) -> None:
    """Raise the refusal that fits, with the time `since` which the status has held."""
    if act in OPEN_ACTS[status]:
        return
    refusals: dict[Status, type[ActNotAllowed]] = {
        Status.RETIRED: AlreadyRetired,
        Status.SOLD: AlreadySold,
    }
    raise refusals.get(status, ActNotAllowed)(credit_id, status, act, since)
