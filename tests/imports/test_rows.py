import json

import pytest

from webapp.domain.credit import parse_credit
from webapp.domain.errors import TooManyRows, UnreadableFile, UnsupportedFile
from webapp.domain.import_row import ImportRow
from webapp.domain.lifecycle import Status
from webapp.imports.readers.json_file import ROWS_MAX, row_texts
from webapp.imports.rows import UNKNOWN_FIELDS_MAX, parse_rows

ROW = {"project_name": "Solar", "registry": "VCS", "vintage": 2020, "quantity": 1}
CREDIT = parse_credit(ROW | {"vintage": "2020", "quantity": "1"})


def rows_of(content: bytes) -> list[ImportRow]:
    return list(parse_rows(row_texts(content)))


def json_of(value: object) -> bytes:
    return json.dumps(value).encode()


def the_row(**changes: object) -> ImportRow:
    (row,) = rows_of(json_of([ROW | changes]))
    return row


def fields_of(row: ImportRow) -> list[str]:
    return [problem.field for problem in row.problems]


@pytest.mark.parametrize(
    "content",
    [
        json_of([ROW, ROW]),
        json_of({"records": [ROW, ROW]}),
        json_of({"count": 2, "records": [ROW, ROW], "next": {"at": None}}),
        json_of(ROW) + b"\n" + json_of(ROW),
        json_of(ROW) + b"\r\n\r\n" + json_of(ROW) + b"\r\n",
        b"\xef\xbb\xbf" + json_of([ROW, ROW]),
        json.dumps([ROW, ROW], indent=2).encode(),
        json.dumps({"a": [ROW, ROW]}, indent=2).encode(),
    ],
)
def test_an_array_an_object_with_one_array_and_json_by_lines_are_the_same_rows(content: bytes) -> None:
    assert rows_of(content) == [ImportRow(1, CREDIT), ImportRow(2, CREDIT)]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_record_of_the_api_is_one_row_though_it_has_an_array(indent: int | None) -> None:
    record = ROW | {"status": "ACTIVE", "events": [{"seq": 1}]}
    assert rows_of(json.dumps(record, indent=indent).encode()) == [ImportRow(1, CREDIT)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"[]", "no rows"),
        (b"{}", "exactly one array"),
        (b'{"a": [], "b": []}', "exactly one array"),
        (b"null", r"must begin with \[ or {"),
        (b'"text"', r"must begin with \[ or {"),
        (b"[1] 2", "after the end"),
        (b"[1, ]", "Row 2"),
        (b"[{]}", "Row 1"),
        (b'[{"a": 1}, {"a": 1 "b": 2}]', "Row 2"),
        (b'[{"a": 1}, {"a": 1, "a": 2}]', 'Row 2: The key "a" occurs twice'),
        (b'[{"a": NaN}]', "NaN"),
        (b'[{"a": -Infinity}]', "Infinity"),
        (b'[{"\\ud800": 1}]', "surrogate"),
        (b"\xff\xfe[\x00]\x00", "not UTF-8"),
        (json_of([ROW, ROW])[:-30], "cut off in row 2"),
        (b"[" * 1_000_000, "nested deeper"),
        (b'{"a":' * 1_000_000, "not an object with one array"),
        (b'["' + b"a" * 1_000_000 + b'"]', "Row 1 is longer"),
        (b"[[" + b"0," * 1_000_000 + b"0]]", "Row 1 is longer"),
        (json_of(ROW) + b'\n{"project_name":', "Row 2"),
    ],
)
def test_a_file_without_a_list_of_rows_is_refused_with_place_and_reason(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        rows_of(content)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"\x1f\x8b\x08", "gzip"), (b"PK\x03\x04", "zip"), (b"BZh9", "bzip2"), (b"\xfd7zXZ\x00", "xz")],
)
def test_a_compressed_file_is_named_and_never_inflated(content: bytes, kind: str) -> None:
    with pytest.raises(UnsupportedFile, match=kind):
        row_texts(content)


@pytest.mark.parametrize("separator", [b",", b"\n"])
def test_more_rows_than_one_import_takes_are_refused(separator: bytes) -> None:
    rows = separator.join([json_of(ROW)] * (ROWS_MAX + 1))
    with pytest.raises(TooManyRows, match="10,000"):
        row_texts(b"[" + rows + b"]" if separator == b"," else rows)


def test_as_many_rows_as_one_import_takes_are_read() -> None:
    assert len(row_texts(json_of([ROW] * ROWS_MAX))) == ROWS_MAX


