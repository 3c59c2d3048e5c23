"""The words that pages use for statuses, event types and fields of events. Each is stated here once.

They are labels only: event types, API values, CSV columns and addresses keep their own names.
"""

from collections.abc import Callable, Mapping
from typing import Final

from webapp.domain.action_fields import ACTION_FIELDS
from webapp.domain.credit import NEW_FIELDS
from webapp.domain.fields import Field
from webapp.domain.lifecycle import EventType, Status
from webapp.ledger.views import EventView
from webapp.web.formats import tonnes

# A registry's cancellation is a retirement; a credit recorded in error is void, in an accountant's words too.
STATUS_LABELS: Final[Mapping[str, str]] = {
    Status.ACTIVE: "Active",
    Status.SOLD: "Sold",
    Status.RETIRED: "Retired",
    Status.SPLIT: "Split",
    Status.CANCELLED: "Void",
}
EVENT_LABELS: Final[Mapping[str, str]] = {
    EventType.CREATED: "Created",
    EventType.SOLD: "Sold",
    EventType.RETIRED: "Retired",
    EventType.SPLIT: "Split",
    EventType.CANCELLED: "Voided",
}
_DATE_LABELS: Final[Mapping[EventType, str]] = {
    EventType.SOLD: "Trade date",
    EventType.RETIRED: "Retirement date",
}
_OCCURRED_ON: Final = "occurred_on"
# Data of events that no form asks for. `offset` is shown with `parent` (`lot_start`).
_LOT_LABELS: Final = {"parent": "Part of", "quantities": "Lots"}


def status_label(status: str) -> str:
    """Return the label of a status: "Void" for CANCELLED."""
    return STATUS_LABELS[status]


def event_label(event_type: str) -> str:
    """Return the label of an event type: "Voided" for CANCELLED."""
    return EVENT_LABELS[event_type]


def field_label(field: Field, event_type: EventType) -> str:
    """Return the label of a field of an event of this type: "Retirement date" for `occurred_on`."""
    return _DATE_LABELS[event_type] if field.name == _OCCURRED_ON else field.label


def data_labels(event_type: EventType) -> dict[str, str]:
    """Return the labels of the data that an event of this type can have, by name, in their order."""
    fields = NEW_FIELDS if event_type is EventType.CREATED else ACTION_FIELDS.get(event_type, ())
    return {field.name: field_label(field, event_type) for field in fields} | _LOT_LABELS


def lot_start(offset: str) -> str:
    """Return where in its parent a lot begins, from its offset in tonnes: "from tonne 1" for "0"."""
    return f"after {tonnes(offset)}" if "." in offset else f"from tonne {int(offset) + 1:,}"


def event_phrase(event: EventView) -> str:
    """Return the event in a few words: "Retired for Acme Airlines"."""
    label, data = EVENT_LABELS[event.event_type], event.data
    match event.event_type:
        case EventType.CREATED if "parent" in data:
            phrase = f"{label} as a lot"
        case EventType.SOLD if buyer := data.get("buyer"):
            phrase = f"{label} to {buyer}"
        case EventType.RETIRED if beneficiary := data.get("beneficiary"):
            phrase = f"{label} for {beneficiary}"
        case EventType.SPLIT if isinstance(lots := data["quantities"], list):
            phrase = f"{label} into {len(lots)} lots"
        case _:
            phrase = label
    return f"{phrase}, carried over from the credit it was split from" if event.is_carried else phrase


FILTERS: Final[dict[str, Callable[..., str]]] = {
    "status_label": status_label,
    "event_label": event_label,
    "event_phrase": event_phrase,
    "lot_start": lot_start,
}
