import time
from datetime import date
from types import SimpleNamespace

import pytest

from tests.fixtures.credits import a_credit
from webapp.domain.action_fields import ACTION_FIELDS, parse_action
from webapp.domain.canonical_json import Number
from webapp.domain.credit import FIELDS, Credit, parse_credit
from webapp.domain.errors import InvalidFields
from webapp.domain.fields import FieldError, TextField, quantity_from_text, quantity_text
from webapp.domain.lifecycle import EventType

ZERO_WIDTH = "\u200b\u2060\ufeff"
TODAY = date(2026, 11, 20)


def parsed(**changes: object) -> Credit:
    return parse_credit(a_credit(**changes))


def problems_of(**changes: object) -> dict[str, str]:
    with pytest.raises(InvalidFields) as refusal:
        parsed(**changes)
    return {problem.field: problem.message for problem in refusal.value.problems}


@pytest.mark.parametrize(
    ("text", "quantity_e4"),
    [
        ("1", 10_000),
        ("0.0001", 1),
        ("2765.37", 27_653_700),
        ("100.0000", 1_000_000),
        ("100000000", 10**12),
        ("100000000.0000", 10**12),
        ("99999999.9999", 10**12 - 1),
        (" \t100\u3000\n", 1_000_000),
        ("0.5", 5_000),
    ],
)
def test_a_quantity_is_exact_to_four_decimals(text: str, quantity_e4: int) -> None:
    assert parsed(quantity=text).quantity_e4 == quantity_e4
    assert parsed(quantity=Number(text)).quantity_e4 == quantity_e4


REFUSED_NUMBERS = {
    "true": True,
    "false": False,
    "a float": 1.5,
    "a list": [Number("1")],
    "an object": {"value": Number("1")},
    "NaN": "NaN",
    "Infinity": "Infinity",
    "a sign": "+1",
    "a minus": Number("-1"),
    "minus zero": Number("-0"),
    "an exponent": Number("1e3"),
    "a capital exponent": Number("1E3"),
    "a huge exponent": Number("1e3000000"),
    "a tiny exponent": Number("1e-3000000"),
    "a separator": "1,000",
    "an apostrophe": "1'000",
    "a space inside": "1 000",
    "a thin space inside": "1\u2009000",
    "an underscore": "1_000",
    "hexadecimal": "0x10",
    "a leading zero": "01",
    "no digit before the point": ".5",
    "no digit after the point": "5.",
    "a comma for the point": "1,5",
    "two points": "1.2.3",
    "Arabic digits": "\u0661\u0660",
    "Devanagari digits": "\u0967",
    "full-width digits": "\uff11",
    "superscript": "1\u00b2",
    "a fraction": "\u00bd",
    "a fifth decimal": "1.00001",
    "a fifth decimal of zero": "1.00000",
    "zero": "0",
    "zero with decimals": "0.0000",
    "too much by the smallest part": "100000000.0001",
    "too much": "100000001",
    "twelve nines": "999999999999",
    "thirteen digits": "1" * 13,
    "5,000 digits": "9" * 5_000,
    "a unit": "1t",
    "a zero-width space": "1\u200b0",
    "a null byte": "1\x00",
    "a surrogate": "\ud800",
}


@pytest.mark.parametrize("value", REFUSED_NUMBERS.values(), ids=REFUSED_NUMBERS.keys())
def test_an_invalid_quantity_is_refused(value: object) -> None:
    assert list(problems_of(quantity=value)) == ["quantity"]


@pytest.mark.parametrize("text", ["1e3000000", "9" * 5_000_000, " " * 5_000_000, "1" + " " * 5_000_000 + "1"])
def test_a_number_of_any_length_is_refused_at_once(text: str) -> None:
    started = time.process_time()
    assert list(problems_of(quantity=Number(text), vintage=Number(text))) == ["vintage", "quantity"]
    assert time.process_time() - started < 1


@pytest.mark.parametrize("text", ["1990", "2100", " 2023\t", "2023.0"])
def test_a_vintage_is_a_year_from_1990_to_2100(text: str) -> None:
    assert parsed(vintage=text).vintage == int(text.strip()[:4])


@pytest.mark.parametrize(
    "value",
    [
        "1989",
        "2101",
        "0",
        "23",
        "02023",
        "2023.5",
        "2023.00",
        "2e3",
        "+2023",
        "-2023",
        "2 023",
        "2_023",
        "\u0662\u0660\u0662\u0663",
        "\uff12\uff10\uff12\uff13",
        "2023-24",
        "2023\x00",
        True,
        2023.0,
        [],
    ],
    ids=ascii,
)
def test_an_invalid_vintage_is_refused(value: object) -> None:
    assert problems_of(vintage=value) == {
        "vintage": "Must be a year from 1990 to 2100." if isinstance(value, str) else "Must be a number."
    }


@pytest.mark.parametrize("field", ["project_name", "registry", "vintage", "quantity"])
@pytest.mark.parametrize("value", [None, "", "   ", "\t\r\n\u3000"], ids=ascii)
def test_an_empty_required_field_counts_as_missing(field: str, value: object) -> None:
    assert problems_of(**{field: value}) == {field: "This is required."}


