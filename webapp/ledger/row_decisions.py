"""Decide for a batch of rows which may be recorded: the one rule set for forms, the API and imports.

A row is checked against the ledger and against the rows before it. A single new credit is a batch of
one. This module reads only; ``commands`` and ``webapp.imports.jobs`` append.
"""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import Final

from sqlalchemy import Connection

from webapp.domain.credit import NOT_CANCELLED, Credit, require_block_matches_quantity
from webapp.domain.errors import (
    BlockHeld,
    CancelledBefore,
    InvalidFields,
    LedgerError,
    Problem,
    ReplacedBefore,
    RowConflict,
    SerialHeld,
    are,
    numbers_text,
)
from webapp.domain.fields import E4
from webapp.domain.import_row import ImportRow, InactiveStock
from webapp.domain.lifecycle import Status
from webapp.domain.registry_names import RegistryNames
from webapp.domain.serial_number import SerialBlock, in_common, is_inside
from webapp.ledger.projections.lineage import is_fully_cancelled
from webapp.ledger.projections.replacements import error_if_repeated, error_if_replaced
from webapp.ledger.serial_conflicts import NOT_EXACT
from webapp.ledger.storage import statements

LOOK_UP_BATCH: Final = 400

_HISTORY_LOST: Final = (
    "The file says {}, but this ledger does not have the credit, so its history would be lost and its "
    "tonnes counted twice. Move whole histories with flask export and flask restore."
)
_KEEP_ONE: Final = "Keep one of the two rows, or correct the serial number of the one that is wrong."
_LOT: Final = (
    "This is a lot. Lots are created by splitting a credit. "
    "Move whole histories with flask export and flask restore."
)


class Outcome(StrEnum):
    """The result for a row."""

    NEW = "new"
    EXISTING = "existing"
    CONFLICTING = "conflicting"
    INVALID = "invalid"


@dataclass(frozen=True)
class Decision:
    """A row with its outcome. `error` is the reason for CONFLICTING and INVALID, otherwise None.

    `stated` is the row's block of serial numbers if it conflicts with a recorded credit and one tonne
    stands for each number. A page then compares it with the holder as the holder is at that time.
    `lot` is the id of the lot that a split made of these tonnes, if the row is EXISTING as a lot.
    """

    row: ImportRow
    outcome: Outcome
    error: LedgerError | None = None
    stated: SerialBlock | None = None
    lot: str | None = None

    @property
    def problems(self) -> Sequence[Problem]:
        """What is wrong with the row, by field."""
        if self.error is None:
            return ()
        if isinstance(self.error, InvalidFields):
            return self.error.problems
        message = str(self.error)
        if isinstance(self.error, BlockHeld):
            advice = "" if self.error.is_exact else f" {NOT_EXACT}"
            message = f"{self.error.sentence}.{advice}"
        return [Problem(self._field, message)]

    @property
    def _field(self) -> str:
        """The field in conflict; empty if the conflict is about the whole credit."""
        replaces = self.row.credit and self.row.credit.replaces
        match self.error:
            case SerialHeld():
                return "serial_number"
            case RowConflict(field=name):
                return name
            case CancelledBefore(replaced=replaced) | ReplacedBefore(replaced=replaced):
                return "replaces" if replaced and replaced == replaces else ""
            case _:
                return ""

    @property
    def holder(self) -> str | None:
        """The id of the recorded credit that the row conflicts with, if any."""
        match self.error:
            case SerialHeld(holder=holder):
                return holder
            case CancelledBefore(credit_id=credit_id) | ReplacedBefore(credit_id=credit_id):
                return credit_id
            case _:
                return None


@dataclass(frozen=True)
class _HeldBlock:
    """A block with its holder: a recorded credit, or an earlier row."""

    block: SerialBlock
    credit_id: str | None = None
    row: int | None = None


@dataclass(frozen=True)
class _Known:
    """A recorded credit: its key and its status."""

    key: int
    status: str


