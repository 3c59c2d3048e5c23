"""A report as CSV and as a workbook (XLSX). No cell is ever computed by a spreadsheet."""

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import IO, Any, Final

import xlsxwriter

from webapp.domain.fields import E4
from webapp.domain.spreadsheet_cells import neutral
from webapp.reports.content import Cell, Column, Report, Section
from webapp.reports.data import signed_text
from webapp.reports.listed import COLUMNS, cells_of

# A share that is a number; "< 0.01 %" stays a text.
_PERCENT: Final = re.compile(r"[0-9.]+ %")
_WIDTHS: Final = {"text": 24, "tonnes": 14, "share": 10, "count": 12, "day": 12, "time": 28}
_WIDE: Final = {"line": 40, "project_name": 40, "why": 60}


def write_csv(report: Report, address: str, file: IO[str]) -> None:
    """Write the head, every section under its title, and all retirements.

    Each section has columns of its own.
    """
    writer = csv.writer(file)
    for pair in _head(report, address):
        writer.writerow(map(neutral, pair))
    for section in (*report.sections, *(report.changes or ())):
        writer.writerow(())
        _write_rows(writer, section.title, section.columns, (row.cells for row in section.rows))
        if section.note:
            writer.writerow((section.note,))
    writer.writerow(())
    _write_rows(writer, "Retirements", COLUMNS, map(cells_of, report.retirements()))


def write_xlsx(report: Report, address: str, file: IO[bytes]) -> None:
    """Write a workbook: a sheet for the sections, one for the changes if there are any, one for all
    retirements.
    """
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as workbook:
        workbook.set_properties({"title": report.title, "created": _moment(report)})
        sheets = _Sheets(workbook)
        sheets.write_sections("Report", _head(report, address), report.sections)
        if report.changes is not None:
            sheets.write_sections("Changes", (), report.changes)
        sheets.write_table("Retirements", COLUMNS, map(cells_of, report.retirements()))


def _moment(report: Report) -> datetime:
    """Return the date of the document, which is that of what it knows."""
    return datetime.fromisoformat(report.question.cut.known_at).replace(microsecond=0, tzinfo=None)


def _head(report: Report, address: str) -> Iterator[tuple[str, str]]:
    question = report.question
    yield "Report", report.title
    yield "Year", str(question.year)
    for party in report.parties:
        yield "Party", party.name
        for name in party.others:
            yield "Counts with it", name
    yield "Known at", question.cut.known_at
    yield "Time zone of days", question.cut.time_zone
    if question.compared_with:
        yield "Compared with", question.compared_with.known_at
    for notice in report.notices:
        yield "Note", notice
    yield "Address", address
    yield "Tonnes", signed_text(report.quantity_e4)
    yield "Retirements", str(len(report.keys))


def _write_rows(writer: Any, title: str, columns: Iterable[Column], rows: Iterable[Iterable[Cell]]) -> None:  # noqa: ANN401 - csv names no type
    columns = tuple(columns)
    writer.writerow((title,))
    writer.writerow(column.label for column in columns)
    for cells in rows:
        writer.writerow(_csv_cells(columns, cells))


def _csv_cells(columns: Iterable[Column], cells: Iterable[Cell]) -> Iterator[Cell]:
    for column, cell in zip(columns, cells, strict=True):
        is_tonnes = column.form == "tonnes" and isinstance(cell, int)
        yield signed_text(int(cell or 0)) if is_tonnes else neutral(cell) if isinstance(cell, str) else cell


class _Sheets:
    """Writes sheets of one workbook."""

    def __init__(self, workbook: xlsxwriter.Workbook) -> None:
        self._workbook = workbook
        self._title = workbook.add_format({"bold": True, "font_size": 13})
        self._heading = workbook.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self._tonnes = workbook.add_format({"num_format": "#,##0.####", "align": "right"})
        self._whole_tonnes = workbook.add_format({"num_format": "#,##0", "align": "right"})
        self._count = workbook.add_format({"num_format": "0"})
        self._share = workbook.add_format({"num_format": "0.##%", "align": "right"})
        self._day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        # A text stays a text, also when a person edits its cell.
        self._text = workbook.add_format({"quote_prefix": True})

    def write_sections(self, name: str, head: Iterable[tuple[str, str]], sections: Iterable[Section]) -> None:
        """Write sections below each other, after pairs of names and values."""
        sheet = self._workbook.add_worksheet(name)
        sheet.set_column(0, 0, 40)
        sheet.set_column(1, 20, 18)
        at = 0
        for label, text in head:
            sheet.write_string(at, 0, label)
            sheet.write_string(at, 1, text, self._text)
            at += 1
        for section in sections:
            sheet.write_string(at + 1, 0, section.title, self._title)
            at = self._write_rows(sheet, at + 2, section.columns, (row.cells for row in section.rows))
            if section.note:
                sheet.write_string(at, 0, section.note)
                at += 1

    def write_table(self, name: str, columns: Iterable[Column], rows: Iterable[Iterable[Cell]]) -> None:
        """Write one table from the first row on, its heading kept in view."""
        columns = tuple(columns)
        sheet = self._workbook.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(columns):
            sheet.set_column(place, place, _WIDE.get(column.name, _WIDTHS[column.form]))
        end = self._write_rows(sheet, 0, columns, rows)
        sheet.autofilter(0, 0, end - 1, len(columns) - 1)

    def _write_rows(
        self,
        sheet: Any,  # noqa: ANN401 - XlsxWriter names no type
        at: int,
        columns: Iterable[Column],
        rows: Iterable[Iterable[Cell]],
    ) -> int:
        """Write a heading and rows from a row of the sheet on; return the row after them."""
        columns = tuple(columns)
        for place, column in enumerate(columns):
            sheet.write_string(at, place, column.label, self._heading)
        for cells in rows:
            at += 1
            for place, (column, cell) in enumerate(zip(columns, cells, strict=True)):
                self._write_cell(sheet, at, place, column, cell)
        return at + 1

    def _write_cell(self, sheet: Any, at: int, place: int, column: Column, cell: Cell) -> None:  # noqa: ANN401
        if cell is None or cell == "":
            return
        if column.form == "day":
            sheet.write_datetime(at, place, datetime.fromisoformat(str(cell)), self._day)
        elif column.form == "share" and _PERCENT.fullmatch(str(cell)):
            sheet.write_number(at, place, float(str(cell).removesuffix(" %")) / 100, self._share)
        elif isinstance(cell, str):
            sheet.write_string(at, place, cell, self._text)
        elif column.form == "tonnes":
            is_whole = cell % E4 == 0
            sheet.write_number(at, place, cell / E4, self._whole_tonnes if is_whole else self._tonnes)
        else:
            sheet.write_number(at, place, cell, self._count)
