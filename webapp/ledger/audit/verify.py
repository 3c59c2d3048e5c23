"""Compare everything that is stored with what the log says, at one moment. Nothing is written.

The histories are checked in ``history_check``, what hangs together between them in ``lineage_check``,
the feed in ``feed_check``, who holds which numbers in ``serial_check``, totals and the like in
``projection_check``, SQLite's file and search in ``sqlite_check``, the guards and the rest of the schema
in ``schema_check``. Where the ledger is large, several processes do it (``check_workers``). Here
stands the order of it all.
"""

from collections.abc import Iterable, Mapping
from functools import partial

from sqlalchemy import Connection

from webapp.domain.errors import SchemaOutdated
from webapp.ledger.audit import schema_check
from webapp.ledger.audit.ancestors import ids_of
from webapp.ledger.audit.check_workers import Checks, KeyRange, consistent_checks, key_ranges
from webapp.ledger.audit.digest import Digest
from webapp.ledger.audit.feed_check import check_feed
from webapp.ledger.audit.findings import Finding, Progress, Report, no_progress
from webapp.ledger.audit.history_check import Histories, check_histories
from webapp.ledger.audit.lineage_check import check_lineage
from webapp.ledger.audit.projection_check import Expected, check_projections
from webapp.ledger.audit.serial_check import SerialHoldings, collecting, fully_cancelled_credits
from webapp.ledger.audit.sqlite_check import TYPES, check_file, check_search, check_types
from webapp.ledger.storage.engine import db, reading


def verify(report: Report, expected: Digest | None = None, progress: Progress = no_progress) -> Digest | None:
    """Report everything that is wrong; return the digest of the feed.

    `expected` is an earlier digest, which must be a prefix of this feed. `progress` is told the
    number of events checked. Returns None where tables are missing or hold what they cannot hold,
    so that nothing else could be checked. Raises SchemaOutdated where there is no ledger at all,
    and LedgerUnavailable.
    """
    _require_migrated()
    try:
        with reading() as connection:
            schema_check.check_schema(connection, report)
        with consistent_checks() as checks:
            if db.engine.dialect.name == "sqlite":
                return _check_with_file(checks, report, expected, progress)
            return _Verification(checks, report, progress, expected).run()
    except SchemaOutdated:
        report(Finding("ledger", "a table or a column is missing, so nothing more could be checked"))
        return None


def _check_with_file(
    checks: Checks, report: Report, expected: Digest | None, progress: Progress
) -> Digest | None:
    if _report_all(report, checks.start([partial(check_types, table=table) for table in TYPES])):
        return None
    verification = _Verification(checks, report, progress, expected)
    # These come last, while this process works out who holds what.
    of_the_file = checks.start([check_file, check_search])
    try:
        digest = verification.run()
    except Exception:
        _report_all(report, of_the_file)  # where the file is damaged, this says so
        raise
    _report_all(report, of_the_file)
    return digest


class _Verification:
    """The checks of the log and of what is derived from it. They are handed out when it is made."""

    def __init__(self, checks: Checks, report: Report, progress: Progress, expected: Digest | None) -> None:
        self._checks, self._report, self._progress = checks, report, progress
        (ranges,) = checks.start([key_ranges])
        self._emptied = checks.start([fully_cancelled_credits])
        self._ranges = checks.start([partial(_check_range, keys=keys) for keys in ranges])
        self._feed = checks.start([partial(check_feed, expected=expected)])

    def run(self) -> Digest:
        """Report what is wrong; return the digest of the feed."""
        with collecting() as holdings:
            (emptied,) = self._emptied
            expected = self._check_ranges(holdings)
            (feed,) = self._feed
            _report_all(self._report, [feed.findings])
            if expected.is_whole:
                self._check_holdings(holdings, emptied)
                check_projections(self._checks, self._report, expected)
            else:
                wrong = "cannot be compared, because not every history is whole"
                names = "tables totals, registries, parties, serial_claims and serial_blocks"
                self._report(Finding(names, wrong))
        return feed.digest

    def _check_ranges(self, holdings: SerialHoldings) -> Expected:
        """Report what is wrong in the histories; return what all of them give, and gather what they name."""
        expected, done = Expected(), 0
        for histories in self._ranges:
            _report_all(self._report, [histories.findings])
            expected.merge(histories.expected)
            holdings.add(histories.named)
            done += histories.events
            self._progress(done)
        return expected

    def _check_holdings(self, holdings: SerialHoldings, emptied: Mapping[int, int]) -> None:
        """Report what the log gives twice, and where the tables say wrongly who holds what."""
        twice = holdings.settle(emptied)
        wrong_blocks = list(holdings.wrong_blocks())
        keys = {key for one in twice for key in (one.key, one.holder)} | {key for key, _, _ in wrong_blocks}
        (ids,) = self._checks.start([partial(ids_of, keys=keys)])
        for one in twice:
            self._report(Finding(f"credit {ids[one.key]}", one.wrong(ids[one.holder])))
        for registry_key, serial_key, is_held in holdings.wrong_claims():
            wrong = "this row is missing" if is_held else "the log does not give this row"
            self._report(Finding(f"table serial_claims, {registry_key} / {serial_key}", wrong))
        for key, found, given in wrong_blocks:
            wrong = f"is_held is {found}, and the log gives {given}"
            self._report(Finding(f"table serial_blocks, {ids[key]}", wrong))


def _check_range(connection: Connection, keys: KeyRange) -> Histories:
    histories = check_histories(connection, keys)
    histories.findings += check_lineage(connection, keys)
    return histories


def _report_all(report: Report, results: Iterable[Iterable[Finding]]) -> bool:
    """Report all findings, and say whether there are any."""
    count = 0
    for findings in results:
        for finding in findings:
            report(finding)
            count += 1
    return count > 0


def _require_migrated() -> None:
    """Raise SchemaOutdated where no ledger was ever made; one with a table missing is a finding."""
    with reading() as connection:
        connection.exec_driver_sql("SELECT version_num FROM alembic_version")
