"""Compute from the whole log which credit must hold which serial numbers, to check the serial index.

In feed order, the first credit holds a number. The numbers of all credits (`NamedSerials`) are sorted in
a scratch database on the disk, so memory use does not grow with the ledger. The events are replayed only
for serial numbers of several credits, and for series with overlapping blocks.

`flask verify` compares the result with the tables of ``projections.serial_index``; `flask restore` checks
that no number has two holders. The ledger is not written.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from sqlalchemy import Connection

from webapp.domain.credit import Credit
from webapp.domain.errors import are, numbers_text
from webapp.domain.event import Event, PositionedEvent, credit_from_event
from webapp.domain.lifecycle import STATUS_AFTER, EventType
from webapp.domain.registry_names import RegistryNames
from webapp.domain.serial_number import SerialBlock
from webapp.domain.split import numbers_of_lot
from webapp.ledger.audit.ancestors import Ancestors
from webapp.ledger.audit.check_workers import KeyRange
from webapp.ledger.event_log import parse_stored
from webapp.ledger.storage import statements

# The most memory for the scratch database: 64 MB.
_CACHE_KIB: Final = 65_536


@contextmanager
def scratch_database(schema: str) -> Iterator[sqlite3.Connection]:
    """Give a temporary SQLite database with these tables, in one transaction that is never committed.

    With an empty name, SQLite creates a temporary file (in TMPDIR) and removes it at the end.
    """
    with closing(sqlite3.connect("", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA journal_mode = OFF")
        connection.executescript(schema)
        connection.execute("BEGIN")
        yield connection


# (registry_key, serial_key, key, is_lot, created, released, found) and
# (series, first, last, key, is_lot, created, released, found).
#
# `created` and `released` are feed positions. `released` is None if no event of the credit itself released
# its numbers (see `fully_cancelled_credits`). In a BlockRow `found` is 1 if the projection says that the
# credit holds them, 0 if not, and None if it was not read. In a ClaimRow it is the registry under which
# the projection has the claim, with "contested " before it if another credit holds the serial number.
ClaimRow = tuple[str, str, int, bool, int, int | None, str | None]
BlockRow = tuple[str, int, int, int, bool, int, int | None, int | None]

_EVENTS: Final = (
    "SELECT events.subject, events.body, feed.position FROM events"
    " JOIN feed ON feed.subject = events.subject AND feed.seq = events.seq"
    " WHERE events.subject BETWEEN ? AND ? AND events.subject > 0 ORDER BY events.subject, events.seq"
)
_CANCELLED_LOTS: Final = (
    "SELECT feed.position, lot.parent FROM feed JOIN credits AS lot ON lot.key = feed.subject"
    " WHERE feed.type = 'CANCELLED' AND lot.parent IS NOT NULL ORDER BY feed.position"
)
_LOTS: Final = "SELECT count(*) FROM credits WHERE parent = ?"
_PARENT: Final = "SELECT parent FROM credits WHERE key = ?"


@dataclass
class NamedSerials:
    """The serial numbers and blocks of the credits of a range."""

    claims: list[ClaimRow] = field(default_factory=list)
    blocks: list[BlockRow] = field(default_factory=list)


class SerialsOfCredit(NamedTuple):
    """The serial numbers of one credit, and the positions of its own events that released them."""

    claims_serial: bool
    numbers: SerialBlock | None
    claim_released: int | None
    numbers_released: int | None


def serials_of(credit: Credit, placed: Sequence[PositionedEvent], ancestors: Ancestors) -> SerialsOfCredit:
    """Return the serial numbers of a credit with this history.

    Raises UnknownCredit if the parent of a lot is missing.
    """
    last = next(each for each in reversed(placed) if each.event.type in STATUS_AFTER)
    claim_released = numbers_released = last.position if last.event.type is EventType.CANCELLED else None
    if credit.parent is None:
        claims_serial, numbers = credit.serial_number is not None, credit.stated_block
    else:
        # Lots of a credit without a serial number have only a place, which is not claimed.
        claims_serial = ancestors.place(credit.parent).serial_number is not None
        numbers = numbers_of_lot(ancestors.credit(credit.parent), credit)
    if numbers and last.event.type is EventType.SPLIT:
        lot = ancestors.first_lot(last.key)
        if lot and numbers_of_lot(credit, lot):
            numbers_released = last.position
    return SerialsOfCredit(claims_serial, numbers, claim_released, numbers_released)


def serials_in(connection: Connection, keys: KeyRange) -> NamedSerials:
    """Return the serial numbers of all credits of a range. The histories must be valid."""
    named, ancestors = NamedSerials(), Ancestors(connection)
    rows = statements.fetch(connection, _EVENTS, *keys)
    for key, history in groupby(rows, key=itemgetter(0)):
        placed = [_placed(key, body, position) for _, body, position in history]
        credit = credit_from_event(placed[0].event)
        add_serials(named, credit, placed, serials_of(credit, placed, ancestors))
    return named


def add_serials(
    named: NamedSerials,
    credit: Credit,
    placed: Sequence[PositionedEvent],
    naming: SerialsOfCredit,
    found: tuple[str | None, int | None] = (None, None),
) -> None:
    """Add the serial numbers of one credit. `found` has the state of its claim and of its block."""
    key, created, is_lot = placed[0].key, placed[0].position, credit.parent is not None
    if naming.claims_serial:
        named.claims.append((*credit.serial_claim, key, is_lot, created, naming.claim_released, found[0]))
    if naming.numbers:
        block = naming.numbers
        named.blocks.append(
            (block.series, block.first, block.last, key, is_lot, created, naming.numbers_released, found[1])
        )


def fully_cancelled_credits(connection: Connection) -> dict[int, int]:
    """Return the split credits whose lots are all cancelled, with the position of the last cancellation.

    Memory use grows with the number of credits with a cancelled lot, which are few.
    """
    counted: dict[int, int] = {}
    fully_cancelled: dict[int, int] = {}
    for position, parent in statements.fetch(connection, _CANCELLED_LOTS):
        above = parent
        while above is not None:
            if above not in counted:
                ((counted[above],),) = statements.fetch(connection, _LOTS, above)
            counted[above] -= 1
            if counted[above]:
                break
            fully_cancelled[above] = position
            found = statements.fetch(connection, _PARENT, above)
            above = found[0][0] if found else None
    return fully_cancelled


def _placed(key: int, body: str, position: int) -> PositionedEvent:
    event: Event = parse_stored(body)
    return PositionedEvent(position, key, event, None)


# The columns are those of ClaimRow and BlockRow. `held` has the held blocks of one series during a replay.
_TABLES: Final = """
CREATE TABLE claims (registry_key, serial_key,
  key INTEGER, is_lot INTEGER, created INTEGER, released INTEGER, found, is_lost INTEGER, holder INTEGER);