@pytest.mark.parametrize("field", ["project_name", "registry", "vintage", "quantity"])
def test_an_absent_required_field_is_missing(field: str) -> None:
    values = a_credit()
    del values[field]
    with pytest.raises(InvalidFields, match=rf"^{field}: This is required\.$"):
        parse_credit(values)


@pytest.mark.parametrize("field", ["project_name", "registry"])
def test_a_name_of_zero_width_characters_is_empty(field: str) -> None:
    assert problems_of(**{field: ZERO_WIDTH}) == {field: "This is required."}


@pytest.mark.parametrize("value", [None, "", "  ", ZERO_WIDTH, "\u3164"], ids=ascii)
def test_an_empty_serial_number_counts_as_absent(value: object) -> None:
    assert parsed(serial_number=value).serial_number is None


def test_a_serial_number_may_be_left_out() -> None:
    values = a_credit()
    del values["serial_number"]
    assert parse_credit(values).serial_number is None


@pytest.mark.parametrize(
    ("field", "limit"), [("project_name", 300), ("registry", 50), ("serial_number", 200)]
)
def test_a_text_has_a_maximum_length(field: str, limit: int) -> None:
    assert getattr(parsed(**{field: "a" * limit}), field) == "a" * limit
    assert problems_of(**{field: "a" * (limit + 1)}) == {
        field: f"At most {limit} characters; this has {limit + 1}."
    }


@pytest.mark.parametrize(
    "text",
    ["\U0001f333" * 50, "e\u0301" * 50, "\n" * 500 + "a" * 50 + " " * 500, "a" + "\u3000" * 500 + "b" * 48],
    ids=["beyond the BMP", "decomposed", "edges", "inside"],
)
def test_a_length_counts_code_points_as_they_are_stored(text: str) -> None:
    assert len(parsed(registry=text).registry) == 50
    assert problems_of(registry="c" + text.strip()) == {"registry": "At most 50 characters; this has 51."}


def test_code_points_that_do_not_compose_count_in_the_length() -> None:
    assert list(problems_of(registry="q\u0301" * 26)) == ["registry"]
    assert len(parsed(registry="q\u0301" * 25).registry) == 50


@pytest.mark.parametrize("value", [Number("5"), True, ["a"], {"a": "b"}, 5], ids=repr)
@pytest.mark.parametrize("field", ["project_name", "registry", "serial_number"])
def test_a_text_must_come_as_text(field: str, value: object) -> None:
    assert problems_of(**{field: value}) == {field: "Must be text."}


@pytest.mark.parametrize(
    "character", ["\x00", "\n", "\t", "\x85", "\ud800", "\ue000", "\u202e", "\u0378"], ids=ascii
)
@pytest.mark.parametrize("field", ["project_name", "registry", "serial_number"])
def test_a_text_with_a_refused_character_inside_names_it(field: str, character: str) -> None:
    message = problems_of(**{field: f"A{character}B"})[field]
    assert message.startswith(f"Character 2 (U+{ord(character):04X}) is ")


def test_every_problem_is_reported_at_once() -> None:
    found = problems_of(
        project_name="", registry=Number("1"), vintage="x", quantity="0", serial_number="\x00a", color="red"
    )
    assert list(found) == ["project_name", "registry", "vintage", "quantity", "serial_number", "color"]


def test_an_unknown_field_is_refused() -> None:
    assert problems_of(Quantity="1") == {"Quantity": "There is no such field."}


@pytest.mark.parametrize("quantity_e4", [1, 10, 100, 1000, 10_000, 1_000_000, 27_653_700, 10**12 - 1, 10**12])
def test_the_text_of_a_quantity_reads_back_as_the_same(quantity_e4: int) -> None:
    assert quantity_from_text(quantity_text(quantity_e4)) == quantity_e4


@pytest.mark.parametrize(
    ("quantity_e4", "text"),
    [(1, "0.0001"), (1_000_000, "100"), (27_653_700, "2765.37"), (10**12, "100000000"), (10_010, "1.001")],
)
def test_a_quantity_reads_as_plain_decimal_text(quantity_e4: int, text: str) -> None:
    assert quantity_text(quantity_e4) == text


@pytest.mark.parametrize("act", [EventType.SOLD, EventType.RETIRED])
def test_a_note_may_have_2000_characters_and_line_breaks(act: EventType) -> None:
    note = "a\n" * 999 + "ab"
    assert parse_action(act, {"note": note}, TODAY)["note"] == note
    with pytest.raises(InvalidFields, match=r"At most 2,000 characters; this has 2,001\."):
        parse_action(act, {"note": note + "c"}, TODAY)


@pytest.mark.parametrize(
    ("act", "field"),
    [(act, field.name) for act in (EventType.SOLD, EventType.RETIRED) for field in ACTION_FIELDS[act]],
)
def test_all_data_of_a_sale_or_a_retirement_is_optional(act: EventType, field: str) -> None:
    assert parse_action(act, {field: None}, TODAY) == {"occurred_on": "2026-11-20"}


