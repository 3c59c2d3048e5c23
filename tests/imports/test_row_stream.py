"""A file that is read row by row has the rows, columns and notes that it has in one piece."""

import io
import json
from datetime import UTC, datetime, time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from tests.imports.test_workbook import Fill, changed, empty, hidden, lines, ods_of, typed, workbook_of
from webapp.config import ROOT
from webapp.domain.errors import FileTooLarge, LedgerError, TooManyRows, UnreadableFile
from webapp.imports.background.staged_rows import StagedSource
from webapp.imports.readers.open_file import read_source
from webapp.imports.readers.row_stream import BEGIN_AGAIN, RowStream, refuse_unless_streamed, stream_rows
from webapp.imports.readers.source import FileKind, ReadAs, Source
from webapp.imports.readers.zip_bounds import STREAMED_BYTES_MAX

SHEET = "xl/worksheets/sheet1.xml"
SAMPLES = sorted(
    path
    for folder in ("cases", "exports")
    for path in (ROOT / "tests" / "data" / folder).iterdir()
    if path.suffix in {".csv", ".json", ".xlsx"}
)
CREDIT = {"project_name": "Forêt", "registry": "VCS", "vintage": 2021, "quantity": 1.50, "events": [1, [2]]}


def stream_of(content: bytes, read_as: ReadAs | None = None, rows_max: int = 1_000_000) -> RowStream:
    return stream_rows(lambda: io.BytesIO(content), read_as or ReadAs(), rows_max)


def streamed(content: bytes, read_as: ReadAs | None = None, rows_max: int = 1_000_000) -> Source:
    """Return a file as it is after its rows were staged."""
    stream = stream_of(content, read_as, rows_max)
    rows: list[tuple[int, str]] = []
    for row in stream.rows:
        if row == BEGIN_AGAIN:
            rows.clear()
        else:
            rows.append(row)
    staged = StagedSource.from_json(StagedSource.of(stream, len(rows), 1).to_json())
    return staged.source([staged.row(number, cells) for number, cells in rows])


def said(source: Source) -> dict[str, Any]:
    """Return all of a file, with the type of each value."""
    return {
        **vars(source),
        "headers": list(source.headers),
        "sheets": list(source.sheets),
        "notes": list(source.notes),
        "rows": [
            (row.number, type(row.values), [(name, type(value), value) for name, value in row.values.items()])
            for row in source.rows
        ],
    }


def refusal_of(content: bytes) -> str:
    with pytest.raises(LedgerError) as refused:
        streamed(content)
    return str(refused.value)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_is_read_or_refused_row_by_row_as_in_one_piece(path: Path) -> None:
    content = path.read_bytes()
    try:
        whole = read_source(content)
    except LedgerError as refused:
        assert refusal_of(content) == str(refused)  # noqa: PT017
    else:
        assert said(streamed(content)) == said(whole)


def merged(_book: Any, sheet: Any) -> None:  # noqa: ANN401 - the library has no types
    sheet.write_row(0, 0, ["project", "quantity", "vintage"])
    sheet.merge_range(1, 0, 2, 0, "Forêt")
    sheet.write_row(1, 1, [1, 2020])
    sheet.write_row(2, 1, [2, 2021])


def formulas(_book: Any, sheet: Any) -> None:  # noqa: ANN401
    sheet.write_row(0, 0, ["sum", "error", "text", "missing"])
    sheet.write_formula(1, 0, "=1+1", None, 2)
    sheet.write_formula(1, 1, "=NA()", None, "#N/A")
    sheet.write_formula(1, 2, '="x"', None, "x")
    sheet.write_formula(1, 3, "=1", None, "")


def times(book: Any, sheet: Any) -> None:  # noqa: ANN401
    sheet.write_row(0, 0, ["time", "duration", "moment", "percent", "rich"])
    sheet.write_datetime(1, 0, time(12, 30), book.add_format({"num_format": "hh:mm"}))
    moment = datetime(2026, 4, 13, 23, 59, 59, 600_000, tzinfo=UTC)
    sheet.write_datetime(1, 2, moment, book.add_format({"num_format": "dd/mm/yy hh:mm"}))
    sheet.write_number(1, 3, 0.5, book.add_format({"num_format": "0%"}))
    sheet.write_rich_string(1, 4, "a ", book.add_format({"bold": True}), "b")