@dataclass
class _Lookups:
    """What the ledger holds under the ids and serial numbers of the rows, and what earlier rows use."""

    # The credit that the same action cancels, if the action is a correction.
    being_cancelled: str | None
    names: RegistryNames = field(default_factory=RegistryNames)
    # The tonnes that the file itself states as no longer active.
    inactive: InactiveStock = field(default_factory=lambda: InactiveStock([]))
    known: dict[str, _Known] = field(default_factory=dict)
    claims: dict[tuple[str, str], str] = field(default_factory=dict)
    # By the row's index in the batch: its own block, and the first held block that overlaps it.
    blocks: dict[int, tuple[SerialBlock, _HeldBlock]] = field(default_factory=dict)
    fully_cancelled: dict[str, LedgerError] = field(default_factory=dict)
    replaced: dict[str, LedgerError] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    replacing: dict[str, int] = field(default_factory=dict)
    claimed: dict[tuple[str, str], int] = field(default_factory=dict)
    taken: dict[str, list[_HeldBlock]] = field(default_factory=dict)

    def take(self, row: ImportRow, credit: Credit) -> None:
        """Remember the id, serial number and block of a new row, for the rows after it."""
        self.seen[credit.id] = row.number
        if credit.replaces:
            self.replacing[credit.replaces] = row.number
        if claim := self.names.claim(credit):
            self.claimed[claim] = row.number
        if credit.stated_block:
            taken = self.taken.setdefault(credit.stated_block.series, [])
            block = _HeldBlock(credit.stated_block, row=row.number)
            taken.insert(_index_of_next(taken, credit.stated_block), block)


def decide(
    connection: Connection,
    rows: Sequence[ImportRow],
    *,
    freed: Collection[int] = (),
    being_cancelled: str | None = None,
) -> list[Decision]:
    """Return the decision for each row, in order. A NEW row is taken into account for later rows.

    A correction passes the keys of the credits whose serial numbers it is about to release as `freed`,
    and the id of the credit that it is about to cancel as `being_cancelled`.
    """
    lookups = _look_up(connection, rows, freed, being_cancelled)
    decisions = []
    for place, row in enumerate(rows):
        decision = _decide(place, row, lookups)
        if decision.outcome is Outcome.NEW and row.credit:
            lookups.take(row, row.credit)
        decisions.append(decision)
    return _with_lots(connection, decisions, lookups.names)


def _with_lots(connection: Connection, decisions: Sequence[Decision], names: RegistryNames) -> list[Decision]:
    """Return the decisions with EXISTING for rows that conflict with a lot of the same credit.

    A file that states a part of a block is given again after the block was split at that part.
    """
    held = [
        (decision, decision.row.credit, decision.error.holder)
        for decision in decisions
        if isinstance(decision.error, SerialHeld) and decision.row.credit and decision.error.is_same
    ]
    lots: dict[str, tuple[object, ...]] = {}
    for start in range(0, len(held), LOOK_UP_BATCH):
        ids = [bytes.fromhex(lot) for _, _, lot in held[start : start + LOOK_UP_BATCH]]
        rows = statements.fetch(connection, statements.LOTS_OF.format(", ".join("?" * len(ids))), *ids)
        lots |= {
            bytes(digest).hex(): (project, names.key(registry), *facts)
            for digest, project, registry, *facts in rows
        }
    existing = {
        id(decision): Decision(decision.row, Outcome.EXISTING, lot=lot)
        for decision, credit, lot in held
        if credit.replaces is None and lots.get(lot) == _facts_of(credit, names)
    }
    return [existing.get(id(decision), decision) for decision in decisions]


def _facts_of(credit: Credit, names: RegistryNames) -> tuple[object, ...]:
    keys = credit.canonical
    return keys.project_name, names.key(keys.registry), credit.vintage, credit.quantity_e4


