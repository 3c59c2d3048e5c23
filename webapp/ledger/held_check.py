"""Who must hold which serial number and which numbers, worked out again from the whole log.

`flask verify` compares it with what ``holdings`` wrote as the events were applied, and `flask restore`
asks it whether the log gives anything twice. It holds every serial number and block in memory, some
hundred bytes each. Nothing is written here.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from webapp.domain.credits import Credit
from webapp.domain.errors import are, numbers_of
from webapp.domain.lifecycle import EventType
from webapp.domain.lots import Families
from webapp.domain.lots import numbers_of as numbers_of_lot
from webapp.domain.serial_blocks import SerialBlock
from webapp.ledger.history_check import Stream
from webapp.ledger.holdings import block_row, claim_row
from webapp.ledger.log import parse_stored
from webapp.ledger.projections import credit_of
from webapp.ledger.serials import in_common
from webapp.ledger.tables import credits, events, feed

_Key = tuple[object, ...]
Rows = Mapping[_Key, Mapping[str, object]]


@dataclass(frozen=True)
class Twice:
    """What the log gives to a second credit, whose CREATED event has this position."""

    position: int
    credit_id: str
    wrong: str


def expected_holdings(stream: Stream, report: Callable[[Twice], None]) -> tuple[Rows, Rows]:
    """Return the rows that serial_claims and serial_blocks must have, by key.

    First come, first served in feed order. Where the log itself gives a serial number or a number of
    a series twice, that is reported.
    """
    held = _Held()
    parent = events.alias("parent")
    query = (
        select(
            feed.c.position, feed.c.type, feed.c.credit_id, events.c.body, parent.c.body.label("parent_body")
        )
        .join_from(feed, events, (events.c.credit_id == feed.c.credit_id) & (events.c.seq == feed.c.seq))
        .join(credits, credits.c.id == feed.c.credit_id, isouter=True)
        .join(parent, (parent.c.credit_id == credits.c.parent) & (parent.c.seq == 1), isouter=True)
        .where(feed.c.type.in_((EventType.CREATED, EventType.CANCELLED)))
        .order_by(feed.c.position)
    )
    for row in stream(query):
        if row.type == EventType.CANCELLED:
            held.cancel(row.credit_id)
        else:
            wrongs = held.create(
                credit_of(parse_stored(row.body)),
                row.parent_body and credit_of(parse_stored(row.parent_body)),
            )
            for wrong in wrongs:
                report(Twice(row.position, row.credit_id, wrong))
    blocks: Rows = {(credit_id,): block_row(credit_id, block) for credit_id, block in held.blocks.items()}
    claims: Rows = {key: claim_row(credit) for key, credit in held.claims.items()}
    return claims, blocks


class _Held:
    """What is held at one moment of the feed."""

    def __init__(self) -> None:
        self.blocks: dict[str, SerialBlock] = {}
        self.claims: dict[_Key, Credit] = {}
        self._families = Families()
        self._series: dict[str, list[_HeldBlock]] = {}
        self._claim_of: dict[str, _Key] = {}
        # Lots of credits that were recorded without a serial number.
        self._unnumbered: set[str] = set()

    def create(self, credit: Credit, parent: Credit | None) -> list[str]:
        """Let a credit hold what it names, unless somebody does; return what is wrong with that.

        A lot may find its own taken, by a credit that named it before the split: it does without.
        """
        if parent is None:
            holders = []
            if credit.serial_number is not None:
                holders.append(self._claim(credit))
            if credit.stated_block:
                holders.append(self._hold(credit.id, credit.stated_block))
            return [wrong for wrong in holders if wrong]
        self._families.add(credit.id, parent.id)
        if parent.serial_number is None or parent.id in self._unnumbered:
            self._unnumbered.add(credit.id)
        else:
            self._claim(credit)
        numbers = numbers_of_lot(parent, credit)
        if numbers:
            # The parent hands its block on, which it does to the first lot already.
            self._let_go(parent.id)
            self._hold(credit.id, numbers)
        return []

    def cancel(self, credit_id: str) -> None:
        """Let go of what is held for tonnes of which none is counted any more."""
        for emptied in self._families.cancel(credit_id):
            self._let_go(emptied)
            self.claims.pop(self._claim_of.pop(emptied, ()), None)

    def _claim(self, credit: Credit) -> str | None:
        """Return whose the serial number is, where it is somebody else's."""
        key = (credit.canonical.registry, credit.canonical.serial_number)
        holder = self.claims.setdefault(key, credit)
        if holder is credit:
            self._claim_of[credit.id] = key
            return None
        return f"its serial number is held by {holder.id}, which was recorded before it"

    def _hold(self, credit_id: str, block: SerialBlock) -> str | None:
        """Return who holds some of the numbers, where somebody does."""
        held = self._series.setdefault(block.series, [])
        place = _first_ending_at(held, block.first)
        if place == len(held) or held[place].block.first > block.last:
            held.insert(place, _HeldBlock(block, credit_id))
            self.blocks[credit_id] = block
            return None
        first, last = in_common(block, held[place].block)
        holder = held[place].credit_id
        named = f"{numbers_of(first, last).lower()} of {block.series} {are(first, last)}"
        return f"{named} held by credit {holder}, and named here too"

    def _let_go(self, credit_id: str) -> None:
        block = self.blocks.pop(credit_id, None)
        if block:
            held = self._series[block.series]
            del held[_first_ending_at(held, block.first)]


@dataclass(frozen=True)
class _HeldBlock:
    block: SerialBlock
    credit_id: str


def _first_ending_at(held: Sequence[_HeldBlock], number: int) -> int:
    """Return the place of the first block that ends at this number or after it."""
    return bisect_left(held, number, key=_last)


def _last(held: _HeldBlock) -> int:
    return held.block.last
