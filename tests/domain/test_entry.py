"""Entries about other subjects than credits: their frozen format, their data, and their chain."""

import json
from typing import Any

import pytest

from tests.domain.golden import MANGROVE, credit_from
from webapp.domain.entry import Entry, EntryHead, EntryType, parse_entry
from webapp.domain.errors import InvalidFields
from webapp.domain.event import (
    NO_PREVIOUS_HASH,
    Event,
    created_event,
    text_hash,
    with_act,
    with_import,
)
from webapp.domain.event_validation import (
    InvalidEvent,
    entry_chain_errors,
    read_entry,
    read_event,
    read_logged,
    stated_credit,
)
from webapp.domain.lifecycle import EventType

AT = "2026-11-20T08:09:10.000042Z"
FILE = {"filename": "Verra \u2014 exports.csv", "sha256": "ab" * 32, "rows": "100", "new_tonnes": "5354.25"}
IMPORTED = Entry("import/12", 1, EntryType.IMPORTED, FILE, "user:7", AT, NO_PREVIOUS_HASH)
IMPORTED_TEXT = (
    '{"actor":"user:7","data":{"filename":"Verra \u2014 exports.csv","new_tonnes":"5354.25","rows":"100",'
    '"sha256":"abababababababababababababababababababababababababababababababab"},'
    '"prev_hash":"0000000000000000000000000000000000000000000000000000000000000000",'
    '"recorded_at":"2026-11-20T08:09:10.000042Z","seq":1,"subject":"import/12","type":"IMPORTED","v":1}'
)
IMPORTED_HASH = "9aaf7a535315597689832ff972c473f69c149e0a70729eab3ae1e4e5e5837f1f"
ALIASED = Entry("registry/verra", 2, EntryType.ALIASED, {"alias": "VCS"}, "cli", AT, "1" * 64)
ALIASED_TEXT = (
    '{"actor":"cli","data":{"alias":"VCS"},'
    '"prev_hash":"1111111111111111111111111111111111111111111111111111111111111111",'
    '"recorded_at":"2026-11-20T08:09:10.000042Z","seq":2,"subject":"registry/verra","type":"ALIASED","v":1}'
)
ALIASED_HASH = "1c174df531bccaa32d2f869f94477a40561557f6f32c7854c283b82a1b1c894f"

JOINED = Entry("party/hilltop tools ag", 1, EntryType.JOINED, {"name": "HILLTOP"}, "cli", AT, "0" * 64)
JOINED_TEXT = (
    '{"actor":"cli","data":{"name":"HILLTOP"},'
    '"prev_hash":"0000000000000000000000000000000000000000000000000000000000000000",'
    '"recorded_at":"2026-11-20T08:09:10.000042Z","seq":1,"subject":"party/hilltop tools ag",'
    '"type":"JOINED","v":1}'
)
JOINED_HASH = "f57fdec23ce3473a4179bbd76cd33fcee36c9261853c1aef3a6b258021c0d22e"


@pytest.mark.parametrize(
    ("entry", "text", "expected"),
    [
        (IMPORTED, IMPORTED_TEXT, IMPORTED_HASH),
        (ALIASED, ALIASED_TEXT, ALIASED_HASH),
        (JOINED, JOINED_TEXT, JOINED_HASH),
    ],
)
def test_a_golden_entry_keeps_its_text_and_its_hash(entry: Entry, text: str, expected: str) -> None:
    assert (entry.text, entry.hash) == (text, expected)
    assert text_hash(text) == expected
    assert read_entry(text) == read_logged(text) == entry


@pytest.mark.parametrize(
    ("subject", "entry_type", "data"),
    [
        ("import/1", EntryType.IMPORTED, {"filename": "a", "sha256": "0" * 64}),
        ("import/12", EntryType.IMPORTED, FILE),
        ("registry/verra", EntryType.ALIASED, {"alias": "VCS"}),
        ("registry/gold standard", EntryType.UNALIASED, {"alias": "GS"}),
        ("registry/a/b", EntryType.ALIASED, {"alias": "c"}),
        ("party/zoë/b", EntryType.JOINED, {"name": "Zoe, B"}),
        ("party/zoë", EntryType.SEPARATED, {"name": "x" * 300}),
    ],
)
def test_an_entry_states_its_subject_and_its_data(
    subject: str, entry_type: EntryType, data: dict[str, str]
) -> None:
    assert parse_entry(subject, entry_type, data) == data


@pytest.mark.parametrize(
    ("subject", "entry_type", "data", "field"),
    [
        ("import/0", EntryType.IMPORTED, FILE, "subject"),
        ("import/012", EntryType.IMPORTED, FILE, "subject"),
        ("import/", EntryType.IMPORTED, FILE, "subject"),
        ("import/x", EntryType.IMPORTED, FILE, "subject"),
        ("registry/verra", EntryType.IMPORTED, FILE, "subject"),
        ("import/1", EntryType.ALIASED, {"alias": "VCS"}, "subject"),
        ("registry/Verra", EntryType.ALIASED, {"alias": "VCS"}, "subject"),
        ("registry/", EntryType.ALIASED, {"alias": "VCS"}, "subject"),
        ("registry/verra", EntryType.ALIASED, {"alias": " "}, "alias"),
        ("registry/verra", EntryType.ALIASED, {"alias": "x" * 51}, "alias"),
        ("registry/verra", EntryType.ALIASED, {"alias": "VCS", "why": "x"}, "why"),
        ("party/Zoë", EntryType.JOINED, {"name": "Zoe"}, "subject"),
        ("party/zoë", EntryType.JOINED, {"name": " "}, "name"),
        ("party/zoë", EntryType.SEPARATED, {"name": "x" * 301}, "name"),
        ("import/1", EntryType.IMPORTED, {"sha256": "0" * 64}, "filename"),
        ("import/1", EntryType.IMPORTED, {**FILE, "sha256": "x"}, "sha256"),
        ("import/1", EntryType.IMPORTED, {**FILE, "rows": 3}, "rows"),
        ("import/1", EntryType.IMPORTED, {**FILE, "rows": "1,000"}, "rows"),
        ("import/1", EntryType.IMPORTED, {**FILE, "rows": "-1"}, "rows"),
        ("import/1", EntryType.IMPORTED, {**FILE, "Rows": "1"}, "Rows"),
    ],
)
def test_an_entry_that_breaks_a_rule_is_refused(
    subject: str, entry_type: EntryType, data: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidFields) as error:
        parse_entry(subject, entry_type, data)
    assert [problem.field for problem in error.value.problems] == [field]


