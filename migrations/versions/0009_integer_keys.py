"""Give credits integer keys, store hashes as bytes, and drop the columns that repeat an event's text.

All rows are copied in the one transaction of the migration, so a failure (a killed process, a full disk, a
row that cannot be converted) leaves revision 0008 unchanged. The old tables keep their triggers until the
new ones have the same contents; then the old ones are dropped and the new ones get triggers.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import click
from alembic import op
from alembic.util import CommandError

from migrations.idempotency_rows import converted_keys, unreadable_answers
from migrations.table_moves import Database, Row
from webapp.domain.credit import Credit
from webapp.domain.split import numbers_of_lot
from webapp.domain.text import canonical

revision = "0009"
down_revision = "0008"

# The projections are copied, not rebuilt, because differences in them may be evidence of tampering.
MOVES_DERIVED: Final = True

MOVED: Final = (
    "credits, events, splits, feed, serial_claims, serial_blocks, credit_states, imports, import_problems,"
    " idempotency_keys"
)
WRONGS_SHOWN: Final = 20
MEGABYTE: Final = 1024**2
# The disk needed until the old tables are dropped, relative to their size. About 0.7 was measured.
ROOM: Final = 1.5
DIGITS: Final = re.compile("[0-9a-f]{64}")


def upgrade() -> None:
    """Copy all tables. Raises CommandError with the reason, and changes nothing then."""
    database = Database(op.get_bind())
    with database.prepared(MOVED):
        is_filled = bool(database.value("SELECT count(*) FROM events"))
        if is_filled:
            require_disk(database)
            require_movable(database)
        before = old_contents(database)
        database.run_file("0009_{}_tables.sql")
        move_log(database)
        after = new_contents(database)
        if after != before:
            raise CommandError(f"The copy differs, so nothing was changed: {before} became {after}.")
        move_derived(database)
        move_working_data(database)
        database.run_file("0009_{}_triggers.sql")
        # Before this version, the clocks of several processes could differ.
        database.insert("log_marks", "name, position", [("in_order_of_time", before.positions + 1)])
    if is_filled:
        click.echo(f"Moved {before.credits:,} credits and {before.events:,} events, of which the feed gives:")
        click.echo(f"events: {before.positions}\ndigest: {before.digest}")
        if not database.is_postgresql:
            click.echo("The disk of the old tables is free for new rows; `flask compact` gives it back.")


def require_disk(database: Database) -> None:
    """Print the disk space needed. Raises CommandError if SQLite's disk has less."""
    if database.is_postgresql:
        held = database.value(
            "SELECT sum(pg_total_relation_size(name::regclass))::bigint"
            f" FROM unnest(string_to_array('{MOVED}', ', ')) AS name"
        )
        click.echo(
            f"The ledger has {_megabytes(held)} MB. To move it, the disk of the server needs about"
            f" {_megabytes(ROOM * held)} MB, which cannot be looked at from here."
        )
        return
    held = database.value("PRAGMA page_count") * database.value("PRAGMA page_size")
    free = shutil.disk_usage(Path(database.path).parent).free
    click.echo(
        f"The ledger has {_megabytes(held)} MB. To move it, its disk needs {_megabytes(ROOM * held)} MB,"
        f" and {_megabytes(free)} MB are free."
    )
    if free < ROOM * held:
        raise CommandError("The disk has too little room to move the ledger, so nothing was changed.")


def _megabytes(size_bytes: float) -> str:
    return f"{size_bytes / MEGABYTE:,.0f}"


def require_movable(database: Database) -> None:
    """Raise CommandError with the rows that the new tables cannot store, if there are any."""
    wrongs = wrongs_of(database)
    shown = list(islice(wrongs, WRONGS_SHOWN))
    if shown:
        more = sum(1 for _ in wrongs)
        lines = [*shown, *([f"and {more:,} more"] if more else [])]
        raise CommandError(
            "This cannot be moved to the new tables, so nothing was changed:\n" + "\n".join(lines)
        )


def wrongs_of(database: Database) -> Iterator[str]:
    """Yield the rows that cannot be moved: malformed hashes, unknown references, values not in the text."""
    yield from _wrong_credits(database)
    yield from _wrong_events(database)
    for position, credit_id, seq in database.rows(
        "SELECT feed.position, feed.credit_id, feed.seq FROM feed LEFT JOIN events"
        " ON events.credit_id = feed.credit_id AND events.seq = feed.seq WHERE events.seq IS NULL"
    ):
        yield f"position {position}: there is no event {seq} of credit {credit_id}"
    for table in ("splits", "credit_states", "serial_claims", "serial_blocks"):
        for (credit_id,) in database.rows(
            f"SELECT credit_id FROM {table} LEFT JOIN credits ON id = credit_id WHERE id IS NULL"
        ):
            yield f"table {table}: there is no credit {credit_id}"
    yield from unreadable_answers(database)


