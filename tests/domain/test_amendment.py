"""Amendments restate words of an earlier event, and facts stand beside the identity of a credit."""

from datetime import date
from typing import Any

import pytest

from tests.domain.golden import MANGROVE, credit_from
from webapp.domain.action_fields import DayBounds, parse_event_data
from webapp.domain.amendment import NO_SUCH_EVENT, NOTHING, parse_amendment, present_data, present_facts
from webapp.domain.credit import Credit
from webapp.domain.errors import InvalidFields
from webapp.domain.event import Data, Event, EventHead, created_event, credit_from_event
from webapp.domain.event_validation import InvalidEvent, chain_errors, read_event, stated_credit
from webapp.domain.facts import CREDIT_FACTS, parse_facts
from webapp.domain.lifecycle import EventType

TODAY = date(2026, 11, 20)
AT = "2026-11-20T08:09:10.000042Z"
C, S, V, R, W, X, P, A = (
    EventType.CREATED,
    EventType.SOLD,
    EventType.SALE_REVERSED,
    EventType.RETIRED,
    EventType.WITHDRAWN,
    EventType.CANCELLED,
    EventType.SPLIT,
    EventType.AMENDED,
)
FACTS = {"country": "Kenya", "project_id": "VCS 1340"}
WITH_FACTS = Credit("Mangrove Restoration Project", "VCS", 2023, 1_000_000, "VCS-0001", facts=FACTS)


def problems(values: dict[str, object], types: list[EventType]) -> dict[str, str]:
    with pytest.raises(InvalidFields) as error:
        parse_amendment(values, types, DayBounds(TODAY))
    return {problem.field: problem.message for problem in error.value.problems}


@pytest.mark.parametrize(
    ("types", "values", "expected"),
    [
        ([C], {"amends": "1", "facts": {"country": " Kenya "}}, {"amends": 1, "facts": {"country": "Kenya"}}),
        (
            [C],
            {"amends": 1, "facts": {"country": "", "developer": None}},
            {"amends": 1, "facts": {"country": ""}},
        ),
        (
            [C, S],
            {"amends": "2", "buyer": "Acme", "why": "Typo"},
            {"amends": 2, "buyer": "Acme", "why": "Typo"},
        ),
        ([C, R], {"amends": "2", "beneficiary": " ", "why": " "}, {"amends": 2, "beneficiary": ""}),
        (
            [C, R],
            {"amends": "2", "facts": {"purpose": "CORSIA"}},
            {"amends": 2, "facts": {"purpose": "CORSIA"}},
        ),
        ([C, R, A], {"amends": "2", "occurred_on": "2026-01-31"}, {"amends": 2, "occurred_on": "2026-01-31"}),
        (
            [C, S, V, S],
            {"amends": "2", "buyer": "Acme"},
            {"amends": 2, "buyer": "Acme"},
        ),
        ([C, S, V], {"amends": "3", "reason": "Twice"}, {"amends": 3, "reason": "Twice"}),
        ([C, W], {"amends": "2", "reason": "Buffer"}, {"amends": 2, "reason": "Buffer"}),
        ([C, X], {"amends": "2", "reason": "Twice"}, {"amends": 2, "reason": "Twice"}),
        (
            [C, P],
            {"amends": "1", "facts": {"country": "Kenya"}},
            {"amends": 1, "facts": {"country": "Kenya"}},
        ),
    ],
)
def test_an_amendment_has_what_it_states_as_recorded(
    types: list[EventType], values: dict[str, object], expected: dict[str, object]
) -> None:
    assert parse_amendment(values, types, DayBounds(TODAY)) == expected


@pytest.mark.parametrize("amends", [None, "", "0", "3", "-1", "1.0", "x", True, "9" * 30])
def test_an_amendment_names_an_event_of_its_credit(amends: object) -> None:
    assert problems({"amends": amends, "buyer": "Acme"}, [C, S]) == {"amends": NO_SUCH_EVENT}


@pytest.mark.parametrize("types", [[C, P], [C, A]])
def test_neither_a_split_nor_an_amendment_can_be_amended(types: list[EventType]) -> None:
    assert problems({"amends": "2", "note": "x"}, types) == {"amends": NO_SUCH_EVENT}


