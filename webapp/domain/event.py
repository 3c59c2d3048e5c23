"""Events: their fields, canonical text and hash.

The format is in "Events" in docs/ledger.md. It must never change, because every recorded hash depends
on it; golden values in the tests fail if a byte changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from hashlib import sha256
from typing import Final, NamedTuple

from webapp.domain.canonical_json import encode
from webapp.domain.credit import Credit, RecordedData
from webapp.domain.fields import (
    Field,
    PastDateField,
    QuantityField,
    TextField,
    parse_fields,
    quantity_from_text,
)
from webapp.domain.lifecycle import STATUS_AFTER, EventType, Status

VERSION: Final = 1
NO_PREVIOUS_HASH: Final = "0" * 64

_OCCURRED_ON: Final = PastDateField(
    "occurred_on",
    "Date",
    hint="When it happened; today if left empty.",
    example="2026-01-31",
)
_REFERENCE: Final = TextField("reference", "Reference", hint="What the registry or the contract calls it.")
_NOTE: Final = TextField("note", "Note", max_length=2000, newlines=True)
# The quantity to sell or retire. A part is split off first, so that the event is always about a whole
# credit and never states a quantity.
PART_QUANTITY: Final = QuantityField("quantity", "Quantity", hint="Tonnes; all of them if left empty.")

# The data of an event. Absent fields are left out, never None.
Data = Mapping[str, str | int | list[str]]

SALE_FIELDS: Final[tuple[Field, ...]] = (
    PART_QUANTITY,
    TextField("buyer", "Buyer", hint="Who bought it.", example="Acme Airlines"),
    _OCCURRED_ON,
    _REFERENCE,
    _NOTE,
)
RETIREMENT_FIELDS: Final[tuple[Field, ...]] = (
    PART_QUANTITY,
    TextField(
        "beneficiary",
        "Beneficiary",
        hint="On whose behalf the tonnes are retired.",
        example="Acme Airlines",
    ),
    TextField("reason", "Reason", example="Flights of 2025"),
    _OCCURRED_ON,
    _REFERENCE,
    _NOTE,
)
CANCELLATION_FIELDS: Final[tuple[Field, ...]] = (
    TextField(
        "reason",
        "Reason",
        required=True,
        hint="Why it should never have been recorded.",
        example="Recorded with the wrong vintage",
    ),
    _NOTE,
)
ACTION_FIELDS: Final[dict[EventType, tuple[Field, ...]]] = {
    EventType.CANCELLED: CANCELLATION_FIELDS,
    EventType.SOLD: SALE_FIELDS,
    EventType.RETIRED: RETIREMENT_FIELDS,
}


@dataclass(frozen=True)
class Event:
    """One event of a credit. `prev_hash` is the hash of the credit's event before it."""

    credit_id: str
    seq: int
    type: EventType
    data: Data
    actor: str
    recorded_at: str
    prev_hash: str

    @cached_property
    def text(self) -> str:
        """The canonical JSON of the event: the text that is stored and hashed."""
        data = self.data.json if isinstance(self.data, RecordedData) else encode(dict(self.data))
        # Keys in sorted order. Only data and actor can have characters that need escapes.
        return (
            f'{{"actor":{encode(self.actor)},"credit":"{self.credit_id}","data":{data},'
            f'"prev_hash":"{self.prev_hash}","recorded_at":"{self.recorded_at}","seq":{self.seq},'
            f'"type":"{self.type}","v":{VERSION}}}'
        )

    @cached_property
    def hash(self) -> str:
        """The hash of the text, see `text_hash`."""
        return text_hash(self.text)


class EventHead(NamedTuple):
    """The last event of a credit, as far as the next event depends on it."""

    seq: int
    type: EventType
    hash: str
    recorded_at: str

    @property
    def status(self) -> Status:
        """The credit's status after this event."""
        return STATUS_AFTER[self.type]

    @classmethod
    def of(cls, event: Event) -> "EventHead":
        """Return the head after this event."""
        return cls(event.seq, event.type, event.hash, event.recorded_at)


def text_hash(text: str) -> str:
    """Return the hash of an event's text: the hex SHA-256 of a zero byte and the text in UTF-8."""
    return sha256(b"\0" + text.encode()).hexdigest()


def created_event(credit: Credit, actor: str, recorded_at: str) -> Event:
    """Return the CREATED event of the credit."""
    return Event(credit.id, 1, EventType.CREATED, credit.created_data, actor, recorded_at, NO_PREVIOUS_HASH)


def parse_action(action: EventType, values: Mapping[str, object], today: date) -> dict[str, str | int]:
    """Return the data of a SOLD, RETIRED or CANCELLED event from the values of a request.

    A sale or retirement always has `occurred_on`, by default `today`. The quantity is never included.
    Raises InvalidFields with all invalid fields, among them a day after `today`.
    """
    fields = [
        replace(field, latest=today) if isinstance(field, PastDateField) else field
        for field in ACTION_FIELDS[action]
    ]
    parsed = parse_fields(fields, values)
    if "occurred_on" in parsed:
        parsed["occurred_on"] = parsed["occurred_on"] or today.isoformat()
    return {name: value for name, value in parsed.items() if value is not None and name != PART_QUANTITY.name}


def parse_part_quantity(values: Mapping[str, object]) -> int | None:
    """Return the quantity to act on in ten-thousandths of a tonne, None for all. Raises InvalidFields."""
    parsed = parse_fields([PART_QUANTITY], {PART_QUANTITY.name: values.get(PART_QUANTITY.name)})[
        PART_QUANTITY.name
    ]
    return None if parsed is None else int(parsed)


def time_text(moment: datetime) -> str:
    """Return the time in the format of events, in UTC: `YYYY-MM-DDTHH:MM:SS.ffffffZ`."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


@dataclass(frozen=True)
class PositionedEvent:
    """An event with its feed position and its credit's key. `credit` is set for CREATED events only."""

    position: int
    key: int
    event: Event
    credit: Credit | None


def credit_from_event(event: Event) -> Credit:
    """Return the credit of a CREATED event."""
    data = event.data

    def text(name: str) -> str | None:
        return None if name not in data else str(data[name])

    return Credit(
        project_name=str(data["project_name"]),
        registry=str(data["registry"]),
        vintage=int(str(data["vintage"])),
        quantity_e4=quantity_from_text(str(data["quantity"])),
        serial_number=text("serial_number"),
        replaces=text("replaces"),
        parent=text("parent"),
        offset_e4=None if "offset" not in data else quantity_from_text(str(data["offset"])),
    )
