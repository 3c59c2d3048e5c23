"""Insert, change and finish the rows of the table of imports."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from webapp.domain.errors import ImportNotOpen, UnknownImport
from webapp.domain.event import time_text
from webapp.imports.views import State
from webapp.ledger import clock, event_log, idempotency_store
from webapp.ledger.group_commit import Transaction
from webapp.ledger.idempotency_store import IdempotencyKey, StoredResult
from webapp.ledger.storage.import_tables import imports


def insert_import(connection: Connection, facts: Mapping[str, object]) -> int:
    """Insert an import and return its number."""
    import_id: int = connection.execute(insert(imports).values(facts).returning(imports.c.id)).scalar_one()
    return import_id


def change_import(connection: Connection, import_id: int, **facts: object) -> None:
    """Change columns of an import."""
    connection.execute(update(imports).where(imports.c.id == import_id).values(facts))


def finish(connection: Connection, import_id: int, **facts: object) -> None:
    """Say that an import is over, and delete its file."""
    finished_at = time_text(clock.now())
    change_import(
        connection, import_id, **{"message": None, "finished_at": finished_at, "content": None, **facts}
    )


def load_open(connection: Connection, import_id: int) -> Row[Any]:
    """Return the import that is still open. Raises UnknownImport and ImportNotOpen."""
    row = connection.execute(select(imports).where(imports.c.id == import_id)).first()
    if row is None:
        raise UnknownImport("There is no such import.")
    if row.state not in {State.CHECKED, State.UNMAPPED}:
        raise ImportNotOpen(row.state)
    return row


def keep_key(transaction: Transaction, key: IdempotencyKey | None, kind: str, import_id: int) -> None:
    """Store under the key of a request what it did, if it has one."""
    if key:
        position = event_log.log_head(transaction).position
        stored = StoredResult(f"import {kind}", HTTPStatus.OK, [str(import_id)], position)
        idempotency_store.store(transaction.connection, key, stored)
