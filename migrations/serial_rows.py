"""Refill serial_claims and serial_blocks from the log, by the rules for serial numbers that hold now."""

from collections.abc import Sequence
from typing import Final

from migrations.table_moves import Database, Row
from webapp.domain.credit import Credit
from webapp.domain.serial_number import SerialBlock
from webapp.domain.split import numbers_of_lot

_FIELDS: Final = ("project_name", "registry", "vintage", "quantity_e4", "serial_number", "offset_e4")
_FEED: Final = (
    "SELECT feed.subject, feed.type, own.parent, {}, {} FROM feed"
    " JOIN credits AS own ON own.key = feed.subject"
    " LEFT JOIN credits AS whole ON whole.key = own.parent"
    " WHERE feed.type IN ('CREATED', 'SPLIT', 'CANCELLED') ORDER BY feed.position"
).format(*(", ".join(f"{table}.{name}" for name in _FIELDS) for table in ("own", "whole")))
_FIRST_LOT: Final = f"SELECT {', '.join(_FIELDS)} FROM credits WHERE parent = ? AND offset_e4 = 0"
_ROOT: Final = (
    "WITH RECURSIVE above (serial_number, parent) AS (SELECT serial_number, parent FROM credits WHERE key = ?"
    " UNION ALL SELECT credits.serial_number, credits.parent FROM above"
    " JOIN credits ON credits.key = above.parent)"
    " SELECT serial_number FROM above WHERE parent IS NULL"
)
_CLAIM: Final = (
    "INSERT INTO serial_claims (registry_key, serial_key, credit) VALUES (?, ?, ?)"
    " ON CONFLICT (registry_key, serial_key) DO NOTHING"
)
# Held blocks of a series do not overlap, so only the last one that begins before the end can conflict.
_BLOCK: Final = (
    "INSERT INTO serial_blocks (credit, series, first, last, size_class, is_held)"
    " SELECT asked.credit, asked.series, asked.first, asked.last, asked.size_class,"
    " CASE WHEN (SELECT held.last FROM serial_blocks AS held WHERE held.series = asked.series"
    " AND held.is_held = 1 AND held.first <= asked.last ORDER BY held.first DESC LIMIT 1) >= asked.first"
    " THEN 0 ELSE 1 END"
    " FROM (SELECT CAST(? AS BIGINT) AS credit, CAST(? AS TEXT) AS series, CAST(? AS BIGINT) AS first,"
    " CAST(? AS BIGINT) AS last, CAST(? AS SMALLINT) AS size_class) AS asked"
)


def refill_serial_index(database: Database) -> None:
    """Empty both tables, and insert what each credit holds, in the order of the feed."""
    for table in ("serial_claims", "serial_blocks"):
        database.send(f"DELETE FROM {table}", [()])
    refill = _Refill(database)
    for batch in database.batches(_FEED):
        for row in batch:
            refill.apply(row)
    refill.insert_pending()


class _Refill:
    """The replay. New credits are inserted together, before the next event that releases numbers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._claims: list[Row] = []
        self._blocks: list[Row] = []
        # Of split credits with a cancelled lot: how many of their lots are not fully cancelled.
        self._counted: dict[int, int] = {}
        # The last parent of a lot, and whether the credit at the top of its split tree has a serial number.
        self._last_parent: tuple[int, bool] = (0, False)

    def apply(self, row: Row) -> None:
        key, event_type, parent, *fields = row
        own = _credit(fields[: len(_FIELDS)], is_lot=parent is not None)
        if event_type == "CREATED":
            whole = _credit(fields[len(_FIELDS) :], is_lot=False) if parent is not None else None
            self._create(key, parent, own, whole)
            return
        self.insert_pending()
        if event_type == "SPLIT":
            found = self._database.find(_FIRST_LOT, key)
            if found and numbers_of_lot(own, _credit(found[0], is_lot=True)):
                self._release([key])
        else:
            keys = [key, *self._cancelled_ancestors(parent)]
            self._release(keys)
            self._database.send("DELETE FROM serial_claims WHERE credit = ?", [(key,) for key in keys])

    def insert_pending(self) -> None:
        """Insert the rows of the new credits so far."""
        self._database.send(_CLAIM, self._claims)
        self._database.send(_BLOCK, self._blocks)
        self._claims, self._blocks = [], []

    def _create(self, key: int, parent: int | None, own: Credit, whole: Credit | None) -> None:
        if own.serial_number is None:
            return
        if parent is None or self._has_root_serial(parent):
            self._claims.append((*own.serial_claim, key))
        numbers = own.stated_block if whole is None else numbers_of_lot(whole, own)
        if numbers:
            self._blocks.append(_block_row(key, numbers))

    def _release(self, keys: Sequence[int]) -> None:
        self._database.send("UPDATE serial_blocks SET is_held = 0 WHERE credit = ?", [(key,) for key in keys])

    def _has_root_serial(self, parent: int) -> bool:
        if self._last_parent[0] != parent:
            found = self._database.find(_ROOT, parent)
            self._last_parent = (parent, bool(found) and found[0][0] is not None)
        return self._last_parent[1]

    def _cancelled_ancestors(self, parent: int | None) -> list[int]:
        """Return the split credits above a cancelled lot of which nothing is counted any more."""
        found = []
        while parent is not None:
            if parent not in self._counted:
                ((lots,),) = self._database.find("SELECT count(*) FROM credits WHERE parent = ?", parent)
                self._counted[parent] = lots
            self._counted[parent] -= 1
            if self._counted[parent]:
                break
            found.append(parent)
            above = self._database.find("SELECT parent FROM credits WHERE key = ?", parent)
            parent = above[0][0] if above else None
        return found


def _credit(fields: Sequence[object], *, is_lot: bool) -> Credit:
    *stated, offset_e4 = fields
    return Credit(*stated, parent="" if is_lot else None, offset_e4=offset_e4)  # type: ignore[arg-type]


def _block_row(key: int, block: SerialBlock) -> Row:
    return key, block.series, block.first, block.last, (block.last - block.first).bit_length()
