"""What a reader makes of a file: rows of values under headers, before any of them has a meaning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class FileKind(StrEnum):
    """The kinds of file that can be read, as pages name them."""

    JSON = "JSON"
    NDJSON = "NDJSON"
    CSV = "CSV"
    WORKBOOK = "Excel workbook"


class NotAnObject(dict[str, object]):
    """The values of a row of JSON that is not an object, such as a number: the row, under an empty name."""


@dataclass(frozen=True)
class SourceRow:
    """One row: its number, and its values by header.

    `number` is what people see: in JSON the place in the array, from 1; in a table the line of the sheet,
    so the headers of most files are line 1 and the first row of data is 2. Values are those of decoded
    JSON: text, `canonical_json.Number`, bool, None, lists and dicts. A cell of a workbook with a date is
    text in ISO form, with a number a `Number`, and an empty cell is None. Cells of CSV are text.
    The values of a row of JSON that is not an object are a `NotAnObject`.
    """

    number: int
    values: Mapping[str, object]


@dataclass(frozen=True)
class Source:
    """A file as read: how it was read, which a person can change, and its rows.

    `headers` are in order; in JSON they are the names in order of first appearance. `notes` are
    sentences for the plan, such as which lines above the headers and which totals below were left out.
    """

    kind: FileKind
    headers: Sequence[str]
    rows: Sequence[SourceRow]
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    sheets: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class ReadAs:
    """How a person wants a file to be read; empty means that the reader decides."""

    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
