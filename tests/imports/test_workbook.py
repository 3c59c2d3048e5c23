import io
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import xlsxwriter

from webapp.config import ROOT
from webapp.domain.canonical_json import Number
from webapp.domain.errors import TooManyRows, UnreadableFile
from webapp.imports.readers.bounds import ROWS_MAX
from webapp.imports.readers.open_file import read_source
from webapp.imports.readers.source import FileKind, ReadAs, Source

HEADERS = ["project_name", "registry", "vintage", "quantity"]
Fill = Callable[[Any, Any], object]


def workbook_of(*fill: Fill, **options: object) -> bytes:
    """Return a workbook with a sheet for each function, named "Sheet 1", "Sheet 2" and so on."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "remove_timezone": True} | options)
    for number, function in enumerate(fill, start=1):
        function(book, book.add_worksheet(f"Sheet {number}"))
    book.close()
    return file.getvalue()


def lines(*rows: list[Any], at: tuple[int, int] = (0, 0)) -> Fill:
    def fill(_book: Any, sheet: Any) -> None:  # noqa: ANN401 - the library has no types
        for number, row in enumerate(rows):
            sheet.write_row(at[0] + number, at[1], row)

    return fill


def cells_of(source: Source) -> list[list[object]]:
    return [list(row.values.values()) for row in source.rows]


def read_cells(*fill: Fill, **options: object) -> list[list[object]]:
    return cells_of(read_source(workbook_of(*fill, **options)))


def test_a_workbook_is_read_with_its_sheet_named() -> None:
    source = read_source(workbook_of(lines(HEADERS, ["Forêt", "VCS", 2022, 1234.5])))
    assert (source.kind, source.sheet, source.sheets) == (FileKind.WORKBOOK, "Sheet 1", ["Sheet 1"])
    assert list(source.headers) == HEADERS
    assert [row.number for row in source.rows] == [2]
    assert cells_of(source) == [["Forêt", "VCS", "2022", "1234.5"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234.5, "1234.5"),
        (0.1 + 0.2, "0.3"),
        (1454054.0, "1454054"),
        (0.00005, "0.00005"),
        (1e21, "1000000000000000000000"),
        (-3, "-3"),
        (44197, "44197"),
    ],
)
def test_a_number_is_exact_and_plain(value: float, text: str) -> None:
    ((_, number),) = read_cells(lines(["a", "b"], ["x", value]))
    assert number == text
    assert isinstance(number, Number)


def typed(book: Any, sheet: Any) -> None:  # noqa: ANN401
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    moment = book.add_format({"num_format": "dd/mm/yy hh:mm"})
    sheet.write_row(0, 0, ["day", "moment", "midnight", "bool", "empty", "formula", "text formula", "text"])
    sheet.write_datetime(1, 0, datetime(2026, 4, 13, tzinfo=UTC), day)
    sheet.write_datetime(1, 1, datetime(2026, 4, 13, 12, 30, 59, tzinfo=UTC), moment)
    sheet.write_datetime(1, 2, datetime(2026, 4, 13, tzinfo=UTC), moment)
    sheet.write_boolean(1, 3, True)
    sheet.write_formula(1, 5, "=1+1", None, 2)
    sheet.write_formula(1, 6, '="x"', None, "x")
    sheet.write_string(1, 7, "007 ")
    sheet.write_string(2, 4, "not empty")


@pytest.mark.parametrize("date_1904", [False, True])
def test_the_type_of_a_cell_decides(*, date_1904: bool) -> None:
    first, _ = read_cells(typed, date_1904=date_1904)
    assert first == ["2026-04-13", "2026-04-13 12:30:59", "2026-04-13", True, None, "2", "x", "007 "]


def test_an_error_is_its_text_and_no_empty_cell() -> None:
    def fill(_book: Any, sheet: Any) -> None:  # noqa: ANN401
        sheet.write_row(0, 0, ["retired on", "quantity"])
        sheet.write_formula(1, 0, "=NA()", None, "#N/A")
        sheet.write_formula(1, 1, "=1/0", None, "#DIV/0!")

    assert read_cells(fill) == [["#N/A", "#DIV/0!"]]


def test_merged_cells_have_their_value_in_the_first() -> None:
    def fill(_book: Any, sheet: Any) -> None:  # noqa: ANN401
        sheet.write_row(0, 0, ["project", "quantity", "vintage"])
        sheet.merge_range(1, 0, 2, 0, "Forêt")
        sheet.write_row(1, 1, [1, 2020])
        sheet.write_row(2, 1, [2, 2021])

    assert read_cells(fill) == [["Forêt", "1", "2020"], [None, "2", "2021"]]


def test_a_title_and_totals_are_left_out_and_said() -> None:
    source = read_source(
        workbook_of(
            lines(
                ["Holdings of Acme"],
                [],
                ["name", "vintage", "quantity"],
                ["A", 2020, 1.5],
                ["Total", "", 1.5],
            )
        )
    )
    assert [row.number for row in source.rows] == [4]
    assert source.notes == [
        "Line 1 above the headers was left out: Holdings of Acme.",
        "Line 5 was left out as a total: Total · 1.5.",
    ]


def test_a_table_that_does_not_begin_in_the_first_cell_is_read() -> None:
    source = read_source(workbook_of(lines(["name", "", "quantity"], ["A", "x", 1], at=(4, 2))))
    assert list(source.headers) == ["name", "Column 4", "quantity"]
    assert [row.number for row in source.rows] == [6]


def test_a_cell_right_of_the_headers_is_kept_under_the_name_of_its_column() -> None:
    source = read_source(workbook_of(lines(["name", "quantity"], ["A", 1], ["B", 2, "", "see note"])))
    assert list(source.headers) == ["name", "quantity", "Column 4"]
    assert cells_of(source) == [["A", "1", None], ["B", "2", "see note"]]


def hidden(book: Any, sheet: Any) -> None:  # noqa: ANN401
    lines(["old", "table"], ["x", 1])(book, sheet)
    sheet.hide()


def empty(_book: Any, _sheet: Any) -> None:  # noqa: ANN401
    pass


def test_the_first_visible_sheet_with_a_table_is_chosen() -> None:
    def table(book: Any, sheet: Any) -> None:  # noqa: ANN401
        sheet.activate()
        lines(["a", "b"], ["new", 1])(book, sheet)

    content = workbook_of(empty, hidden, lines(["About this workbook"]), table)
    source = read_source(content)
    assert (source.sheet, cells_of(source)) == ("Sheet 4", [["new", "1"]])
    assert source.sheets == ["Sheet 1", "Sheet 2", "Sheet 3", "Sheet 4"]


def test_a_person_can_choose_another_sheet() -> None:
    content = workbook_of(lines(["a", "b"], ["x", 1]), lines(["c", "d"], ["y", 2]))
    source = read_source(content, ReadAs(sheet="Sheet 2"))
    assert (source.sheet, list(source.headers)) == ("Sheet 2", ["c", "d"])


@pytest.mark.parametrize(
    ("fill", "sheet", "reason"),
    [
        (lines(["a", "b"], ["x", 1]), "Other", "no sheet of that name. Its sheets: Sheet 1."),
        (lines(["a", "b"], ["x", 2]), "x" * 1_000_000, "no sheet of that name. Its sheets: Sheet 1."),
        (lines(["a", "b"]), "", "No sheet of this workbook has headers with rows under them"),
        (empty, "Sheet 1", "No sheet of this workbook has headers with rows under them"),
        (lines(["a", "b"], ["Total", 1]), "", "no rows under headers in the sheet “Sheet 1”"),
        (lines(["a"] * 16_384, ["b"] * 16_384), "", "Line 1 has 16,384 columns; at most 500 are read"),
        (lines(["a", "b"], *[["x" * 32_000] * 7] * 2), "", "The row in line 2 is longer than 200,000"),
    ],
    ids=range(7),
)
def test_a_workbook_without_a_table_is_named_for_what_it_is(fill: Fill, sheet: str, reason: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read_source(workbook_of(fill), ReadAs(sheet=sheet))
    assert reason in str(refused.value)


def test_more_rows_than_one_import_takes_are_refused() -> None:
    rows = [["x", 1]] * ROWS_MAX
    assert len(read_source(workbook_of(lines(["a", "b"], *rows))).rows) == ROWS_MAX
    with pytest.raises(TooManyRows):
        read_source(workbook_of(lines(["a", "b"], *rows, *rows)))


def test_a_number_with_more_digits_than_a_workbook_keeps_is_said() -> None:
    source = read_source(workbook_of(lines(["serial", "quantity"], ["A", 1], [1234567890123456.0, 2])))
    (note,) = source.notes
    assert note.startswith("Line 3 has a number of more than 15 digits")


def changed(content: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """Return the workbook with one of its files changed."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            data = old.read(entry)
            new.writestr(entry, change(data) if entry == name else data)
    return file.getvalue()


