"""A report as PDF, made by typst from the template ``report.typ`` in the way of statements.

The same report gives the same bytes. The document has the data attached, and lists the retirements behind
it up to a number; more are in the other files.
"""

import json
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from webapp.domain.fields import tonnes
from webapp.ledger.retirements import Retirement
from webapp.reports.content import Cell, Column, Party, Report, Section
from webapp.reports.data import head_of
from webapp.statements.pdf import compiled, day_text

TEMPLATE: Final = Path(__file__).with_name("report.typ")
RETIREMENTS_MAX: Final = 500
# The most rows of one section, also in the attached data; the other files have all.
ROWS_MAX: Final = 500
# How wide columns of texts are, beside those of others.
_WEIGHTS: Final = {"line": 2.0, "project_name": 2.2, "why": 2.6, "source": 2.0, "beneficiary": 1.3}
_LISTED: Final = (
    Column("act", "No.", "count"),
    Column("occurred_on", "Date"),
    Column("beneficiary", "Beneficiary"),
    Column("project_name", "Project and serial number"),
    Column("tonnes", "Tonnes", "tonnes"),
)


def pdf_of(report: Report, address: str) -> bytes:
    """Return the PDF. Raises LedgerBusy if it takes too long or too much memory."""
    data = json.dumps(head_of(report, address, ROWS_MAX), ensure_ascii=False, indent=1)
    return compiled(TEMPLATE, data, page_of(report, address))


def page_of(report: Report, address: str) -> dict[str, Any]:
    """Return what the template shows, every value as the text that it prints."""
    question = report.question
    known_at = datetime.fromisoformat(question.cut.known_at)
    before = question.compared_with
    listed = list(islice(report.retirements(), RETIREMENTS_MAX))
    return {
        "title": report.title,
        "quantity": tonnes(report.quantity_e4),
        "facts": [
            ("For", [_party_text(party) for party in report.parties]),
            ("Retired in", [str(question.year)]),
            ("Known at", [moment_text(question.cut.known_at)]),
            ("Days end in", [question.cut.time_zone]),
            *([("Compared with", [moment_text(before.known_at)])] if before else []),
            *([("Note", list(report.notices))] if report.notices else []),
        ],
        "address": address,
        "sections": [_section_page(section) for section in report.sections],
        "changes": [_section_page(section) for section in report.changes or () if section.rows],
        "listed": _table_page(_LISTED, [(_cells_of(each), 0) for each in listed]),
        "more": f"{len(report.keys) - len(listed):,}" if len(report.keys) > len(listed) else "",
        "updated": [*known_at.timetuple()[:6]],
    }


def _party_text(party: Party) -> str:
    return f"{party.name} (with {', '.join(party.others)})" if party.others else party.name


def moment_text(time: str) -> str:
    """Return a time of the log in words: "20 November 2026, 16:29:00 UTC"."""
    return f"{day_text(time)}, {time[11:19]} UTC"


def _section_page(section: Section) -> dict[str, Any]:
    rows = section.rows[:ROWS_MAX]
    more = len(section.rows) - len(rows)
    note = f"{more:,} more rows are in the other files of this report." if more else ""
    table = _table_page(section.columns, [(row.cells, row.level) for row in rows])
    return {"title": section.title, "notes": [each for each in (section.note, note) if each], **table}


def _table_page(columns: Any, rows: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "columns": [
            {
                "label": column.label,
                "is_number": column.form in {"tonnes", "share", "count"},
                "weight": _WEIGHTS.get(column.name, 1.0),
            }
            for column in columns
        ],
        "rows": [
            {
                "level": level,
                "cells": [cell_text(column, cell) for column, cell in zip(columns, cells, strict=True)],
            }
            for cells, level in rows
        ],
    }


def cell_text(column: Column, cell: Cell) -> str:
    """Return a cell as people read it; an absent one is empty."""
    if cell is None or cell == "":
        return ""
    if column.form == "tonnes" and isinstance(cell, int):
        return f"\u2212{tonnes(-cell)}" if cell < 0 else tonnes(cell)
    if column.form == "day":
        return day_text(str(cell))
    if column.form == "time":
        return moment_text(str(cell))
    return str(cell)


def _cells_of(retirement: Retirement) -> tuple[Cell, ...]:
    serial = f"\n{retirement.serial_number}" if retirement.serial_number else ""
    return (
        retirement.position,
        day_text(retirement.occurred_on) if retirement.occurred_on else "",
        retirement.beneficiary,
        f"{retirement.project_name}, {retirement.vintage}{serial}",
        retirement.quantity_e4,
    )
