"""Who holds which serial number and which numbers of a series, as events are applied. Derived.

Called by ``projections`` alone, in feed order and by one writer at a time. ``serials`` reads what
is written here, and ``held_check`` works it out again for `flask verify`.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from sqlalchemy import Connection, delete, select, text, tuple_

from webapp.domain.credits import Credit
from webapp.domain.events import Event
from webapp.domain.lifecycle import EventType
from webapp.domain.lots import numbers_of
from webapp.domain.serial_blocks import SerialBlock
from webapp.ledger.bulk import insert_rows
from webapp.ledger.places import credit_of_row, emptied_by, place_of
from webapp.ledger.tables import credits, serial_blocks, serial_claims

# After these, others may hold what the credit held.
RELEASING: Final = frozenset({EventType.SPLIT, EventType.CANCELLED})

# A block of which no number is held yet, and a serial number that nobody holds.
_FREE_BLOCK: Final = text(
    "INSERT INTO serial_blocks (credit_id, series, first, last)"
    " SELECT :credit_id, :series, CAST(:first AS BIGINT), CAST(:last AS BIGINT)"
    " WHERE NOT EXISTS (SELECT 1 FROM serial_blocks AS held WHERE held.series = :series"
    " AND held.first <= CAST(:last AS BIGINT) AND held.last >= CAST(:first AS BIGINT))"
)
_FREE_CLAIM: Final = text(
    "INSERT INTO serial_claims (registry_key, serial_key, credit_id)"
    " SELECT :registry_key, :serial_key, :credit_id"
    " WHERE NOT EXISTS (SELECT 1 FROM serial_claims AS held"
    " WHERE held.registry_key = :registry_key AND held.serial_key = :serial_key)"
)


def claim_row(credit: Credit) -> dict[str, object]:
    """Return the row of serial_claims that a credit with a serial number makes."""
    keys = credit.canonical
    return {"registry_key": keys.registry, "serial_key": keys.serial_number, "credit_id": credit.id}


def block_row(credit_id: str, block: SerialBlock) -> dict[str, object]:
    """Return the row of serial_blocks that a credit makes by the numbers it holds."""
    return {"credit_id": credit_id, "series": block.series, "first": block.first, "last": block.last}


def release(connection: Connection, event: Event) -> None:
    """Let a split credit hand its block to its lots, and a cancelled one give up all it holds.

    Where lots only state their place, there is no block to hand on: the numbers stay with the credit
    until nothing of it is counted any more. So does its serial number.
    """
    if event.type is EventType.SPLIT:
        own, lots = credits.c.id == event.credit_id, credits.c.parent == event.credit_id
        parent = credit_of_row(connection.execute(select(credits).where(own)).one())
        lot = credit_of_row(connection.execute(select(credits).where(lots).limit(1)).one())
        if numbers_of(parent, lot):
            connection.execute(delete(serial_blocks).where(serial_blocks.c.credit_id == parent.id))
    elif event.type is EventType.CANCELLED:
        emptied = [event.credit_id, *emptied_by(connection, event.credit_id)]
        for table in (serial_blocks, serial_claims):
            connection.execute(delete(table).where(table.c.credit_id.in_(emptied)))


def hold(connection: Connection, new: Sequence[Credit], *, is_replay: bool) -> None:
    """Let new credits hold what they name. None of them comes before the lots of a split.

    What a lot cannot hold, because somebody else does, it does without: its parent may be from
    before there was a rule. A new credit that is no lot gets sqlalchemy.exc.IntegrityError; in a
    replay it does without, too, unless another that is no lot holds its very serial number.
    """
    for parent_id, lots in groupby((c for c in new if c.parent is not None), key=attrgetter("parent")):
        _hold_as_lots(connection, parent_id, list(lots))
    roots = [credit for credit in new if credit.parent is None and credit.serial_number is not None]
    claims: Sequence[Mapping[str, object]] = [claim_row(credit) for credit in roots]
    if is_replay:
        claims = _not_held_by_lots(connection, claims)
    if claims:
        insert_rows(connection, serial_claims, claims)
    blocks = [block_row(credit.id, credit.stated_block) for credit in roots if credit.stated_block]
    if blocks and is_replay:
        connection.execute(_FREE_BLOCK, blocks)
    elif blocks:
        insert_rows(connection, serial_blocks, blocks)


def _hold_as_lots(connection: Connection, parent_id: str, lots: Sequence[Credit]) -> None:
    """Let lots hold their own parts of the block, and their texts where there is a serial number."""
    parent = credit_of_row(connection.execute(select(credits).where(credits.c.id == parent_id)).one())
    blocks = [block_row(lot.id, numbers) for lot in lots if (numbers := numbers_of(parent, lot))]
    if blocks:
        connection.execute(_FREE_BLOCK, blocks)
    if place_of(connection, parent).serial_number is not None:
        connection.execute(_FREE_CLAIM, [claim_row(lot) for lot in lots])


def _not_held_by_lots(
    connection: Connection, claims: Sequence[Mapping[str, object]]
) -> list[Mapping[str, object]]:
    keys = [(claim["registry_key"], claim["serial_key"]) for claim in claims]
    key = tuple_(serial_claims.c.registry_key, serial_claims.c.serial_key)
    held = (
        select(serial_claims.c.registry_key, serial_claims.c.serial_key)
        .join(credits, credits.c.id == serial_claims.c.credit_id)
        .where(key.in_(keys), credits.c.parent.is_not(None))
    )
    taken = {tuple(row) for row in connection.execute(held)} if keys else set()
    return [claim for claim, own in zip(claims, keys, strict=True) if own not in taken]
