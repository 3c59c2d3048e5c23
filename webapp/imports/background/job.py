"""The job of a large import: its phase, its progress, and the lease of the process that works on it.

A job belongs to its owner until the lease runs out; then another process takes it over at its checkpoint.
Each write of an owner first requires that the job is still its own, in the same transaction. So an owner
that was stopped for longer than its lease can do no harm, and a job is cancelled by taking it away.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Row, insert, select, update

from webapp.domain.errors import LedgerBusy, LedgerError
from webapp.domain.event import time_text
from webapp.imports.background.owners import has_ended
from webapp.ledger import clock
from webapp.ledger.group_commit import Transaction, commit, transact
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.import_tables import import_jobs

T = TypeVar("T")

# How long a job stays with an owner that says nothing.
LEASE_S: Final = 30
_BUSY_PAUSE_S: Final = 0.5
# The least time between two writes of a job.
_GAP_S: Final = 0.01


class Phase(StrEnum):
    """What happens with a job: in WAITING a person decides, PAUSED can be resumed, ENDED is over."""

    RECEIVING = "receiving"
    READING = "reading"
    GROUPING = "grouping"
    PLANNING = "planning"
    WAITING = "waiting"
    RECORDING = "recording"
    PAUSED = "paused"
    CLEANING = "cleaning"
    ENDED = "ended"


# The phases in which a process works on the job. An owner that receives a file is the request itself.
WORKING: Final = (Phase.READING, Phase.GROUPING, Phase.PLANNING, Phase.RECORDING, Phase.CLEANING)


class LeaseLost(LedgerError):
    """The job belongs to another owner now, or was cancelled."""


@dataclass(frozen=True)
class Decision:
    """What was decided about an import: who records it, and what may be left out.

    `how_to_skip` and `how_to_ignore` are how a caller without pages leaves rows or fields out.
    """

    actor: str
    skip_invalid: bool = False
    ignore_unknown: bool = False
    how_to_skip: str = ""
    how_to_ignore: str = ""

    def to_json(self) -> str:
        """Return the decision as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @staticmethod
    def from_json(text: str | None) -> "Decision | None":
        """Return the decision that `to_json` wrote, None if nothing was decided."""
        return Decision(**json.loads(text)) if text else None


