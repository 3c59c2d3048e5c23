"""Store and find the results of requests with an idempotency key.

The row and the action's events are written in one transaction. A repeat finds the row and gets the
records as they were at its position. A duplicate in the same group commit finds it as well, or runs
the action itself if the first one was rolled back. A row holds ids and a position, no response body
and no secret.
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
from webapp.ledger.storage.idempotency_tables import idempotency_keys

RETENTION: Final = timedelta(hours=24)
# Expired rows are deleted after every 100 new rows, or after six hours. A sweep deletes more rows than
# are added between two sweeps, so the table does not grow without bound.
SWEEP_MAX: Final = 500
SWEEP_EVERY_KEYS: Final = 100
SWEEP_EVERY_S: Final = 6 * 3600.0

_ROW: Final = (idempotency_keys.c.actor, idempotency_keys.c.key)


@dataclass(frozen=True)
class IdempotencyKey:
    """An actor's key, and the hex SHA-256 of the request that carries it."""

    actor: str
    text: str
    fingerprint: str


@dataclass(frozen=True)
class StoredResult:
    """The result of a request.

    `kind` names the action, `ids` are the credits that it created or changed, and `position` is the
    last feed position after it. `status` is 201 if it created records, otherwise 200.
    """

    kind: str
    status: int
    ids: Sequence[str]
    position: int


class _Sweeps:
    """Decides when this process deletes expired rows. Used by the writer thread only."""

    def __init__(self) -> None:
        self._last_s = time.monotonic()
        self._kept = 0

    def is_due(self) -> bool:
        """Count a stored row, and return whether a sweep is due."""
        self._kept += 1
        now_s = time.monotonic()
        if self._kept < SWEEP_EVERY_KEYS and now_s - self._last_s < SWEEP_EVERY_S:
            return False
        self._last_s, self._kept = now_s, 0
        return True


_sweeps: Final = _Sweeps()


def find(connection: Connection, key: IdempotencyKey) -> StoredResult | None:
    """Return the stored result of this key; None if there is none or it has expired.

    Raises IdempotencyKeyReused if the key was used for another request.
    """
    rows = statements.fetch(connection, statements.FIND_KEY, key.actor, key.text)
    if not rows:
        return None
    fingerprint, made_at, kind, status, ids, position = rows[0]
    if made_at < _expired_before():
        return None
    if fingerprint != key.fingerprint:
        raise IdempotencyKeyReused
    return StoredResult(kind, status, tuple(json.loads(ids)), position)


def store(connection: Connection, key: IdempotencyKey, kept: StoredResult) -> None:
    """Store the result of the request, in place of an expired row with the same key."""
    made_at = time_text(clock.now())
    what = (kept.kind, int(kept.status), json.dumps(list(kept.ids)), kept.position)
    row = (key.actor, key.text, key.fingerprint, made_at, *what)
    statements.send(connection, statements.STORE_KEY, [row])
    if _sweeps.is_due():
        sweep(connection)


def sweep(connection: Connection) -> None:
    """Delete up to SWEEP_MAX expired rows, the oldest first."""
    found = (
        select(*_ROW)
        .where(idempotency_keys.c.made_at < _expired_before())
        .order_by(idempotency_keys.c.made_at)
        .limit(SWEEP_MAX)
    )
    connection.execute(delete(idempotency_keys).where(tuple_(*_ROW).in_(found)))


def _expired_before() -> str:
    return time_text(clock.now() - RETENTION)