def _wrong_credits(database: Database) -> Iterator[str]:
    for credit_id, parent, replaces, whole, before in database.rows(
        "SELECT credits.id, credits.parent, credits.replaces, whole.id, before.id FROM credits"
        " LEFT JOIN credits AS whole ON whole.id = credits.parent"
        " LEFT JOIN credits AS before ON before.id = credits.replaces"
    ):
        if not DIGITS.fullmatch(credit_id):
            yield f"credit {credit_id}: its id is not 64 hexadecimal digits"
        for other, found in ((parent, whole), (replaces, before)):
            if other != found:
                yield f"credit {credit_id}: there is no credit {other}"


def _wrong_events(database: Database) -> Iterator[str]:
    for credit_id, seq, actor, recorded_at, prev_hash, event_hash, body, found in database.rows(
        "SELECT credit_id, seq, actor, recorded_at, prev_hash, hash, body, credits.id"
        " FROM events LEFT JOIN credits ON credits.id = credit_id"
    ):
        place, stated = f"credit {credit_id}, event {seq}", _stated(body)
        if found is None:
            yield f"{place}: there is no such credit"
        if not DIGITS.fullmatch(event_hash):
            yield f"{place}: its hash is not 64 hexadecimal digits"
        for name, value in (
            ("credit", credit_id),
            ("actor", actor),
            ("recorded_at", recorded_at),
            ("prev_hash", prev_hash),
        ):
            if (name, value) not in stated:
                yield f"{place}: its text does not say that its {name} is {value}"
    for credit_id, times in database.rows(
        "SELECT credit_id, count(*) FROM events WHERE type = 'RETIRED' GROUP BY credit_id HAVING count(*) > 1"
    ):
        yield f"credit {credit_id}: it is retired {times} times"


