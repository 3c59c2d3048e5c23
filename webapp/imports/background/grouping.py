"""The phase GROUPING: read what each row means, and cut the file into chunks of whole units."""

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby, islice
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Row, delete, insert, select

from webapp.domain.import_row import ImportRow
from webapp.domain.registry_names import RegistryNames
from webapp.imports.background import job, parsed_rows, staged_rows
from webapp.imports.background.job import Lease, Phase
from webapp.imports.background.staged_rows import StagedSource
from webapp.imports.background.units import Units, hash_of
from webapp.imports.file_rows import with_facts
from webapp.imports.mapping import ColumnMapping
from webapp.imports.options import ImportOptions
from webapp.imports.row_meaning import parse_rows
from webapp.ledger import holdings
from webapp.ledger.group_commit import Transaction
from webapp.ledger.projections.joined_names import registry_names
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.import_tables import import_chunks

# Rows in one transaction. Other writers wait for as long as it takes.
CHUNK_ROWS: Final = 250
_BATCH: Final = 1_000
_NOTES_KEPT: Final = 20
_UNKNOWN_KEPT: Final = 100


@dataclass
class FileFacts:
    """What is known of all rows of a file: for the page, and for the plan of each chunk.

    `undated` is the number of rows that say that their tonnes ended and not when, `row_notes` how many rows
    have each sentence. `mixed` are the buckets of ``units`` of projects with and without serial numbers.
    `names` is the hash of the names of registries by which the rows were grouped.
    """

    undated: int = 0
    row_notes: dict[str, int] = field(default_factory=dict)
    unknown_fields: list[str] = field(default_factory=list)
    mixed: list[int] = field(default_factory=list)
    names: int = 0

    def to_json(self) -> str:
        """Return the facts as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> "FileFacts":
        """Return what `to_json` wrote."""
        return FileFacts(**json.loads(text))


def hash_of_names(names: RegistryNames) -> int:
    """Return a hash of the joined names of registries."""
    return hash_of(*(name for pair in names for name in pair))


def _places_before(import_id: int, first_chunk: int) -> set[int]:
    """Return the places of the rows in the chunks before this one."""
    before = (import_chunks.c.import_id == import_id) & (import_chunks.c.number < first_chunk)
    with reading() as connection:
        found = connection.scalars(select(import_chunks.c.places).where(before))
        return {place for places in found for place in array("i", places)}


def _remaining(units: Units, size: int, recorded: set[int]) -> Iterator["array[int]"]:
    """Yield the places of the rows of each chunk of `size` rows that is not recorded yet."""
    for places in units.chunks(size):
        remaining = array("i", (place for place in places if place not in recorded))
        if remaining:
            yield remaining


def group(lease: Lease, staged: StagedSource, mapping: ColumnMapping, options: ImportOptions) -> None:
    """Cut the staged rows into chunks, and begin to plan them. Raises UnreadableFile.

    The chunks that are recorded stay, and only the other rows are cut again.
    """
    first_chunk = lease.load().chunks_recorded
    recorded = _places_before(lease.import_id, first_chunk)
    units, facts = Units(), FileFacts()
    notes: Counter[str] = Counter()
    with reading() as connection:
        names = registry_names(connection)
    rows = parse_rows(staged.whole(lease.import_id), mapping)
    for source_rows in _batches(rows, staged.rows_at_once(_BATCH)):
        batch = [row for source_row in source_rows for row in source_row]
        first = len(units)
        _add(units, batch, options, names)
        _keep(lease, first, source_rows)
        for row in batch:
            facts.undated += row.end is not None and row.end.occurred_on is None
            notes.update(row.notes)
            facts.unknown_fields += row.unknown_fields[: _UNKNOWN_KEPT - len(facts.unknown_fields)]
    facts.row_notes = dict(notes.most_common(_NOTES_KEPT))
    facts.names = hash_of_names(names)
    facts.mixed = [] if options.as_additional else units.mixed_buckets
    size = staged.rows_at_once(CHUNK_ROWS)
    chunks = [
        {"import_id": lease.import_id, "number": number, "places": places.tobytes()}
        for number, places in enumerate(_remaining(units, size, recorded), first_chunk)
    ]

    def action(transaction: Transaction, _job: Row[Any]) -> None:
        connection = transaction.connection
        mine = import_chunks.c.import_id == lease.import_id
        connection.execute(delete(import_chunks).where(mine, import_chunks.c.number >= first_chunk))
        connection.execute(insert(import_chunks), chunks)
        job.begin(connection, lease.import_id, Phase.PLANNING, staged.rows, len(recorded))
        job.change(
            connection,
            lease.import_id,
            chunks=first_chunk + len(chunks),
            chunks_planned=first_chunk,
            facts=facts.to_json(),
        )

    lease.write(action)


def _batches(rows: Iterable[ImportRow], size: int) -> Iterator[list[list[ImportRow]]]:
    """Yield batches of `size` rows of the file, each as the rows that it is."""
    remaining = ([with_facts(row) for row in parts] for _, parts in groupby(rows, attrgetter("number")))
    while batch := list(islice(remaining, size)):
        yield batch


def _keep(lease: Lease, first: int, source_rows: Sequence[Sequence[ImportRow]]) -> None:
    """Keep what rows of the file mean, from the one at the place `first` on."""
    parsed = [parsed_rows.text_of(rows) for rows in source_rows]

    def action(transaction: Transaction, _job: Row[Any]) -> None:
        staged_rows.keep_parsed(transaction.connection, lease.import_id, first, parsed)
        job.change(transaction.connection, lease.import_id, rows_done=first + len(parsed))

    lease.write(action)


def _add(units: Units, rows: list[ImportRow], options: ImportOptions, names: RegistryNames) -> None:
    """Add rows with all that connects them. A row of the file can be several rows, which are one unit."""
    held: list[tuple[int, Any]] = []
    for row in rows:
        place = units.place_of(row.number)
        credit = row.credit or row.named
        if credit is None:
            continue
        for block in credit.named_numbers:
            units.add_numbers(place, block.series, block.first, block.last)
        if credit.stated_range is None:
            units.add_name(place, *(names.claim(credit) or ("", credit.id)))
        if credit.replaces:
            units.add_name(place, "replaces", credit.replaces)
        if row.credit and (row.end or (options.adds_facts and row.facts)) and row.credit.block:
            held.append((place, row.credit.block))
        if row.credit:
            project = names.key(credit.canonical.registry), credit.canonical.project_name
            units.add_project(place, project, is_numbered=credit.serial_number is not None)
    # Rows that end parts of one recorded credit split it together.
    with reading() as connection:
        found = holdings.holders_of_numbers(connection, [block for _, block in held])
    for (place, _), holders in zip(held, found, strict=True):
        for holder in holders:
            units.add_name(place, "holder", str(holder.key))
