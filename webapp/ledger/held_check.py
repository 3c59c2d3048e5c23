"""Who must hold which serial number and which numbers, worked out again from the whole log.

`flask verify` compares it with what ``holdings`` wrote as the events were applied. It holds every
serial number and block in memory, some hundred bytes each. Nothing is written here.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from sqlalchemy import select

from webapp.domain.credits import Credit
from webapp.domain.lifecycle import EventType
from webapp.domain.lots import Families, numbers_of
from webapp.domain.serial_blocks import SerialBlock
from webapp.ledger.findings import Finding, Report
from webapp.ledger.history_check import Stream
from webapp.ledger.holdings import block_row, claim_row
from webapp.ledger.log import parse_stored
from webapp.ledger.projections import credit_of
from webapp.ledger.tables import credits, events, feed

_Key = tuple[object, ...]
Rows = Mapping[_Key, Mapping[str, object]]


def expected_holdings(stream: Stream, report: Report) -> tuple[Rows, Rows]:
    """Return the rows that serial_claims and serial_blocks must have, by key.

    First come, first served in feed order. Where the log itself gives a serial number twice, that
    is reported.
    """
    held = _Held(report)
    parent = events.alias("parent")
    query = (
        select(feed.c.type, feed.c.credit_id, events.c.body, parent.c.body.label("parent_body"))
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
            held.create(
                credit_of(parse_stored(row.body)),
                row.parent_body and credit_of(parse_stored(row.parent_body)),
            )
    blocks: Rows = {(credit_id,): block_row(credit_id, block) for credit_id, block in held.blocks.items()}
    claims: Rows = {key: claim_row(credit) for key, credit in held.claims.items()}
    return claims, blocks


class _Held:
    """What is held at one moment of the feed."""

    def __init__(self, report: Report) -> None:
        self.blocks: dict[str, SerialBlock] = {}
        self.claims: dict[_Key, Credit] = {}
        self._report = report
        self._families = Families()
        self._series: dict[str, list[SerialBlock]] = {}
        self._claim_of: dict[str, _Key] = {}
        # Lots of credits that were recorded without a serial number.
        self._unnumbered: set[str] = set()

    def create(self, credit: Credit, parent: Credit | None) -> None:
        """Let a credit hold what it names, unless somebody does."""
        if parent is None:
            if credit.serial_number is not None:
                self._claim(credit)
            if credit.stated_block:
                self._hold(credit.id, credit.stated_block)
            return
        self._families.add(credit.id, parent.id)
        if parent.serial_number is None or parent.id in self._unnumbered:
            self._unnumbered.add(credit.id)
        else:
            self._claim(credit)
        numbers = numbers_of(parent, credit)
        if numbers:
            # The parent hands its block on, which it does to the first lot already.
            self._let_go(parent.id)
            self._hold(credit.id, numbers)

    def cancel(self, credit_id: str) -> None:
        """Let go of what is held for tonnes of which none is counted any more."""
        for emptied in self._families.cancel(credit_id):
            self._let_go(emptied)
            self.claims.pop(self._claim_of.pop(emptied, ()), None)

    def _claim(self, credit: Credit) -> None:
        key = (credit.canonical.registry, credit.canonical.serial_number)
        holder = self.claims.setdefault(key, credit)
        if holder is credit:
            self._claim_of[credit.id] = key
        elif credit.parent is None and holder.parent is None:
            wrong = f"its serial number is held by {holder.id}, which was recorded before it"
            self._report(Finding(f"credit {credit.id}", wrong))

    def _hold(self, credit_id: str, block: SerialBlock) -> None:
        held = self._series.setdefault(block.series, [])
        place = _first_ending_at(held, block.first)
        if place == len(held) or held[place].first > block.last:
            held.insert(place, block)
            self.blocks[credit_id] = block

    def _let_go(self, credit_id: str) -> None:
        block = self.blocks.pop(credit_id, None)
        if block:
            held = self._series[block.series]
            del held[_first_ending_at(held, block.first)]


def _first_ending_at(held: Sequence[SerialBlock], number: int) -> int:
    """Return the place of the first block that ends at this number or after it."""
    return bisect_left(held, number, key=_last)


def _last(block: SerialBlock) -> int:
    return block.last
