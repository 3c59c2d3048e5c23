"""Requests done once: the answer of an act is kept under the key that its request carried.

The key's row and the act are one transaction, so there is no moment in which one is there without
the other: a worker that dies takes both with it, and a twin that comes meanwhile waits for the row
(on SQLite for the one writer) and is then given the answer, or does the act itself if nothing came
of the first.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from webapp.domain import events
from webapp.domain.errors import KeyUsedBefore
from webapp.ledger import clock
from webapp.ledger.database import transact
from webapp.ledger.tables import idempotency_keys

KEPT_FOR: Final = timedelta(hours=24)
# Each key that comes takes so many with it that are over, so that the table shrinks by itself.
SWEPT: Final = 4
# No answer of ours comes near: the largest, a split into 100 lots, has some 300 kB.
BODY_BYTES_MAX: Final = 2 * 1024**2

_ITS_KEY: Final = (idempotency_keys.c.actor, idempotency_keys.c.key)


@dataclass(frozen=True)
class Key:
    """A key of an actor, and the hex SHA-256 of the request that carries it."""

    actor: str
    text: str
    fingerprint: str


@dataclass(frozen=True)
class Answer:
    """What was answered: an HTTP status, headers in their order, and the bytes of the body."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Done:
    """What came of a request: its answer, and whether it is that of an earlier one."""

    answer: Answer
    is_repeated: bool


def do_once(key: Key, act: Callable[[], Answer | None]) -> Done | None:
    """Do the act and keep its answer, or return the answer that an act of this key got before.

    Everything that `act` reads and writes through ``database`` is in one transaction with the key.
    Where it returns None, that is committed and the key is free again, as after any act that raises.
    Raises KeyUsedBefore where the key came with another request, and whatever `act` raises.
    """

    def whole(connection: Connection) -> Done | None:
        now = clock.now()
        over = events.time_text(now - KEPT_FOR)
        kept = _claim(connection, key, events.time_text(now), over)
        if kept is not None:
            return Done(kept, is_repeated=True)
        _sweep(connection, over)
        answer = act()
        if answer is None:
            _free(connection, key)
            return None
        _keep(connection, key, answer)
        return Done(answer, is_repeated=False)

    return transact(whole)


def _claim(connection: Connection, key: Key, made_at: str, over: str) -> Answer | None:
    """Make the key's row ours, or return the answer in it. On PostgreSQL this waits for a twin."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    facts = {"actor": key.actor, "key": key.text, "fingerprint": key.fingerprint, "made_at": made_at}
    new_row = insert(idempotency_keys).values(facts).on_conflict_do_nothing(index_elements=_ITS_KEY)
    claim = new_row.returning(idempotency_keys.c.key)
    find = select(idempotency_keys).where(*_is(key)).with_for_update()
    while connection.execute(claim).first() is None:
        row = connection.execute(find).first()
        if row is None:  # its time was over, and it was swept away between the two
            continue
        if row.made_at < over:
            connection.execute(update(idempotency_keys).where(*_is(key)).values(facts))
            return None
        if row.fingerprint != key.fingerprint:
            raise KeyUsedBefore
        headers = [(str(name), str(value)) for name, value in json.loads(row.headers)]
        return Answer(row.status, headers, row.body)
    return None


def _keep(connection: Connection, key: Key, answer: Answer) -> None:
    if len(answer.body) > BODY_BYTES_MAX:
        raise ValueError(f"An answer of {len(answer.body):,} bytes is too large to be kept.")
    facts = {"status": answer.status, "headers": json.dumps(list(answer.headers)), "body": answer.body}
    connection.execute(update(idempotency_keys).where(*_is(key)).values(facts))


def _free(connection: Connection, key: Key) -> None:
    connection.execute(delete(idempotency_keys).where(*_is(key)))


def _sweep(connection: Connection, over: str) -> None:
    """Delete a few keys whose time is over, none that somebody else is just deleting."""
    found = (
        select(*_ITS_KEY)
        .where(idempotency_keys.c.made_at < over)
        .order_by(idempotency_keys.c.made_at)
        .limit(SWEPT)
        .with_for_update(skip_locked=True)
    )
    connection.execute(delete(idempotency_keys).where(tuple_(*_ITS_KEY).in_(found)))


def _is(key: Key) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return idempotency_keys.c.actor == key.actor, idempotency_keys.c.key == key.text
