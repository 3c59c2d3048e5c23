"""`flask verify`: run all checks of one snapshot of the ledger in order, and report the findings.

The checks are in ``history_check`` (events and rows of each credit), ``lineage_check`` (splits and
replacements), ``entry_check`` (entries about other subjects), ``feed_check`` (order, times and actors),
``log_check`` (the trees of both logs, keys and checkpoints), ``account_check`` (users, tokens and sessions),
``serial_check``, ``name_check`` (joined names), ``fact_check`` (facts and imports that lists are filtered
by), ``projection_check`` (totals, registries, parties), ``standing_check`` (what credits were on each day),
``sqlite_check`` and ``schema_check``. They run in several processes if the ledger is large
(``check_workers``). Reads only.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

from sqlalchemy import Connection

from webapp.domain.errors import SchemaOutdated
from webapp.domain.joined_names import KINDS, REGISTRIES
from webapp.domain.registry_names import RegistryNames
from webapp.ledger.audit import schema_check
from webapp.ledger.audit.account_check import check_accounts
from webapp.ledger.audit.ancestors import ids_of
from webapp.ledger.audit.check_workers import (
    Checks,
    InThisProcess,
    KeyRange,
    consistent_checks,
    key_ranges,
)
from webapp.ledger.audit.digest import Digest
from webapp.ledger.audit.entry_check import check_entries
from webapp.ledger.audit.fact_check import check_facts, check_stray_facts
from webapp.ledger.audit.feed_check import check_feed
from webapp.ledger.audit.findings import Finding, Progress, Remark, Report, no_progress, no_remark
from webapp.ledger.audit.history_check import Histories, check_histories
from webapp.ledger.audit.lineage_check import check_lineage
from webapp.ledger.audit.log_check import Known, check_log
from webapp.ledger.audit.name_check import check_names
from webapp.ledger.audit.projection_check import Expected, check_projections
from webapp.ledger.audit.serial_check import SerialHoldings, collecting, fully_cancelled_credits
from webapp.ledger.audit.sqlite_check import TYPES, check_file, check_search, check_types
from webapp.ledger.audit.standing_check import check_day_sums, check_standings
from webapp.ledger.storage.engine import db, reading
from webapp.ledger.storage.row_keys import row_keys
from webapp.ledger.transparency.tree import TREES


@dataclass(frozen=True)
class Expectations:
    """What is known outside the database: a digest of a prefix, checkpoints, and keys of codes of rows."""

    digest: Digest | None
    known: Sequence[Known]
    keys: Sequence[bytes]


_INCOMPLETE: Final = Finding("ledger", "a table or a column is missing, so nothing more could be checked")
_EARLY: Final = (
    "{} events are earlier than the one before them, from before the ledger recorded in order of time."
)
# Gives a connection in a read transaction; raises LedgerErrors in place of errors of the database.
Reading = Callable[[], AbstractContextManager[Connection]]


def verify(
    report: Report,
    expected: Digest | None = None,
    progress: Progress = no_progress,
    known: Sequence[Known] = (),
    remark: Remark = no_remark,
) -> Digest | None:
    """Report all findings; return the digest of the feed.

    `expected` is an earlier digest, which a prefix of the feed must have, and `known` are checkpoints that
    the log must follow, beside those of the database. `progress` gets the number of events checked so far,
    and `remark` a sentence about what is known and no finding. Returns None if tables are missing or have
    values of a wrong type, so that the other checks cannot run. Raises SchemaOutdated if there is no ledger,
    and LedgerUnavailable.
    """
    dialect = _check_schema(reading, report)
    try:
        with consistent_checks() as checks:
            said = _Said(report, progress, remark)
            return _run(checks, dialect, said, Expectations(expected, known, row_keys(db.engine)))
    except SchemaOutdated:
        report(_INCOMPLETE)
        return None


def verify_alone(
    read: Reading,
    report: Report,
    progress: Progress,
    known: Sequence[Known] = (),
    keys: Sequence[bytes] = (),
) -> Digest | None:
    """Run the same checks in this process alone, on connections that `read` gives. See `verify`.

    `keys` are those of the codes of rows (``storage.row_keys``).
    """
    dialect = _check_schema(read, report)
    try:
        with read() as connection:
            said = _Said(report, progress, no_remark)
            return _run(InThisProcess(connection), dialect, said, Expectations(None, known, keys))
    except SchemaOutdated:
        report(_INCOMPLETE)
        return None


def _check_schema(read: Reading, report: Report) -> str:
    """Report what is wrong with the schema; return the name of the dialect.

    Raises SchemaOutdated if the database was never migrated. A single missing table is a finding.
    """
    with read() as connection:
        connection.exec_driver_sql("SELECT version_num FROM alembic_version")
    with read() as connection:
        schema_check.check_schema(connection, report)
        return connection.dialect.name


class _Said(NamedTuple):
    """Where a verification says what it finds."""

    report: Report
    progress: Progress
    remark: Remark


def _run(checks: Checks, dialect: str, said: _Said, expected: Expectations) -> Digest | None:
    if dialect == "sqlite":
        return _check_with_file(checks, said, expected)
    return _Verification(checks, said, expected).run()


def _check_with_file(checks: Checks, said: _Said, expected: Expectations) -> Digest | None:
    if _report_all(said.report, checks.start([partial(check_types, table=table) for table in TYPES])):
        return None
    verification = _Verification(checks, said, expected)
    # These start last, and run while this process computes the holders of serial numbers.
    of_the_file = checks.start([check_file, check_search])
    try:
        digest = verification.run()
    except Exception:
        _report_all(said.report, of_the_file)  # a damaged file may be the cause of the exception
        raise
    _report_all(said.report, of_the_file)
    return digest


class _Verification:
    """The checks of the log and the projections. The constructor starts those that run in parallel."""

    def __init__(self, checks: Checks, said: _Said, expected: Expectations) -> None:
        self._checks, (self._report, self._progress, self._remark) = checks, said
        (ranges,) = checks.start([key_ranges])
        self._fully_cancelled = checks.start([fully_cancelled_credits])
        self._ranges = checks.start([partial(_check_range, keys=keys) for keys in ranges])
        self._feed = checks.start([partial(check_feed, expected=expected.digest)])
        self._logs = checks.start([partial(check_log, outside=expected.known, tree=tree) for tree in TREES])
        self._accounts = checks.start([partial(check_accounts, keys=expected.keys)])

    def run(self) -> Digest:
        """Report the findings; return the digest of the feed."""
        with collecting() as holdings:
            (fully_cancelled,) = self._fully_cancelled
            expected = self._check_ranges(holdings)
            (feed,) = self._feed
            _report_all(self._report, [feed.findings, *self._logs, *self._accounts])
            if feed.early:
                self._remark(_EARLY.format(feed.early))
            if expected.is_whole:
                self._check_holdings(holdings, fully_cancelled, self._check_names())
                check_projections(self._checks, self._report, expected)
                _report_all(self._report, self._checks.start([check_stray_facts, check_day_sums]))
            else:
                wrong = "were not compared, because some histories are incomplete"
                names = "tables totals, registries, parties, serial_claims and serial_blocks"
                self._report(Finding(names, wrong))
        return feed.digest

    def _check_ranges(self, holdings: SerialHoldings) -> Expected:
        """Report the findings in the histories; return the expected totals, and collect serial numbers."""
        expected, done = Expected(), 0
        for histories in self._ranges:
            _report_all(self._report, [histories.findings])
            expected.merge(histories.expected)
            holdings.add(histories.named)
            done += histories.events
            self._progress(done)
        return expected

    def _check_names(self) -> RegistryNames:
        """Report joined names that the log does not give; return the names of registries that it gives."""
        checked = {
            kind: names for kind in KINDS for names in self._checks.start([partial(check_names, kind=kind)])
        }
        _report_all(self._report, [names.findings for names in checked.values()])
        return RegistryNames(checked[REGISTRIES].main_of)

    def _check_holdings(
        self, holdings: SerialHoldings, fully_cancelled: Mapping[int, int], names: RegistryNames
    ) -> None:
        """Report serial numbers with two holders, and wrong rows of the serial index."""
        twice = [*holdings.settle(fully_cancelled), *holdings.unite(names)]
        wrong_blocks = list(holdings.wrong_blocks())
        keys = {key for one in twice for key in (one.key, one.holder)} | {key for key, _, _ in wrong_blocks}
        (ids,) = self._checks.start([partial(ids_of, keys=keys)])
        for one in twice:
            self._report(Finding(f"credit {ids[one.key]}", one.wrong(ids[one.holder])))
        for registry_key, serial_key, has, due in holdings.wrong_claims():
            wrong = f"its registry is {has}, but the log gives {due}"
            if has is None or due is None:
                wrong = "the log does not give this row" if due is None else "this row is missing"
            self._report(Finding(f"table serial_claims, {registry_key} / {serial_key}", wrong))
        for key, found, given in wrong_blocks:
            wrong = f"is_held is {found}, but the log gives {given}"
            self._report(Finding(f"table serial_blocks, {ids[key]}", wrong))


def _check_range(connection: Connection, keys: KeyRange) -> Histories:
    histories, events = check_histories(connection, keys)
    for check in (check_lineage, check_entries):
        histories.findings += check(connection, keys)
    histories.findings += check_facts(connection, keys, events)
    histories.findings += check_standings(connection, keys, events)
    return histories


def _report_all(report: Report, results: Iterable[Iterable[Finding]]) -> bool:
    """Report all findings; return whether there were any."""
    count = 0
    for findings in results:
        for finding in findings:
            report(finding)
            count += 1
    return count > 0
