"""Checks of the whole ledger: ask for one, follow it, see the earlier ones; compare a digest.

A check is a job (``background``): any serving process works on it, in another process of low priority
(``audit.check_process``). Checks are working data; the newest ones are kept.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, Row, Table, delete, insert, select, true, update

from webapp.domain.errors import CheckedJustNow, LedgerError, UnknownCheck
from webapp.domain.event import time_text
from webapp.ledger import clock, idempotency_store
from webapp.ledger.audit.check_process import Interrupted, verify_in_process
from webapp.ledger.audit.digest import Digest
from webapp.ledger.audit.findings import Finding, FindingKind, Progress, Report
from webapp.ledger.background import leases
from webapp.ledger.background.leases import LeaseLost, is_free, kept
from webapp.ledger.background.worker import Worker
from webapp.ledger.event_log import last_position
from webapp.ledger.group_commit import Transaction, commit
from webapp.ledger.idempotency_store import IdempotencyKey, StoredResult
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.integrity_tables import integrity_checks

__all__ = ["Check", "FindingKind"]

_log: Final = logging.getLogger(__name__)

# How many checks are kept, and how many findings of each.
KEPT: Final = 100
SHOWN_MAX: Final = 100
# The least time from the end of a check to the next one.
PAUSE_S: Final = 60
# A check that was begun so often, because its process ended each time, has failed.
ATTEMPTS_MAX: Final = 3
_SAID_EVERY_S: Final = 1.0
# The share of the events in the progress of a check. Totals and serial numbers are compared after them.
_EVENTS_PERCENT: Final = 90
_WAKE: Final = threading.Event()
_GAVE_UP: Final = f"The processes that ran it ended {ATTEMPTS_MAX} times before it was complete."
_BUG: Final = "Something went wrong here, and it has been logged."

Verify = Callable[[Report, Progress, Callable[[], bool]], Digest | None]


@dataclass(frozen=True)
class Check:
    """A check, as pages and the API show it. Times have the format of events; `shown` are some findings."""

    id: int
    actor: str
    asked_at: str
    began_at: str | None
    finished_at: str | None
    events_all: int
    events_done: int
    digest: Digest | None
    findings: int
    shown: Sequence[Finding]
    failure: str | None

    @property
    def state(self) -> str:
        """One of "waiting", "running", "sound", "findings" and "failed"."""
        if self.finished_at is None:
            return "waiting" if self.began_at is None else "running"
        if self.findings:
            return "findings"
        return "failed" if self.failure else "sound"

    @property
    def is_over(self) -> bool:
        """Whether it has a result."""
        return self.finished_at is not None

    @property
    def seconds(self) -> float | None:
        """How long it took, None if it is not over."""
        if self.finished_at is None:
            return None
        began = datetime.fromisoformat(self.began_at or self.asked_at)
        return (datetime.fromisoformat(self.finished_at) - began).total_seconds()

    @property
    def percent(self) -> int:
        """How far it is, from 0 to 100: the events are the most of it."""
        if self.is_over:
            return 100
        return min(_EVENTS_PERCENT, _EVENTS_PERCENT * self.events_done // (self.events_all or 1))


@dataclass(frozen=True)
class Started:
    """A check that was asked for. `is_new` is false if one was running already: then it is that one."""

    check_id: int
    is_new: bool = True
    is_replay: bool = False


@dataclass(frozen=True)
class Result:
    """What a check found: its digest if it could compute one, and why it is incomplete, if it is."""

    digest: Digest | None
    findings: Sequence[Finding]
    failure: str | None = None


def event_count() -> int:
    """Return the number of events of the ledger."""
    with reading() as connection:
        return last_position(connection)


def list_checks(before: int | None = None, limit: int = KEPT) -> list[Check]:
    """Return checks, the newest first, from the one before a number on."""
    query = select(integrity_checks).order_by(integrity_checks.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(integrity_checks.c.id < before)
    with reading() as connection:
        return [_check(row) for row in connection.execute(query)]


def find_check(check_id: int) -> Check:
    """Return a check. Raises UnknownCheck."""
    with reading() as connection:
        row = connection.execute(select(integrity_checks).where(integrity_checks.c.id == check_id)).first()
    if row is None:
        raise UnknownCheck
    return _check(row)


def start_check(actor: str, key: IdempotencyKey | None = None) -> Started:
    """Ask for a check. While one waits or runs, return that one.

    Raises CheckedJustNow if the last one ended less than PAUSE_S ago.
    """

    def action(transaction: Transaction) -> Started:
        connection = transaction.connection
        stored = key and idempotency_store.find(connection, key)
        if stored:
            return Started(int(stored.ids[0]), is_replay=True)
        last = connection.execute(
            select(integrity_checks).order_by(integrity_checks.c.id.desc()).limit(1)
        ).first()
        if last is not None and last.finished_at is None:
            started = Started(last.id, is_new=False)
        else:
            _require_pause(last)
            started = Started(_insert(connection, actor))
        if key:
            result = StoredResult("check", 202, [str(started.check_id)], 0)
            idempotency_store.store(connection, key, result)
        return started

    started = commit(action)
    _WAKE.set()
    return started


def record_check(actor: str, began_at: datetime, result: Result) -> None:
    """Record a check that this process has run itself. Raises LedgerError if nothing can be written."""

    def action(transaction: Transaction) -> None:
        check_id = _insert(transaction.connection, actor, began_at=time_text(began_at), attempts=1)
        _finish(transaction.connection, check_id, result)

    commit(action)


def worker(app_context: Callable[[], AbstractContextManager[object]]) -> Worker:
    """Return the worker of a serving process."""
    return Worker("checks", app_context, work_on_next, _WAKE)


def work_on_next(owner: str, is_stopping: Callable[[], bool], verify: Verify = verify_in_process) -> bool:
    """Run the check that waits, if there is one; return whether there was one."""
    lease = _claim(owner)
    if lease is None:
        return False
    with suppress(LeaseLost):
        if lease.load().attempts > ATTEMPTS_MAX:
            _end(lease, Result(None, [], _GAVE_UP))
            return True
        try:
            with kept(lease):
                result = _run(lease, is_stopping, verify)
        except Interrupted:
            lease.release()
        else:
            _end(lease, result)
    return True


class _Lease(leases.Lease):
    """The right of an owner to run a check."""

    TABLE: ClassVar[Table] = integrity_checks
    KEY: ClassVar[str] = "id"
    LOST: ClassVar[str] = "Another process runs this check."


def _claim(owner: str) -> _Lease | None:
    """Take the check that waits for a process, None if there is none."""
    query = select(integrity_checks).where(integrity_checks.c.finished_at.is_(None))
    with reading() as connection:
        found = connection.execute(query.order_by(integrity_checks.c.id)).all()
    free = next((row for row in found if is_free(row.owner, row.lease_until)), None)
    if free is None:
        return None
    facts = {"began_at": time_text(clock.now()), "events_done": 0, "attempts": free.attempts + 1}
    return _Lease.take(free, owner, true(), **facts)


def _run(lease: _Lease, is_stopping: Callable[[], bool], verify: Verify) -> Result:
    """Run the checks and say now and then how far they are. Raises LeaseLost and Interrupted."""
    found: list[Finding] = []
    said_at = time.monotonic()

    def progress(done: int) -> None:
        nonlocal said_at
        if time.monotonic() - said_at >= _SAID_EVERY_S:
            mine = update(integrity_checks).where(integrity_checks.c.id == lease.job_id)
            lease.write(lambda transaction, _: transaction.connection.execute(mine.values(events_done=done)))
            said_at = time.monotonic()

    try:
        return Result(verify(found.append, progress, is_stopping), found)
    except (LeaseLost, Interrupted):
        raise
    except LedgerError as refusal:
        return Result(None, found, str(refusal))
    except Exception:  # noqa: BLE001 - a check that fails again and again would never end
        _log.exception("Bug in check %d", lease.job_id)
        return Result(None, found, _BUG)


def _end(lease: _Lease, result: Result) -> None:
    lease.write(lambda transaction, _job: _finish(transaction.connection, lease.job_id, result))


def _insert(connection: Connection, actor: str, **facts: object) -> int:
    """Add a check, delete the oldest ones, and return its number."""
    row = {
        "actor": actor,
        "asked_at": time_text(clock.now()),
        "attempts": 0,
        "events_all": last_position(connection),
        "events_done": 0,
        "findings": 0,
        "shown": "[]",
        **facts,
    }
    added = insert(integrity_checks).values(row).returning(integrity_checks.c.id)
    check_id = int(connection.execute(added).scalar_one())
    connection.execute(delete(integrity_checks).where(integrity_checks.c.id <= check_id - KEPT))
    return check_id


def _finish(connection: Connection, check_id: int, result: Result) -> None:
    shown = [[each.place, each.wrong] for each in result.findings[:SHOWN_MAX]]
    facts = {
        "finished_at": time_text(clock.now()),
        "events": result.digest and result.digest.events,
        "digest": result.digest and result.digest.sha256,
        "findings": len(result.findings),
        "shown": json.dumps(shown, ensure_ascii=False),
        "failure": result.failure,
    }
    connection.execute(update(integrity_checks).where(integrity_checks.c.id == check_id).values(facts))


def _require_pause(last: Row[Any] | None) -> None:
    if last is None:
        return
    free_at = datetime.fromisoformat(last.finished_at) + timedelta(seconds=PAUSE_S)
    wait_s = ceil((free_at - clock.now()).total_seconds())
    if wait_s > 0:
        raise CheckedJustNow(min(wait_s, PAUSE_S))


def _check(row: Row[Any]) -> Check:
    return Check(
        row.id,
        row.actor,
        row.asked_at,
        row.began_at,
        row.finished_at,
        row.events_all,
        row.events_done,
        None if row.digest is None else Digest(row.events, row.digest),
        row.findings,
        [Finding(place, wrong) for place, wrong in json.loads(row.shown)],
        row.failure,
    )