WORKBOOKS: dict[str, Fill] = {
    "types": typed,
    "merged cells": merged,
    "formulas": formulas,
    "times": times,
    "a title and totals": lines(["Holdings"], [], ["a", "b"], ["x", 1.5], [" ", ""], ["Total", 1.5]),
    "a table elsewhere": lines(["a", "", "b"], ["x", "y", 1], at=(4, 2)),
    "cells beyond the headers": lines(["a", "b"], ["x", 1], ["y", 2, "", "note"]),
    "numbers": lines(["a", "b"], [0.1 + 0.2, 1e21], [1234567890123456.0, -3], [0.00005, 12.0]),
}


@pytest.mark.parametrize("options", [{}, {"constant_memory": True}], ids=["shared texts", "texts in cells"])
@pytest.mark.parametrize("name", WORKBOOKS)
def test_a_workbook_is_read_row_by_row_as_in_one_piece(name: str, options: dict[str, object]) -> None:
    content = workbook_of(WORKBOOKS[name], **options)
    assert said(streamed(content)) == said(read_source(content))


def test_the_first_visible_sheet_with_a_table_is_chosen_row_by_row_too() -> None:
    content = workbook_of(hidden, empty, lines(["a", "b"], ["x", 1]), lines(["c", "d"], ["y", 2]))
    assert said(streamed(content)) == said(read_source(content))
    other = ReadAs(sheet="Sheet 4")
    assert said(streamed(content, other)) == said(read_source(content, other))


def test_a_workbook_with_a_sheet_of_charts_is_read_row_by_row() -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        chart = book.add_chart({"type": "bar"})
        chart.add_series({"values": "=Data!$B$2:$B$2"})
        book.add_chartsheet("Chart").set_chart(chart)
        lines(["a", "b"], ["x", 1])(book, book.add_worksheet("Data"))
    assert said(streamed(file.getvalue())) == said(read_source(file.getvalue()))


JSON_FILES = {
    "an array": json.dumps([CREDIT, 7, None, "text", [CREDIT], {"a": "]"}]),
    "indented": json.dumps([CREDIT, CREDIT], indent=2, ensure_ascii=False),
    "an array in an object": json.dumps({"count": 2, "next": None, "credits": [CREDIT, CREDIT], "z": {}}),
    "one credit": json.dumps(CREDIT),
    "one credit with several arrays": json.dumps({**CREDIT, "lots": [], "labels": ["x"]}),
    "one credit on a line": json.dumps(CREDIT) + "\n",
    "lines": "\n".join([json.dumps(CREDIT), "", "7", json.dumps({"b": 1})]) + "\n\n",
    "spaces": f" \n\t[ {json.dumps(CREDIT)} \r\n, 1 ] \n",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", JSON_FILES)
def test_json_is_read_row_by_row_as_in_one_piece(name: str, encoding: str) -> None:
    content = JSON_FILES[name].encode(encoding)
    assert said(streamed(content)) == said(read_source(content))


def test_rows_of_json_are_found_across_the_blocks_of_a_large_file() -> None:
    rows = [{"n": number, "text": "é" * (number % 3_000)} for number in range(3_000)]
    content = json.dumps({"credits": rows}, ensure_ascii=False).encode()
    found = streamed(content)
    assert found.kind is FileKind.JSON
    assert [int(str(row.values["n"])) for row in found.rows] == list(range(3_000))
    assert all(len(str(row.values["text"])) == number % 3_000 for number, row in enumerate(found.rows))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[]", "no rows"),
        (b'[{"a": 1}] x', "something after the end of the array"),
        (b'{"credits": [{"a": 1}]} x', "something after the end of the object"),
        (json.dumps(CREDIT).encode() * 2, "something after the end of the object"),
        (b'{"project_name": ' + b"[" * 32 + b"]" * 32 + b"}", "Row 1: Nested deeper than 32 levels"),
        (b'[{"a": 1},]', "Row 2: it is empty. Look for a comma too many."),
        (b'[{"a": 1} {"a": 2}]', "Row 1: there is no comma after it"),
        (b'[{"a": 1}, {"a": nul}]', "Row 2: This is not valid JSON"),
        (b'[{"a": 1}, {"a": 1, "a": 2}]', 'Row 2: The key "a" occurs twice'),
        (b'[{"a": 1}, {"a":', "The file is cut off in row 2"),
        (b'{"credits": [{"a": 1}', "The file is cut off in row 2"),
        (b'{"a": [1], "b": [2]}', "exactly one array of credits in it; this has 2"),
        (b'{"a": 1, "a": [2]}', "Outside the array of rows: the name 'a' occurs twice"),
        (b'{"a": 1, [2]}', "Outside the array of rows: a member has no name"),
        (b'{"a": tru', "Outside the array of rows"),
        (b'{"project_name": "x", "events": [' + b"1," * 150_000 + b"1]}", "Row 1 is longer than 200,000"),
        (b'{"credits": ' + b"[" * 1_000_000, "nested deeper than 32 levels"),
        (b'{"a":' * 1_000_000, "not an object with one array"),
        (b'[{"a": "' + b"x" * 1_000_000, "Row 1 is longer than 200,000"),
    ],
    ids=lambda value: ascii(value[:24]),
)
def test_json_that_cannot_be_read_row_by_row_is_named_with_place_and_reason(
    content: bytes, reason: str
) -> None:
    assert reason in refusal_of(content)


