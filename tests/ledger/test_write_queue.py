"""The queue of writes: limits, order, withdrawal, exclusive writes, and its thread."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import text

from tests.fixtures.credits import recorded
from tests.fixtures.group_commits import Group, outcome, until
from webapp.domain.errors import LedgerBusy, LedgerUnavailable
from webapp.ledger import group_commit, write_queue
from webapp.ledger.group_commit import Transaction, best_effort_write, commit
from webapp.ledger.listing import list_credits
from webapp.ledger.search.credit_filter import CreditFilter
from webapp.ledger.storage.engine import begin_read_transaction, db, end_read_transaction

pytestmark = pytest.mark.usefixtures("ledger_app")

NOTHING = text("SELECT 1")


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also where the tests were started in the background.

    A shell without job control ignores SIGINT there, and Python then leaves it ignored.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def doing(done: list[str], name: str, *, is_exclusive: bool = False) -> Callable[[], object]:
    return lambda: commit(lambda _: done.append(name), is_exclusive=is_exclusive)


def test_a_write_that_waits_too_long_is_withdrawn_and_never_run(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    group.keep_busy()
    monkeypatch.setattr(group_commit, "WAIT_S", 0.1)
    with pytest.raises(LedgerBusy):
        doing(done, "too late")()
    monkeypatch.undo()
    group.let_go()
    commit(lambda _: None)
    assert done == []


def test_a_write_that_was_taken_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "WAIT_S", 1)  # long enough to be taken on a busy machine
    monkeypatch.setattr(write_queue, "RUNNING_WAIT_S", 0.05)

    def act(_transaction: Transaction) -> str:
        time.sleep(1.2)
        return "done"

    assert commit(act) == "done"


def test_a_write_that_times_out_while_running_is_not_retried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another process may hold the write lock for any time, so a write must not wait without limit."""

    def put_off(act: write_queue.QueuedWrite[object], _error: object) -> None:
        time.sleep(0.3)
        act.is_to_be_retried, act.not_before = True, time.monotonic() + 3600

    monkeypatch.setattr(group_commit, "_retry_or_refuse", put_off)
    monkeypatch.setattr(group_commit, "WAIT_S", 0.1)
    with pytest.raises(LedgerBusy):
        commit(lambda transaction: transaction.connection.execute(text("SELECT no_such_column")))
    assert len(group_commit._queue_of(db.engine)) == 0


def test_the_queue_is_bounded(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(write_queue, "QUEUE_MAX", 2)
    waiting = [group.add(doing(done, name), queued=number) for number, name in enumerate("ab", start=1)]
    with pytest.raises(LedgerBusy, match="nothing was recorded"):
        doing(done, "c")()
    group.let_go()
    assert [outcome(future) for future in waiting] == [None, None]
    assert done == ["a", "b"]


def test_an_exclusive_write_has_its_own_transaction(group: Group) -> None:
    alone = lambda: commit(lambda transaction: transaction, is_exclusive=True)  # noqa: E731 - one of three
    shared = lambda: commit(lambda transaction: transaction)  # noqa: E731
    first, second, third, fourth = group.of(shared, shared, alone, shared)
    assert first is second
    assert len({id(first), id(third), id(fourth)}) == 3


def test_exclusive_writes_alternate_with_groups_of_others(group: Group) -> None:
    """What keeps the writer busy here is alone too, so one of the others comes after it."""
    done: list[str] = []
    group.of(*[doing(done, name, is_exclusive=name.isupper()) for name in "IaJbK"])
    assert "".join(done) == "aIbJK"


def test_a_best_effort_write_is_skipped_if_the_writer_is_busy(group: Group) -> None:
    group.keep_busy()
    begun = time.monotonic()
    best_effort_write(NOTHING)
    assert time.monotonic() - begun < group_commit.WAIT_S / 2
    assert len(group_commit._queue_of(db.engine)) == 0


def test_a_best_effort_write_that_was_taken_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As while another program holds SQLite's lock: a page would wait for it as long as a write."""
    go_on = threading.Event()
    with monkeypatch.context() as slow:
        slow.setattr(group_commit, "_run_write", lambda *_: go_on.wait(30))
        begun = time.monotonic()
        best_effort_write(NOTHING)
        assert time.monotonic() - begun < group_commit.WAIT_S / 2
        go_on.set()
    commit(lambda _: None)  # the writer is through with it, and has given its connection back


def test_a_best_effort_write_does_not_end_the_read_transaction_of_a_page(group: Group) -> None:
    begin_read_transaction()
    assert list_credits(CreditFilter()).items == []
    best_effort_write(NOTHING)
    group.start(recorded).result()
    assert list_credits(CreditFilter()).items == []
    end_read_transaction()
    assert list_credits(CreditFilter()).items != []


def test_a_keyboard_interrupt_in_a_write_does_not_end_the_writer_thread() -> None:
    def act(_transaction: Transaction) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        commit(act)
    assert commit(lambda _: "goes on") == "goes on"


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_rolls_back_a_running_write() -> None:
    interrupted = threading.Event()

    def act(transaction: Transaction) -> None:
        transaction.connection.execute(
            text("INSERT INTO registries (registry_key, name) VALUES ('vcs', 'VCS')")
        )
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupted.wait(10)

    with pytest.raises(KeyboardInterrupt):
        commit(act)
    interrupted.set()
    registries = commit(lambda t: t.connection.execute(text("SELECT name FROM registries")).all())
    assert registries == []


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_withdraws_a_waiting_write(group: Group) -> None:
    done: list[str] = []
    group.keep_busy()
    queue = group_commit._queue_of(db.engine)

    def interrupt() -> None:
        until(lambda: len(queue) == 1)
        os.kill(os.getpid(), signal.SIGINT)

    group.start(interrupt)
    with pytest.raises(KeyboardInterrupt):
        doing(done, "interrupted")()
    assert len(queue) == 0
    group.let_go()


def test_if_no_thread_can_be_started_the_next_write_starts_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start"):
        commit(lambda _: None)
    monkeypatch.undo()
    assert commit(lambda _: "done") == "done"


def test_a_thread_without_work_ends_and_another_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_queue, "IDLE_S", 0.01)
    first = commit(lambda _: threading.current_thread())
    until(lambda: not first.is_alive())
    assert commit(lambda _: threading.current_thread()) is not first


def test_a_bug_in_the_writer_fails_the_group_and_later_writes_are_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(group_commit, "_run_write", fail)
    monkeypatch.setattr(group_commit, "_fail_or_run_singly", fail)
    with pytest.raises(LedgerUnavailable, match="Check whether it was recorded"):
        commit(lambda _: None)
    monkeypatch.undo()
    assert commit(lambda _: "done") == "done"


def test_writes_of_many_threads_all_get_their_results(ledger_app: Flask) -> None:
    def work(number: int) -> int:
        with ledger_app.app_context():
            return commit(lambda _: number)

    with ThreadPoolExecutor(24) as pool:
        assert list(pool.map(work, range(200))) == list(range(200))
