"""Give up the imports on which nobody decides, and delete what is staged of those that nobody resumes."""

from datetime import timedelta
from typing import Final

from sqlalchemy import select, update

from webapp.domain.event import time_text
from webapp.imports.background import job
from webapp.imports.background.job import Phase
from webapp.imports.background.stopping import stop
from webapp.imports.views import State
from webapp.ledger import clock
from webapp.ledger.group_commit import Transaction
from webapp.ledger.storage.import_tables import import_jobs, imports

# A preview on which nobody decides is given up when another file comes after so many days.
OPEN_DAYS: Final = 7
GIVEN_UP: Final = f"Nobody decided about it within {OPEN_DAYS} days."


def give_up_abandoned(transaction: Transaction) -> None:
    """Cancel the imports on which nobody decided in time. One that is recorded in part can be resumed.

    An import that was stopped can be resumed for as many days after that.
    """
    connection = transaction.connection
    now = clock.now()
    before = time_text(now - timedelta(days=OPEN_DAYS))
    is_late = imports.c.state.in_((State.CHECKED, State.UNMAPPED)) & (imports.c.uploaded_at < before)
    # A job waits since its plan was made, which may be long after its file came.
    is_late &= imports.c.id.not_in(select(import_jobs.c.import_id).where(import_jobs.c.began_at >= before))
    jobs = select(import_jobs).join(imports, imports.c.id == import_jobs.c.import_id)
    for row in connection.execute(jobs.where(is_late, import_jobs.c.chunks_recorded > 0)).all():
        stop(transaction, row, message=GIVEN_UP)
    given_up = {
        "state": State.CANCELLED,
        "message": GIVEN_UP,
        "finished_at": time_text(now),
        "content": None,
    }
    connection.execute(update(imports).where(is_late).values(given_up))
    phase = import_jobs.c.phase
    is_over = (phase == Phase.WAITING) | ((phase == Phase.PAUSED) & (imports.c.finished_at < before))
    for row in connection.execute(jobs.where(imports.c.state == State.CANCELLED, is_over)).all():
        job.hand_over(connection, row.import_id, Phase.CLEANING, 0)
