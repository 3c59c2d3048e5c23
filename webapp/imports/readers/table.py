"""Find the table in the lines of a sheet: its headers, its rows, a title above and totals below."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from webapp.domain.canonical_json import Number
from webapp.domain.errors import TooManyRows, UnreadableFile
from webapp.domain.text import canonical
from webapp.imports.readers.bounds import CELLS_MAX, COLUMNS_MAX, ROWS_MAX, too_many_cells, too_many_columns
from webapp.imports.readers.source import SourceRow

Cell = object
Line = tuple[int, Sequence[Cell]]

# A title and what else stands above the headers, and totals, beside the rows themselves.
LINES_MAX: Final = ROWS_MAX + 100
HEADERS_WITHIN: Final = 30
_WIDTH_WITHIN: Final = 200
_SHOWN_MAX: Final = 60
_NAMED_MAX: Final = 5
_TOTAL: Final = re.compile(
    r"(?:(?:grand |sub[ -]?)?totals?(?: \(?(?:t|tco2e?|tonnes?|credits?|quantity|units|vcus?)\)?)?"
    r"|total g[eé]n[eé]ral|total geral|sous-total|totale(?: generale)?|totali|totaal|totalt"
    r"|sums?|summe|gesamt|gesamtsumme|zwischensumme|insgesamt|somme|soma|suma|summa)[ :.]*"
)
_NUMBER: Final = re.compile(r"[+-]?[0-9][0-9.,'’\s\u00a0\u202f]*(?:%|t|tco2e?|tonnes?)?", re.IGNORECASE)  # noqa: RUF001
# A number, date or time alone: no header.
_NO_WORD: Final = re.compile(r"[\W\d_]+")


@dataclass(frozen=True)
class Table:
    """The headers and rows of a table, and sentences about the lines that were left out."""

    headers: list[str]
    rows: list[SourceRow]
    notes: list[str]


def is_empty(cell: Cell) -> bool:
    """Return whether nothing can be seen in a cell."""
    if cell is None or cell == "":
        return True
    # Most cells begin with a printable character of ASCII, which is quick to see.
    return isinstance(cell, str) and not "!" <= cell[0] <= "~" and not canonical(cell)


def stripped(cells: Sequence[Cell]) -> Sequence[Cell]:
    """Return the cells of a line without the empty ones at its end."""
    end = len(cells)
    while end and is_empty(cells[end - 1]):
        end -= 1
    return cells[:end]


def find_table(lines: Sequence[Line], *, missing: str | None, extra_cells: bool) -> Table | None:
    """Return the table in the lines, none of which is empty; None if there are no rows under headers.

    `missing` is the value of a cell that a line does not have. Cells beyond the headers are kept under
    the names of their columns if `extra_cells` is true. Otherwise they are an error, since a separator
    inside a cell moves all cells after it.
    Raises UnreadableFile and TooManyRows.
    """
    if not lines:
        return None
    place = _place_of_headers(lines)
    above, (number, cells), under = lines[:place], lines[place], lines[place + 1 :]
    totals = [line for line in under if len(cells) > 1 and _is_total(line[1])]
    left_out = {line for line, _ in totals}
    rows = [(line, stripped(row)) for line, row in under if line not in left_out]
    if not rows:
        return None
    if len(rows) > ROWS_MAX:
        raise TooManyRows(ROWS_MAX)
    if not extra_cells:
        _refuse_extra_cells(rows, len(cells))
    width = max(len(stripped(cells)), *(len(row) for _, row in rows))
    if width > COLUMNS_MAX:
        raise UnreadableFile(too_many_columns(number, width))
    if width * len(rows) > CELLS_MAX:
        raise UnreadableFile(too_many_cells())
    used = {column for _, row in rows for column, cell in enumerate(row) if not is_empty(cell)}
    headers = _headers(cells, width, used)
    return Table(
        list(headers.values()),
        [_row(line, row, headers, missing) for line, row in rows],
        [*_said_above(above), *_said_totals(totals, len(totals))],
    )


def _place_of_headers(lines: Sequence[Line]) -> int:
    """Return the index of the line of headers: the first that is about as wide as the table.

    Where that line has empty cells or numbers, it can be a part of the title. Then a line of words in
    all columns, directly above a line with a number or date, is taken instead.
    """
    filled = [sum(not is_empty(cell) for cell in cells) for _, cells in lines[:_WIDTH_WITHIN]]
    width = max(filled)
    if width < 2:  # noqa: PLR2004 - a list has no title that can be told from its header
        return 0
    enough = max(2, -(-width * 3 // 5))
    within = filled[:HEADERS_WITHIN]
    first = next((place for place, count in enumerate(within) if count >= enough), 0)
    if filled[first] == width and _is_words(lines[first][1]):
        return first
    for place in range(first + 1, len(within) - 1):
        if filled[place] == width:
            is_found = _is_words(lines[place][1]) and not _is_words(lines[place + 1][1])
            return place if is_found else first
    return first


def _is_words(cells: Sequence[Cell]) -> bool:
    return all(is_empty(cell) or (_is_text(cell) and not _NO_WORD.fullmatch(str(cell))) for cell in cells)


def _is_text(cell: Cell) -> bool:
    return isinstance(cell, str) and not isinstance(cell, Number)


def _is_total(cells: Sequence[Cell]) -> bool:
    """Return whether a line is a total: a label and nothing else but numbers."""
    label: str | None = None
    for cell in cells:
        if isinstance(cell, Number) or is_empty(cell):
            continue
        if not isinstance(cell, str):
            return False
        if not _NUMBER.fullmatch(cell.strip()):
            if label is not None:
                return False
            label = cell
    return label is not None and bool(_TOTAL.fullmatch(canonical(label)))


def _refuse_extra_cells(rows: Sequence[Line], width: int) -> None:
    for number, row in rows:
        if len(row) > width:
            raise UnreadableFile(_extra_cells(number, len(row), width))


def _extra_cells(number: int, cells: int, width: int) -> str:
    return (
        f"Line {number} has {cells:,} cells, and there are {width:,} headers. Give each column "
        "a header, and put a cell that contains the separator in quotation marks."
    )


class TableStream:
    """The table in lines that are read one after another, as `find_table` finds it in all lines.

    `rows` yields the lines of its rows; after the last, `headers` and `notes` are known.
    """

    def __init__(self, lines: Iterator[Line], *, extra_cells: bool) -> None:
        """Take the lines, none of which is empty. `extra_cells` is that of `find_table`."""
        self._lines = lines
        self._extra_cells = extra_cells
        self._above: Sequence[Line] = ()
        self._first: Line = (0, ())
        self._totals: list[Line] = []
        self._totals_count = 0
        self._width = 0
        self._used: set[int] = set()

    def rows(self) -> Iterator[Line]:
        """Yield the rows. Raises UnreadableFile."""
        first = list(islice(self._lines, _WIDTH_WITHIN))
        if not first:
            return
        place = _place_of_headers(first)
        self._above, self._first = first[:place], first[place]
        headers = self._first[1]
        named = len(headers)
        self._width = len(stripped(headers))
        unnamed = [column for column, cell in enumerate(headers) if is_empty(cell)]
        for number, cells in chain(first[place + 1 :], self._lines):
            if named > 1 and _is_total(cells):
                self._totals_count += 1
                if len(self._totals) < _NAMED_MAX:
                    self._totals.append((number, cells))
                continue
            row = stripped(cells)
            if len(row) > named and not self._extra_cells:
                raise UnreadableFile(_extra_cells(number, len(row), named))
            if len(row) > self._width:
                self._width = len(row)
                if self._width > COLUMNS_MAX:
                    raise UnreadableFile(too_many_columns(number, self._width))
            if unnamed or len(row) > named:
                columns = [*unnamed, *range(named, len(row))]
                self._used.update(each for each in columns if each < len(row) and not is_empty(row[each]))
            yield number, row

    @property
    def headers(self) -> dict[int, str]:
        """The names of the columns by their index."""
        return _headers(self._first[1], self._width, self._used)

    @property
    def notes(self) -> list[str]:
        """Sentences about the lines that were left out."""
        return [*_said_above(self._above), *_said_totals(self._totals, self._totals_count)]


def _headers(cells: Sequence[Cell], width: int, used: Collection[int]) -> dict[int, str]:
    """Return the names of the columns that have a header or are `used`, each name once."""
    headers: dict[int, str] = {}
    taken: set[str] = set()
    counts: dict[str, int] = {}
    for column in range(width):
        cell = cells[column] if column < len(cells) else None
        if is_empty(cell) and column not in used:
            continue
        given = f"Column {column + 1}" if is_empty(cell) else str(cell)
        name = given
        while name in taken:
            counts[given] = counts.get(given, 1) + 1
            name = f"{given} ({counts[given]})"
        taken.add(name)
        headers[column] = name
    return headers


def _row(number: int, cells: Sequence[Cell], headers: dict[int, str], missing: str | None) -> SourceRow:
    width = len(cells)
    values = {name: cells[column] if column < width else missing for column, name in headers.items()}
    return SourceRow(number, values)


def _said_above(above: Sequence[Line]) -> list[str]:
    if not above:
        return []
    lines = _line_numbers([number for number, _ in above], len(above))
    return [f"{lines} above the headers {_was(above)} left out: {_shown(above)}."]


def _said_totals(totals: Sequence[Line], count: int) -> list[str]:
    """Return the sentence about totals; `totals` may be the first of them."""
    if not totals:
        return []
    lines = _line_numbers([number for number, _ in totals], count)
    was, kind = ("was", "a total") if count == 1 else ("were", "totals")
    return [f"{lines} {was} left out as {kind}: {_shown(totals)}."]


def _was(lines: Sequence[Line]) -> str:
    return "was" if len(lines) == 1 else "were"


def _line_numbers(numbers: Sequence[int], count: int) -> str:
    named = [str(number) for number in numbers[:_NAMED_MAX]]
    if count > _NAMED_MAX:
        named.append(f"{count - _NAMED_MAX:,} more")
    if len(named) == 1:
        return f"Line {named[0]}"
    return f"Lines {', '.join(named[:-1])} and {named[-1]}"


def _shown(lines: Sequence[Line]) -> str:
    """Return what is in the first of the lines, shortened."""
    cells = (" ".join(str(cell)[:_SHOWN_MAX].split()) for cell in lines[0][1] if not is_empty(cell))
    text = " · ".join(cells)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