@pytest.mark.parametrize(
    "changes",
    [
        {"credit": MANGROVE},
        {"subject": 5},
        {"subject": "party/1"},
        {"type": "CREATED"},
        {"type": "SEEN"},
        {"v": 2},
        {"data": []},
        {"data": {**FILE, "rows": 3}},
        {"data": {**FILE, "filename": " a"}},
        {"prev_hash": "x"},
        {"recorded_at": "today"},
    ],
    ids=repr,
)
def test_a_stored_entry_with_other_fields_is_not_read(changes: dict[str, Any]) -> None:
    facts = {**json.loads(IMPORTED_TEXT), **changes}
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    with pytest.raises(InvalidEvent):
        read_logged(text)


def test_an_entry_is_no_event_of_a_credit_nor_the_other_way_round() -> None:
    created = created_event(credit_from("A", "B", "2020", "1", None), "local", AT)
    assert read_logged(created.text) == created
    with pytest.raises(InvalidEvent):
        read_event(IMPORTED_TEXT)
    with pytest.raises(InvalidEvent):
        read_entry(created.text)


@pytest.mark.parametrize(
    ("last", "changes", "wrong"),
    [
        (None, {}, ""),
        (None, {"seq": 2}, "seq 2 follows seq 0"),
        (None, {"prev_hash": "1" * 64}, "its prev_hash is not"),
        (EntryHead(1, "1" * 64, AT), {"seq": 2, "prev_hash": "1" * 64}, ""),
        (EntryHead(1, "1" * 64, AT), {"seq": 3, "prev_hash": "1" * 64}, "seq 3 follows seq 1"),
        (EntryHead(1, "1" * 64, AT), {"seq": 2}, "its prev_hash is not"),
        (EntryHead(1, "1" * 64, "3" + AT[1:]), {"seq": 2, "prev_hash": "1" * 64}, "it was recorded at"),
    ],
)
def test_the_entries_of_a_subject_are_a_chain(
    last: EntryHead | None, changes: dict[str, Any], wrong: str
) -> None:
    facts = {**vars(IMPORTED), **changes}
    entry = Entry(**{name: facts[name] for name in Entry.__dataclass_fields__})
    found = list(entry_chain_errors(last, entry))
    assert len(found) == bool(wrong)
    assert all(each.startswith(wrong) for each in found)


def test_an_import_is_named_beside_the_data_and_never_in_the_id() -> None:
    credit = credit_from("Mangrove Restoration Project", "VCS", "2023", "100", "VCS-0001")
    created = created_event(credit, "local", AT, "12")
    assert created.data == {**credit.created_data, "import": "12"}
    assert created.credit_id == MANGROVE
    assert stated_credit(read_event(created.text)) == credit


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        (EventType.RETIRED, {"import": "0"}),
        (EventType.RETIRED, {"import": "1x"}),
        (EventType.RETIRED, {"import": 12}),
        (EventType.RETIRED, {"import": ""}),
        (EventType.SOLD, {"import": "12"}),
        (EventType.CANCELLED, {"import": "12", "reason": "x"}),
        (EventType.SPLIT, {"import": "12", "quantities": ["1", "2"]}),
    ],
    ids=repr,
)
def test_only_what_an_import_records_names_one_by_its_number(
    event_type: EventType, data: dict[str, Any]
) -> None:
    with pytest.raises(InvalidEvent):
        stated_credit(Event(MANGROVE, 2, event_type, data, "local", AT, "0" * 64))
    right = Event(MANGROVE, 2, EventType.RETIRED, with_import({}, "12"), "local", AT, "0" * 64)
    assert stated_credit(right) is None


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        (EventType.SOLD, {"act": "0"}),
        (EventType.RETIRED, {"act": 12}),
        (EventType.CANCELLED, {"act": "12x", "reason": "x"}),
        (EventType.SPLIT, {"act": "12", "quantities": ["1", "2"]}),
    ],
    ids=repr,
)
def test_only_what_an_act_records_names_one_by_a_position(
    event_type: EventType, data: dict[str, Any]
) -> None:
    with pytest.raises(InvalidEvent):
        stated_credit(Event(MANGROVE, 2, event_type, data, "local", AT, "0" * 64))


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        (EventType.SOLD, {"buyer": "Acme"}),
        (EventType.RETIRED, {}),
        (EventType.WITHDRAWN, {}),
        (EventType.CANCELLED, {"reason": "x"}),
    ],
)
def test_an_event_may_name_the_act_that_recorded_it(event_type: EventType, data: dict[str, Any]) -> None:
    event = Event(MANGROVE, 2, event_type, with_act(data, 12), "local", AT, "0" * 64)
    assert '"act":"12"' in event.text
    assert stated_credit(read_event(event.text)) is None