def test_json_in_another_encoding_than_the_chosen_one_is_named() -> None:
    with pytest.raises(UnreadableFile, match="This is not UTF-8 text"):
        streamed('["é"]'.encode("cp1252"), ReadAs(encoding="UTF-8"))


@pytest.mark.parametrize("content", [b"[1, 2, 3]", b'{"a": [1, 2, 3]}', b"{}\n2\n3", b"a\n1\n2\n3"])
def test_rows_beyond_the_limit_are_refused(content: bytes) -> None:
    with pytest.raises(TooManyRows, match="at most 2 rows"):
        streamed(content, rows_max=2)


def test_rows_of_a_workbook_beyond_the_limit_are_refused() -> None:
    content = workbook_of(lines(["a", "b"], *[["x", number] for number in range(300)]))
    with pytest.raises(TooManyRows, match="at most 150 rows"):
        streamed(content, rows_max=150)


def with_rows(rows: bytes) -> bytes:
    """Return a workbook of two columns with further rows of XML."""
    small = workbook_of(lines(["a", "b"], ["x", 1]))
    return changed(small, SHEET, lambda xml: xml.replace(b"</sheetData>", rows + b"</sheetData>"))


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (
            b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
            "has 16,384 columns; at most 500",
        ),
        (b'<row r="99999999999"><c r="A99999999999"><v>1</v></c></row>', "too large to be read"),
        (b'<row r="3"><c r="A3" t="s"><v>99999</v></c></row>', "damaged or not complete"),
        (b'<row r="3"><c r="A3"><v>1</v></row>', "damaged or not complete"),
    ],
    ids=range(4),
)
def test_a_sheet_that_is_made_to_do_harm_is_refused_row_by_row(rows: bytes, reason: str) -> None:
    assert reason in refusal_of(with_rows(rows))


def test_a_workbook_that_inflates_beyond_all_tables_is_refused_when_it_comes() -> None:
    bomb = changed(workbook_of(lines(["a", "b"], ["x", 1])), SHEET, lambda xml: xml + bytes(120_000_000))
    with pytest.raises(UnreadableFile, match="more than 300 times as large"):
        refuse_unless_streamed(io.BytesIO(bomb))
    assert STREAMED_BYTES_MAX == 2_000_000_000


def test_other_workbooks_are_read_in_one_piece_only() -> None:
    old = (ROOT / "tests" / "data" / "old-workbook.xls").read_bytes()
    for content in (old, ods_of("<x/>")):
        with pytest.raises(FileTooLarge, match=r"Save it as an Excel workbook \(\.xlsx\)"):
            refuse_unless_streamed(io.BytesIO(content))


def test_a_strict_workbook_is_named_with_what_to_do() -> None:
    plain = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    strict = b"http://purl.oclc.org/ooxml/spreadsheetml/main"
    content = changed(
        workbook_of(lines(["a", "b"], ["x", 1])), "xl/workbook.xml", lambda xml: xml.replace(plain, strict)
    )
    assert "saved as Strict Open XML" in refusal_of(content)


def test_a_reader_that_is_not_read_to_its_end_is_ended() -> None:
    content = workbook_of(lines(["a", "b"], *[["x" * 100, number] for number in range(5_000)]))
    rows = stream_of(content).rows
    first = [next(rows) for _ in range(2)]
    assert all(before < after for before, after in pairwise(number for number, _ in first))
    rows.close()  # type: ignore[attr-defined]
    assert list(rows) == []
