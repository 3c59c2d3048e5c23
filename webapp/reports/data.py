"""A report as data for programs: JSON. Tonnes are exact decimal text."""

import json
from collections.abc import Iterator, Sequence
from typing import IO, Any, Final

from webapp.domain.fields import quantity_text
from webapp.reports.content import Cell, Column, Report, Section
from webapp.reports.listed import COLUMNS, cells_of

KIND: Final = "carbon-credit-ledger/report"
VERSION: Final = 1


def head_of(report: Report, address: str, rows_max: int | None = None) -> dict[str, Any]:
    """Return the report without its retirements, at most some rows of each section, by default all."""
    question = report.question
    before = question.compared_with
    return {
        "kind": KIND,
        "version": VERSION,
        "report": str(question.kind),
        "title": report.title,
        "year": question.year,
        "parties": [{"name": party.name, "names": list(party.names)} for party in report.parties],
        "known_at": question.cut.known_at,
        "position": question.cut.position,
        "time_zone": question.cut.time_zone,
        "compared_with": before.known_at if before else None,
        "address": address,
        "tonnes": quantity_text(report.quantity_e4),
        "retirements": len(report.keys),
        "notices": list(report.notices),
        "sections": [_section_data(section, rows_max) for section in report.sections],
        "changes": None
        if report.changes is None
        else [_section_data(section, rows_max) for section in report.changes],
    }


def write_json(report: Report, address: str, file: IO[str]) -> None:
    """Write the report with all its retirements, one a line."""
    head = json.dumps(head_of(report, address), ensure_ascii=False, indent=1)
    file.write(f'{head[:-2]},\n "acts": [')
    for number, retirement in enumerate(report.retirements()):
        row = json.dumps(_row_data(COLUMNS, cells_of(retirement)), ensure_ascii=False)
        file.write(f"{',' if number else ''}\n  {row}")
    file.write("\n ]\n}\n" if report.keys else "]\n}\n")


def _section_data(section: Section, rows_max: int | None) -> dict[str, Any]:
    return {
        "name": section.name,
        "title": section.title,
        "columns": [{"name": column.name, "label": column.label} for column in section.columns],
        "rows": [
            {"cells": _row_data(section.columns, row.cells), "line": row.line or None, "act": row.position}
            for row in section.rows[:rows_max]
        ],
        "note": section.note,
    }


def _row_data(columns: Sequence[Column], cells: Sequence[Cell]) -> dict[str, Cell]:
    return dict(zip((column.name for column in columns), values_of(columns, cells), strict=True))


def values_of(columns: Sequence[Column], cells: Sequence[Cell]) -> Iterator[Cell]:
    """Yield cells as values: tonnes are exact decimal text, an absent text is None."""
    for column, cell in zip(columns, cells, strict=True):
        if column.form == "tonnes" and isinstance(cell, int):
            yield signed_text(cell)
        else:
            yield None if cell == "" else cell


def signed_text(quantity_e4: int) -> str:
    """Return tonnes as exact decimal text, also less than none."""
    return f"-{quantity_text(-quantity_e4)}" if quantity_e4 < 0 else quantity_text(quantity_e4)
