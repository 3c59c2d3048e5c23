"""Read one sheet of a workbook: a program of its own, whose memory and time the system bounds.

A workbook of one kilobyte can name a cell in the last row of the last column, for which the library
allocates all cells before it. So ``workbook`` starts this program by its path for each workbook. The
workbook comes from standard input. To standard output goes a line of JSON for each line of the sheet, and
then an object, which says what was read or has the name of an error. Nothing of the ledger is imported here.
"""

import io
import json
import math
import re
import resource
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import chain, islice
from typing import Final

import python_calamine

# Excel itself keeps this many digits of a number.
_DIGITS: Final = ".15g"
# Cells with an error, such as #N/A, which the library would return as empty: by the names of the files in
# the ZIP that have sheets, how they are found, and what makes a text of them.
_ERROR_CELLS: Final = (
    (r"xl/worksheets/[^/]+\.xml", rb"""(<(?:\w+:)?c\b[^<>]*\bt=)(?:"e"|'e')""", rb'\1"str"'),
    (
        r"content\.xml",
        rb"(<table:table-cell\b(?=[^<>]* calcext:value-type=.error)[^<>]*) office:string-value=(?:\"\"|'')",
        rb"\1",
    ),
)
_UNCALCULATED: Final = re.compile(
    rb"</(?:\w+:)?f>(?:<(?:\w+:)?v ?/>|<(?:\w+:)?v></(?:\w+:)?v>)?</(?:\w+:)?c>"
)


@dataclass(frozen=True)
class Limits:
    """What to read and where to stop."""

    sheet: str
    memory_bytes: int
    cpu_seconds: int
    lines: int
    columns: int
    cells: int
    row_characters: int
    characters: int


class Refused(Exception):
    """The workbook cannot be read. The arguments are the members of the answer."""

    def __init__(self, error: str, **details: object) -> None:
        """Take the name of the error, and what its sentence needs."""
        super().__init__(error)
        self.answer = {"error": error, **details}


def main() -> None:
    """Write the lines of a sheet, and what was read or an error."""
    limits = Limits(**json.loads(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    try:
        answer = read(sys.stdin.buffer.read(), limits)
    except Refused as refused:
        answer = refused.answer
    except MemoryError:
        answer = {"error": "too large"}
    except python_calamine.PasswordError:
        answer = {"error": "password"}
    except python_calamine.CalamineError:
        answer = {"error": "damaged"}
    print(json.dumps(answer))  # noqa: T201 - this is a program


def read(content: bytes, limits: Limits) -> dict[str, object]:
    """Write the lines of the sheet that is named, or else of the first with a table; return its name."""
    content, is_uncalculated = with_errors_as_text(content)
    workbook = python_calamine.load_workbook(io.BytesIO(content))
    sheets = [
        sheet for sheet in workbook.sheets_metadata if sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
    ]
    names = [sheet.name for sheet in sheets]
    if limits.sheet:
        if limits.sheet not in names:
            raise Refused("no such sheet", sheets=names)
        order = [limits.sheet]
    else:  # the visible ones first
        is_hidden = {
            sheet.name: sheet.visible != python_calamine.SheetVisibleEnum.Visible for sheet in sheets
        }
        order = sorted(names, key=is_hidden.__getitem__)
    for name in order:
        lines = lines_of(workbook.get_sheet_by_name(name), limits)
        first = list(islice(lines, 2))
        if len(first) > 1:
            for line in chain(first, lines):
                print(json.dumps(line))  # noqa: T201
            return {"sheets": names, "sheet": name, "is_uncalculated": is_uncalculated}
    raise Refused("no table", sheets=names)


def lines_of(sheet: python_calamine.CalamineSheet, limits: Limits) -> Iterator[tuple[int, list[object]]]:
    """Yield the number and the cells of each line that is not empty."""
    lines = cells = characters = 0
    start = sheet.start[1] if sheet.start else 0
    before: list[object] = [None] * (start if start + sheet.width <= limits.columns else 0)
    for number, row in enumerate(sheet.iter_rows(), start=1):
        kept = [plain(cell) for cell in stripped(row)]
        if not kept:
            continue
        if len(kept) > limits.columns:
            raise Refused("columns", line=number, columns=len(kept))
        length = sum(len(cell) for cell in kept if isinstance(cell, str))
        if length > limits.row_characters:
            raise Refused("long row", line=number)
        lines, cells, characters = lines + 1, cells + len(kept), characters + length
        if lines > limits.lines:
            raise Refused("rows")
        if cells > limits.cells or characters > limits.characters:
            raise Refused("cells")
        yield number, before + kept


def stripped(row: Sequence[object]) -> Sequence[object]:
    """Return the cells without the empty ones at the end."""
    end = len(row)
    while end and row[end - 1] == "":
        end -= 1
    return row[:end]


def plain(cell: object) -> object:
    """Return a cell as a value of JSON: a number or bool as itself, the rest as text, empty as None."""
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, float):
        return shown(cell)
    if isinstance(cell, datetime):
        second = (cell + timedelta(microseconds=500_000)).replace(microsecond=0)
        return str(second.date() if second.time() == time() else second)
    if isinstance(cell, time):
        return cell.isoformat("seconds")
    return cell if isinstance(cell, int) else str(cell)


def shown(number: float) -> int | float | str:
    """Return a number with the digits that a spreadsheet program shows; without decimals, an integer."""
    if not math.isfinite(number):
        return str(number)
    return int(number) if number.is_integer() else float(format(number, _DIGITS))


def with_errors_as_text(content: bytes) -> tuple[bytes, bool]:
    """Return the workbook with its errors as texts, and whether formulas have no stored value.

    An XLS workbook, which is no ZIP file, is returned as it is.
    """
    if not content.startswith(b"PK"):
        return content, False
    is_uncalculated = False
    changed: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            for files, cell, replacement in _ERROR_CELLS:
                if re.fullmatch(files, name, re.IGNORECASE):
                    sheet = archive.read(name)
                    is_uncalculated = is_uncalculated or bool(_UNCALCULATED.search(sheet))
                    text, count = re.subn(cell, replacement, sheet)
                    if count:
                        changed[name] = text
        if not changed:
            return content, is_uncalculated
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as copy:
            for name in archive.namelist():
                if name in changed or name == "mimetype" or name.lower().endswith((".xml", ".rels")):
                    copy.writestr(name, changed.get(name) or archive.read(name))
    return file.getvalue(), is_uncalculated


if __name__ == "__main__":
    main()