@pytest.mark.parametrize(
    ("act", "names"),
    [
        (EventType.SOLD, "quantity buyer occurred_on reference note evidence"),
        (EventType.RETIRED, "quantity beneficiary reason occurred_on reference note evidence"),
        (EventType.CANCELLED, "reason note evidence"),
    ],
)
def test_an_act_has_the_fields_of_the_contract(act: EventType, names: str) -> None:
    assert [field.name for field in ACTION_FIELDS[act]] == names.split()


@pytest.mark.parametrize("reason", [None, "", " ", "\u200b"])
def test_a_cancellation_needs_a_reason(reason: str | None) -> None:
    with pytest.raises(InvalidFields, match=r"reason: This is required\."):
        parse_action(EventType.CANCELLED, {"reason": reason}, TODAY)
    assert parse_action(EventType.CANCELLED, {"reason": "Typo"}, TODAY) == {"reason": "Typo"}


def test_the_quantity_of_an_action_is_not_in_its_event_data() -> None:
    for act in (EventType.SOLD, EventType.RETIRED):
        assert parse_action(act, {"quantity": Number("250")}, TODAY) == {"occurred_on": "2026-11-20"}


@pytest.mark.parametrize("field", ["buyer", "reference"])
def test_a_text_of_an_act_has_at_most_300_characters_in_one_line(field: str) -> None:
    assert parse_action(EventType.SOLD, {field: "a" * 300}, TODAY)[field] == "a" * 300
    for text in ("a" * 301, "a\nb"):
        with pytest.raises(InvalidFields):
            parse_action(EventType.SOLD, {field: text}, TODAY)


@pytest.mark.parametrize("text", ["2026-11-20", " 2026-11-20\n", "1990-01-01", "2024-02-29"])
def test_an_action_may_have_any_date_up_to_today(text: str) -> None:
    assert parse_action(EventType.SOLD, {"occurred_on": text}, TODAY) == {"occurred_on": text.strip()}


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-21",
        "9999-12-31",
        "1989-12-31",
        "0020-12-31",
        "0001-01-01",
        "2023-02-29",
        "2026-13-01",
        "0000-01-01",
        "20261120",
        "2026-W47-5",
        "2026-11-20T00:00:00",
        "26-11-20",
        "2026-1-2",
        "20.11.2026",
        "today",
        "\u0662026-11-20",
        Number("20261119"),
        True,
        date(2026, 11, 20),
    ],
    ids=ascii,
)
def test_an_invalid_or_future_date_of_an_action_is_refused(value: object) -> None:
    with pytest.raises(InvalidFields, match=r"^occurred_on: "):
        parse_action(EventType.RETIRED, {"occurred_on": value}, TODAY)


def test_an_act_reports_every_problem_at_once() -> None:
    values = {"buyer": "\x00a", "occurred_on": "2026-11-21", "price": "1", "note": Number("1")}
    with pytest.raises(InvalidFields) as refusal:
        parse_action(EventType.SOLD, values, TODAY)
    assert [p.field for p in refusal.value.problems] == ["buyer", "occurred_on", "note", "price"]


def test_the_fields_of_a_credit_are_those_of_the_contract() -> None:
    names = [field.name for field in FIELDS]
    assert names == ["project_name", "registry", "vintage", "quantity", "serial_number"]


@pytest.mark.parametrize("value", [Number("1"), True, ["a"], "f" * 63, "F" * 64, "g" * 64], ids=repr)
def test_replaces_must_be_an_id(value: object) -> None:
    with pytest.raises(InvalidFields, match="replaces: Must be the id of a credit"):
        parse_credit(a_credit(replaces=value))


def test_a_correction_names_what_it_replaces() -> None:
    assert parse_credit(a_credit(replaces=f" {'f' * 64} ")).replaces == "f" * 64
    assert parse_credit(a_credit(replaces="")).replaces is None


FOUR_IN_ONE = "\u03b1\u0313\u0300\u0345"  # they compose to one character


def test_the_length_limit_applies_to_the_composed_text() -> None:
    text = (FOUR_IN_ONE + " " * 1000) * 150
    credit = parse_credit(a_credit(project_name=text))
    assert credit.project_name == "\u1f82 " * 149 + "\u1f82"


@pytest.mark.parametrize(
    "text",
    ["a" + "\u0315" * 100_000 + "\u0300" * 100_000, FOUR_IN_ONE * 300 + "a"],
    ids=["a run of marks", "one character too many"],
)
def test_a_text_too_long_in_any_composition_is_refused_before_composing(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    def compose(_form: str, _text: str) -> str:
        raise AssertionError("the time for this grows with the square of a run of marks")

    monkeypatch.setattr("webapp.domain.text.unicodedata", SimpleNamespace(normalize=compose))
    with pytest.raises(FieldError, match=f"At most 300 characters; this has {len(text):,}."):
        TextField("project_name", "Project name").parse(text)