@dataclass(frozen=True)
class JobView:
    """The progress of a job: `rows_done` of `rows_all` in its phase, `chunks_recorded` of `chunks`.

    `rate` is in rows per second, `seconds_left` an estimate; both None while they are not known.
    """

    phase: Phase
    rows_done: int
    rows_all: int
    chunks: int
    chunks_recorded: int
    rate: float | None
    seconds_left: float | None

    @property
    def is_working(self) -> bool:
        """Whether the page changes by itself: the file is received or worked on."""
        return self.phase in {Phase.RECEIVING, *WORKING} and self.phase is not Phase.CLEANING

    @property
    def can_resume(self) -> bool:
        """Whether the import was stopped in the middle and can go on."""
        return self.phase is Phase.PAUSED

    @property
    def percent(self) -> int:
        """The part of the rows that is done in this phase, from 0 to 100."""
        return min(100, 100 * self.rows_done // self.rows_all) if self.rows_all else 0


def view_of(row: Row[Any]) -> JobView:
    """Return the progress of a job."""
    began = datetime.fromisoformat(row.began_at)
    seconds = (clock.now() - began).total_seconds()
    done = row.rows_done - row.rows_before
    rate = done / seconds if done > 0 and seconds > 0 else None
    left = (row.rows_all - row.rows_done) / rate if rate and row.rows_all else None
    return JobView(Phase(row.phase), row.rows_done, row.rows_all, row.chunks, row.chunks_recorded, rate, left)


def find(connection: Connection, import_id: int) -> Row[Any] | None:
    """Return the job of an import, None if it has none."""
    return connection.execute(select(import_jobs).where(import_jobs.c.import_id == import_id)).first()


def create(
    connection: Connection, import_id: int, owner: str, decision: Decision | None, rows_max: int
) -> None:
    """Add the job of an import whose file is being received by this owner."""
    facts = {
        "import_id": import_id,
        "phase": Phase.RECEIVING,
        "owner": owner,
        "lease_until": _lease_end(),
        "settings": decision and decision.to_json(),
        "rows_max": rows_max,
        "chunks": 0,
        "chunks_planned": 0,
        "chunks_recorded": 0,
        "rows_all": 0,
        "rows_done": 0,
        "rows_before": 0,
        "began_at": time_text(clock.now()),
    }
    connection.execute(insert(import_jobs).values(facts))


def begin(connection: Connection, import_id: int, phase: Phase, rows_all: int, done: int = 0) -> None:
    """Begin a phase, of which `done` rows are done already."""
    change(
        connection,
        import_id,
        phase=phase,
        rows_all=rows_all,
        rows_done=done,
        rows_before=done,
        began_at=time_text(clock.now()),
    )


def hand_over(connection: Connection, import_id: int, phase: Phase, rows_all: int, done: int = 0) -> None:
    """Begin a phase that any process may work on: whoever owned the job has lost it."""
    begin(connection, import_id, phase, rows_all, done)
    change(connection, import_id, owner=None, lease_until=None)


def change(connection: Connection, import_id: int, **facts: object) -> None:
    """Change columns of a job."""
    connection.execute(update(import_jobs).where(import_jobs.c.import_id == import_id).values(facts))


def claim(owner: str, import_id: int | None = None) -> "Lease | None":
    """Take the oldest job that nobody works on, or the one with this number; None if there is none."""
    columns = [import_jobs.c[name] for name in ("import_id", "phase", "owner", "lease_until")]
    query = select(*columns).where(import_jobs.c.phase.in_((Phase.RECEIVING, *WORKING)))
    if import_id is not None:
        query = query.where(import_jobs.c.import_id == import_id)
    with reading() as connection:
        found = connection.execute(query.order_by(import_jobs.c.import_id)).all()
    free = next((row for row in found if _is_free(row)), None)
    if free is None:
        return None

    def take(connection: Connection) -> bool:
        taken = (
            update(import_jobs)
            .where(
                import_jobs.c.import_id == free.import_id,
                import_jobs.c.phase == free.phase,
                import_jobs.c.owner.is_not_distinct_from(free.owner),
                import_jobs.c.lease_until.is_not_distinct_from(free.lease_until),
            )
            # The pause of the job does not count in its rate.
            .values(
                owner=owner,
                lease_until=_lease_end(),
                rows_before=import_jobs.c.rows_done,
                began_at=time_text(clock.now()),
            )
        )
        return connection.execute(taken).rowcount == 1

    return Lease(free.import_id, owner) if transact(take, unconditional=True) else None


def _is_free(row: Row[Any]) -> bool:
    """Return whether nobody works on a job: it has no owner, or its owner is late or has ended."""
    if row.owner is None:
        return Phase(row.phase) is not Phase.RECEIVING
    return bool(row.lease_until < time_text(clock.now())) or has_ended(row.owner)


def _lease_end() -> str:
    return time_text(clock.now() + timedelta(seconds=LEASE_S))


@dataclass
class Lease:
    """The right of an owner to work on a job.

    `numbered` are the projects with numbered credits of the first `chunks_known` chunks that it records.
    """

    import_id: int
    owner: str
    numbered: set[tuple[str, str]] = field(default_factory=set, init=False)
    chunks_known: int = field(default=0, init=False)
    _written_at: float = field(default=0.0, init=False)

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
            self._renew(transaction.connection)
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
        mine = (import_jobs.c.import_id == self.import_id) & (import_jobs.c.owner == self.owner)
        statement = update(import_jobs).where(mine).values(owner=None, lease_until=None)
        transact(lambda connection: connection.execute(statement), unconditional=True)

    def _require(self, connection: Connection) -> Row[Any]:
        row = find(connection, self.import_id)
        if row is None or row.owner != self.owner:
            raise LeaseLost("Another process works on this import, or it was cancelled.")
        return row

    def _renew(self, connection: Connection) -> None:
        mine = (import_jobs.c.import_id == self.import_id) & (import_jobs.c.owner == self.owner)
        connection.execute(update(import_jobs).where(mine).values(lease_until=_lease_end()))
