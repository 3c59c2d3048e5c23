"""Events: their fields, canonical text and hash.

The format is in "Events" in docs/ledger.md. It must never change, because every recorded hash depends
on it; golden values in the tests fail if a byte changes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Final, NamedTuple

from webapp.domain.canonical_json import encode
from webapp.domain.credit import Credit, RecordedData
from webapp.domain.facts import facts_in
from webapp.domain.fields import quantity_from_text
from webapp.domain.lifecycle import STATUS_AFTER, EventType, Status, last_counting

VERSION: Final = 1
NO_PREVIOUS_HASH: Final = "0" * 64

# The number of the import that recorded an event, in its data. It is part of no id.
IMPORT_KEY: Final = "import"
# In the data of each event of an act on many credits: the feed position of the act's first event.
ACT_KEY: Final = "act"

# Numbers from 1 up, in plain digits, as data name imports and acts.
NUMBER_PATTERN: Final = r"[1-9][0-9]{0,17}"
_NUMBER: Final = re.compile(NUMBER_PATTERN)

# The data of an event. Absent fields are left out, never None. An object holds facts (``facts``).
Datum = str | int | list[str] | dict[str, str]
Data = Mapping[str, Datum]

# Shared by all credits with one event, because a restore keeps very many of them in memory.
_FIRST_TYPES: Final = (EventType.CREATED,)


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
    """The history of a credit, as far as the next event depends on it.

    `seq`, `hash` and `recorded_at` are those of the last event. `types` has the types of all events.
    """

    seq: int
    hash: str
    recorded_at: str
    types: tuple[EventType, ...]

    @property
    def counting(self) -> EventType:
        """The type of the last counting event, which decides what may follow."""
        return last_counting(self.types)

    @property
    def status(self) -> Status:
        """The credit's status after these events."""
        return STATUS_AFTER[self.counting]

    @classmethod
    def after(cls, before: "EventHead | None", event: Event) -> "EventHead":
        """Return the head after one more event; `before` is None for the first one."""
        types = (*before.types, event.type) if before else _FIRST_TYPES
        return cls(event.seq, event.hash, event.recorded_at, types)


def text_hash(text: str) -> str:
    """Return the hash of an event's text: the hex SHA-256 of a zero byte and the text in UTF-8."""
    return sha256(b"\0" + text.encode()).hexdigest()


def created_event(credit: Credit, actor: str, recorded_at: str, import_number: str | None = None) -> Event:
    """Return the CREATED event of the credit. `import_number` is that of the import that records it."""
    data: Data = credit.created_data
    if import_number is not None:
        data = with_import(data, import_number)
    return Event(credit.id, 1, EventType.CREATED, data, actor, recorded_at, NO_PREVIOUS_HASH)


def with_import(data: Data, import_number: str) -> Data:
    """Return the data of an event that names the import which records it."""
    named = RecordedData({**data, IMPORT_KEY: import_number})
    if isinstance(data, RecordedData) and min(data) > IMPORT_KEY:
        # The number is the first of the sorted keys, before those whose JSON is known already.
        vars(named)["json"] = f'{{"{IMPORT_KEY}":"{import_number}",{data.json[1:]}'
    return named


def with_act(data: Data, position: int) -> Data:
    """Return the data of an event of an act on many credits, whose first event has this feed position."""
    return {**data, ACT_KEY: str(position)}


def without_act(data: Data) -> Data:
    """Return the data without the act that recorded them."""
    return {name: value for name, value in data.items() if name != ACT_KEY}


def is_number(text: object) -> bool:
    """Return whether the text is a number from 1 up, in plain digits."""
    return isinstance(text, str) and _NUMBER.fullmatch(text) is not None


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
        facts=facts_in(data),
    )