def test_every_problem_of_a_row_is_reported() -> None:
    assert fields_of(the_row(vintage="x", quantity="-1")) == ["vintage", "quantity"]


def test_a_row_that_is_no_object_is_a_problem_of_that_row_alone() -> None:
    good, bad = rows_of(json_of([ROW, 7]))
    assert good.credit
    assert not bad.credit


def test_unknown_fields_are_named_and_are_no_problem_of_the_row() -> None:
    row = the_row(colour="green", note=None)
    assert (row.unknown_fields, row.problems) == (["colour", "note"], [])


def test_fields_of_the_api_are_not_unknown() -> None:
    row = the_row(id=CREDIT.id, status="SOLD", created_at="2026", events=[])
    assert (row.unknown_fields, row.problems, row.status) == ([], [], Status.SOLD)


@pytest.mark.parametrize("wrong", ["0" * 64, "", 1, ["x"]])
def test_a_wrong_id_is_an_error(wrong: object) -> None:
    assert fields_of(the_row(id=wrong)) == ["id"]


@pytest.mark.parametrize("wrong", ["active", "SPENT", 1, [], {}])
def test_an_unknown_status_is_an_error(wrong: object) -> None:
    assert fields_of(the_row(status=wrong)) == ["status"]


@pytest.mark.parametrize("status", ["retired", "Retired", " CANCELLED ", "withdrawn", "used"])
def test_a_status_of_another_program_that_is_not_active_is_understood(status: str) -> None:
    row = the_row(status=status)
    assert (row.credit, row.problems, row.is_active) == (CREDIT, [], False)
    assert row.not_active
    assert f"says status: {status.strip()}." in row.not_active.message


def test_the_first_problem_of_an_inactive_invalid_row_is_that_it_is_inactive() -> None:
    row = the_row(quantity="-1", status="RETIRED")
    assert fields_of(row) == ["status", "quantity"]
    assert "says status: RETIRED." in row.problems[0].message


@pytest.mark.parametrize("status", ["SOLD", "RETIRED", "SPLIT", "CANCELLED"])
def test_a_row_is_active_only_where_its_status_is(status: str) -> None:
    assert the_row(status="ACTIVE").is_active
    assert not the_row(status=status).is_active


def test_a_quantity_keeps_its_exact_digits() -> None:
    (row,) = rows_of(b'[{"project_name":"a","registry":"b","vintage":2020,"quantity":99999999.9999}]')
    assert row.credit
    assert row.credit.quantity_e4 == 999_999_999_999


def test_a_field_that_rows_have_in_common_is_unknown_once() -> None:
    rows = rows_of(json_of([ROW | {"colour": 1}, ROW | {"colour": 1, "x" * 100: 1}]))
    assert [row.unknown_fields for row in rows] == [["colour"], ["x" * 80]]


def test_a_file_with_too_many_distinct_fields_is_refused_quickly() -> None:
    names = [f"f{number}" for number in range(UNKNOWN_FIELDS_MAX + 1)]
    all_but_one = ROW | dict.fromkeys(names[:-1])
    assert len(rows_of(json_of([all_but_one, all_but_one]))) == 2
    with pytest.raises(UnreadableFile, match=r"Row 2: there are more than 1,000 different fields"):
        rows_of(json_of([all_but_one, {names[-1]: 1}]) + b"\n")


# Eighteen characters in canonical form.
LIGATURE = "\ufdfa"


def long_when_compared(number: int) -> dict[str, object]:
    serial = f"{LIGATURE * 190} {number}"
    return ROW | {"project_name": LIGATURE * 300, "registry": LIGATURE * 50, "serial_number": serial}


def test_a_few_texts_with_long_canonical_forms_are_read() -> None:
    assert all(row.credit for row in rows_of(json_of([long_when_compared(number) for number in range(10)])))


def test_a_file_with_a_much_longer_canonical_form_is_refused() -> None:
    many = [long_when_compared(number) for number in range(100)]
    with pytest.raises(UnreadableFile, match=r"Row \d+: in the form in which they are compared, the texts"):
        rows_of(json_of(many))


def test_a_file_with_a_canonical_form_twice_as_long_is_read() -> None:
    sharp = "\u00df"  # two letters
    rows = [ROW | {"project_name": sharp * 300, "serial_number": f"{sharp * 190} {n}"} for n in range(1000)]
    assert len(rows_of(json.dumps(rows, ensure_ascii=False).encode())) == 1000
