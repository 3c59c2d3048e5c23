"""Validation of stored events: their text, their data, and the hash chain of a credit.

`flask verify` applies it to the log and `flask restore` to an archive. It trusts no stored value: the
text must be equal to its own re-encoding, the data to what the field rules record, and the id to the
one computed from the fields.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

from webapp.domain.action_fields import parse_action
from webapp.domain.canonical_json import Number
from webapp.domain.credit import Credit, is_credit_id, parse_credit
from webapp.domain.errors import InvalidFields
from webapp.domain.event import NO_PREVIOUS_HASH, VERSION, Data, Event, EventHead
from webapp.domain.fields import QUANTITY_PATTERN, quantity_from_text
from webapp.domain.lifecycle import ALLOWED_ACTIONS, FIRST, STATUS_AFTER, EventType
from webapp.domain.split import parse_split_data

_FACTS: Final = {"v", "credit", "seq", "type", "data", "actor", "recorded_at", "prev_hash"}
_TEXTS: Final = ("credit", "type", "actor", "recorded_at", "prev_hash")
_TYPES: Final = frozenset(EventType)
_A_DAY: Final = timedelta(days=1)
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z", re.ASCII)


class InvalidEvent(ValueError):
    """The text is not a valid event. The message is a reason, to be put after a place and a colon."""


def read_event(text: str) -> Event:
    """Return the event of a canonical text. Raises InvalidEvent if the text is not canonical."""
    facts = _facts(text)
    event = Event(
        credit_id=facts["credit"],
        seq=facts["seq"],
        type=EventType(facts["type"]),
        data=facts["data"],
        actor=facts["actor"],
        recorded_at=facts["recorded_at"],
        prev_hash=facts["prev_hash"],
    )
    if event.text != text:
        raise InvalidEvent("its text is not the canonical JSON of its facts")
    return event


def stated_credit(event: Event) -> Credit | None:
    """Check the event's data. Return the credit of a CREATED event, None for other types.

    Raises InvalidEvent if the field rules would record other data, or the id does not match.
    """
    values: dict[str, object] = {
        name: Number(item) if isinstance(item, int) else item for name, item in event.data.items()
    }
    try:
        if event.type is EventType.SPLIT:
            _require_same(parse_split_data(event.data), event)
            return None
        if event.type is not FIRST:
            # `occurred_on` must not be after the day of recording in any time zone. Earlier versions had
            # no earliest day.
            day = date.fromisoformat(event.recorded_at[:10])
            latest = day + _A_DAY if day < date.max else day
            recorded = parse_action(event.type, values, day, latest, earliest=date.min)
            if "occurred_on" not in event.data:
                recorded.pop("occurred_on", None)
            _require_same(recorded, event)
            return None
        credit = _parse_lot(values) if "parent" in values else parse_credit(values)
    except InvalidFields as refusal:
        raise InvalidEvent(f"its data are not valid: {refusal}") from None
    _require_same(credit.created_data, event)
    if credit.id != event.credit_id:
        raise InvalidEvent(f"its fields give another id, {credit.id}")
    return credit


def chain_errors(last: EventHead | None, event: Event) -> Iterator[str]:
    """Yield every reason why the event cannot follow `last` (None: it is the first event)."""
    if last is None:
        if event.type is not FIRST or event.seq != 1:
            yield f"it is {event.type} with seq {event.seq}, but the first is CREATED with seq 1"
        if event.prev_hash != NO_PREVIOUS_HASH:
            yield "its prev_hash names an earlier event, and there is none"
        return
    if event.seq != last.seq + 1:
        yield f"seq {event.seq} follows seq {last.seq}"
    if event.prev_hash != last.hash:
        yield "its prev_hash is not the hash of the event before it"
    if event.recorded_at < last.recorded_at:
        yield f"it was recorded at {event.recorded_at}, before the event it follows"
    if event.type not in ALLOWED_ACTIONS[STATUS_AFTER[last.type]]:
        yield f"{event.type} may not follow {last.type}"


def _facts(text: str) -> dict[str, Any]:
    """Return the fields of the JSON text, each with its type checked. Raises InvalidEvent."""
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidEvent("its text is not JSON") from None
    if not isinstance(facts, dict) or facts.keys() != _FACTS:
        raise InvalidEvent("its text does not have the fields of an event")
    if type(facts["v"]) is not int or facts["v"] != VERSION:
        raise InvalidEvent(f"its version is not {VERSION}")
    if not all(isinstance(facts[name], str) for name in _TEXTS) or type(facts["seq"]) is not int:
        raise InvalidEvent("a field in its text has the wrong type")
    data = facts["data"]
    if not isinstance(data, dict) or not all(_is_datum(item) for item in data.values()):
        raise InvalidEvent("its data are not texts and whole numbers")
    if facts["type"] not in _TYPES:
        raise InvalidEvent("there is no such type of event")
    if not _HASH.fullmatch(facts["credit"]) or not _HASH.fullmatch(facts["prev_hash"]):
        raise InvalidEvent("its credit or its prev_hash is not 64 hexadecimal digits")
    if not _is_time(facts["recorded_at"]):
        raise InvalidEvent("its recorded_at is not a time as this ledger writes it")
    return facts


def _is_datum(item: object) -> bool:
    if type(item) is list:
        return all(type(part) is str for part in item)
    return type(item) in {str, int}


def _is_time(text: str) -> bool:
    if not _TIME.fullmatch(text):
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def _parse_lot(values: dict[str, object]) -> Credit:
    """Return the lot of a CREATED event's data.

    Its serial number is not checked by the field rules, because it is derived from the parent's.
    Raises InvalidFields, and InvalidEvent if parent, offset or serial number is malformed.
    """
    parent, offset, serial = (values.pop(name, None) for name in ("parent", "offset", "serial_number"))
    if not (isinstance(parent, str) and is_credit_id(parent)):
        raise InvalidEvent("its parent is not the id of a credit")
    if not (isinstance(offset, str) and re.fullmatch(QUANTITY_PATTERN, offset)):
        raise InvalidEvent("its offset is not a quantity")
    if not (isinstance(serial, str) and serial):
        raise InvalidEvent("it has no serial number")
    whole = parse_credit(values)
    return replace(whole, serial_number=serial, parent=parent, offset_e4=quantity_from_text(offset))


def _require_same(recorded: Data, event: Event) -> None:
    if recorded != event.data:
        raise InvalidEvent("its data are not as the rules record them")