def counts_of(decisions: Sequence[Decision]) -> dict[str, int]:
    """Return the number of rows: `total`, and one count for each outcome."""
    counts = {str(outcome): 0 for outcome in Outcome}
    for decision in decisions:
        counts[decision.outcome] += 1
    return {"total": len(decisions), **counts}


def _decide(place: int, row: ImportRow, lookups: _Lookups) -> Decision:
    credit = row.credit
    if credit is None:
        return Decision(row, Outcome.INVALID, InvalidFields(list(row.problems)))
    known = lookups.known.get(credit.id)
    if credit.id in lookups.fully_cancelled and known and row.status != known.status:
        return Decision(row, Outcome.CONFLICTING, lookups.fully_cancelled[credit.id])
    if known or (credit.id in lookups.seen and row.is_active):
        return Decision(row, Outcome.EXISTING)
    error = _invalid_by_itself(row, credit, lookups)
    if error:
        return Decision(row, Outcome.INVALID, error)
    conflict = _replacement_conflict(credit, lookups) or _claim_conflict(credit, lookups)
    if conflict:
        return Decision(row, Outcome.CONFLICTING, conflict)
    return (
        _block_conflict(place, row, credit, lookups)
        or _inactive_conflict(row, credit, lookups)
        or Decision(row, Outcome.NEW)
    )


def _invalid_by_itself(row: ImportRow, credit: Credit, lookups: _Lookups) -> InvalidFields | None:
    """Return the error of a new row that is invalid without any other credit being in the way."""
    if row.status is not Status.ACTIVE:
        return InvalidFields([Problem("status", _HISTORY_LOST.format(row.status))])
    if row.not_active:
        return InvalidFields([row.not_active])
    if credit.parent is not None:
        return InvalidFields([Problem("parent", _LOT)])
    if credit.replaces is not None and credit.replaces != lookups.being_cancelled:
        replaced = lookups.known.get(credit.replaces)
        if replaced is None or replaced.status != Status.CANCELLED:
            return InvalidFields([Problem("replaces", NOT_CANCELLED)])
    try:
        require_block_matches_quantity(credit)
    except InvalidFields as error:
        return error
    return None


def _claim_conflict(credit: Credit, lookups: _Lookups) -> LedgerError | None:
    """Return the conflict if another credit or row has this serial number in this registry."""
    claim = lookups.names.claim(credit)
    if claim is None:
        return None
    if claim in lookups.claims:
        return SerialHeld(credit.registry, credit.serial_number or "", lookups.claims[claim])
    if claim in lookups.claimed:
        message = f"Row {lookups.claimed[claim]} has this serial number with other fields. {_KEEP_ONE}"
        return RowConflict("serial_number", message)
    return None


def _replacement_conflict(credit: Credit, lookups: _Lookups) -> LedgerError | None:
    """Return the conflict if the ledger or another row has another replacement of the same credit."""
    if credit.replaces is None:
        return None
    if credit.replaces in lookups.replaced:
        return lookups.replaced[credit.replaces]
    if credit.replaces in lookups.replacing:
        row = lookups.replacing[credit.replaces]
        return RowConflict("replaces", f"Row {row} replaces this credit as well. Keep one of the two rows.")
    return None


def _block_conflict(place: int, row: ImportRow, credit: Credit, lookups: _Lookups) -> Decision | None:
    """Return the conflict if a credit or an earlier row holds some of the row's serial numbers."""
    if place in lookups.blocks:
        stated, held = lookups.blocks[place]
        inside = is_inside(stated, held.block)
        error = BlockHeld(
            credit.registry,
            credit.serial_number or "",
            held.credit_id or "",
            in_common(stated, held.block),
            is_inside=inside,
            is_same=inside and is_inside(held.block, stated),
            is_exact=stated.length * E4 == credit.quantity_e4,
        )
        # The advice depends on the holder's status, so it is added when the problem is displayed.
        return Decision(row, Outcome.CONFLICTING, error, stated if error.is_exact else None)
    for block in credit.named_numbers:
        taken = lookups.taken.get(block.series, [])
        nearest = _index_of_next(taken, block)
        if nearest < len(taken) and taken[nearest].block.first <= block.last:
            first, last = in_common(block, taken[nearest].block)
            message = (
                f"{numbers_text(first, last)} of this block {are(first, last)} in row "
                f"{taken[nearest].row} as well. {_KEEP_ONE}"
            )
            return Decision(row, Outcome.CONFLICTING, RowConflict("serial_number", message))
    return None


