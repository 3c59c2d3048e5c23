"""Sources made of rows, and of the exports in `tests/data/exports/`."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from webapp.domain.canonical_json import decode_text
from webapp.domain.import_row import ImportRow
from webapp.imports.mapping import propose
from webapp.imports.readers.source import FileKind, Source, SourceRow
from webapp.imports.row_meaning import read_rows

EXPORTS = Path(__file__).parent.parent / "data" / "exports"
CREDIT: dict[str, object] = {
    "project_name": "Serra Azul Reforestation",
    "registry": "VCS",
    "vintage": 2022,
    "quantity": 40,
    "serial_number": "H2-RT-1",
}


def source_of(*rows: Mapping[str, object], kind: FileKind = FileKind.JSON) -> Source:
    """Return a source with these rows, numbered from 1."""
    headers = dict.fromkeys(header for row in rows for header in row)
    return Source(kind, list(headers), [SourceRow(number, row) for number, row in enumerate(rows, start=1)])


def json_source(*rows: Mapping[str, object]) -> Source:
    """Return the source of a JSON array of these rows, whose numbers are read as they are written."""
    decoded = decode_text(json.dumps(rows, ensure_ascii=False))
    assert isinstance(decoded, list)
    return source_of(*decoded)


def export_rows(name: str) -> list[dict[str, object]]:
    """Return the rows of an export by header."""
    with (EXPORTS / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return [dict(row) for row in csv.DictReader(file)]


def export(name: str) -> Source:
    """Return an export as it is read from CSV."""
    return source_of(*export_rows(name), kind=FileKind.CSV)


def meaning(source: Source) -> list[ImportRow]:
    """Return the rows of the source by the mapping that is proposed for it."""
    return read_rows(source, propose(source))


def the_row(**fields: object) -> ImportRow:
    """Return the row of a JSON file with one credit and these fields."""
    (row,) = meaning(json_source(CREDIT | fields))
    return row


def ends_of(rows: Sequence[ImportRow]) -> list[tuple[str, str | None, dict[str, str]] | None]:
    """Return how each row says that its tonnes ended: type, day and data."""
    return [
        None if row.end is None else (row.end.type.value, row.end.occurred_on, dict(row.end.data))
        for row in rows
    ]