def _stated(body: str) -> list[object]:
    """Return the members of a JSON object as pairs of name and value; empty for any other text."""
    try:
        facts = json.loads(body, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return []
    return facts if isinstance(facts, list) else []


class Contents(NamedTuple):
    """The contents of the log: counts, the digest of the feed, and an order-independent hash of all rows."""

    credits: int
    events: int
    positions: int
    digest: str
    rows: str


def old_contents(database: Database) -> Contents:
    """Return the contents of the old tables."""
    return _contents(
        database,
        "SELECT id, project_name, registry, vintage, quantity_e4, serial_number, parent, offset_e4, replaces"
        " FROM credits",
        "SELECT credit_id, seq, type, hash, body FROM events",
        "SELECT credit_id, envelope FROM splits",
        "SELECT position, feed.credit_id, feed.seq, feed.type, hash FROM feed JOIN events"
        " ON events.credit_id = feed.credit_id AND events.seq = feed.seq ORDER BY position",
    )


def new_contents(database: Database) -> Contents:
    """Return the contents of the new tables, in the form of the old ones."""
    digits = database.digits
    return _contents(
        database,
        f"SELECT {digits('credits.id')}, credits.project_name, credits.registry, credits.vintage,"
        f" credits.quantity_e4, credits.serial_number, {digits('whole.id')}, credits.offset_e4,"
        f" {digits('before.id')} FROM credits LEFT JOIN credits AS whole ON whole.key = credits.parent"
        " LEFT JOIN credits AS before ON before.key = credits.replaces",
        f"SELECT {digits('id')}, seq, type, {digits('hash')}, body FROM events JOIN credits ON key = subject",
        f"SELECT {digits('id')}, envelope FROM splits JOIN credits ON key = subject",
        f"SELECT position, {digits('id')}, feed.seq, feed.type, {digits('hash')} FROM feed"
        " JOIN credits ON key = feed.subject JOIN events"
        " ON events.subject = feed.subject AND events.seq = feed.seq ORDER BY position",
    )


def _contents(database: Database, *queries: str) -> Contents:
    counts: list[int] = []
    digest, sum_of_hashes = hashlib.sha256(), 0
    for query in queries:
        counts.append(0)
        for row in database.rows(query):
            counts[-1] += 1
            sum_of_hashes += int.from_bytes(hashlib.sha256(repr(row).encode(errors="replace")).digest())
            if query is queries[-1]:
                digest.update(f"{row[-1]}\n".encode())
    credits, events, _, positions = counts
    return Contents(credits, events, positions, digest.hexdigest(), f"{sum_of_hashes % 2**256:064x}")


def move_log(database: Database) -> None:
    """Copy the log. Keys follow the order of the feed; credits without a position come last."""
    facts = "id, project_name, registry, vintage, quantity_e4, serial_number, offset_e4"
    in_feed = "FROM feed_0008 WHERE credit_id = id AND seq = 1"
    key = 0
    for query in (
        f"SELECT {facts} FROM feed_0008 JOIN credits_0008 ON id = credit_id WHERE seq = 1 ORDER BY position",
        f"SELECT {facts} FROM credits_0008 WHERE NOT EXISTS (SELECT 1 {in_feed}) ORDER BY id",
    ):
        for batch in database.batches(query):
            rows = [(key + place, bytes.fromhex(row[0]), *row[1:]) for place, row in enumerate(batch, 1)]
            database.insert("credits", f"key, {facts}", rows)
            key += len(batch)
    for batch in database.batches(
        "SELECT parent, replaces, id FROM credits_0008 WHERE parent IS NOT NULL OR replaces IS NOT NULL"
    ):
        database.send(
            "UPDATE credits SET parent = (SELECT key FROM credits WHERE id = ?),"
            " replaces = (SELECT key FROM credits WHERE id = ?) WHERE id = ?",
            [tuple(value and bytes.fromhex(value) for value in row) for row in batch],
        )
    by_key = f"ON credit_id = {database.digits('id')} ORDER BY key"
    database.copy(
        f"SELECT key, seq, type, hash, body FROM credits JOIN events_0008 {by_key}, seq",
        "events",
        "subject, seq, type, hash, body",
        lambda row: (*row[:3], bytes.fromhex(row[3]), row[4]),
    )
    database.copy(
        f"SELECT key, envelope FROM credits JOIN splits_0008 {by_key}", "splits", "subject, envelope"
    )
    database.copy(
        "SELECT position, key, seq, type FROM feed_0008"
        f" JOIN credits ON id = {database.bytes_of('credit_id')} ORDER BY position",
        "feed",
        "position, subject, seq, type",
    )


def move_derived(database: Database) -> None:
    """Copy the projections, and add their new columns and rows."""
    with_credit = f"JOIN credits ON id = {database.bytes_of('credit_id')}"
    database.copy(
        "SELECT created_position, key, status, old.vintage, old.quantity_e4, project_key, registry_key,"
        " old.serial_number, created_at, changed_at, buyer, beneficiary"
        f" FROM credit_states_0008 AS old {with_credit} ORDER BY created_position",
        "credit_states",
        "created_position, credit, status, vintage, quantity_e4, project_key, registry_key, serial_key,"
        " created_at, changed_at, buyer, beneficiary",
        lambda row: (*row[:7], canonical(row[7] or "") or None, *row[8:]),
    )
    database.copy(
        f"SELECT registry_key, serial_key, key FROM serial_claims_0008 {with_credit}",
        "serial_claims",
        "registry_key, serial_key, credit",
    )
    blocks = "credit, series, first, last, size_class, is_held"
    database.copy(
        f"SELECT key, series, first, last FROM serial_blocks_0008 {with_credit} ORDER BY key",
        "serial_blocks",
        blocks,
        lambda row: (*row, (row[3] - row[2]).bit_length(), 1),
    )
    facts = ", ".join(
        f"{of}.{name}"
        for of in ("own", "whole")
        for name in ("project_name", "registry", "vintage", "quantity_e4", "serial_number", "offset_e4")
    )
    for batch in database.batches(
        f"SELECT own.key, own.parent, {facts} FROM credits AS own"
        " JOIN credit_states ON credit_states.credit = own.key"
        " LEFT JOIN serial_blocks ON serial_blocks.credit = own.key"
        " LEFT JOIN credits AS whole ON whole.key = own.parent"
        " WHERE serial_blocks.credit IS NULL AND own.serial_number IS NOT NULL ORDER BY own.key"
    ):
        database.insert("serial_blocks", blocks, list(_given_up(batch)))


def _given_up(batch: list[Row]) -> Iterator[Row]:
    """Yield a row for each credit with numbers in its serial number that it does not hold."""
    for key, parent, *facts in batch:
        own, whole = (
            Credit(*part[:5], parent="" if is_lot else None, offset_e4=part[5])
            for part, is_lot in ((facts[:6], parent is not None), (facts[6:], False))
        )
        named = own.stated_block if parent is None else numbers_of_lot(whole, own)
        if named:
            size_class = (named.last - named.first).bit_length()
            yield key, named.series, named.first, named.last, size_class, 0


def move_working_data(database: Database) -> None:
    """Copy the problems of imports, and convert the idempotency keys."""
    problems = 'import_id, number, "row", field, message, holder, first, last'
    database.copy(
        f"SELECT {problems} FROM import_problems_0008",
        "import_problems",
        problems,
        lambda row: (*row[:5], row[5] and bytes.fromhex(row[5]), *row[6:]),
    )
    database.insert(
        "idempotency_keys",
        "actor, key, fingerprint, made_at, kind, status, ids, position",
        list(converted_keys(database)),
    )
