"""Validation of stored events: their text, their data, and the hash chain of a credit.

`flask verify` applies it to the log and `flask restore` to an archive. It trusts no stored value: the
text must be equal to its own re-encoding, the data to what the field rules record, and the id to the
one computed from the fields.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

from webapp.domain.action_fields import DayBounds, parse_event_data
from webapp.domain.amendment import parse_amendment
from webapp.domain.canonical_json import Number
from webapp.domain.credit import Credit, is_credit_id, parse_credit
from webapp.domain.entry import Entry, EntryHead, EntryType, parse_entry
from webapp.domain.errors import InvalidFields
from webapp.domain.event import (
    ACT_KEY,
    IMPORT_KEY,
    NO_PREVIOUS_HASH,
    VERSION,
    Data,
    Event,
    EventHead,
    is_number,
    without_act,
)
from webapp.domain.facts import CREDIT_FACTS, FACTS, parse_facts
from webapp.domain.fields import QUANTITY_PATTERN, quantity_from_text
from webapp.domain.lifecycle import FIRST, EventType, is_allowed
from webapp.domain.split import parse_split_data

_FACTS: Final = {"v", "credit", "seq", "type", "data", "actor", "recorded_at", "prev_hash"}
_FACTS_OF_ENTRY: Final = _FACTS - {"credit"} | {"subject"}
# The types of the fields that are no text.
_KINDS: Final = {"v": int, "seq": int, "data": dict}
_WRONG_DATA: Final = "its data are not texts and whole numbers"
_TYPES: Final = frozenset(EventType)
_A_DAY: Final = timedelta(days=1)
_ENTRY_TYPES: Final = frozenset(EntryType)
# The events that an import records, and that may name it.
_IMPORTED: Final = (EventType.CREATED, EventType.RETIRED, EventType.WITHDRAWN, EventType.AMENDED)
# The events that no act on many credits records: they follow from it, and do not name it.
_NOT_ACTED: Final = (EventType.CREATED, EventType.SPLIT)
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z", re.ASCII)


class InvalidEvent(ValueError):
    """The text is not a valid event. The message is a reason, to be put after a place and a colon."""


def read_logged(text: str) -> Event | Entry:
    """Return the event of a credit, or the entry about another subject. See `read_event`."""
    facts = _parsed(text)
    return _entry_of(facts, text) if "subject" in facts else _event_of(facts, text)


def read_event(text: str) -> Event:
    """Return the event of a canonical text. Raises InvalidEvent if the text is not canonical."""
    return _event_of(_parsed(text), text)


def read_entry(text: str) -> Entry:
    """Return the entry of a canonical text, its data checked. Raises InvalidEvent."""
    return _entry_of(_parsed(text), text)


def _event_of(facts: dict[str, Any], text: str) -> Event:
    _require_form(facts, _FACTS, _TYPES)
    if not _HASH.fullmatch(facts["credit"]):
        raise InvalidEvent("its credit is not 64 hexadecimal digits")
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


def _entry_of(facts: dict[str, Any], text: str) -> Entry:
    _require_form(facts, _FACTS_OF_ENTRY, _ENTRY_TYPES)
    entry = Entry(
        subject=facts["subject"],
        seq=facts["seq"],
        type=EntryType(facts["type"]),
        data=facts["data"],
        actor=facts["actor"],
        recorded_at=facts["recorded_at"],
        prev_hash=facts["prev_hash"],
    )
    if entry.text != text:
        raise InvalidEvent("its text is not the canonical JSON of its facts")
    try:
        recorded = parse_entry(entry.subject, entry.type, entry.data)
    except InvalidFields as refusal:
        raise InvalidEvent(f"its data are not valid: {refusal}") from None
    _require_same(recorded, entry.data)
    return entry


def entry_chain_errors(last: EntryHead | None, entry: Entry) -> Iterator[str]:
    """Yield every reason why the entry cannot follow `last` (None: it is the subject's first)."""
    seq, prev_hash, recorded_at = last or EntryHead(0, NO_PREVIOUS_HASH, "")
    if entry.seq != seq + 1:
        yield f"seq {entry.seq} follows seq {seq}"
    if entry.prev_hash != prev_hash:
        yield "its prev_hash is not the hash of the event before it"
    if entry.recorded_at < recorded_at:
        yield f"it was recorded at {entry.recorded_at}, before the event it follows"


def stated_credit(event: Event) -> Credit | None:
    """Check the event's data. Return the credit of a CREATED event, None for other types.

    The data of an amendment depend on what it amends, so `chain_errors` checks them. Raises
    InvalidEvent if the field rules would record other data, or the id does not match.
    """
    if event.type is EventType.AMENDED:
        return None
    values, stated = _values_of(event)
    try:
        if event.type is EventType.SPLIT:
            _require_same(parse_split_data(event.data), stated)
            return None
        if event.type is not FIRST:
            day = _day_of(event)
            recorded = dict(parse_event_data(event.type, values, day, _bounds_of(day)))
            if "occurred_on" not in event.data:
                recorded.pop("occurred_on", None)
            _require_same(recorded, stated)
            return None
        credit = _parse_lot(values) if "parent" in values else _parse_root(values)
    except InvalidFields as refusal:
        raise InvalidEvent(f"its data are not valid: {refusal}") from None
    _require_same(credit.created_data, stated)
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
    if not is_allowed(last.status, event.type):
        yield f"{event.type} may not follow {last.counting}"
    if event.type is EventType.AMENDED:
        yield from _amendment_errors(last, event)


def _amendment_errors(last: EventHead, event: Event) -> Iterator[str]:
    """Yield why the event is no amendment of an event before it."""
    try:
        values, stated = _values_of(event)
        _require_same(parse_amendment(values, last.types, _bounds_of(_day_of(event))), stated)
    except InvalidFields as refusal:
        yield f"its data are not valid: {refusal}"
    except InvalidEvent as error:
        yield str(error)


def _parsed(text: str) -> dict[str, Any]:
    """Return the fields of the JSON text. Raises InvalidEvent."""
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidEvent("its text is not JSON") from None
    if not isinstance(facts, dict):
        raise InvalidEvent("its text does not have the fields of an event")
    return facts


def _require_form(facts: dict[str, Any], names: set[str], types: frozenset[str]) -> None:
    """Raise InvalidEvent if the fields are not exactly these, or one has the wrong type."""
    if facts.keys() != names:
        raise InvalidEvent("its text does not have the fields of an event")
    if type(facts["v"]) is not int or facts["v"] != VERSION:
        raise InvalidEvent(f"its version is not {VERSION}")
    for name, value in facts.items():
        if type(value) is not _KINDS.get(name, str):
            raise InvalidEvent(_WRONG_DATA if name == "data" else "a field in its text has the wrong type")
    for name, item in facts["data"].items():
        if type(item) is not str and not _is_datum(name, item):
            raise InvalidEvent(_WRONG_DATA)
    if facts["type"] not in types:
        raise InvalidEvent("there is no such type of event")
    if not _HASH.fullmatch(facts["prev_hash"]):
        raise InvalidEvent("its prev_hash is not 64 hexadecimal digits")
    if not _is_time(facts["recorded_at"]):
        raise InvalidEvent("its recorded_at is not a time as this ledger writes it")


def _is_datum(name: str, item: object) -> bool:
    if type(item) is list:
        return all(type(part) is str for part in item)
    if type(item) is dict:
        return name == FACTS and all(type(part) is str for part in item.values())
    return type(item) in {str, int}


def _is_time(text: str) -> bool:
    if not _TIME.fullmatch(text):
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def _values_of(event: Event) -> tuple[dict[str, object], Data]:
    """Return the event's data as a request would state them, and as stored, without `import` and `act`.

    Raises InvalidEvent if the number of the import or the act is none, or the event is not one that
    names it.
    """
    stated = event.data
    if ACT_KEY in stated:
        if event.type in _NOT_ACTED or not is_number(stated[ACT_KEY]):
            raise InvalidEvent("it names an act, but it is not one that an act records")
        stated = without_act(stated)
    if IMPORT_KEY in stated:
        is_lot = "parent" in stated
        if event.type not in _IMPORTED or is_lot or not is_number(stated[IMPORT_KEY]):
            raise InvalidEvent("it names an import, but it is not one that an import records")
        stated = {name: item for name, item in stated.items() if name != IMPORT_KEY}
    values: dict[str, object] = {
        name: Number(item) if isinstance(item, int) else item for name, item in stated.items()
    }
    return values, stated


def _day_of(event: Event) -> date:
    """Return the day of recording."""
    return date.fromisoformat(event.recorded_at[:10])


def _bounds_of(day: date) -> DayBounds:
    """Return the days on which something recorded on `day` can have occurred.

    The last one is the day of recording in any time zone. Earlier versions had no earliest day.
    """
    return DayBounds(day + _A_DAY if day < date.max else day, date.min)


def _parse_root(values: dict[str, object]) -> Credit:
    """Return the root credit of a CREATED event's data. Raises InvalidFields."""
    if FACTS not in values:
        return parse_credit(values)
    facts = parse_facts(CREDIT_FACTS, values.pop(FACTS))
    return replace(parse_credit(values), facts=facts)


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


def _require_same(recorded: Data, stored: Mapping[str, object]) -> None:
    if recorded != stored:
        raise InvalidEvent("its data are not as the rules record them")
