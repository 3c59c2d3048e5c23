"""Compare everything that is stored with what the log says, on one snapshot. Nothing is written.

The histories are checked in ``history_check``, what hangs together between them in
``family_check``, who holds which numbers in ``held_check``, the guards and the rest of the schema
in ``schema_check``. Here stand the feed with its digest, the derived tables that are not by credit,
and the order of it all.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.exc import DatabaseError

from webapp.domain.errors import LedgerBusy, SchemaOutdated
from webapp.domain.fields import quantity_text
from webapp.ledger import schema_check, tables
from webapp.ledger.database import db, reading, transact
from webapp.ledger.digest import Digest, RunningDigest
from webapp.ledger.family_check import check_families
from webapp.ledger.findings import Finding, Progress, Report, differences, no_progress
from webapp.ledger.held_check import expected_holdings
from webapp.ledger.history_check import Expected, HistoryCheck, Stream, streaming

DAMAGE_LIMIT: Final = 20
_TYPED: Final = (
    *(tables.events.c[name] for name in ("credit_id", "seq", "recorded_at", "body")),
    tables.feed.c.position,
    tables.credits.c.id,
    tables.credit_states.c.credit_id,
    tables.serial_claims.c.credit_id,
    tables.splits.c.credit_id,
    tables.splits.c.envelope,
)
_SQLITE_TYPES: Final = {str: "text", int: "integer"}
_SEARCH_CHECK: Final = "INSERT INTO credit_search (credit_search, rank) VALUES ('integrity-check', 1)"


def verify(report: Report, expected: Digest | None = None, progress: Progress = no_progress) -> Digest | None:
    """Report everything that is wrong; return the digest of the feed.

    `expected` is an earlier digest, which must be a prefix of this feed. `progress` is told the
    number of events checked. Returns None where tables are missing or hold what they cannot hold,
    so that nothing else could be checked. Raises SchemaOutdated where there is no ledger at all,
    and LedgerUnavailable.
    """
    _require_migrated()
    try:
        with reading(snapshot=True) as connection, streaming(connection) as stream:
            schema_check.check_schema(connection, report)
            if connection.dialect.name == "sqlite" and not _is_readable(connection, report):
                return None
            check = HistoryCheck(stream, report)
            check.run(progress)
            check_families(connection, stream, report)
            digest = _check_feed(stream, report, expected)
            _check_sums(stream, report, check.expected)
        _check_search(report)
    except SchemaOutdated:
        report(Finding("ledger", "a table or a column is missing, so nothing more could be checked"))
        return None
    return digest


def _check_feed(stream: Stream, report: Report, expected: Digest | None) -> Digest:
    """Check that positions are 1, 2, 3 … and each has its event; return the digest."""
    feed, events = tables.feed, tables.events
    statement = (
        select(feed.c.position, feed.c.credit_id, feed.c.seq, events.c.hash)
        .join_from(
            feed,
            events,
            (feed.c.credit_id == events.c.credit_id) & (feed.c.seq == events.c.seq),
            isouter=True,
        )
        .order_by(feed.c.position)
    )
    running, position = RunningDigest(expected), 0
    for row in stream(statement):
        if row.position != position + 1:
            report(Finding(f"position {row.position}", f"follows position {position}"))
        position = row.position
        if row.hash is None:
            wrong = f"its event is missing: credit {row.credit_id}, event {row.seq}"
            report(Finding(f"position {position}", wrong))
        else:
            running.add(row.hash)
    broken = running.broken_promise()
    if broken:
        report(Finding("expected digest", broken))
    return running.now()


def _check_sums(stream: Stream, report: Report, expected: Expected) -> None:
    if not expected.is_whole:
        wrong = "cannot be compared, because not every history is whole"
        names = "tables totals, registries, parties, serial_claims and serial_blocks"
        report(Finding(names, wrong))
        return
    if expected.accounted_e4 != expected.recorded_e4:
        leaves, recorded = quantity_text(expected.accounted_e4), quantity_text(expected.recorded_e4)
        wrong = f"{recorded} t were recorded, and leaves and cancelled credits hold {leaves} t"
        report(Finding("ledger", wrong))
    claims, blocks = expected_holdings(
        stream, lambda twice: report(Finding(f"credit {twice.credit_id}", twice.wrong))
    )
    _compare(stream, report, tables.serial_claims, claims)
    _compare(stream, report, tables.serial_blocks, blocks)
    _compare(
        stream,
        report,
        tables.registries,
        {(key,): {"name": name} for key, (_, name) in expected.registries.items()},
    )
    _compare(
        stream,
        report,
        tables.totals,
        {key: {"credits": n, "quantity_e4": e4} for key, (n, e4) in expected.sums.items()},
    )
    _compare(
        stream,
        report,
        tables.parties,
        {key: {"name": name, "last_position": last} for key, (_, name, last) in expected.parties.items()},
    )


def _compare(
    stream: Stream,
    report: Report,
    table: Table,
    expected: Mapping[tuple[object, ...], Mapping[str, object]],
) -> None:
    """Compare a derived table with what the log gives, by primary key."""
    missing = dict(expected)
    names = [column.name for column in table.primary_key]
    for row in stream(select(table)):
        found = dict(row._mapping)
        key = tuple(found[name] for name in names)
        place = f"table {table.name}, {' / '.join(map(str, key))}"
        values = missing.pop(key, None)
        if values is None:
            report(Finding(place, "the log does not give this row"))
            continue
        for wrong in differences(found, values, "the log gives"):
            report(Finding(place, wrong))
    for key in missing:
        report(Finding(f"table {table.name}, {' / '.join(map(str, key))}", "this row is missing"))


def _is_readable(connection: Connection, report: Report) -> bool:
    """Let SQLite check its file, and that what is hashed and put in order has the type for it.

    It would store a number or bytes in a column of texts, and then nothing could be compared.
    """
    for damage in connection.exec_driver_sql(f"PRAGMA integrity_check({DAMAGE_LIMIT})").scalars():
        if damage != "ok":
            report(Finding("database file", str(damage)))
    sound = True
    for column in _TYPED:
        stored = _SQLITE_TYPES[column.type.python_type]
        count = connection.scalar(select(func.count()).where(func.typeof(column) != stored))
        if count:
            wrong = f"{count} values of {column.name} are not of type {stored}"
            report(Finding(f"table {column.table}", wrong))
            sound = False
    return sound


def _check_search(report: Report) -> None:
    """Let SQLite compare its search index with the texts of the credits.

    It spells this check as an INSERT, which changes nothing but needs the write lock, and so a
    transaction of its own: a snapshot that others have written past cannot get the lock any more.
    """

    def act(connection: Connection) -> str | None:
        try:
            connection.exec_driver_sql(_SEARCH_CHECK)
        except DatabaseError as error:
            return str(error.orig)
        return None

    if db.engine.dialect.name != "sqlite":
        return
    try:
        wrong = transact(act)
    except (LedgerBusy, DatabaseError) as error:
        report(Finding("table credit_search", f"could not be checked: {error}"))
        return
    if wrong:
        report(Finding("table credit_search", f"does not agree with the credits: {wrong}"))


def _require_migrated() -> None:
    """Raise SchemaOutdated where no ledger was ever made; one with a table missing is a finding."""
    with reading() as connection:
        connection.exec_driver_sql("SELECT version_num FROM alembic_version")
