"""Leases: the right of one process to work on a job, which is a row with an owner and a `lease_until`.

A job belongs to its owner until the lease runs out; then another process takes it over. Each write of an
owner first requires that the job is still its own, in the same transaction. So an owner that was stopped
for longer than its lease can do no harm, and a job is cancelled by taking it away.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Final, Self, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Table, select, update

from webapp.domain.errors import LedgerBusy, LedgerError
from webapp.domain.event import time_text
from webapp.ledger import clock
from webapp.ledger.background.owners import has_ended
from webapp.ledger.group_commit import Transaction, commit, transact
from webapp.ledger.storage.engine import reading

T = TypeVar("T")

# How long a job stays with an owner that says nothing.
LEASE_S: Final = 30
_BUSY_PAUSE_S: Final = 0.5
# The least time between two writes of a job.
_GAP_S: Final = 0.01


class LeaseLost(LedgerError):
    """The job belongs to another owner now, or was cancelled."""


def is_free(owner: str | None, lease_until: str | None) -> bool:
    """Return whether nobody works on a job: it has no owner, or its owner is late or has ended."""
    return owner is None or (lease_until or "") < time_text(clock.now()) or has_ended(owner)


def lease_end() -> str:
    """Return until when a lease that is taken now is valid."""
    return time_text(clock.now() + timedelta(seconds=LEASE_S))


@dataclass
class Lease:
    """The right of an owner to work on a job. A subclass names the table, and the column of the job's key."""

    TABLE: ClassVar[Table]
    KEY: ClassVar[str]
    LOST: ClassVar[str]

    job_id: int
    owner: str
    _written_at: float = field(default=0.0, init=False)

    @classmethod
    def take(cls, free: Row[Any], owner: str, is_same: ColumnElement[bool], **facts: object) -> Self | None:
        """Take a job as it was read, and set these columns; None where another took it or it changed.

        `free` has the columns of the key, `owner` and `lease_until`; `is_same` says what else must be equal.
        """
        job_id = free._mapping[cls.KEY]
        taken = (
            update(cls.TABLE)
            .where(
                cls.TABLE.c[cls.KEY] == job_id,
                cls.TABLE.c.owner.is_not_distinct_from(free.owner),
                cls.TABLE.c.lease_until.is_not_distinct_from(free.lease_until),
                is_same,
            )
            .values(owner=owner, lease_until=lease_end(), **facts)
        )
        is_taken = transact(lambda connection: connection.execute(taken).rowcount == 1, unconditional=True)
        return cls(job_id, owner) if is_taken else None

    def load(self) -> Row[Any]:
        """Return the job. Raises LeaseLost."""
        with reading() as connection:
            return self._require(connection)

    def write(self, action: Callable[[Transaction, Row[Any]], T], *, is_exclusive: bool = False) -> T:
        """Commit what the action writes, if the job is still the owner's, and renew the lease.

        The action gets the job as it is. Waits as long as other writers keep the ledger busy.
        Raises LeaseLost, and what the action raises.
        """
        self._let_others_write()

        def guarded(transaction: Transaction) -> T:
            result = action(transaction, self._require(transaction.connection))
            transaction.connection.execute(
                update(self.TABLE).where(self._is_mine).values(lease_until=lease_end())
            )
            return result

        while True:
            try:
                return commit(guarded, is_exclusive=is_exclusive, checked=False)
            except LedgerBusy:
                time.sleep(_BUSY_PAUSE_S)
            finally:
                self._written_at = time.monotonic()

    def _let_others_write(self) -> None:
        """Leave a gap after the write before this one: another process gets the write lock only in one."""
        since = time.monotonic() - self._written_at
        if since < _GAP_S:
            time.sleep(_GAP_S - since)

    def renew(self) -> None:
        """Keep the job. Raises LeaseLost."""
        self.write(lambda _transaction, _job: None)

    def release(self) -> None:
        """Give the job back, so that any process can go on with it at once."""
        statement = update(self.TABLE).where(self._is_mine).values(owner=None, lease_until=None)
        transact(lambda connection: connection.execute(statement), unconditional=True)

    @property
    def _is_mine(self) -> ColumnElement[bool]:
        return (self.TABLE.c[self.KEY] == self.job_id) & (self.TABLE.c.owner == self.owner)

    def _require(self, connection: Connection) -> Row[Any]:
        row = connection.execute(select(self.TABLE).where(self._is_mine)).first()
        if row is None:
            raise LeaseLost(self.LOST)
        return row


@contextmanager
def kept(lease: Lease) -> Iterator[None]:
    """Renew the lease from another thread, for as long as this one works on a long step."""
    is_over = threading.Event()

    def keep() -> None:
        while not is_over.wait(LEASE_S / 3):
            with suppress(LedgerError):
                lease.renew()

    # In a copy of the context, which has the application.
    thread = threading.Thread(target=copy_context().run, args=(keep,), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
