"""The serial index: which credit holds which serial number, and which numbers of a series.

Updates serial_claims, contested_claims and serial_blocks as events are applied; only ``apply`` calls it.
``row_decisions`` reads these tables, and ``audit.serial_check`` computes them independently for
`flask verify`.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, delete, select, tuple_, update

from webapp.domain.credit import Credit
from webapp.domain.lifecycle import EventType
from webapp.domain.serial_number import SerialBlock
from webapp.domain.split import numbers_of_lot
from webapp.domain.text import canonical
from webapp.ledger.projections.joined_names import registry_names
from webapp.ledger.projections.lineage import cancelled_ancestors, credit_at, first_lot_of, place_in_root
from webapp.ledger.projections.registry_claims import contest_claims_of_lots, hold_free_claims
from webapp.ledger.storage import statements
from webapp.ledger.storage.bulk_insert import insert_rows
from webapp.ledger.storage.log_tables import credits
from webapp.ledger.storage.projection_tables import contested_claims, serial_blocks, serial_claims
from webapp.ledger.storage.statements import Parameters

if TYPE_CHECKING:
    from webapp.domain.event import PositionedEvent

# The events after which other credits may hold the serial numbers of the credit.
RELEASING: Final = frozenset({EventType.SPLIT, EventType.CANCELLED})


def claim_row(key: int, credit: Credit) -> Parameters:
    """Return the row of serial_claims for a credit that has a serial number."""
    return *credit.serial_claim, key


def block_row(key: int, block: SerialBlock) -> Parameters:
    """Return the row of serial_blocks for the numbers of a credit, without `is_held`."""
    return key, block.series, block.first, block.last, (block.last - block.first).bit_length()


def release(connection: Connection, placed: "PositionedEvent") -> None:
    """Release the block of a split credit, and the block and serial number of a cancelled one.

    If the lots have no blocks of their own (their serial numbers state a place in the credit), a split
    credit keeps its block until all its lots are cancelled. It keeps its serial number in any case.
    """
    if placed.event.type is EventType.SPLIT:
        if numbers_of_lot(credit_at(connection, placed.key), first_lot_of(connection, placed.key)):
            _release_blocks(connection, [placed.key])
    elif placed.event.type is EventType.CANCELLED:
        fully_cancelled = [placed.key, *cancelled_ancestors(connection, placed.key)]
        _release_blocks(connection, fully_cancelled)
        for table in (serial_claims, contested_claims):
            connection.execute(delete(table).where(table.c.credit.in_(fully_cancelled)))
        hold_free_claims(connection)


def hold(connection: Connection, new: Sequence["PositionedEvent"], *, is_replay: bool) -> None:
    """Insert the serial numbers and blocks of new credits; the lots of a split come first in `new`.

    A lot holds only what is free, since its parent may be older than the rule. For other credits a
    conflict raises sqlalchemy.exc.IntegrityError. In a replay they also hold only what is free, because
    the log may be older than the rule, but two of them with the same canonical serial number still raise.
    """
    created = [(each.key, each.credit) for each in new if each.credit]
    lots = ((key, credit) for key, credit in created if credit.parent is not None)
    for parent_id, siblings in groupby(lots, key=lambda lot: lot[1].parent):
        _hold_as_lots(connection, str(parent_id), list(siblings))
    roots = [
        (key, credit) for key, credit in created if credit.parent is None and credit.serial_number is not None
    ]
    claims = (
        _free_claims(connection, roots) if is_replay else [claim_row(key, credit) for key, credit in roots]
    )
    insert_rows(connection, serial_claims, statements.INSERT_CLAIM, claims)
    blocks = [block_row(key, credit.stated_block) for key, credit in roots if credit.stated_block]
    if is_replay:
        statements.send(connection, statements.INSERT_BLOCK_HELD_IF_FREE, blocks)
    else:
        insert_rows(connection, serial_blocks, statements.INSERT_BLOCK, [(*block, 1) for block in blocks])


def _release_blocks(connection: Connection, keys: Sequence[int]) -> None:
    connection.execute(update(serial_blocks).where(serial_blocks.c.credit.in_(keys)).values(is_held=0))


def _hold_as_lots(connection: Connection, parent_id: str, lots: Sequence[tuple[int, Credit]]) -> None:
    """Insert the blocks of lots, and their serial numbers if the root has one, where they are free."""
    parent_key = connection.scalar(select(credits.c.key).where(credits.c.id == parent_id)) or 0
    parent = credit_at(connection, parent_key)
    blocks = [block_row(key, numbers) for key, lot in lots if (numbers := numbers_of_lot(parent, lot))]
    statements.send(connection, statements.INSERT_BLOCK_HELD_IF_FREE, blocks)
    if place_in_root(connection, parent).serial_number is not None:
        claims = [claim_row(key, lot) for key, lot in lots]
        statements.send(connection, statements.INSERT_FREE_CLAIM, claims)
        contest_claims_of_lots(connection, claims)


def _free_claims(connection: Connection, roots: Sequence[tuple[int, Credit]]) -> list[Parameters]:
    """Return the claims of new credits, without those that a lot or another spelling holds."""
    names = registry_names(connection)
    pair = tuple_(serial_claims.c.registry_key, serial_claims.c.serial_key)
    held = (
        select(
            serial_claims.c.registry_key,
            serial_claims.c.serial_key,
            credits.c.parent,
            credits.c.serial_number,
        )
        .join(credits, credits.c.key == serial_claims.c.credit)
        .where(pair.in_([names.claim(credit) for _, credit in roots]))
    )
    # The canonical text by which each claim is held; None if a lot holds it.
    spelling: dict[tuple[str, str] | None, str | None] = {}
    for registry_key, serial_key, parent, serial_number in connection.execute(held) if roots else ():
        spelling[registry_key, serial_key] = None if parent else canonical(serial_number)
    free = []
    for key, credit in roots:
        own = credit.canonical.serial_number
        if spelling.setdefault(names.claim(credit), own) == own:
            free.append(claim_row(key, credit))
    return free
