import json

import pytest

from webapp.domain.canonical_json import Number
from webapp.domain.errors import TooManyRows, UnreadableFile
from webapp.imports.readers.bounds import ROWS_MAX
from webapp.imports.readers.open_file import read_source
from webapp.imports.readers.source import FileKind, NotAnObject, ReadAs

ROW = {"project_name": "Forêt – 2", "registry": "VCS", "vintage": 2020, "quantity": 1.5}  # noqa: RUF001


def json_of(value: object, encoding: str = "utf-8") -> bytes:
    return json.dumps(value, ensure_ascii=False).encode(encoding)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (json_of([ROW, ROW]), FileKind.JSON),
        (json_of({"count": 2, "records": [ROW, ROW]}), FileKind.JSON),
        (json.dumps({"a": [ROW, ROW]}, indent=2).encode(), FileKind.JSON),
        (json_of({"count": 2, "records": [ROW, ROW], "next": {"at": None}}), FileKind.JSON),
        (json_of(ROW) + b"\n" + json_of(ROW) + b"\n", FileKind.NDJSON),
        (json_of(ROW) + b"\r\n\r\n" + json_of(ROW) + b"\r\n", FileKind.NDJSON),
    ],
)
def test_json_and_lines_of_json_are_told_apart(content: bytes, kind: FileKind) -> None:
    source = read_source(content)
    assert (source.kind, list(source.headers)) == (kind, list(ROW))
    assert [row.number for row in source.rows] == [1, 2]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_record_of_the_api_is_one_row_though_it_has_an_array(indent: int | None) -> None:
    record = ROW | {"status": "ACTIVE", "events": [{"seq": 1}]}
    (row,) = read_source(json.dumps(record, indent=indent).encode()).rows
    assert list(row.values) == list(record)


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        *[("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("cp1252", "Windows-1252")],
        *[("utf-16", "UTF-16 LE"), ("utf-16-le", "UTF-16 LE"), ("utf-16-be", "UTF-16 BE")],
    ],
)
def test_json_in_every_encoding_is_read_and_named(encoding: str, name: str) -> None:
    source = read_source(json_of([ROW], encoding))
    assert source.encoding == name
    assert source.rows[0].values["project_name"] == ROW["project_name"]


def test_a_person_can_choose_the_encoding_of_json() -> None:
    source = read_source(json_of([{"name": "Łódź"}], "cp1250"), ReadAs(encoding="Windows-1250"))
    assert source.rows[0].values["name"] == "Łódź"


def test_values_are_those_of_decoded_json() -> None:
    (row,) = read_source(b'[{"a": "1", "b": 1.50, "c": true, "d": null, "e": [1], "f": {"g": 2}}]').rows
    assert row.values == {"a": "1", "b": "1.50", "c": True, "d": None, "e": ["1"], "f": {"g": "2"}}
    assert [isinstance(row.values[name], Number) for name in "ab"] == [False, True]


def test_headers_are_the_names_in_order_of_first_appearance() -> None:
    source = read_source(json_of([{"b": 1, "a": 2}, 7, {"c": 3, "a": 4}]))
    assert list(source.headers) == ["b", "a", "c"]


@pytest.mark.parametrize("element", [7, "text", None, True, [ROW]])
def test_a_row_that_is_no_object_is_told_apart(element: object) -> None:
    first, second = read_source(json_of([{"": element}, element])).rows
    assert not isinstance(first.values, NotAnObject)
    assert isinstance(second.values, NotAnObject)
    assert first.values == second.values


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"[]", "no rows"),
        (b"{}", "exactly one array"),
        (b'{"a": [], "b": []}', "exactly one array"),
        (b"[1] 2", "after the end"),
        (b"[1, ]", "Row 2"),
        (b"[{]}", "Row 1"),
        (b'[{"a": 1}, {"a": 1 "b": 2}]', "Row 2"),
        (b'[{"a": 1}, {"a": 1, "a": 2}]', 'Row 2: The key "a" occurs twice'),
        (b'[{"a": NaN}]', "NaN"),
        (b'[{"a": -Infinity}]', "Infinity"),
        (b'[{"\\ud800": 1}]', "surrogate"),
        (json_of([ROW, ROW])[:-30], "cut off in row 2"),
        (b"[" * 1_000_000, "nested deeper"),
        (b'{"a":' * 1_000_000, "not an object with one array"),
        (b'["' + b"a" * 1_000_000 + b'"]', "Row 1 is longer"),
        (b"[[" + b"0," * 1_000_000 + b"0]]", "Row 1 is longer"),
        (json_of(ROW) + b'\n{"project_name":', "Row 2"),
    ],
    ids=lambda value: ascii(value[:20]),
)
def test_a_file_without_a_list_of_rows_is_refused_with_place_and_reason(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        read_source(content)


@pytest.mark.parametrize("separator", [b",", b"\n"])
def test_as_many_rows_as_one_import_takes_are_read_and_no_more(separator: bytes) -> None:
    rows = [json_of(ROW)] * ROWS_MAX
    whole = b"[%s]" if separator == b"," else b"%s"
    assert len(read_source(whole % separator.join(rows)).rows) == ROWS_MAX
    with pytest.raises(TooManyRows, match="10,000"):
        read_source(whole % separator.join([*rows, rows[0]]))