@pytest.mark.parametrize("values", [{}, {"why": "Typo"}, {"buyer": None}, {"facts": {}}, {"facts": None}])
def test_an_amendment_states_at_least_one_value(values: dict[str, object]) -> None:
    types = [C] if "facts" in values else [C, S]
    assert problems({"amends": str(len(types)), **values}, types) == {"": NOTHING}


@pytest.mark.parametrize(
    ("types", "values", "field"),
    [
        ([C], {"project_name": "Another"}, "project_name"),
        ([C], {"quantity": "5"}, "quantity"),
        ([C], {"facts": {"serial_number": "X"}}, "facts.serial_number"),
        ([C], {"facts": {"country": "x" * 301}}, "facts.country"),
        ([C], {"facts": "Kenya"}, "facts"),
        ([C, S], {"quantity": "5"}, "quantity"),
        ([C, S], {"beneficiary": "Acme"}, "beneficiary"),
        ([C, S], {"facts": {"country": "Kenya"}}, "facts"),
        ([C, S], {"buyer": "x" * 301}, "buyer"),
        ([C, R], {"occurred_on": "2026-11-21"}, "occurred_on"),
        ([C, R], {"facts": {"country": "Kenya"}}, "facts.country"),
        ([C, X], {"reason": ""}, "reason"),
        ([C, X], {"note": "x", "why": "x" * 2001}, "why"),
    ],
)
def test_an_amendment_has_the_bounds_of_entry(
    types: list[EventType], values: dict[str, object], field: str
) -> None:
    assert list(problems({"amends": str(len(types)), **values}, types)) == [field]


def test_amendments_overlay_the_data_in_their_order_and_an_empty_text_removes() -> None:
    data: Data = {"beneficiary": "Acne", "note": "x", "facts": {"purpose": "A", "claimed_year": "2025"}}
    amendments: list[Data] = [
        {"amends": 2, "beneficiary": "Acme", "facts": {"purpose": "B"}},
        {"amends": 2, "note": "", "why": "Typo", "facts": {"claimed_year": ""}},
    ]
    assert present_data(data, amendments) == {"beneficiary": "Acme", "facts": {"purpose": "B"}}


def test_a_credit_has_the_facts_of_its_root_overlaid_on_the_way_down() -> None:
    path: list[tuple[EventType, Data]] = [
        (C, {"facts": {"country": "Kenia", "developer": "A", "methodology": "M"}}),
        (A, {"amends": 1, "facts": {"country": "Kenya", "methodology": ""}}),
        (A, {"amends": 2, "facts": {"purpose": "of another event"}}),
        (C, {"parent": "x"}),
        (A, {"amends": 1, "facts": {"developer": "B"}}),
    ]
    assert present_facts(path) == {"country": "Kenya", "developer": "B"}


def test_facts_are_no_part_of_the_identity() -> None:
    plain = credit_from("Mangrove Restoration Project", "VCS", "2023", "100", "VCS-0001")
    assert (plain, plain.id, plain.canonical) == (WITH_FACTS, MANGROVE, WITH_FACTS.canonical)
    assert WITH_FACTS.id == MANGROVE
    assert hash(plain) == hash(WITH_FACTS)


def test_a_first_event_keeps_its_facts() -> None:
    created = created_event(WITH_FACTS, "local", AT)
    for credit in (credit_from_event(read_event(created.text)), stated_credit(created)):
        assert credit is not None
        assert credit.facts == FACTS


@pytest.mark.parametrize(
    ("values", "field"),
    [({"colour": "red"}, "facts.colour"), ({"country": "x" * 301}, "facts.country"), ("Kenya", "facts")],
)
def test_a_fact_that_no_field_accepts_is_refused(values: object, field: str) -> None:
    with pytest.raises(InvalidFields) as error:
        parse_facts(CREDIT_FACTS, values)
    assert [problem.field for problem in error.value.problems] == [field]


