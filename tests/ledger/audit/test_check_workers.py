"""Several processes verify a large ledger on one snapshot, with the same findings as one process."""

import multiprocessing
import os
from functools import partial
from threading import Event, Thread
from typing import NoReturn
from unittest.mock import Mock

import pytest
from flask import Flask

from tests.fixtures.credits import recorded, sold
from tests.fixtures.ledger import MakeDatabase, RawClient, connected, opened
from tests.ledger.audit.picklable_checks import end_itself, pid_of, rows_of
from tests.ledger.audit.tampering import digest, findings, tamper
from tests.ledger.histories import (
    record_amended_trees,
    record_entries,
    record_histories,
    record_split_trees,
)
from webapp.accounts.actors import LOCAL
from webapp.domain.errors import LedgerBusy, LedgerUnavailable, SchemaOutdated
from webapp.ledger.audit import check_workers
from webapp.ledger.audit.check_workers import InThisProcess, consistent_checks
from webapp.ledger.commands import create_credit, retire_credit

pytestmark = pytest.mark.slow

EDITS = (
    "UPDATE credits SET vintage = 1999 WHERE key = 3",
    "UPDATE events SET body = replace(body, 'VCS', 'GS') WHERE subject = 2",
    "DELETE FROM feed WHERE position = 5",
    "UPDATE totals SET credits = 5",
    "DELETE FROM splits WHERE subject = 7",
    "UPDATE serial_blocks SET last = last + 1 WHERE is_held = 1 AND series = 'acr-y-2025-#'",
)


@pytest.fixture
def in_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two processes verify also a small ledger, a few credits each."""
    monkeypatch.setattr(check_workers, "LARGE", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(check_workers, "EVENTS_IN_RANGE", 5)


@pytest.mark.usefixtures("ledger_app")
def test_several_processes_find_what_one_finds(raw: RawClient, request: pytest.FixtureRequest) -> None:
    record_histories()
    record_split_trees()
    record_amended_trees()
    record_entries()
    for edit in EDITS:
        tamper(raw, edit)
    by_one = findings()
    assert len(by_one) > len(EDITS)
    request.getfixturevalue("in_processes")
    assert sorted(findings()) == sorted(by_one)


@pytest.mark.usefixtures("in_processes")
def test_several_processes_find_no_errors_in_a_valid_ledger_during_writes(ledger_app: Flask) -> None:
    is_over, written = Event(), 0

    def write() -> None:
        nonlocal written
        with ledger_app.app_context():
            while not is_over.wait(0.05):  # a larger ledger takes longer to verify, and proves no more
                block = f"ACR-{written}-2025-1 to 100"
                credit_id = create_credit(
                    {
                        "project_name": "Solar",
                        "registry": f"ACR {written % 7}",
                        "vintage": "2025",
                        "quantity": "100",
                        "serial_number": block,
                    },
                    LOCAL,
                ).credit_id
                retire_credit(credit_id, {"quantity": "1"}, LOCAL)
                written += 1

    record_histories()
    record_split_trees()
    record_amended_trees()
    record_entries()
    before = digest().events
    writer = Thread(target=write)
    writer.start()
    try:
        found = findings()
    finally:
        is_over.set()
        writer.join()
    assert found == []
    assert digest().events == before + written * 5
    assert written


@pytest.mark.usefixtures("ledger_app", "in_processes")
def test_all_processes_see_the_same_snapshot_and_end_after_an_error() -> None:
    recorded()
    with consistent_checks() as checks:
        sold(serial_number="VCS-0002")
        pids = set(checks.start([pid_of] * 4))
        counts = set(checks.start([partial(rows_of, table="feed")] * 4))
        assert multiprocessing.active_children()
        assert os.getpid() not in pids
        assert counts == {1}
        with pytest.raises((SchemaOutdated, LedgerUnavailable)):
            list(checks.start([partial(rows_of, table="no_such_table")]))
    assert not multiprocessing.active_children()


@pytest.mark.usefixtures("in_processes")
def test_the_end_of_a_process_is_an_error_of_the_parent(make_database: MakeDatabase) -> None:
    with (
        opened(make_database("sqlite")),
        pytest.raises(LedgerUnavailable),
        consistent_checks() as checks,
    ):
        list(checks.start([end_itself]))
    assert not multiprocessing.active_children()


def test_verify_does_not_block_writes(make_database: MakeDatabase) -> None:
    url = make_database("sqlite")
    with opened(url), connected(url) as raw:
        recorded()
        raw.execute("BEGIN IMMEDIATE")
        assert findings() == []
        raw.execute("ROLLBACK")


@pytest.mark.usefixtures("in_processes")
def test_without_a_common_snapshot_one_process_verifies(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_arguments: object, **_options: object) -> NoReturn:
        raise LedgerBusy("The database is locked by another writer.")

    in_this_process = Mock(wraps=InThisProcess)
    monkeypatch.setattr(check_workers, "transact", busy)
    monkeypatch.setattr(check_workers, "InThisProcess", in_this_process)
    with opened(make_database("sqlite")):
        recorded()
        assert findings() == []
    in_this_process.assert_called_once()