CREATE TABLE blocks (series, first INTEGER, last INTEGER,
  key INTEGER, is_lot INTEGER, created INTEGER, released INTEGER, found INTEGER, is_lost INTEGER);
CREATE TABLE names (alias_key PRIMARY KEY, registry_key);
CREATE TABLE fully_cancelled (key INTEGER PRIMARY KEY, position INTEGER);
CREATE TABLE held (first INTEGER PRIMARY KEY, last INTEGER, key INTEGER);
"""
_RELEASE: Final = (
    "UPDATE {0} SET released = (SELECT position FROM fully_cancelled WHERE fully_cancelled.key = {0}.key)"
    " WHERE released IS NULL AND key IN (SELECT key FROM fully_cancelled)"
)
_ADD_CLAIM: Final = "INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?, ?, 0, NULL)"
_ADD_BLOCK: Final = "INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)"
_CONTESTED_CLAIMS: Final = (
    "SELECT registry_key, serial_key, rowid, key, is_lot, created, released FROM claims"
    " WHERE (registry_key, serial_key) IN"
    " (SELECT registry_key, serial_key FROM claims GROUP BY 1, 2 HAVING count(*) > 1)"
    " ORDER BY registry_key, serial_key, created"
)
# The series with overlapping blocks: one begins before an earlier one has ended.
_CONTESTED_SERIES: Final = (
    "CREATE TABLE contested AS SELECT DISTINCT series FROM ("
    "SELECT series, first, max(last) OVER (PARTITION BY series ORDER BY first"
    " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached FROM blocks) WHERE first <= reached"
)
_CHANGES: Final = (
    "SELECT series, created AS position, 0 AS is_release, rowid, first, last, key, is_lot FROM blocks"
    " WHERE series IN (SELECT series FROM contested)"
    " UNION ALL SELECT series, released, 1, rowid, first, last, key, is_lot FROM blocks"
    " WHERE series IN (SELECT series FROM contested) AND released IS NOT NULL"
    " ORDER BY series, position"
)
# The first held block that overlaps a range.
_HOLDER: Final = (
    "SELECT first, last, key FROM held WHERE last >= :first AND first <= :last AND first >="
    " coalesce((SELECT max(first) FROM held WHERE first <= :first), :first) ORDER BY first LIMIT 1"
)
_BEFORE_ALL: Final = 0
_FOR_EVER: Final = 2**63
_IS_HELD: Final = "(released IS NULL AND NOT is_lost)"
# The name of a registry that is no alias.
_REGISTRY: Final = (
    "coalesce((SELECT names.registry_key FROM names WHERE alias_key = claims.registry_key), registry_key)"
)
# For the claims of registries with aliases: the first credit of those with one serial number.
_HAS_ALIASES: Final = "registry_key IN (SELECT alias_key FROM names UNION SELECT registry_key FROM names)"
_FIRST: Final = f"first_value(key) OVER (PARTITION BY {_REGISTRY}, serial_key ORDER BY created)"
_UNITE: Final = f"""
WITH first (claim, key, holder) AS
  (SELECT rowid, key, {_FIRST} FROM claims WHERE {_IS_HELD} AND {_HAS_ALIASES})
