"""Who holds which serial numbers and blocks of them. Reads only; ``projections`` writes them."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, and_, or_, select

from webapp.domain.credits import Credit
from webapp.domain.errors import BlockHeld, SerialHeld
from webapp.domain.fields import E4
from webapp.domain.serial_blocks import SerialBlock
from webapp.ledger.tables import serial_blocks, serial_claims


def require_free_serial(connection: Connection, credit: Credit, *, but: Collection[str] = ()) -> None:
    """Raise SerialHeld or BlockHeld where another credit holds the serial number or part of it.

    What those of `but` hold counts as free: they are about to give it up.
    """
    if credit.serial_number is None:
        return
    holder = connection.scalar(
        select(serial_claims.c.credit_id).where(
            serial_claims.c.registry_key == credit.canonical.registry,
            serial_claims.c.serial_key == credit.canonical.serial_number,
        )
    )
    # The credit itself is the holder where somebody recorded it since this act last looked; appending
    # it again then fails, and the act is run again.
    if holder and holder not in {credit.id, *but}:
        raise SerialHeld(credit.registry, credit.serial_number, holder)
    held = holder_of(connection, credit.named_numbers, but={credit.id, *but})
    if held:
        holder, block, stated = held
        raise BlockHeld(
            credit.registry,
            credit.serial_number,
            holder,
            in_common(stated, block),
            is_inside=is_inside(stated, block),
            is_same=is_inside(stated, block) and is_inside(block, stated),
            is_exact=stated.length * E4 == credit.quantity_e4,
        )


def holder_of(
    connection: Connection, blocks: Sequence[SerialBlock], but: Collection[str] = ()
) -> tuple[str, SerialBlock, SerialBlock] | None:
    """Return the credit that holds the lowest number of any of these that is held.

    With it come its block and the one of `blocks` that overlaps it.
    """
    if not blocks:
        return None
    overlaps = [
        and_(
            serial_blocks.c.series == block.series,
            serial_blocks.c.first <= block.last,
            serial_blocks.c.last >= block.first,
        )
        for block in blocks
    ]
    row = connection.execute(
        select(serial_blocks)
        .where(or_(*overlaps), serial_blocks.c.credit_id.not_in(but))
        .order_by(serial_blocks.c.first)
        .limit(1)
    ).first()
    if row is None:
        return None
    held = SerialBlock(row.series, row.first, row.last, ("", "", ""))
    return row.credit_id, held, next(block for block in blocks if block.overlaps(held))


def in_common(one: SerialBlock, other: SerialBlock) -> tuple[int, int]:
    """Return the first and the last number that overlapping blocks have in common."""
    return max(one.first, other.first), min(one.last, other.last)


def is_inside(one: SerialBlock, other: SerialBlock) -> bool:
    """Say whether every number of one block is a number of the other."""
    return other.first <= one.first and one.last <= other.last
