"""Property tests of the canonical form and the id, over generated texts."""

from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.domain.spelling import credit_values, names, respelled, respelled_values, texts
from webapp.domain.action_fields import parse_action
from webapp.domain.canonical_json import Number, decode, encode
from webapp.domain.credit import parse_credit
from webapp.domain.event import created_event
from webapp.domain.fields import quantity_from_text, quantity_text
from webapp.domain.lifecycle import EventType
from webapp.domain.text import canonical, recorded

pytestmark = pytest.mark.slow


@settings(max_examples=300)
@given(texts(30))
def test_the_canonical_form_is_idempotent(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)


@settings(max_examples=200)
@given(texts(30))
def test_recording_a_text_is_idempotent(text: str) -> None:
    assert recorded(recorded(text)) == recorded(text)
    assert recorded(recorded(text, newlines=True), newlines=True) == recorded(text, newlines=True)


@settings(max_examples=200)
@given(texts(30))
def test_recording_a_text_does_not_change_its_canonical_form(text: str) -> None:
    assert canonical(recorded(text)) == canonical(text)


@settings(max_examples=200)
@given(st.data(), names)
def test_other_spellings_of_a_text_have_its_canonical_form(data: st.DataObject, text: str) -> None:
    spelled = data.draw(respelled(text))
    assert canonical(recorded(spelled)) == canonical(recorded(text))


@given(st.data(), credit_values)
def test_equal_credits_always_have_the_same_id(data: st.DataObject, values: dict[str, str | None]) -> None:
    spelled = data.draw(respelled_values(values))
    assert parse_credit(spelled).id == parse_credit(values).id


small = st.text('ab |,:"\\{}1', min_size=1, max_size=4).map(lambda text: f"x{text}x")
small_values = st.fixed_dictionaries(
    {
        "project_name": small,
        "registry": small,
        "vintage": st.sampled_from(["2020", "2021"]),
        "quantity": st.sampled_from(["1", "1.0001", "11", "10"]),
        "serial_number": st.one_of(st.none(), small),
    }
)


@settings(max_examples=200)
@given(small_values, small_values)
@example(
    {"project_name": "a|b", "registry": "c", "vintage": "2020", "quantity": "1", "serial_number": None},
    {"project_name": "a", "registry": "b|c", "vintage": "2020", "quantity": "1", "serial_number": None},
)
def test_credits_share_an_id_exactly_where_their_canonical_fields_are_equal(
    ours: dict[str, str | None], theirs: dict[str, str | None]
) -> None:
    first, second = parse_credit(ours), parse_credit(theirs)
    assert (first.id == second.id) is (first.canonical == second.canonical)


@given(credit_values)
def test_the_id_can_be_computed_again_from_the_created_event(values: dict[str, str | None]) -> None:
    credit = parse_credit(values)
    data = decode(encode(dict(created_event(credit, "local", "").data)).encode())
    assert isinstance(data, dict)
    assert parse_credit(data) == credit


@given(st.integers(1, 10**12))
def test_a_quantity_survives_being_written_and_read(quantity_e4: int) -> None:
    text = quantity_text(quantity_e4)
    assert quantity_from_text(text) == quantity_e4
    assert decode(text.encode()) == Number(text)


@given(texts(), texts(50))
def test_the_data_of_an_act_is_recorded_as_the_same_again(buyer: str, note: str) -> None:
    today = date(2026, 11, 20)
    data = parse_action(EventType.SOLD, {"buyer": buyer, "note": note}, today)
    assert parse_action(EventType.SOLD, data, today) == data


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.text(st.characters(exclude_categories=["Cs"]))),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("ab"), inner, max_size=3)),
    max_leaves=20,
)


@given(json_values)
def test_what_is_written_as_json_is_read_as_the_same(value: object) -> None:
    assert decode(encode(value).encode()) == value
