"""What the credits of a range of keys name: serial numbers and numbers of series, and from when until when.

It follows from the events alone. Who holds what of it is worked out in ``held_check``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from sqlalchemy import Connection

from webapp.domain.credits import Credit
from webapp.domain.events import Event
from webapp.domain.lifecycle import EventType
from webapp.domain.lots import numbers_of
from webapp.domain.serial_blocks import SerialBlock
from webapp.ledger import statements
from webapp.ledger.ancestors import Ancestors
from webapp.ledger.event_log import parse_stored
from webapp.ledger.key_ranges import KeyRange
from webapp.ledger.projections import Positioned, credit_of

# (registry_key, serial_key, key, is_lot, created, released, found) and
# (series, first, last, key, is_lot, created, released, found).
#
# `created` and `released` are positions of the feed; `released` is None where the credit gave nothing
# up by an event of its own (see `emptied_credits`). `found` is 1 or 0 as the derived table says that
# it holds it or not, None where that was not looked up.
ClaimRow = tuple[str, str, int, bool, int, int | None, int | None]
BlockRow = tuple[str, int, int, int, bool, int, int | None, int | None]

_EVENTS: Final = (
    "SELECT events.subject, events.body, feed.position FROM events"
    " JOIN feed ON feed.subject = events.subject AND feed.seq = events.seq"
    " WHERE events.subject BETWEEN ? AND ? ORDER BY events.subject, events.seq"
)
_CANCELLED_LOTS: Final = (
    "SELECT feed.position, lot.parent FROM feed JOIN credits AS lot ON lot.key = feed.subject"
    " WHERE feed.type = 'CANCELLED' AND lot.parent IS NOT NULL ORDER BY feed.position"
)
_LOTS: Final = "SELECT count(*) FROM credits WHERE parent = ?"
_PARENT: Final = "SELECT parent FROM credits WHERE key = ?"


@dataclass
class Named:
    """What the credits of a range name."""

    claims: list[ClaimRow] = field(default_factory=list)
    blocks: list[BlockRow] = field(default_factory=list)


class Naming(NamedTuple):
    """What one credit names, and when it gives it up by an event of its own."""

    claims_serial: bool
    numbers: SerialBlock | None
    claim_released: int | None
    numbers_released: int | None


def named_by(credit: Credit, entries: Sequence[Positioned], ancestors: Ancestors) -> Naming:
    """Return what a credit with this history names. Raises UnknownCredit where a lot's parent is missing."""
    last = entries[-1]
    claim_released = numbers_released = last.position if last.event.type is EventType.CANCELLED else None
    if credit.parent is None:
        claims_serial, numbers = credit.serial_number is not None, credit.stated_block
    else:
        # The lots of a credit without a serial number state their place alone, which holds nothing.
        claims_serial = ancestors.place(credit.parent).serial_number is not None
        numbers = numbers_of(ancestors.credit(credit.parent), credit)
    if numbers and last.event.type is EventType.SPLIT:
        lot = ancestors.first_lot(last.key)
        if lot and numbers_of(credit, lot):
            numbers_released = last.position
    return Naming(claims_serial, numbers, claim_released, numbers_released)


def named_in(connection: Connection, keys: KeyRange) -> Named:
    """Return what all credits of a range name, of a log that was checked otherwise."""
    named, ancestors = Named(), Ancestors(connection)
    rows = statements.fetch(connection, _EVENTS, *keys)
    for key, history in groupby(rows, key=itemgetter(0)):
        entries = [_entry(key, body, position) for _, body, position in history]
        credit = credit_of(entries[0].event)
        add_named(named, credit, entries, named_by(credit, entries, ancestors))
    return named


def add_named(
    named: Named,
    credit: Credit,
    entries: Sequence[Positioned],
    naming: Naming,
    found: tuple[int | None, int | None] = (None, None),
) -> None:
    """Add what one credit names; `found` says of its claim and of its numbers whether they are held."""
    key, created, is_lot = entries[0].key, entries[0].position, credit.parent is not None
    if naming.claims_serial:
        keys = credit.canonical
        named.claims.append(
            (keys.registry, keys.serial_number, key, is_lot, created, naming.claim_released, found[0])
        )
    if naming.numbers:
        block = naming.numbers
        named.blocks.append(
            (block.series, block.first, block.last, key, is_lot, created, naming.numbers_released, found[1])
        )


def emptied_credits(connection: Connection) -> dict[int, int]:
    """Return the split credits of which nothing is counted any more, and since which position.

    Remembers the credits of which a lot was cancelled, which are few.
    """
    counted: dict[int, int] = {}
    emptied: dict[int, int] = {}
    for position, parent in statements.fetch(connection, _CANCELLED_LOTS):
        above = parent
        while above is not None:
            if above not in counted:
                ((counted[above],),) = statements.fetch(connection, _LOTS, above)
            counted[above] -= 1
            if counted[above]:
                break
            emptied[above] = position
            found = statements.fetch(connection, _PARENT, above)
            above = found[0][0] if found else None
    return emptied


def _entry(key: int, body: str, position: int) -> Positioned:
    event: Event = parse_stored(body)
    return Positioned(position, key, event, None)