def test_formulas_without_a_stored_value_are_said() -> None:
    def fill(_book: Any, sheet: Any) -> None:  # noqa: ANN401
        sheet.write_row(0, 0, ["a", "b"])
        sheet.write_row(1, 0, ["x"])
        sheet.write_formula(1, 1, "=3+4", None, 7)

    content = changed(
        workbook_of(fill), "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b"<v>7</v>", b"<v></v>")
    )
    source = read_source(content)
    assert cells_of(source) == [["x", None]]
    assert "Some formulas of this workbook have no stored value" in source.notes[0]


ODS = """<?xml version="1.0" encoding="UTF-8"?><office:document-content
xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">
<office:body><office:spreadsheet><table:table table:name="Bestand">
<table:table-row><table:table-cell office:value-type="string"><text:p>name</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>quantity</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>retired on</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell office:value-type="string"><text:p>Forêt</text:p></table:table-cell>
<table:table-cell office:value-type="float" office:value="1234.5"/>
<table:table-cell office:value-type="string" office:string-value="" calcext:value-type="error">
<text:p>#N/A</text:p></table:table-cell>
<table:table-cell table:number-columns-repeated="16381"/></table:table-row>
<table:table-row table:number-rows-repeated="1048574">
<table:table-cell table:number-columns-repeated="16384"/></table:table-row>
</table:table></office:spreadsheet></office:body></office:document-content>"""

MANIFEST = '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'


def ods_of(document: str) -> bytes:
    """Return a workbook of OpenDocument, without the spaces between its elements."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", MANIFEST)
        archive.writestr("content.xml", re.sub(r">\s+<", "><", document))
    return file.getvalue()


def test_an_open_document_is_read() -> None:
    source = read_source(ods_of(ODS))
    assert (source.sheet, list(source.headers)) == ("Bestand", ["name", "quantity", "retired on"])
    assert cells_of(source) == [["Forêt", "1234.5", "#N/A"]]


def test_an_old_workbook_is_read() -> None:
    source = read_source((ROOT / "tests" / "data" / "old-workbook.xls").read_bytes())
    assert source.sheet == "Holdings"
    assert cells_of(source) == [["Forêt de Mékambo", "VCS", "2022", "1234.5", "2026-04-13"]]
    assert "cells with an error such as #N/A are read as empty" in source.notes[0]
