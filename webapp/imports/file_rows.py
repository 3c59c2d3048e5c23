"""From the bytes of a file to its rows: read the table, find out what its columns mean, read each row."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, insert, select, update

from webapp.domain.canonical_json import Number
from webapp.domain.event import time_text
from webapp.domain.import_row import ImportRow
from webapp.domain.spreadsheet_cells import original
from webapp.imports.mapping import ColumnMapping, headers_key, headers_of, propose, settle
from webapp.imports.options import ImportOptions
from webapp.imports.readers.open_file import read_source
from webapp.imports.readers.source import Source, SourceRow
from webapp.imports.row_meaning import read_rows
from webapp.ledger import clock
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.import_tables import column_mappings

_NAMES_SHOWN: Final = 50
_NAME_SHOWN_MAX: Final = 80


# What a file of rows has beside the columns of the file that it was made of.
LEDGER_COLUMNS: Final = ("ledger_row", "ledger_result", "ledger_part", "ledger_reason")


@dataclass(frozen=True)
class FileRows:
    """A file as read, the mapping of its columns, and its rows; no rows if the mapping is incomplete."""

    source: Source
    mapping: ColumnMapping
    rows: Sequence[ImportRow]

    @property
    def is_mapped(self) -> bool:
        """Whether it is known what the columns mean."""
        return is_complete(self.mapping)

    @property
    def unknown_fields(self) -> list[str]:
        """The names of fields that are not recorded, where the file is one of our own form."""
        return [name for row in self.rows for name in row.unknown_fields]

    @property
    def undated(self) -> int:
        """The number of rows that say that their tonnes ended, and not when."""
        return sum(row.end is not None and row.end.occurred_on is None for row in self.rows)


def columns_note(source: Source) -> str:
    """Return the sentence that names the columns of a file, empty if it has none."""
    names = [header[:_NAME_SHOWN_MAX] for header in headers_of(source) if header]
    if not names:
        return ""
    more = f" and {len(names) - _NAMES_SHOWN:,} more" if len(names) > _NAMES_SHOWN else ""
    return f"The file has the columns: {', '.join(names[:_NAMES_SHOWN])}{more}."


def is_complete(mapping: ColumnMapping) -> bool:
    """Return whether rows can be read with the mapping. Without columns, each row is a problem."""
    return not mapping.columns or not (mapping.missing or mapping.questions)


def read_file(content: bytes, options: ImportOptions) -> FileRows:
    """Read a file as a person chose.

    Raises UnsupportedFile, UnreadableFile and TooManyRows, and InvalidFields if it has no column by which
    the person chose rows.

    Without a chosen mapping, the file is mapped by its headers: as a recognised format, as a person mapped
    an earlier file with these headers, or by the names of the columns.
    """
    source = without_ledger_columns(read_source(content, options.read_as))
    mapping = mapping_of(source, options)
    rows = read_rows(source, mapping) if is_complete(mapping) else []
    return FileRows(source, mapping, [with_facts(row) for row in rows])


def mapping_of(source: Source, options: ImportOptions) -> ColumnMapping:
    """Return what the columns of a file mean, as `read_file` says."""
    if options.where:
        options.where.require_column(headers_of(source))
    mapping = options.mapping or propose(source)
    if mapping.format is None and not mapping.is_confirmed:
        mapping = saved_mapping(source) or mapping
    return settle(mapping, source)


def with_facts(row: ImportRow) -> ImportRow:
    """Return the row with its facts in the credit, from which a new credit gets them."""
    if row.credit is None or not row.facts or row.credit.facts:
        return row
    return replace(row, credit=replace(row.credit, facts=row.facts))


def without_ledger_columns(source: Source) -> Source:
    """Return a file of rows that this program sent, as the file that it was made of.

    It has the columns `LEDGER_COLUMNS`, and an apostrophe before cells that a spreadsheet would evaluate.
    """
    if not set(LEDGER_COLUMNS) <= set(source.headers):
        return source
    rows = [
        SourceRow(
            row.number,
            {name: unguarded(value) for name, value in row.values.items() if name not in LEDGER_COLUMNS},
        )
        for row in source.rows
    ]
    return replace(source, headers=[name for name in source.headers if name not in LEDGER_COLUMNS], rows=rows)


def unguarded(value: object) -> object:
    """Return a cell without the apostrophe that keeps a spreadsheet from evaluating it."""
    return original(value) if isinstance(value, str) and not isinstance(value, Number) else value


def saved_mapping(source: Source) -> ColumnMapping | None:
    """Return what a person said about earlier files with these headers, if anything."""
    query = select(column_mappings.c.mapping).where(
        column_mappings.c.headers_key == headers_key(headers_of(source))
    )
    with reading() as connection:
        found = connection.scalar(query)
    return ColumnMapping.from_json(found) if found else None


def save_mapping(connection: Connection, mapping: ColumnMapping, actor: str) -> None:
    """Keep the mapping that a person made, in place of an earlier one for the same headers."""
    kept = {
        "headers_key": mapping.headers_key,
        "mapping": mapping.to_json(),
        "actor": actor,
        "saved_at": time_text(clock.now()),
    }
    changed = connection.execute(
        update(column_mappings).where(column_mappings.c.headers_key == mapping.headers_key).values(kept)
    )
    if not changed.rowcount:
        connection.execute(insert(column_mappings), kept)
