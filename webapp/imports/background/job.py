"""The job of a large import: its phase, its progress, and the lease of the process that works on it.

Another process takes a job over at its checkpoint (``ledger.background.leases``).
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, Row, Table, func, insert, select, update

from webapp.domain.event import time_text
from webapp.ledger import clock
from webapp.ledger.background import leases
from webapp.ledger.background.leases import is_free, lease_end
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.import_tables import import_jobs


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
        "lease_until": lease_end(),
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
    """Begin a phase in which `done` rows are done already."""
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
    """Begin a phase that any process may work on: the process that owned the job has lost it."""
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
    # The pause of the job does not count in its rate.
    rate = {"rows_before": import_jobs.c.rows_done, "began_at": time_text(clock.now())}
    return Lease.take(free, owner, import_jobs.c.phase == free.phase, **rate)


def count_unfinished(connection: Connection) -> dict[tuple[str, ...], float]:
    """Return how many jobs run, and how many wait for a process."""
    jobs = import_jobs.c
    is_running = jobs.owner.is_not(None) & (jobs.lease_until >= time_text(clock.now()))
    query = select(func.count(), func.count().filter(is_running)).where(jobs.phase.in_(WORKING))
    unfinished, running = connection.execute(query).one()
    return {("waiting",): unfinished - running, ("running",): running}


def _is_free(row: Row[Any]) -> bool:
    """Return whether nobody works on a job. A file that is being received belongs to a request."""
    if row.owner is None and Phase(row.phase) is Phase.RECEIVING:
        return False
    return is_free(row.owner, row.lease_until)


@dataclass
class Lease(leases.Lease):
    """The right of an owner to work on a job.

    `numbered` are the projects with numbered credits of the first `chunks_known` chunks that it records.
    """

    TABLE: ClassVar[Table] = import_jobs
    KEY: ClassVar[str] = "import_id"
    LOST: ClassVar[str] = "Another process works on this import, or it was cancelled."

    numbered: set[tuple[str, str]] = field(default_factory=set, init=False)
    chunks_known: int = field(default=0, init=False)

    @property
    def import_id(self) -> int:
        """The number of the import."""
        return self.job_id
