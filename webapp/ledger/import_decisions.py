"""What each row of a file is, on what the ledger holds and on the rows before it. Reads only."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, select, tuple_

from webapp.domain.credits import NOT_CANCELLED, Credit, require_true_block
from webapp.domain.errors import (
    BlockHeld,
    CancelledBefore,
    InvalidFields,
    Problem,
    ReplacedBefore,
    are,
    numbers_of,
)
from webapp.domain.fields import E4
from webapp.domain.import_file import Row
from webapp.domain.lifecycle import Status
from webapp.domain.serial_blocks import SerialBlock
from webapp.ledger.holders import NOT_EXACT
from webapp.ledger.places import is_gone
from webapp.ledger.serials import in_common, is_inside
from webapp.ledger.successions import refusal_to_repeat, refusal_to_replace
from webapp.ledger.tables import credit_states, serial_blocks, serial_claims

LOOK_UP_BATCH: Final = 400

Replaced = CancelledBefore | ReplacedBefore

_HISTORY_LOST: Final = (
    "The file says {}, and this ledger does not hold the credit: its history would be lost and its "
    "tonnes counted twice. Move whole histories with flask export and flask restore."
)
_KEEP_ONE: Final = "Keep one of the two rows, or mend the serial number of the one that is wrong."
_LOT: Final = (
    "This is a lot of a credit, and lots come into being by a split. "
    "Move whole histories with flask export and flask restore."
)


class Outcome(StrEnum):
    """What a row is, on what the ledger holds and on the rows before it."""

    NEW = "new"
    EXISTING = "existing"
    CONFLICTING = "conflicting"
    INVALID = "invalid"


@dataclass(frozen=True)
class Decided:
    """A row with its outcome.

    `holder` is the credit that holds its serial number, or numbers of the block `stated` in it.
    """

    row: Row
    outcome: Outcome
    problems: Sequence[Problem] = ()
    holder: str | None = None
    stated: SerialBlock | None = None


@dataclass(frozen=True)
class HeldBlock:
    """A block with who holds it: a credit of the ledger, or a row before."""

    block: SerialBlock
    credit_id: str | None = None
    row: int | None = None


def decide(connection: Connection, rows: Sequence[Row]) -> list[Decided]:
    """Say what each row is, in order: a row counts against those after it."""
    credits = [row.credit for row in rows if row.credit]
    replaced = {credit.replaces for credit in credits if credit.replaces}
    held = _statuses(connection, replaced | {credit.id for credit in credits})
    holders = _holders(connection, {_claim(c) for c in credits if c.serial_number is not None})
    gone = _gone(connection, credits, held)
    replaced_before = _replaced(connection, replaced, held)
    blocks = _held_blocks(connection, {block.series for credit in credits for block in credit.named_numbers})
    seen: dict[str, int] = {}
    replacing: dict[str, int] = {}
    claimed: dict[tuple[str, str] | None, int] = {}
    decided = []
    for row in rows:
        item = _decide_row(row, held, gone, holders, seen, claimed)
        if item.outcome is Outcome.NEW and row.credit and row.credit.replaces:
            item = _decide_replacement(row, row.credit.replaces, replaced_before, replacing)
        if item.outcome is Outcome.NEW and row.credit:
            item = _decide_block(row, row.credit, blocks)
        if item.outcome is Outcome.NEW and row.credit:
            seen[row.credit.id] = row.number
            if row.credit.replaces:
                replacing[row.credit.replaces] = row.number
            if row.credit.serial_number is not None:
                claimed[_claim(row.credit)] = row.number
        decided.append(item)
    return decided


def _decide_replacement(
    row: Row, replaced_id: str, before: Mapping[str, Replaced], replacing: Mapping[str, int]
) -> Decided:
    """Say whether what the row replaces was replaced before, in the ledger or by another row."""
    if replaced_id in before:
        refusal = before[replaced_id]
        problem = Problem("replaces", str(refusal))
        return Decided(row, Outcome.CONFLICTING, [problem], refusal.credit_id)
    if replaced_id in replacing:
        message = f"Row {replacing[replaced_id]} replaces this credit as well. Keep one of the two rows."
        return Decided(row, Outcome.CONFLICTING, [Problem("replaces", message)])
    return Decided(row, Outcome.NEW)


def _decide_block(row: Row, credit: Credit, blocks: dict[str, list[HeldBlock]]) -> Decided:
    """Say whether the numbers that the row names are free; if they are, the row holds them now."""
    try:
        require_true_block(credit)
    except InvalidFields as refusal:
        return Decided(row, Outcome.INVALID, refusal.problems)
    for block in credit.named_numbers:
        held = blocks.get(block.series, [])
        place = _place_among(held, block)
        if place < len(held) and held[place].block.first <= block.last:
            return _conflict(row, block, held[place])
    if credit.stated_block:
        held = blocks.setdefault(credit.stated_block.series, [])
        held.insert(_place_among(held, credit.stated_block), HeldBlock(credit.stated_block, row=row.number))
    return Decided(row, Outcome.NEW)


def _place_among(held: Sequence[HeldBlock], block: SerialBlock) -> int:
    """Return the place of the first block that ends at or after the first number of this one.

    Blocks of a series do not overlap, so in order of their first number they are in order of the
    last as well, and that one is the only one to look at.
    """
    return bisect_left(held, block.first, key=attrgetter("block.last"))


def _conflict(row: Row, block: SerialBlock, other: HeldBlock) -> Decided:
    first, last = in_common(block, other.block)
    if other.row:
        overlap = f"{numbers_of(first, last)} of this block {are(first, last)} in row {other.row} as well."
        return Decided(row, Outcome.CONFLICTING, [Problem("serial_number", f"{overlap} {_KEEP_ONE}")])
    # What can be done with the holder is said when it is read: by then it may have been acted on.
    inside = is_inside(block, other.block)
    same = inside and is_inside(other.block, block)
    message = f"{BlockHeld.numbers_held(first, last, is_inside=inside, is_same=same)}."
    if row.credit and row.credit.quantity_e4 != block.length * E4:
        # The quantity is not kept, so what follows from it is said now.
        problem = Problem("serial_number", f"{message} {NOT_EXACT}")
        return Decided(row, Outcome.CONFLICTING, [problem], other.credit_id)
    return Decided(row, Outcome.CONFLICTING, [Problem("serial_number", message)], other.credit_id, block)


def _decide_row(
    row: Row,
    held: Mapping[str, str],
    gone: Mapping[str, Replaced],
    holders: Mapping[tuple[str, str] | None, str],
    seen: Mapping[str, int],
    claimed: Mapping[tuple[str, str] | None, int],
) -> Decided:
    credit = row.credit
    if credit is None:
        return Decided(row, Outcome.INVALID, row.problems)
    if credit.id in gone and row.status != held.get(credit.id):
        before = gone[credit.id]
        return Decided(row, Outcome.CONFLICTING, [Problem("", str(before))], before.credit_id)
    claim = None if credit.serial_number is None else _claim(credit)
    # Its own claim without its id: somebody else recorded it between the two looks.
    is_held = credit.id in held or holders.get(claim) == credit.id
    if is_held or (credit.id in seen and row.is_active):
        return Decided(row, Outcome.EXISTING)
    problem = _unfounded(row, credit, held)
    if problem:
        return Decided(row, Outcome.INVALID, [problem])
    message, holder = "", None
    if claim in holders:
        message, holder = "This serial number is held by another credit of the registry.", holders[claim]
    elif claim in claimed:
        message = f"Row {claimed[claim]} has this serial number with other fields. {_KEEP_ONE}"
    if message:
        return Decided(row, Outcome.CONFLICTING, [Problem("serial_number", message)], holder)
    return Decided(row, Outcome.NEW)


def _unfounded(row: Row, credit: Credit, held: Mapping[str, str]) -> Problem | None:
    """Say what a new row builds on that this ledger does not hold, if anything."""
    if row.status is not Status.ACTIVE:
        return Problem("status", _HISTORY_LOST.format(row.status))
    if row.not_active:
        return row.not_active
    if credit.parent is not None:
        return Problem("parent", _LOT)
    if credit.replaces is not None and held.get(credit.replaces) != Status.CANCELLED:
        return Problem("replaces", NOT_CANCELLED)
    return None


def _claim(credit: Credit) -> tuple[str, str]:
    return credit.canonical.registry, credit.canonical.serial_number


def _statuses(connection: Connection, ids: set[str]) -> dict[str, str]:
    """Return the status of those of the credits that the ledger holds."""
    found: dict[str, str] = {}
    for batch in _batches(sorted(ids)):
        query = select(credit_states.c.credit_id, credit_states.c.status)
        for row in connection.execute(query.where(credit_states.c.credit_id.in_(batch))):
            found[row.credit_id] = row.status
    return found


def _gone(connection: Connection, credits: Sequence[Credit], held: Mapping[str, str]) -> dict[str, Replaced]:
    """Return why those of the credits of which nothing is counted any more are not recorded again."""
    statuses = {credit.id: held[credit.id] for credit in credits if credit.id in held}
    return {
        credit_id: refusal_to_repeat(connection, credit_id)
        for credit_id, status in statuses.items()
        if is_gone(connection, credit_id, status)
    }


def _replaced(connection: Connection, replaced: set[str], held: Mapping[str, str]) -> dict[str, Replaced]:
    """Return why those of the credits that were replaced before cannot be replaced again."""
    cancelled = [credit_id for credit_id in replaced if held.get(credit_id) == Status.CANCELLED]
    found = {credit_id: refusal_to_replace(connection, credit_id) for credit_id in cancelled}
    return {credit_id: refusal for credit_id, refusal in found.items() if refusal}


def _holders(connection: Connection, claims: set[tuple[str, str]]) -> dict[tuple[str, str] | None, str]:
    found: dict[tuple[str, str] | None, str] = {}
    key = tuple_(serial_claims.c.registry_key, serial_claims.c.serial_key)
    for batch in _batches(sorted(claims)):
        for row in connection.execute(select(serial_claims).where(key.in_(batch))):
            found[row.registry_key, row.serial_key] = row.credit_id
    return found


def _held_blocks(connection: Connection, series: set[str]) -> dict[str, list[HeldBlock]]:
    """Return the blocks of these series that the ledger holds, in the order of their numbers."""
    found: dict[str, list[HeldBlock]] = {}
    for batch in _batches(sorted(series)):
        query = select(serial_blocks).where(serial_blocks.c.series.in_(batch))
        for row in connection.execute(query.order_by(serial_blocks.c.first)):
            block = SerialBlock(row.series, row.first, row.last, ("", "", ""))
            found.setdefault(row.series, []).append(HeldBlock(block, credit_id=row.credit_id))
    return found


def _batches(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for start in range(0, len(items), LOOK_UP_BATCH):
        yield items[start : start + LOOK_UP_BATCH]


def counts_of(decided: Sequence[Decided]) -> dict[str, int]:
    """Return the number of rows in all and of each outcome."""
    counts = {str(outcome): 0 for outcome in Outcome}
    for item in decided:
        counts[item.outcome] += 1
    return {"total": len(decided), **counts}
