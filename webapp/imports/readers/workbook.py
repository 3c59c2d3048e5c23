"""Read a workbook, XLSX, XLS or ODS: choose a sheet, and find its table.

The library that reads it works in a process of its own, ``workbook_process``, whose memory and time are
bounded by the system.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryFile
from threading import BoundedSemaphore, Timer
from typing import Any, BinaryIO, Final

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
from webapp.imports.readers.table import LINES_MAX, Line, find_table
from webapp.imports.readers.zip_bounds import PROTECTED

MEMORY_BYTES_MAX: Final = 600_000_000
CPU_SECONDS_MAX: Final = 20
# Of one that is read in the background: a million rows of 12 columns take about 150.
STREAMED_CPU_SECONDS_MAX: Final = 900
CHARACTERS_MAX: Final = 20_000_000
_WAIT_SECONDS: Final = 60
_PROGRAM: Final = Path(__file__).with_name("workbook_process.py")
# How many of them this process runs at once; others wait.
_PLACES: Final = BoundedSemaphore(2)
_LONG_NUMBER: Final = 15
_KILLED: Final = (-signal.SIGABRT, -signal.SIGKILL, -signal.SIGXCPU, -signal.SIGSEGV)
# Longer than any; an argument of a program cannot have any length.
_SHEET_NAME_MAX: Final = 1_000

_TOO_LARGE: Final = (
    "A sheet of this workbook is too large to be read. Look for a cell far below the table or far to the "
    "right of it and delete it, or export the table as CSV."
)
_STRICT: Final = (
    "This workbook is saved as Strict Open XML, which is read only up to 10,000 rows. Save it as an ordinary "
    "Excel workbook (.xlsx), or export the table as CSV."
)
_DAMAGED: Final = (
    "This workbook is damaged or not complete. Open it in a spreadsheet program and save it again."
)


def read_workbook(content: bytes, read_as: ReadAs) -> Source:
    """Return the rows of one sheet. Raises UnreadableFile and TooManyRows."""
    if not _PLACES.acquire(timeout=_WAIT_SECONDS):
        raise LedgerBusy("Other workbooks are being read. Try again in a moment.")
    try:
        with TemporaryFile() as file:
            file.write(content)
            reading = WorkbookReading(file, read_as.sheet)
            lines = list(reading.lines())
    finally:
        _PLACES.release()
    table = find_table(lines, missing=None, extra_cells=True)
    if table is None:
        raise UnreadableFile(no_rows(reading.sheet))
    notes = [*table.notes, *reading.notes]
    if not content.startswith(b"PK"):
        notes.append("In an old workbook (.xls), cells with an error such as #N/A are read as empty.")
    return Source(
        FileKind.WORKBOOK,
        table.headers,
        table.rows,
        sheet=reading.sheet,
        sheets=reading.sheets,
        notes=notes,
    )


def no_rows(sheet: str) -> str:
    """Return the sentence about a sheet without a table."""
    return f"There are no rows under headers in the sheet “{sheet}”."


class WorkbookReading:
    """One sheet of a workbook, line by line. After the last line, the rest of what is known is stated.

    `sheet` is the sheet that was read, `sheets` are all of them, and `notes` sentences for the plan.
    """

    def __init__(self, file: BinaryIO, sheet: str, rows_max: int | None = None) -> None:
        """Take a file of the system, and the sheet that is wanted, empty for the first with a table.

        With `rows_max` the sheet is read in little memory, and is an XLSX workbook; otherwise it has at most
        ROWS_MAX rows.
        """
        self._file = file
        self._rows_max = ROWS_MAX if rows_max is None else rows_max
        is_streamed = rows_max is not None
        self._wait_seconds = None if is_streamed else _WAIT_SECONDS
        self._limits = {
            "sheet": sheet[:_SHEET_NAME_MAX],
            "is_streamed": is_streamed,
            "memory_bytes": MEMORY_BYTES_MAX,
            "cpu_seconds": STREAMED_CPU_SECONDS_MAX if is_streamed else CPU_SECONDS_MAX,
            "lines": self._rows_max + LINES_MAX - ROWS_MAX,
            "columns": COLUMNS_MAX,
            "cells": None if is_streamed else CELLS_MAX,
            "row_characters": ROW_CHARACTERS_MAX,
            "characters": None if is_streamed else CHARACTERS_MAX,
        }
        self._long_number_in = 0
        self._answer: dict[str, Any] = {}

    def lines(self) -> Iterator[Line]:
        """Yield the lines that are not empty. Raises UnreadableFile, TooManyRows and LedgerBusy."""
        self._file.seek(0)
        with _started(self._file, self._limits, self._wait_seconds) as process:
            for text in process.stdout or ():
                if not text.endswith(b"\n"):  # the reader was killed; its exit code says why
                    break
                read = _DECODER.decode(text.decode())
                if isinstance(read, dict):
                    self._answer = read
                    continue
                number, cells = int(read[0]), read[1]
                if not self._long_number_in and any(map(_is_long, cells)):
                    self._long_number_in = number
                yield number, cells
            code = process.wait()
        if code in _KILLED:
            self._answer = {"error": "too large"}
        elif code or not self._answer:
            self._answer = {"error": "damaged"}
        if "error" in self._answer:
            raise _refusal(self._answer, self._rows_max)

    @property
    def sheet(self) -> str:
        """The name of the sheet that was read."""
        return str(self._answer["sheet"])

    @property
    def sheets(self) -> list[str]:
        """The names of all sheets."""
        return list(self._answer["sheets"])

    @property
    def notes(self) -> list[str]:
        """What was seen in its cells."""
        notes = []
        if self._long_number_in:
            notes.append(
                f"Line {self._long_number_in} has a number of more than {_LONG_NUMBER} digits, and a "
                f"workbook keeps only {_LONG_NUMBER} of them. Enter serial numbers as text."
            )
        if self._answer["is_uncalculated"]:
            notes.append(
                "Some formulas of this workbook have no stored value and are read as empty. Open it in a "
                "spreadsheet program and save it there."
            )
        return notes


@contextmanager
def _started(
    file: BinaryIO, limits: Mapping[str, object], wait_seconds: float | None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the program, and end it at the latest when this is over, or after `wait_seconds`."""
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", str(_PROGRAM), json.dumps(limits)],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        raise LedgerBusy("The workbook cannot be read at this moment. Try again.") from None
    timer = Timer(wait_seconds, process.kill) if wait_seconds is not None else None
    if timer:
        timer.daemon = True
        timer.start()
    try:
        with process:
            try:
                yield process
            finally:
                process.kill()
    finally:
        if timer:
            timer.cancel()