@pytest.mark.parametrize(
    ("event_type", "values", "expected"),
    [
        (
            R,
            {"facts": {"purpose": " CORSIA "}},
            {"occurred_on": "2026-11-20", "facts": {"purpose": "CORSIA"}},
        ),
        (R, {"facts": {"purpose": ""}}, {"occurred_on": "2026-11-20"}),
        (W, {"facts": {"converted_to": "ARB"}}, {"facts": {"converted_to": "ARB"}}),
        (W, {}, {}),
        (W, {"occurred_on": "2026-01-31"}, {"occurred_on": "2026-01-31"}),
    ],
)
def test_a_retirement_and_a_withdrawal_may_have_facts_and_only_the_first_has_always_a_day(
    event_type: EventType, values: dict[str, object], expected: dict[str, object]
) -> None:
    assert parse_event_data(event_type, values, TODAY) == expected


def test_a_sale_has_no_facts() -> None:
    with pytest.raises(InvalidFields):
        parse_event_data(S, {"facts": {"purpose": "x"}}, TODAY)


def stored(event_type: EventType, data: dict[str, Any], seq: int = 2) -> Event:
    return Event(MANGROVE, seq, event_type, data, "local", AT, "0" * 64)


@pytest.mark.parametrize(
    "data",
    [
        {"facts": {}},
        {"facts": {"country": ""}},
        {"facts": {"country": " Kenya"}},
        {"facts": {"colour": "red"}},
        {"parent": MANGROVE, "offset": "0"},
    ],
    ids=repr,
)
def test_a_stored_first_event_with_other_facts_than_the_rules_record_is_found(
    data: dict[str, object],
) -> None:
    created = created_event(WITH_FACTS, "local", AT)
    event = stored(C, {**created.data, **data}, seq=1)
    with pytest.raises(InvalidEvent):
        stated_credit(event)


@pytest.mark.parametrize("facts", ["Kenya", ["Kenya"], {"country": 5}, {"country": {"name": "Kenya"}}])
def test_facts_that_are_no_object_of_texts_are_not_read(facts: object) -> None:
    with pytest.raises(InvalidEvent):
        stated_credit(read_event(stored(C, {**WITH_FACTS.created_data, "facts": facts}, seq=1).text))


def test_an_object_is_read_as_facts_alone() -> None:
    with pytest.raises(InvalidEvent, match="texts and whole numbers"):
        read_event(stored(S, {"buyer": {"name": "Acme"}}).text)


@pytest.mark.parametrize(
    ("types", "event_type", "data", "is_right"),
    [
        ((C, R), A, {"amends": 2, "beneficiary": "Acme"}, True),
        ((C, R), A, {"amends": 2, "buyer": "Acme"}, False),
        ((C, R), A, {"amends": 2, "beneficiary": " Acme"}, False),
        ((C, R), A, {"amends": "2", "beneficiary": "Acme"}, False),
        ((C, R), A, {"amends": 3, "beneficiary": "Acme"}, False),
        ((C, R), A, {"amends": 2, "why": "Typo"}, False),
        ((C, R), A, {"amends": 2, "beneficiary": "Acme", "act": "7"}, True),
        ((C, R), A, {"amends": 2, "act": "7"}, False),
        ((C, R), A, {"amends": 2, "beneficiary": "Acme", "why": ""}, False),
        ((C, R, A), P, {"quantities": ["1", "2"]}, False),
        ((C, R, A), W, {}, False),
        ((C, W, A), R, {}, False),
        ((C, P, A), R, {}, False),
        ((C, X, A), S, {}, False),
        ((C, S, A, A), R, {}, True),
        ((C, S, A), V, {"reason": "Twice"}, True),
        ((C, S, V, A), S, {}, True),
        ((C, S, V, A), V, {"reason": "Twice"}, False),
        ((C, S, R, A), V, {"reason": "Twice"}, False),
        ((C, A), S, {}, True),
    ],
)
def test_the_last_counting_event_decides_what_may_follow(
    types: tuple[EventType, ...], event_type: EventType, data: dict[str, object], *, is_right: bool
) -> None:
    head = EventHead(len(types), "0" * 64, AT, types)
    wrongs = list(chain_errors(head, stored(event_type, data, seq=len(types) + 1)))
    assert (wrongs == []) is is_right
