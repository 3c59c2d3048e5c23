"""What came of requests that carried a key: a row beside what they appended.

The row and the act are one transaction, so there is no moment in which one is there without the
other. A repeat of the request finds the row and is shown the records as they were at its position. A
twin of the request that waits in the same group of the writer finds it too, or does the act itself
where the first was rolled back. No answer is kept, and no secret.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, delete, select, tuple_

from webapp.domain.errors import IdempotencyKeyReused
from webapp.domain.event import time_text
from webapp.ledger import clock
from webapp.ledger.storage import statements
from webapp.ledger.storage.tables import idempotency_keys

RETENTION: Final = timedelta(hours=24)
# Rows whose time is over are deleted when so many were kept since, or so many seconds have passed; more
# at a time than are kept, so that the table does not grow for ever.
SWEPT: Final = 500
SWEPT_EVERY_KEYS: Final = 100
SWEPT_EVERY_S: Final = 6 * 3600.0

_ROW: Final = (idempotency_keys.c.actor, idempotency_keys.c.key)


@dataclass(frozen=True)
class IdempotencyKey:
    """A key of an actor, and the hex SHA-256 of the request that carries it."""

    actor: str
    text: str
    fingerprint: str


@dataclass(frozen=True)
class StoredResult:
    """What came of a request.

    `kind` is the kind of act, `ids` what it made or changed, and `position` the last position of the
    feed after it. `status` is 201 where it made records, and 200 otherwise.
    """

    kind: str
    status: int
    ids: Sequence[str]
    position: int


class _Sweeps:
    """When this process deletes rows whose time is over. Called by one thread, that of the writer."""

    def __init__(self) -> None:
        self._last_s = time.monotonic()
        self._kept = 0

    def is_due(self) -> bool:
        """Count a row that is kept, and say whether it is time to delete others."""
        self._kept += 1
        now_s = time.monotonic()
        if self._kept < SWEPT_EVERY_KEYS and now_s - self._last_s < SWEPT_EVERY_S:
            return False
        self._last_s, self._kept = now_s, 0
        return True


_sweeps: Final = _Sweeps()


def find(connection: Connection, key: IdempotencyKey) -> StoredResult | None:
    """Return what came of the request of this key before, None where nothing did.

    Raises IdempotencyKeyReused where the key came with another request.
    """
    rows = statements.fetch(connection, statements.FIND_KEY, key.actor, key.text)
    if not rows:
        return None
    fingerprint, made_at, kind, status, ids, position = rows[0]
    if made_at < _over():
        return None
    if fingerprint != key.fingerprint:
        raise IdempotencyKeyReused
    return StoredResult(kind, status, tuple(json.loads(ids)), position)


def store(connection: Connection, key: IdempotencyKey, kept: StoredResult) -> None:
    """Keep what came of the request. A row whose time is over makes room for it."""
    made_at = time_text(clock.now())
    what = (kept.kind, int(kept.status), json.dumps(list(kept.ids)), kept.position)
    row = (key.actor, key.text, key.fingerprint, made_at, *what)
    statements.send(connection, statements.STORE_KEY, [row])
    if _sweeps.is_due():
        sweep(connection)


def sweep(connection: Connection) -> None:
    """Delete some rows whose time is over, the oldest first."""
    found = (
        select(*_ROW)
        .where(idempotency_keys.c.made_at < _over())
        .order_by(idempotency_keys.c.made_at)
        .limit(SWEPT)
    )
    connection.execute(delete(idempotency_keys).where(tuple_(*_ROW).in_(found)))


def _over() -> str:
    return time_text(clock.now() - RETENTION)