def _plain_number(text: str) -> Number:
    return Number(format(Decimal(text), "f") if "e" in text else text)


_DECODER: Final = json.JSONDecoder(parse_int=Number, parse_float=_plain_number)


def _is_long(cell: object) -> bool:
    return isinstance(cell, Number) and "." not in cell and len(cell.lstrip("-")) > _LONG_NUMBER


def _refusal(answer: Mapping[str, Any], rows_max: int) -> TooManyRows | UnreadableFile:
    if answer["error"] == "rows":
        return TooManyRows(rows_max)
    line, columns = int(answer.get("line", 0)), int(answer.get("columns", 0))
    sheets = ", ".join(answer.get("sheets", ())) or "none"
    sentences = {
        "columns": too_many_columns(line, columns),
        "cells": too_many_cells(),
        "long row": f"The row in line {line} is longer than {ROW_CHARACTERS_MAX:,} characters.",
        "no such sheet": f"This workbook has no sheet of that name. Its sheets: {sheets}.",
        "no table": f"No sheet of this workbook has headers with rows under them. Its sheets: {sheets}.",
        "strict": _STRICT,
        "password": PROTECTED,
        "too large": _TOO_LARGE,
        "damaged": _DAMAGED,
    }
    return UnreadableFile(sentences[answer["error"]])
