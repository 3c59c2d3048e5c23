"""Read a workbook, XLSX, XLS or ODS: choose a sheet, and find its table.

The library that reads it works in a process of its own, ``workbook_process``, whose memory and time are
bounded by the system.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Final

from webapp.domain.canonical_json import Number
from webapp.domain.errors import LedgerBusy, TooManyRows, UnreadableFile
from webapp.imports.readers.bounds import (
    CELLS_MAX,
    COLUMNS_MAX,
    ROW_CHARACTERS_MAX,
    ROWS_MAX,
    too_many_cells,
    too_many_columns,
)
from webapp.imports.readers.source import FileKind, ReadAs, Source
from webapp.imports.readers.table import LINES_MAX, find_table
from webapp.imports.readers.zip_bounds import PROTECTED

MEMORY_BYTES_MAX: Final = 600_000_000
CPU_SECONDS_MAX: Final = 20
CHARACTERS_MAX: Final = 20_000_000
_WAIT_SECONDS: Final = 60
_PROGRAM: Final = Path(__file__).with_name("workbook_process.py")
# How many of them this process runs at once; others wait.
_PLACES: Final = BoundedSemaphore(2)
_LONG_NUMBER: Final = 15
# Longer than any; an argument of a program cannot have any length.
_SHEET_NAME_MAX: Final = 1_000

_TOO_LARGE: Final = (
    "A sheet of this workbook is too large to be read. Look for a cell far below the table or far to the "
    "right of it and delete it, or export the table as CSV."
)
_DAMAGED: Final = (
    "This workbook is damaged or not complete. Open it in a spreadsheet program and save it again."
)


def read_workbook(content: bytes, read_as: ReadAs) -> Source:
    """Return the rows of one sheet. Raises UnreadableFile and TooManyRows."""
    *read, answer = _answers(content, read_as.sheet)
    if "error" in answer:
        raise _refusal(answer)
    lines = [(int(number), cells) for number, cells in read]
    table = find_table(lines, missing=None, extra_cells=True)
    if table is None:
        raise UnreadableFile(f"There are no rows under headers in the sheet “{answer['sheet']}”.")
    notes = list(table.notes)
    long = next((number for number, cells in lines if any(map(_is_long, cells))), None)
    if long:
        notes.append(
            f"Line {long} has a number of more than {_LONG_NUMBER} digits, and a workbook keeps only "
            f"{_LONG_NUMBER} of them. Enter serial numbers as text."
        )
    if answer["is_uncalculated"]:
        notes.append(
            "Some formulas of this workbook have no stored value and are read as empty. Open it in a "
            "spreadsheet program and save it there."
        )
    if not content.startswith(b"PK"):
        notes.append("In an old workbook (.xls), cells with an error such as #N/A are read as empty.")
    return Source(
        FileKind.WORKBOOK,
        table.headers,
        table.rows,
        sheet=answer["sheet"],
        sheets=answer["sheets"],
        notes=notes,
    )


def _answers(content: bytes, sheet: str) -> list[Any]:
    """Return what the program says: the lines of a sheet, and at the end which one, or an error."""
    limits = {
        "sheet": sheet[:_SHEET_NAME_MAX],
        "memory_bytes": MEMORY_BYTES_MAX,
        "cpu_seconds": CPU_SECONDS_MAX,
        "lines": LINES_MAX,
        "columns": COLUMNS_MAX,
        "cells": CELLS_MAX,
        "row_characters": ROW_CHARACTERS_MAX,
        "characters": CHARACTERS_MAX,
    }
    if not _PLACES.acquire(timeout=_WAIT_SECONDS):
        raise LedgerBusy("Other workbooks are being read. Try again in a moment.")
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_PROGRAM), json.dumps(limits)],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_WAIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [{"error": "too large"}]
    except OSError:
        raise LedgerBusy("The workbook cannot be read at this moment. Try again.") from None
    finally:
        _PLACES.release()
    if done.returncode in (-signal.SIGABRT, -signal.SIGKILL, -signal.SIGXCPU, -signal.SIGSEGV):
        return [{"error": "too large"}]
    if done.returncode:
        return [{"error": "damaged"}]
    return [_DECODER.decode(line) for line in done.stdout.decode().splitlines()]


def _plain_number(text: str) -> Number:
    return Number(format(Decimal(text), "f") if "e" in text else text)


_DECODER: Final = json.JSONDecoder(parse_int=Number, parse_float=_plain_number)


def _is_long(cell: object) -> bool:
    return isinstance(cell, Number) and "." not in cell and len(cell.lstrip("-")) > _LONG_NUMBER


def _refusal(answer: Mapping[str, Any]) -> TooManyRows | UnreadableFile:
    if answer["error"] == "rows":
        return TooManyRows(ROWS_MAX)
    line, columns = int(answer.get("line", 0)), int(answer.get("columns", 0))
    sheets = ", ".join(answer.get("sheets", ())) or "none"
    sentences = {
        "columns": too_many_columns(line, columns),
        "cells": too_many_cells(),
        "long row": f"The row in line {line} is longer than {ROW_CHARACTERS_MAX:,} characters.",
        "no such sheet": f"This workbook has no sheet of that name. Its sheets: {sheets}.",
        "no table": f"No sheet of this workbook has headers with rows under them. Its sheets: {sheets}.",
        "password": PROTECTED,
        "too large": _TOO_LARGE,
        "damaged": _DAMAGED,
    }
    return UnreadableFile(sentences[answer["error"]])
