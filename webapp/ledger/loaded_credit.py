"""A credit as an action reads it, and the events and lots that the action appends."""

from collections.abc import Sequence
from dataclasses import dataclass

from webapp.domain.amendment import sale_of
from webapp.domain.credit import Credit
from webapp.domain.errors import CreditMoved, UnknownCredit
from webapp.domain.event import Data, Event, PositionedEvent
from webapp.domain.lifecycle import EventType, require_allowed
from webapp.domain.split import lots_of, split_data, split_events
from webapp.ledger import event_log, queries
from webapp.ledger.group_commit import Transaction
from webapp.ledger.projections.lineage import place_in_root
from webapp.ledger.views import ExpectedSeqs, Record


def record_of_new(
    placed: Sequence[PositionedEvent],
    credit: Credit,
    *,
    is_sold: bool = False,
    parent: Record | None = None,
) -> Record:
    """Return the record of a new credit, from those `placed` events that are about it.

    `parent` is the record of the credit that a lot was split from. `is_sold` is true if that was sold:
    the lot carries the sale over.
    """
    own = [each for each in placed if each.event.credit_id == credit.id]
    return queries.new_record(own, credit, is_sold=is_sold, parent=parent)


@dataclass(frozen=True)
class LotsOfSplit:
    """The lots of a split, its events, the split credit, and whether the lots carry a sale over."""

    parent: Record
    lots: list[Credit]
    events: list[Event]
    is_sold: bool

    def record_of(self, lot: Credit, placed: Sequence[PositionedEvent]) -> Record:
        """Return the record of a lot after the append."""
        return record_of_new(placed, lot, is_sold=self.is_sold, parent=self.parent)


@dataclass(frozen=True)
class LoadedCredit:
    """A credit as read by an action, in the transaction in which the action appends."""

    transaction: Transaction
    record: Record
    credit: Credit

    @classmethod
    def read(
        cls, transaction: Transaction, credit_id: str, action: EventType, expected_seqs: ExpectedSeqs = None
    ) -> "LoadedCredit":
        """Read the credit and check that `action` is allowed on it.

        Raises UnknownCredit, CreditMoved, ActionNotAllowed.
        """
        record = queries.read_history(transaction.connection, credit_id)
        if record is None:
            raise UnknownCredit(credit_id)
        head = record.head
        if expected_seqs is not None and head.seq not in expected_seqs:
            raise CreditMoved(credit_id, head.seq)
        require_allowed(credit_id, head.status, action, record.last_counting.recorded_at)
        return cls(transaction, record, record.stated)

    def event(self, event_type: EventType, data: Data, actor: str) -> Event:
        """Return the next event of the credit."""
        head = self.record.head
        return Event(
            credit_id=self.credit.id,
            seq=head.seq + 1,
            type=event_type,
            data=data,
            actor=actor,
            recorded_at=event_log.recording_time(self.transaction),
            prev_hash=head.hash,
        )

    def append(self, events: Sequence[Event], new: Sequence[Credit] = ()) -> list[PositionedEvent]:
        """Append events of this credit and of the `new` credits that they create."""
        return event_log.append(self.transaction, events, new, {self.credit.id: self.record.key})

    def record_after(self, placed: Sequence[PositionedEvent]) -> Record:
        """Return the record after these events of the credit."""
        return queries.record_after(self.record, placed)

    def lots(self, quantities_e4: Sequence[int]) -> list[Credit]:
        """Return the lots of these quantities. Raises InvalidFields."""
        place = place_in_root(self.transaction.connection, self.credit)
        return lots_of(self.credit, place, quantities_e4, self.credit.block)

    def split(self, quantities_e4: Sequence[int], actor: str) -> LotsOfSplit:
        """Return the lots of these quantities, and the events of the split. Raises InvalidFields."""
        new = self.lots(quantities_e4)
        split = self.event(EventType.SPLIT, split_data(new), actor)
        sale = sale_of([each.event for each in self.record.events])
        return LotsOfSplit(self.record, new, split_events(split, new, sale), sale is not None)
