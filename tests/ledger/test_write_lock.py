"""The write lock between processes: waiting, timeouts, and locks of other programs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from tests.fixtures.credits import recorded
from tests.fixtures.group_commits import Group
from tests.fixtures.ledger import RawClient
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import LedgerBusy, LedgerUnavailable
from webapp.ledger import commands, group_commit, queries
from webapp.ledger.group_commit import commit
from webapp.ledger.storage.engine import BUSY_TIMEOUT_S, db
from webapp.ledger.storage.write_lock import FEED_LOCK, IDLE_TIMEOUT_MS, TAKE_LOCK, write_lock_file

pytestmark = pytest.mark.usefixtures("ledger_app")
on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"])
on_postgresql = pytest.mark.parametrize("dialect", ["postgresql"])

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def lock_held_elsewhere() -> Iterator[None]:
    """Hold the write lock in another process, as its writer does."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(write_lock_file(db.engine))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"held\n"
        yield
        process.stdin.close()


@on_sqlite
def test_waiting_writes_run_when_another_process_releases_the_lock(group: Group) -> None:
    with lock_held_elsewhere():
        waiting = group.start(recorded)
        time.sleep(0.2)
        assert not waiting.done()
    assert waiting.result(10)


@on_sqlite
def test_a_write_that_waits_too_long_for_another_process_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "WAIT_S", 0.1)
    with lock_held_elsewhere(), pytest.raises(LedgerBusy):
        recorded()


def test_a_write_waits_no_longer_if_another_program_has_locked_the_database(
    raw: RawClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not as long as the database itself waits for the lock, and after that as long again in the queue."""
    held = "BEGIN IMMEDIATE" if raw.dialect == "sqlite" else f"SELECT pg_advisory_lock({FEED_LOCK})"
    freed = "ROLLBACK" if raw.dialect == "sqlite" else f"SELECT pg_advisory_unlock({FEED_LOCK})"
    raw.execute(held)
    monkeypatch.setattr(group_commit, "WAIT_S", 0.2)
    begun = time.monotonic()
    with pytest.raises(LedgerBusy):
        recorded()
    assert time.monotonic() - begun < BUSY_TIMEOUT_S / 2
    monkeypatch.undo()
    raw.execute(freed)
    assert recorded()


@on_sqlite
def test_the_lock_file_is_private_to_its_owner() -> None:
    recorded()
    assert write_lock_file(db.engine).stat().st_mode & 0o777 == 0o600


@on_sqlite
def test_a_process_forked_under_the_lock_does_not_keep_it() -> None:
    def fork() -> int:
        child = os.fork()
        if child == 0:
            signal.pause()
        return child

    child = commit(lambda _: fork())
    try:
        assert recorded()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@on_sqlite
def test_nothing_is_recorded_if_the_lock_file_cannot_be_opened() -> None:
    file = write_lock_file(db.engine)
    file.mkdir()
    with pytest.raises(LedgerUnavailable, match=r"Nothing was recorded.*-turn: Is a directory"):
        recorded()
    file.rmdir()
    assert recorded()


@on_postgresql
def test_an_idle_transaction_is_ended_so_that_others_can_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its program may be gone without a word, as when its machine loses its power."""
    monkeypatch.setattr(group_commit, "TAKE_LOCK", TAKE_LOCK.replace(str(IDLE_TIMEOUT_MS), "100"))
    with pytest.raises(LedgerUnavailable, match="does not answer"):
        commit(lambda _: time.sleep(0.5))
    assert recorded()


@on_postgresql
def test_a_group_takes_the_write_lock_first() -> None:
    """A snapshot from before the lock would miss the previous commit."""
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()"
    settings = "SELECT current_setting('lock_timeout'), current_setting('transaction_isolation')"

    def act(transaction: group_commit.Transaction) -> object:
        connection = transaction.connection
        return connection.scalar(text(held)), tuple(connection.execute(text(settings)).one())

    assert commit(act) == (1, ("100ms", "read committed"))


@on_postgresql
def test_a_write_that_meets_a_foreign_row_lock_does_not_block_the_others(
    ledger_app: Flask, database_url: str
) -> None:
    """An idle transaction of another program holds a row lock that one write needs."""
    held, others = recorded(), [recorded(serial_number=f"VCS-1{n:03}") for n in range(16)]
    key = queries.record(held).key
    with psycopg.connect(database_url) as foreign, ThreadPoolExecutor(max_workers=17) as pool:
        foreign.execute("SELECT 1 FROM credit_states WHERE credit = %s FOR UPDATE", (key,))

        def retire(credit_id: str) -> object:
            with ledger_app.app_context():
                return commands.retire_credit(credit_id, {}, LOCAL).record.credit.status

        blocked = pool.submit(retire, held)
        begun = time.monotonic()
        assert [str(status) for status in pool.map(retire, others)] == ["RETIRED"] * 16
        assert time.monotonic() - begun < 5
        assert not blocked.done()
        foreign.rollback()
        assert str(blocked.result(20)) == "RETIRED"


@on_postgresql
def test_a_write_that_meets_a_foreign_row_lock_for_too_long_is_refused(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "ATTEMPTS", 2)
    held = recorded()
    key = queries.record(held).key
    with psycopg.connect(database_url) as foreign:
        foreign.execute("SELECT 1 FROM credit_states WHERE credit = %s FOR UPDATE", (key,))
        with pytest.raises(LedgerBusy):
            commands.retire_credit(held, {}, LOCAL)
    assert [str(event.event_type) for event in queries.record(held).events] == ["CREATED"]
