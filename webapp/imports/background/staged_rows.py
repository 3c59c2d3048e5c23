"""The staged rows of a large import: what a reader makes of a file, row by row in the database."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, overload

from sqlalchemy import Connection, delete, func, select

from webapp.domain.canonical_json import decode_text
from webapp.domain.import_row import ImportRow
from webapp.imports.background import parsed_rows
from webapp.imports.file_rows import LEDGER_COLUMNS, unguarded
from webapp.imports.readers.json_file import values_of_row
from webapp.imports.readers.row_stream import RowStream
from webapp.imports.readers.source import FileKind, Source, SourceRow
from webapp.ledger.storage import statements
from webapp.ledger.storage.bulk_insert import insert_rows
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.import_tables import import_chunks, import_source_rows

_INSERT: Final = 'INSERT INTO import_source_rows (import_id, number, "row", cells) VALUES (?, ?, ?, ?)'
_BATCH: Final = 2_000
# In rows that are in memory together.
CHARACTERS_AT_ONCE: Final = 2_000_000
LEAST_AT_ONCE: Final = 50
_SOME: Final = {
    "sqlite": 'SELECT "row", cells, parsed FROM import_source_rows WHERE import_id = ?'
    " AND number IN (SELECT value FROM json_each(?)) ORDER BY number",
    "postgresql": 'SELECT "row", cells, parsed FROM import_source_rows WHERE import_id = ?'
    " AND number = ANY (ARRAY(SELECT jsonb_array_elements_text(?::jsonb)::integer)) ORDER BY number",
}
_KEEP_PARSED: Final = "UPDATE import_source_rows SET parsed = ? WHERE import_id = ? AND number = ?"
_PARSED: Final = (
    'SELECT "row", parsed FROM import_source_rows WHERE import_id = ?'
    " AND number >= ? AND number < ? ORDER BY number"
)
_RANGE: Final = (
    'SELECT number, "row", cells FROM import_source_rows WHERE import_id = ?'
    " AND number >= ? AND number < ? ORDER BY number"
)


@dataclass(frozen=True)
class StagedSource:
    """How a file was read: the kind, the columns with their indexes, and sentences for the plan.

    `longest` is the number of characters of its longest row. `is_sent_by_us`: it is a file of rows that this
    program sent, see ``file_rows.without_ledger_columns``.
    """

    kind: FileKind
    headers: Sequence[str]
    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str = ""
    delimiter: str = ""
    notes: Sequence[str] = ()
    rows: int = 0
    longest: int = 1
    sheet: str = ""
    sheets: Sequence[str] = ()

    @staticmethod
    def of(stream: RowStream, rows: int, longest: int) -> "StagedSource":
        """Return what is known after the last row."""
        columns = {str(index): name for index, name in stream.columns.items()}
        return StagedSource(
            stream.kind,
            stream.headers,
            columns,
            stream.encoding,
            stream.delimiter,
            stream.notes,
            rows,
            longest,
            stream.sheet,
            stream.sheets,
        )

    def to_json(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> "StagedSource":
        """Return what `to_json` wrote."""
        facts = json.loads(text)
        return StagedSource(**{**facts, "kind": FileKind(facts["kind"])})

    @property
    def is_sent_by_us(self) -> bool:
        """Whether it is a download of this program, such as the rows of an import to be fixed."""
        return set(LEDGER_COLUMNS) <= set(self.headers)

    def rows_at_once(self, most: int) -> int:
        """Return how many rows may be in memory together, at most `most`: fewer where a row is very long.

        A single long row must not make all chunks tiny, so it is at least `LEAST_AT_ONCE`.
        """
        return min(most, max(LEAST_AT_ONCE, CHARACTERS_AT_ONCE // max(self.longest, 1)))

    def source(self, rows: Sequence[SourceRow]) -> Source:
        """Return these rows as a file."""
        headers = list(self.headers)
        if self.is_sent_by_us:
            headers = [name for name in headers if name not in LEDGER_COLUMNS]
        return Source(
            self.kind,
            headers,
            rows,
            self.encoding,
            self.delimiter,
            self.sheet,
            self.sheets,
            self.notes,
        )

    def whole(self, import_id: int) -> Source:
        """Return the whole file, whose rows are read from the database whenever they are asked for."""
        return self.source(StagedRows(import_id, self))

    def row(self, number: int, cells: str) -> SourceRow:
        """Return a staged row."""
        if self.kind in {FileKind.JSON, FileKind.NDJSON}:
            return SourceRow(number, values_of_row(cells))
        decoded: Any = json.loads(cells) if self.kind is FileKind.CSV else decode_text(cells)
        missing = "" if self.kind is FileKind.CSV else None
        width = len(decoded)
        values = {
            name: decoded[at] if (at := int(index)) < width else missing
            for index, name in self.columns.items()
        }
        if self.is_sent_by_us:
            values = {name: unguarded(value) for name, value in values.items() if name not in LEDGER_COLUMNS}
        return SourceRow(number, values)


class StagedRows(Sequence[SourceRow]):
    """The rows of a staged file. They are read in batches, so only a few are in memory."""

    def __init__(self, import_id: int, staged: StagedSource) -> None:
        """Take the import and how its file was read."""
        self._import_id = import_id
        self._staged = staged

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._staged.rows

    def __iter__(self) -> Iterator[SourceRow]:
        """Yield all rows in order."""
        batch = self._staged.rows_at_once(_BATCH)
        for first in range(0, len(self), batch):
            yield from self[first : first + batch]

    @overload
    def __getitem__(self, place: int) -> SourceRow: ...

    @overload
    def __getitem__(self, place: slice) -> list[SourceRow]: ...

    def __getitem__(self, place: int | slice) -> SourceRow | list[SourceRow]:
        """Return a row, or the rows of a slice without a step."""
        if isinstance(place, int):
            return self[place : place + 1][0]
        first, last, _ = place.indices(len(self))
        with reading() as connection:
            found = statements.fetch(connection, _RANGE, self._import_id, first, last)
        return [self._staged.row(row, cells) for _, row, cells in found]


def keep_rows(connection: Connection, import_id: int, rows: Sequence[tuple[int, int, str]]) -> None:
    """Stage rows: number from 0, number in the file, and cells."""
    insert_rows(connection, import_source_rows, _INSERT, [(import_id, *row) for row in rows])


def keep_parsed(connection: Connection, import_id: int, first: int, parsed: Sequence[str]) -> None:
    """Keep what rows mean (``parsed_rows``), from the one with the number `first` on."""
    rows = [(text, import_id, number) for number, text in enumerate(parsed, first)]
    statements.send(connection, _KEEP_PARSED, rows)


def rows_at(
    connection: Connection, import_id: int, staged: StagedSource, places: Sequence[int], *, with_values: bool
) -> list[ImportRow]:
    """Return the rows with these numbers, in order, as they were parsed, or without their values."""
    found = statements.fetch(connection, _SOME, import_id, statements.as_json(list(places)))
    values = [staged.row(row, cells).values if with_values else {} for row, cells, _ in found]
    return list(parsed_rows.rows_of([row for row, _, _ in found], [text for _, _, text in found], values))


def all_rows(import_id: int, staged: StagedSource) -> Iterator[ImportRow]:
    """Yield all rows in order, as they were parsed and without their values. They are read in batches."""
    for first in range(0, staged.rows, _BATCH):
        with reading() as connection:
            found = statements.fetch(connection, _PARSED, import_id, first, first + _BATCH)
        texts = [text for _, text in found]
        yield from parsed_rows.rows_of([row for row, _ in found], texts, [{}] * len(found))


def delete_rows(connection: Connection, import_id: int, limit: int) -> int:
    """Delete some staged rows, and return how many there were."""
    staged = import_source_rows
    first = connection.scalar(select(func.min(staged.c.number)).where(staged.c.import_id == import_id))
    if first is None:
        return 0
    some = (staged.c.import_id == import_id) & (staged.c.number < first + limit)
    return int(connection.execute(delete(staged).where(some)).rowcount)


def delete_chunks(connection: Connection, import_id: int) -> None:
    """Delete the chunks of an import that is over."""
    connection.execute(delete(import_chunks).where(import_chunks.c.import_id == import_id))
