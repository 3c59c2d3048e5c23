import time

import pytest

from webapp.domain.canonical_json import MAX_DEPTH, NotJson, Number, decode, encode


def test_a_number_keeps_the_text_it_was_written_in() -> None:
    text = b"[1, 1.0, -0, 1.2300, 1e3000000, 123456789012345678901234567890.5, 2765.37]"
    found = decode(text)
    assert found == ["1", "1.0", "-0", "1.2300", "1e3000000", "123456789012345678901234567890.5", "2765.37"]
    assert isinstance(found, list)
    assert {type(item) for item in found} == {Number}


def test_a_number_is_told_apart_from_a_text() -> None:
    assert isinstance(decode(b'"1"'), str)
    assert not isinstance(decode(b'"1"'), Number)
    assert isinstance(decode(b"1"), Number)


def test_a_number_of_many_digits_is_decoded_quickly() -> None:
    started = time.process_time()
    assert decode(b"9" * 5_000_000) == "9" * 5_000_000
    assert time.process_time() - started < 1


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", '{"a": [NaN]}'])
def test_an_invalid_json_number_is_refused(text: str) -> None:
    with pytest.raises(NotJson, match="is not a JSON value"):
        decode(text.encode())


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 1}', '[{"b": {"a": 1, "c": 2, "a": 3}}]', '{"\\u0061": 1, "a": 2}']
)
def test_a_duplicate_key_is_refused(text: str) -> None:
    with pytest.raises(NotJson, match='The key "a" occurs twice in one object'):
        decode(text.encode())


def test_a_very_long_key_is_shortened_in_the_message() -> None:
    key = "k" * 100_000
    with pytest.raises(NotJson) as refusal:
        decode(f'{{"{key}": 1, "{key}": 2}}'.encode())
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":', '"]"[', "[\n"])
def test_a_million_brackets_are_refused_at_once(opening: str) -> None:
    started = time.process_time()
    with pytest.raises(NotJson):
        decode(opening.encode() * 1_000_000)
    assert time.process_time() - started < 1


def test_a_document_may_be_nested_up_to_the_limit() -> None:
    decode(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(NotJson, match=f"Nested deeper than {MAX_DEPTH} levels at character {MAX_DEPTH + 1}"):
        decode(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


def test_brackets_inside_a_text_do_not_count_as_nesting() -> None:
    assert decode(rb'["\"[[[[' + b"[{" * 1000 + b'"]') == ['"[[[[' + "[{" * 1000]


def test_a_wide_document_is_not_deep() -> None:
    assert decode(b"[" + b"[],{}," * 1000 + b"[]]") == [[], {}] * 1000 + [[]]


def test_a_byte_order_mark_at_the_start_is_allowed() -> None:
    assert decode(b'\xef\xbb\xbf{"a": "b"}') == {"a": "b"}


@pytest.mark.parametrize("data", [b"", b"  \r\n\t", b"\xef\xbb\xbf"])
def test_an_empty_document_is_refused(data: bytes) -> None:
    with pytest.raises(NotJson, match="This is empty"):
        decode(data)


@pytest.mark.parametrize(
    ("data", "byte"),
    [
        (b'{"a": "\xff"}', 8),
        ('{"a": "é"}'.encode("latin-1"), 8),
        ("[1]".encode("utf-16"), 1),
        (b"[\xed\xa0\x80]", 2),
    ],
)
def test_what_is_not_utf_8_is_refused_with_the_place(data: bytes, byte: int) -> None:
    with pytest.raises(NotJson, match=f"not UTF-8 text: byte {byte} is invalid"):
        decode(data)


WHOLE = '{"project_name": "A", "vintage": 2023, "list": [true, null, "\\u00e9"]}'


@pytest.mark.parametrize("length", range(1, len(WHOLE)))
def test_a_truncated_document_is_refused(length: int) -> None:
    with pytest.raises(NotJson, match="not valid JSON"):
        decode(WHOLE[:length].encode())


@pytest.mark.parametrize(
    "text",
    [
        "[1,]",
        "{'a': 1}",
        "[1] [2]",
        "[1]x",
        "nul",
        "[01]",
        "[+1]",
        "[.5]",
        "[5.]",
        "[0x1]",
        "{1: 2}",
        "]",
        "// a",
        '"a\nb"',
        '"a\x00b"',
        '"\\x41"',
        '"\\u12"',
        "\u00a0[1]",
        "[1]\u2028",
    ],
    ids=ascii,
)
def test_invalid_json_is_refused(text: str) -> None:
    with pytest.raises(NotJson, match=r"not valid JSON: .* at line 1, column \d+"):
        decode(text.encode())


def test_the_message_about_invalid_json_is_a_sentence() -> None:
    with pytest.raises(NotJson, match="Invalid control character at line 1, column 3"):
        decode(b'"a\nb"')


def test_the_message_about_invalid_json_has_line_and_column() -> None:
    with pytest.raises(NotJson, match="at line 3, column 5"):
        decode(b'{\n  "a": 1,\n    b: 2\n}')


def test_a_pair_of_surrogate_escapes_is_one_character() -> None:
    assert decode(rb'"\ud83c\udf33"') == "\U0001f333"


def test_half_a_pair_of_surrogate_escapes_is_decoded_and_left_to_the_fields() -> None:
    assert decode(rb'{"a": "\ud800"}') == {"a": "\ud800"}


def test_half_a_pair_of_surrogate_escapes_in_a_key_is_refused() -> None:
    with pytest.raises(NotJson, match="A key has half of a surrogate pair"):
        decode(rb'[{"a\udfff": 1}]')


def test_json_is_written_in_one_canonical_form() -> None:
    value = {"b": [1, True, None], "a": 'é\u2028"\\\n\x7f', "\U0001f333": {}}
    assert encode(value) == '{"a":"é\u2028\\"\\\\\\n\x7f","b":[1,true,null],"\U0001f333":{}}'


@pytest.mark.parametrize("value", [1.0, [1.5], {"a": [{"b": float("nan")}]}], ids=repr)
def test_a_float_is_never_written(value: object) -> None:
    with pytest.raises(TypeError, match="no canonical text"):
        encode(value)
