"""The projection by which an act is found that names a file as evidence."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from webapp.domain.event import PositionedEvent
from webapp.domain.evidence import EVIDENCE, files_in
from webapp.ledger.storage import statements
from webapp.ledger.storage.bulk_insert import insert_rows
from webapp.ledger.storage.projection_tables import evidence_files

_INSERT: Final = "INSERT INTO evidence_files (sha256, position) VALUES (?, ?)"


def rows_of(placed: PositionedEvent) -> list[tuple[bytes, int]]:
    """Return the rows of an event: the SHA-256 of each file as bytes, and the position."""
    if EVIDENCE.name not in placed.event.data:
        return []
    return [(bytes.fromhex(file.sha256), placed.position) for file in files_in(placed.event.data)]


def add_files(connection: Connection, placed: Sequence[PositionedEvent]) -> None:
    """Add the files that these events name."""
    rows = [row for each in placed for row in rows_of(each)]
    if rows:
        insert_rows(connection, evidence_files, _INSERT, rows)


def positions_of(connection: Connection, sha256: str, limit: int) -> list[int]:
    """Return the positions of the events that name the file, the first one first."""
    query = "SELECT position FROM evidence_files WHERE sha256 = ? ORDER BY position LIMIT ?"
    return [position for (position,) in statements.fetch(connection, query, bytes.fromhex(sha256), limit)]