UPDATE claims SET holder = first.holder FROM first WHERE rowid = first.claim AND first.holder <> first.key
"""  # noqa: S608
_UNITED: Final = (
    "SELECT created, key, holder FROM claims WHERE holder IS NOT NULL AND NOT is_lot ORDER BY created"
)
_GIVEN: Final = (
    f"CASE WHEN {_IS_HELD} THEN (CASE WHEN holder IS NULL THEN '' ELSE 'contested ' END) || {_REGISTRY} END"
)


@dataclass(frozen=True)
class DoubleHolder:
    """A serial number, or numbers of a series, with a second credit in the log.

    `position` is that of the second credit's CREATED event; credits are keys. `numbers` has the series
    and the first and last number in common, or is None if the whole serial numbers are equal.
    `is_united`: an alias of the registry made their serial numbers equal, after both were recorded.
    """

    position: int
    key: int
    holder: int
    numbers: tuple[str, int, int] | None = None
    is_united: bool = False

    def wrong(self, holder_id: str) -> str:
        """Return the text of the finding."""
        if self.is_united:
            return f"its serial number is held by {holder_id}, under another name of its registry"
        if self.numbers is None:
            return f"its serial number is held by {holder_id}, which was recorded earlier"
        series, first, last = self.numbers
        named = f"{numbers_text(first, last).lower()} of {series} {are(first, last)}"
        return f"{named} held by credit {holder_id}, and used here too"


@contextmanager
def collecting() -> Iterator["SerialHoldings"]:
    """Give an empty collection for the serial numbers of all credits."""
    with scratch_database(_TABLES) as database:
        yield SerialHoldings(database)


class SerialHoldings:
    """The serial numbers of all credits, and the credits that must hold them."""

    def __init__(self, database: sqlite3.Connection) -> None:
        """Store them in a scratch database."""
        self._database = database

    def add(self, named: NamedSerials) -> None:
        """Add the serial numbers of some credits."""
        self._database.executemany(_ADD_CLAIM, named.claims)
        self._database.executemany(_ADD_BLOCK, named.blocks)

    def settle(self, fully_cancelled: Mapping[int, int]) -> list[DoubleHolder]:
        """Compute the holders after all credits were added; return the second holders in feed order.

        `fully_cancelled` is the result of `fully_cancelled_credits`. A lot whose numbers are already held
        does not hold them, and is not reported.
        """
        self._release(fully_cancelled)
        twice = [*self._settle_claims(), *self._settle_blocks()]
        return sorted(twice, key=lambda one: one.position)

    def unite(self, names: RegistryNames) -> list[DoubleHolder]:
        """Apply the aliases of registries, after `settle`; return the second holders that they made.

        A credit whose serial number another one holds under another name has a contested claim.
        """
        self._database.executemany("INSERT INTO names VALUES (?, ?)", names)
        self._database.execute(_UNITE)
        united = self._database.execute(_UNITED)
        return [DoubleHolder(created, key, holder, is_united=True) for created, key, holder in united]

    def wrong_claims(self) -> Iterator[tuple[str, str, str | None, str | None]]:
        """Yield each wrong claim of the projection: its keys, and the registries found and given."""
        query = f"SELECT registry_key, serial_key, found, {_GIVEN} FROM claims WHERE found IS NOT {_GIVEN}"  # noqa: S608
        yield from self._database.execute(query)

    def wrong_blocks(self) -> Iterator[tuple[int, int, int]]:
        """Yield each credit with a wrong `is_held`: its key, the stored and the expected value."""
        query = f"SELECT key, found, {_IS_HELD} FROM blocks WHERE found <> {_IS_HELD}"  # noqa: S608
        yield from self._database.execute(query)

    def _release(self, fully_cancelled: Mapping[int, int]) -> None:
        self._database.executemany("INSERT INTO fully_cancelled VALUES (?, ?)", fully_cancelled.items())
        if fully_cancelled:
            self._database.execute(_RELEASE.format("claims"))
            self._database.execute(_RELEASE.format("blocks"))

    def _settle_claims(self) -> Iterator[DoubleHolder]:
        contested = self._database.execute(_CONTESTED_CLAIMS)
        for _, claims in groupby(contested, key=itemgetter(0, 1)):
            holder, held_until = 0, _BEFORE_ALL
            for _, _, row, key, is_lot, created, released in claims:
                if held_until < created:
                    holder, held_until = key, _FOR_EVER if released is None else released
                    continue
                self._lose("claims", row)
                if not is_lot:
                    yield DoubleHolder(created, key, holder)

    def _settle_blocks(self) -> Iterator[DoubleHolder]:
        self._database.execute(_CONTESTED_SERIES)
        for series, changes in groupby(self._database.execute(_CHANGES), key=itemgetter(0)):
            self._database.execute("DELETE FROM held")
            for _, position, is_release, row, first, last, key, is_lot in changes:
                if is_release:
                    self._database.execute("DELETE FROM held WHERE first = ? AND key = ?", (first, key))
                    continue
                holder = self._database.execute(_HOLDER, {"first": first, "last": last}).fetchone()
                if holder is None:
                    self._database.execute("INSERT INTO held VALUES (?, ?, ?)", (first, last, key))
                    continue
                self._lose("blocks", row)
                if not is_lot:
                    common = (series, max(first, holder[0]), min(last, holder[1]))
                    yield DoubleHolder(position, key, holder[2], common)

    def _lose(self, table: str, row: int) -> None:
        self._database.execute(f"UPDATE {table} SET is_lost = 1 WHERE rowid = ?", (row,))  # noqa: S608
