"""The format of events is frozen: every hash ever recorded depends on each byte of it."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from hashlib import sha256

import pytest

from tests.domain.golden import credit_from
from webapp.domain.action_fields import DayBounds, parse_action, parse_event_data
from webapp.domain.amendment import parse_amendment
from webapp.domain.canonical_json import encode
from webapp.domain.credit import Credit
from webapp.domain.event import NO_PREVIOUS_HASH, Event, created_event, text_hash, time_text, with_act
from webapp.domain.event_validation import InvalidEvent, stated_credit
from webapp.domain.lifecycle import EventType

AT = "2026-11-20T08:09:10.000042Z"
ID = "a1bca7adecb656c5519524f556d5c97ee9f86d3be02bcbe1b21124f535dc696c"

CREATED = created_event(credit_from("Straße \ufb01ne", "GS", "2020", "1", None), "local", AT)
CREATED_TEXT = (
    '{"actor":"local","credit":"a1bca7adecb656c5519524f556d5c97ee9f86d3be02bcbe1b21124f535dc696c",'
    '"data":{"project_name":"Straße \ufb01ne","quantity":"1","registry":"GS","vintage":2020},'
    '"prev_hash":"0000000000000000000000000000000000000000000000000000000000000000",'
    '"recorded_at":"2026-11-20T08:09:10.000042Z","seq":1,"type":"CREATED","v":1}'
)
CREATED_HASH = "1ee6c297e1058d5852a25f6acbd53e91a64ac3e0a0cc7b65c5ce3be13a817c5b"

SOLD = Event(
    ID,
    2,
    EventType.SOLD,
    parse_action(EventType.SOLD, {"buyer": "Łódź  AG", "note": "a\r\nb"}, date(2026, 11, 20)),
    "user:7",
    AT,
    CREATED_HASH,
)
SOLD_TEXT = (
    '{"actor":"user:7","credit":"a1bca7adecb656c5519524f556d5c97ee9f86d3be02bcbe1b21124f535dc696c",'
    '"data":{"buyer":"Łódź AG","note":"a\\nb","occurred_on":"2026-11-20"},'
    f'"prev_hash":"{CREATED_HASH}",'
    '"recorded_at":"2026-11-20T08:09:10.000042Z","seq":2,"type":"SOLD","v":1}'
)
SOLD_HASH = "c3e32d2bbd1e2e6e2a50bd4085b34dde22c8205b70906db1c8658b1be7d5854f"

RETIRED = Event(
    ID,
    3,
    EventType.RETIRED,
    parse_action(
        EventType.RETIRED,
        {
            "beneficiary": 'Say "Hi"\\',
            "reason": "Flights",
            "occurred_on": "2026-01-31",
            "reference": "R-1",
            "note": "",
        },
        date(2026, 11, 20),
    ),
    "token:3",
    "2026-11-20T08:09:11.000000Z",
    SOLD_HASH,
)
RETIRED_TEXT = (
    '{"actor":"token:3","credit":"a1bca7adecb656c5519524f556d5c97ee9f86d3be02bcbe1b21124f535dc696c",'
    '"data":{"beneficiary":"Say \\"Hi\\"\\\\","occurred_on":"2026-01-31","reason":"Flights",'
    '"reference":"R-1"},'
    f'"prev_hash":"{SOLD_HASH}",'
    '"recorded_at":"2026-11-20T08:09:11.000000Z","seq":3,"type":"RETIRED","v":1}'
)
RETIRED_HASH = "c6dff5bb5c34eaa2697877e21a17952cdd97d53604faa0aa09d128293d19a5d3"


# The forms with facts, a withdrawal and an amendment.
WITH_FACTS = created_event(
    replace(
        credit_from("Straße \ufb01ne", "GS", "2020", "1", None),
        facts={"project_id": "GS1", "country": "Łódź"},
    ),
    "local",
    AT,
)
WITH_FACTS_TEXT = (
    '{"actor":"local","credit":"a1bca7adecb656c5519524f556d5c97ee9f86d3be02bcbe1b21124f535dc696c",'
    '"data":{"facts":{"country":"Łódź","project_id":"GS1"},"project_name":"Straße \ufb01ne","quantity":"1",'
    '"registry":"GS","vintage":2020},'
    '"prev_hash":"0000000000000000000000000000000000000000000000000000000000000000",'
    '"recorded_at":"2026-11-20T08:09:10.000042Z","seq":1,"type":"CREATED","v":1}'
)
WITH_FACTS_HASH = "ae7d809346ed2ca03e7d35c4813fb114145581c88e57a12082a0d7498e1a6bf4"

WITHDRAWN = Event(
    ID,
    2,
    EventType.WITHDRAWN,
    parse_event_data(
        EventType.WITHDRAWN,
        {"reason": "Converted", "occurred_on": "2026-01-31", "facts": {"converted_to": "ARB"}},
        date(2026, 11, 20),
    ),
    "cli",
    AT,
    WITH_FACTS_HASH,
)
WITHDRAWN_TEXT = (
    '{"actor":"cli","credit":"a1bca7adecb656c5519524f556d5c97ee9f86d3be02bcbe1b21124f535dc696c",'
    '"data":{"facts":{"converted_to":"ARB"},"occurred_on":"2026-01-31","reason":"Converted"},'
    f'"prev_hash":"{WITH_FACTS_HASH}",'
    '"recorded_at":"2026-11-20T08:09:10.000042Z","seq":2,"type":"WITHDRAWN","v":1}'
)
WITHDRAWN_HASH = "962fc68bb198860b2374d1c657408be74c01bb1d5d3ca849451e79632e19de8c"

AMENDED = Event(
    ID,
    3,
    EventType.AMENDED,
    parse_amendment(
        {"amends": "2", "reason": "", "facts": {"converted_to": "Ecology"}, "why": "Misread"},
        [EventType.CREATED, EventType.WITHDRAWN],
        DayBounds(date(2026, 11, 20)),
    ),
    "user:7",
    "2026-11-20T08:09:11.000000Z",
    WITHDRAWN_HASH,
)
AMENDED_TEXT = (
    '{"actor":"user:7","credit":"a1bca7adecb656c5519524f556d5c97ee9f86d3be02bcbe1b21124f535dc696c",'
    '"data":{"amends":2,"facts":{"converted_to":"Ecology"},"reason":"","why":"Misread"},'
    f'"prev_hash":"{WITHDRAWN_HASH}",'
    '"recorded_at":"2026-11-20T08:09:11.000000Z","seq":3,"type":"AMENDED","v":1}'
)
AMENDED_HASH = "47176c7888826f8cae07a3e1462adb862b7f31ad679b071f5289dd11b9648db1"

# A reversal in an act on many credits.
REVERSED = Event(
    ID,
    3,
    EventType.SALE_REVERSED,
    with_act(
        parse_action(
            EventType.SALE_REVERSED,
            {"reason": "Käufer trat zurück", "occurred_on": "2026-11-01"},
            date(2026, 11, 20),
        ),
        1234,
    ),
    "user:7",
    "2026-11-20T08:09:11.000000Z",
    SOLD_HASH,
)
REVERSED_TEXT = (
    '{"actor":"user:7","credit":"a1bca7adecb656c5519524f556d5c97ee9f86d3be02bcbe1b21124f535dc696c",'
    '"data":{"act":"1234","occurred_on":"2026-11-01","reason":"Käufer trat zurück"},'
    f'"prev_hash":"{SOLD_HASH}",'
    '"recorded_at":"2026-11-20T08:09:11.000000Z","seq":3,"type":"SALE_REVERSED","v":1}'
)
REVERSED_HASH = "5950cbb43fc5bfc6b34c0d12d61a3d318a2992f5b62f81f89488f0d546b0a9f0"
EVENTS = [CREATED, SOLD, RETIRED, WITH_FACTS, WITHDRAWN, AMENDED, REVERSED]


@pytest.mark.parametrize(
    ("event", "text", "expected"),
    [
        (CREATED, CREATED_TEXT, CREATED_HASH),
        (SOLD, SOLD_TEXT, SOLD_HASH),
        (RETIRED, RETIRED_TEXT, RETIRED_HASH),
        (WITH_FACTS, WITH_FACTS_TEXT, WITH_FACTS_HASH),
        (WITHDRAWN, WITHDRAWN_TEXT, WITHDRAWN_HASH),
        (AMENDED, AMENDED_TEXT, AMENDED_HASH),
        (REVERSED, REVERSED_TEXT, REVERSED_HASH),
    ],
)
def test_a_golden_event_keeps_its_text_and_its_hash(event: Event, text: str, expected: str) -> None:
    assert (event.text, event.hash) == (text, expected)


@pytest.mark.parametrize("event", EVENTS)
def test_the_hash_is_that_of_a_zero_byte_and_the_text(event: Event) -> None:
    assert event.hash == sha256(b"\x00" + event.text.encode()).hexdigest()
    assert text_hash(event.text) == event.hash


@pytest.mark.parametrize("event", EVENTS)
def test_the_text_is_exactly_the_json_of_the_event_fields(event: Event) -> None:
    assert json.loads(event.text) == {
        "v": 1,
        "credit": event.credit_id,
        "seq": event.seq,
        "type": event.type,
        "data": event.data,
        "actor": event.actor,
        "recorded_at": event.recorded_at,
        "prev_hash": event.prev_hash,
    }


def test_the_first_event_has_a_previous_hash_of_zeros() -> None:
    assert CREATED.prev_hash == NO_PREVIOUS_HASH == "0" * 64


def test_absent_data_is_left_out_and_never_null() -> None:
    data = parse_action(EventType.SOLD, {"buyer": None, "note": " \n", "reference": ""}, date.max)
    assert data == {"occurred_on": "9999-12-31"}


def test_a_quantity_is_recorded_as_decimal_text() -> None:
    credit = credit_from("A", "B", "2020", "2765.3700", None)
    assert created_event(credit, "local", AT).data["quantity"] == "2765.37"


def test_an_action_without_a_date_gets_today() -> None:
    assert parse_action(EventType.RETIRED, {}, date(2026, 2, 3)) == {"occurred_on": "2026-02-03"}


def test_a_time_is_recorded_in_utc_with_six_decimals() -> None:
    assert time_text(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2026-01-02T03:04:05.000000Z"
    moment = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=5)))
    assert time_text(moment) == "2026-01-01T22:04:05.000006Z"


@pytest.mark.parametrize("day", ["0001-01-01", "1989-05-01", "2026-11-20", "2026-11-21"])
def test_a_recorded_day_may_be_old_or_that_of_a_later_time_zone(day: str) -> None:
    sale = Event(ID, 2, EventType.SOLD, {"occurred_on": day}, "user:7", AT, CREATED_HASH)
    assert stated_credit(sale) is None


@pytest.mark.parametrize(
    ("day", "recorded_on"), [("2026-11-22", AT), ("x", AT), ("9999-12-32", "9999-12-31")]
)
def test_a_recorded_day_is_not_in_the_future_everywhere(day: str, recorded_on: str) -> None:
    sale = Event(ID, 2, EventType.SOLD, {"occurred_on": day}, "user:7", recorded_on, CREATED_HASH)
    with pytest.raises(InvalidEvent, match="its data are not valid"):
        stated_credit(sale)


@pytest.mark.parametrize(
    "credit",
    [
        Credit("Forêt", "VCS", 2021, 10_000, "VCS-1"),
        Credit("Forêt", "VCS", 2021, 10_000, None, facts={"country": "Gabon"}),
        Credit("Forêt", "VCS", 2021, 10_000, None, replaces="0" * 64),
        Credit("Forêt", "VCS", 2021, 10_000, None, parent="0" * 64, offset_e4=5),
    ],
    ids=["plain", "with facts", "a replacement", "a lot"],
)
def test_the_number_of_an_import_stands_in_its_place_among_the_sorted_keys(credit: Credit) -> None:
    event = created_event(credit, "cli", "2026-11-28T00:00:00.000000Z", "12")
    data = {**credit.created_data, "import": "12"}
    assert event.data == data
    assert f'"data":{encode(data)},' in event.text
