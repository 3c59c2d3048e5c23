"""Read one sheet of a workbook: a program of its own, whose memory and time the system bounds.

A workbook of one kilobyte can name a cell in the last row of the last column, for which calamine allocates
all cells before it. So ``workbook`` starts this program by its path for each workbook. Small workbooks are
read by calamine, which is quick; large ones by openpyxl, which goes through the sheet row by row and keeps
only the shared texts. The workbook is a file on standard input. To standard output goes a line of JSON for
each line of the sheet, and then an object, which says what was read or has the name of an error. Nothing of
the ledger is imported here.
"""

import io
import json
import math
import re
import resource
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import chain, islice
from typing import IO, BinaryIO, Final

import python_calamine

# Excel itself keeps this many digits of a number.
_DIGITS: Final = ".15g"
# Cells with an error, such as #N/A, which the library would return as empty: by the names of the files in
# the ZIP that have sheets, how they are found, and what makes a text of them.
_XLSX_SHEETS: Final = r"xl/worksheets/[^/]+\.xml"
_ERROR_CELLS: Final = (
    (_XLSX_SHEETS, rb"""(<(?:\w+:)?c\b[^<>]*\bt=)(?:"e"|'e')""", rb'\1"str"'),
    (
        r"content\.xml",
        rb"(<table:table-cell\b(?=[^<>]* calcext:value-type=.error)[^<>]*) office:string-value=(?:\"\"|'')",
        rb"\1",
    ),
)
_UNCALCULATED: Final = re.compile(
    rb"</(?:\w+:)?f>(?:<(?:\w+:)?v ?/>|<(?:\w+:)?v></(?:\w+:)?v>)?</(?:\w+:)?c>"
)
# Longer than any text that it finds.
_UNCALCULATED_BYTES: Final = 200
_BLOCK_BYTES: Final = 1024 * 1024
_LINES_OF_A_SHEET: Final = 1_048_576
# The namespace of a workbook that openpyxl does not read.
_STRICT: Final = b"http://purl.oclc.org/ooxml/spreadsheetml/main"
# What openpyxl raises for a workbook that is not as it should be.
_DAMAGES: Final = (zipfile.BadZipFile, zlib.error, EOFError, SyntaxError, LookupError, ValueError, TypeError)

Line = tuple[int, list[object]]


@dataclass(frozen=True)
class Limits:
    """What to read and where to stop. `is_streamed`: in little memory, without `cells` and `characters`."""

    sheet: str
    is_streamed: bool
    memory_bytes: int
    cpu_seconds: int
    lines: int
    columns: int
    cells: int | None
    row_characters: int
    characters: int | None


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
        file = open(0, "rb")  # noqa: SIM115 - standard input, of which the buffer of Python cannot be sought in
        answer = read_streamed(file, limits) if limits.is_streamed else read(file.read(), limits)
    except Refused as refused:
        answer = refused.answer
    except MemoryError:
        answer = {"error": "too large"}
    except python_calamine.PasswordError:
        answer = {"error": "password"}
    except (python_calamine.CalamineError, *_DAMAGES):
        answer = {"error": "damaged"}
    print(json.dumps(answer))  # noqa: T201 - this is a program


def read(content: bytes, limits: Limits) -> dict[str, object]:
    """Write the lines of the sheet that is named, or else of the first with a table; return its name."""
    content, is_uncalculated = with_errors_as_text(content)
    workbook = python_calamine.load_workbook(io.BytesIO(content))
    sheets = [
        sheet for sheet in workbook.sheets_metadata if sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
    ]
    is_hidden = {sheet.name: sheet.visible != python_calamine.SheetVisibleEnum.Visible for sheet in sheets}

    def lines(name: str) -> Iterator[Line]:
        sheet = workbook.get_sheet_by_name(name)
        start = sheet.start[1] if sheet.start else 0
        before: list[object] = [None] * (start if start + sheet.width <= limits.columns else 0)
        return ((number, before + cells) for number, cells in lines_of(sheet.iter_rows(), limits))

    return {**write_table(is_hidden, lines, limits.sheet), "is_uncalculated": is_uncalculated}