def _inactive_conflict(row: ImportRow, credit: Credit, lookups: _Lookups) -> Decision | None:
    """Return the conflict if a row of the file states that some of these tonnes are not active.

    That row may come before or after this one, and may itself be invalid.
    """
    other = lookups.inactive.row_about(credit)
    if not other:
        return None
    message = f"Row {other} says that these tonnes, or some of them, are no longer active."
    return Decision(row, Outcome.CONFLICTING, RowConflict("serial_number", message))


def _index_of_next(held: Sequence[_HeldBlock], block: SerialBlock) -> int:
    """Return the index of the first held block that ends at or after the first number of `block`.

    Held blocks of a series do not overlap, so they have the same order by first and by last number,
    and only the block at this index can be the first that overlaps.
    """
    return bisect_left(held, block.first, key=attrgetter("block.last"))


def _look_up(
    connection: Connection, rows: Sequence[ImportRow], freed: Collection[int], being_cancelled: str | None
) -> _Lookups:
    stated = [(place, row.credit) for place, row in enumerate(rows) if row.credit]
    lookups = _Lookups(being_cancelled)
    for start in range(0, len(stated), LOOK_UP_BATCH):
        _look_up_batch(connection, stated[start : start + LOOK_UP_BATCH], freed, lookups)
    lookups.inactive = InactiveStock(rows, lookups.names)
    for _, credit in stated:
        known = lookups.known.get(credit.id)
        if known and is_fully_cancelled(connection, known.key, known.status):
            lookups.fully_cancelled[credit.id] = error_if_repeated(connection, known.key, credit.id)
        replaced = lookups.known.get(credit.replaces or "")
        if credit.replaces and replaced and replaced.status == Status.CANCELLED:
            refusal = error_if_replaced(connection, replaced.key, credit.replaces)
            if refusal:
                lookups.replaced[credit.replaces] = refusal
    return lookups


def _look_up_batch(
    connection: Connection,
    stated: Sequence[tuple[int, Credit]],
    freed: Collection[int],
    lookups: _Lookups,
) -> None:
    """Look up the recorded credits and holders for a batch, by one statement, into `lookups`."""
    ids = {credit.id for _, credit in stated}
    ids |= {credit.replaces for _, credit in stated if credit.replaces} - {lookups.being_cancelled}
    asked = [(place, block) for place, credit in stated for block in credit.named_numbers]
    found = statements.fetch(
        connection,
        statements.LOOK_UP[connection.dialect.name].format(", ".join("?" * len(ids))),
        statements.as_json([credit.serial_claim for _, credit in stated if credit.serial_number is not None]),
        statements.as_json(
            [[n, block.series, block.first, block.last] for n, (_, block) in enumerate(asked)]
        ),
        statements.as_json(list(freed)),
        *map(bytes.fromhex, sorted(ids)),
    )
    lookups.names = RegistryNames({row[3]: row[4] for row in found if row[0] == "name"})
    for kind, n, digest, text, other, number, last in found:
        credit_id = bytes(digest or b"").hex()
        if kind == "known":
            lookups.known[credit_id] = _Known(number, text)
        elif kind == "claim":
            lookups.claims.setdefault((text, other), credit_id)
        elif kind == "block":
            place, block = asked[n]
            if place not in lookups.blocks or number < lookups.blocks[place][1].block.first:
                held = SerialBlock(text, number, last, ("", "", ""))
                lookups.blocks[place] = (block, _HeldBlock(held, credit_id=credit_id))