def read_streamed(file: BinaryIO, limits: Limits) -> dict[str, object]:
    """Do what `read` does with an XLSX workbook, without holding a sheet in memory."""
    with zipfile.ZipFile(file) as archive:
        is_uncalculated = any(
            has_uncalculated(archive.open(name)) for name in archive.namelist() if is_xlsx_sheet(name)
        )
        if _STRICT in archive.read("xl/workbook.xml"):
            raise Refused("strict")
    from openpyxl import load_workbook  # small workbooks do not wait for it

    workbook = load_workbook(file, read_only=True, data_only=True, keep_links=False)
    is_hidden = {sheet.title: sheet.sheet_state != "visible" for sheet in workbook.worksheets}

    def lines(name: str) -> Iterator[Line]:
        sheet = workbook[name]
        sheet.reset_dimensions()
        return lines_of(sheet.iter_rows(values_only=True), limits)

    return {**write_table(is_hidden, lines, limits.sheet), "is_uncalculated": is_uncalculated}


def write_table(
    is_hidden: Mapping[str, bool], lines: Callable[[str], Iterator[Line]], wanted: str
) -> dict[str, object]:
    """Write the lines of the sheet that is wanted, or else of the first visible one with a table."""
    names = list(is_hidden)
    if wanted and wanted not in names:
        raise Refused("no such sheet", sheets=names)
    for name in [wanted] if wanted else sorted(names, key=is_hidden.__getitem__):
        remaining = lines(name)
        first = list(islice(remaining, 2))
        if len(first) > 1:
            for line in chain(first, remaining):
                print(json.dumps(line))  # noqa: T201
            return {"sheets": names, "sheet": name}
    raise Refused("no table", sheets=names)


def lines_of(rows: Iterable[Sequence[object]], limits: Limits) -> Iterator[Line]:
    """Yield the number and the cells of each line that is not empty."""
    lines = cells = characters = 0
    for number, row in enumerate(rows, start=1):
        if number > _LINES_OF_A_SHEET:
            raise Refused("too large")
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
        if limits.cells is not None and cells > limits.cells:
            raise Refused("cells")
        if limits.characters is not None and characters > limits.characters:
            raise Refused("cells")
        yield number, kept


def stripped(row: Sequence[object]) -> Sequence[object]:
    """Return the cells without the empty ones at the end."""
    end = len(row)
    while end and row[end - 1] in ("", None):
        end -= 1
    return row[:end]


def plain(cell: object) -> object:
    """Return a cell as a value of JSON: a number or bool as itself, the rest as text, empty as None."""
    if isinstance(cell, str):
        return cell or None
    if cell is None or isinstance(cell, bool):
        return cell
    if isinstance(cell, int | float):
        return shown(float(cell))
    if isinstance(cell, datetime):
        second = (cell + timedelta(microseconds=500_000)).replace(microsecond=0)
        return str(second.date() if second.time() == time() else second)
    if isinstance(cell, time):
        return cell.isoformat("seconds")
    return str(cell)


def shown(number: float) -> int | float | str:
    """Return a number with the digits that a spreadsheet program shows; without decimals, an integer."""
    if not math.isfinite(number):
        return str(number)
    return int(number) if number.is_integer() else float(format(number, _DIGITS))


def is_xlsx_sheet(name: str) -> bool:
    """Return whether a file of the ZIP is a sheet of an XLSX workbook."""
    return bool(re.fullmatch(_XLSX_SHEETS, name, re.IGNORECASE))


def has_uncalculated(sheet: IO[bytes]) -> bool:
    """Return whether a sheet of an XLSX workbook has a formula without a stored value."""
    end = b""
    with sheet:
        while block := sheet.read(_BLOCK_BYTES):
            if _UNCALCULATED.search(end + block):
                return True
            end = block[-_UNCALCULATED_BYTES:]
    return False


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
