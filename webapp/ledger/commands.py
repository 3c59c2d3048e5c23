"""The actions on credits: one function for each, one transaction for each call.

An action reads the credit's last event, checks the rules and appends events, under the write lock
(``group_commit``). A second retirement is refused twice: first by the program's check
(``domain.lifecycle.require_allowed``), then by the database: primary key and unique index
(``storage.log_tables.Event``), trigger (``storage.triggers_*``).

A command builds its result from what it read and what it appended, without reading again. With an
idempotency `key` it runs once: a repeat returns the records as they were after the first run.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import accumulate
from typing import Final

from webapp.domain.action_fields import DayBounds, parse_action, parse_part_quantity
from webapp.domain.amendment import parse_amendment
from webapp.domain.credit import Credit, is_credit_id, parse_credit
from webapp.domain.errors import InvalidFields, Problem, UnknownCredit
from webapp.domain.event import Event, created_event
from webapp.domain.import_row import ImportRow
from webapp.domain.lifecycle import EventType
from webapp.domain.split import require_part
from webapp.domain.split_numbers import parse_split
from webapp.ledger import clock, event_log, idempotency_store, queries
from webapp.ledger.group_commit import Transaction, commit
from webapp.ledger.idempotency_store import IdempotencyKey, StoredResult
from webapp.ledger.loaded_credit import LoadedCredit, record_of_new
from webapp.ledger.projections.lineage import cancelled_ancestors
from webapp.ledger.row_decisions import Outcome, decide
from webapp.ledger.storage.engine import reading
from webapp.ledger.views import CreditView, ExpectedSeqs, Origin, Record

# The kinds of action on a quantity, as stored with an idempotency key.
_KINDS: Final = {
    EventType.SOLD: "sell",
    EventType.SALE_REVERSED: "reverse_sale",
    EventType.RETIRED: "retire",
}


@dataclass(frozen=True)
class ActionResult:
    """The result of an action: the record of the credit after it.

    `rest` is the lot that keeps the remaining tonnes after a partial sale or retirement. `is_new` is
    true if the action created records. `is_replay` is true if this is the stored result of an earlier
    request with the same idempotency key.
    """

    record: Record
    rest: CreditView | None = None
    is_new: bool = False
    is_replay: bool = False

    @property
    def credit_id(self) -> str:
        """The id of the credit that was acted on, or created."""
        return self.record.credit.id

    @property
    def rest_id(self) -> str | None:
        """The id of the lot with the remaining tonnes, if any."""
        return self.rest.id if self.rest else None

    @property
    def lots(self) -> list[tuple[CreditView, Origin]]:
        """The lots of a split, in order, each with its offset in the split credit."""
        views = self.record.relations.lots
        starts = accumulate((lot.quantity_e4 for lot in views), initial=0)
        return [(lot, Origin(self.credit_id, start_e4)) for lot, start_e4 in zip(views, starts, strict=False)]

    @property
    def lot_ids(self) -> list[str]:
        """The ids of the lots of a split, in order."""
        return [lot.id for lot in self.record.relations.lots]


def create_credit(
    values: Mapping[str, object], actor: str, key: IdempotencyKey | None = None
) -> ActionResult:
    """Record a credit, or return the equal one that is already recorded.

    Raises InvalidFields, SerialHeld, BlockHeld, CancelledBefore, ReplacedBefore.
    """
    credit = parse_credit(values)
    credit.prepare()
    row = ImportRow(1, credit)

    def action(transaction: Transaction) -> ActionResult:
        (decision,) = decide(transaction.connection, [row])
        if decision.error:
            raise decision.error
        if decision.outcome is Outcome.EXISTING:
            return ActionResult(queries.read_record(transaction.connection, decision.lot or credit.id))
        created = created_event(credit, actor, event_log.recording_time(transaction))
        placed = event_log.append(transaction, [created], [credit])
        return ActionResult(record_of_new(placed, credit), is_new=True)

    return _run_once(action, key, "create")


def sell_credit(
    credit_id: str,
    values: Mapping[str, object],
    actor: str,
    expected_seqs: ExpectedSeqs = None,
    key: IdempotencyKey | None = None,
) -> ActionResult:
    """Record the sale of the credit, or of the `quantity` in `values`.

    Raises InvalidFields, UnknownCredit, CreditMoved, ActionNotAllowed.
    """
    return _act_on_quantity(credit_id, EventType.SOLD, values, actor, expected_seqs, key)


def retire_credit(
    credit_id: str,
    values: Mapping[str, object],
    actor: str,
    expected_seqs: ExpectedSeqs = None,
    key: IdempotencyKey | None = None,
) -> ActionResult:
    """Retire the credit, or the `quantity` in `values`. This is final.

    Raises InvalidFields, UnknownCredit, CreditMoved, ActionNotAllowed.
    """
    return _act_on_quantity(credit_id, EventType.RETIRED, values, actor, expected_seqs, key)


def reverse_sale(
    credit_id: str,
    values: Mapping[str, object],
    actor: str,
    expected_seqs: ExpectedSeqs = None,
    key: IdempotencyKey | None = None,
) -> ActionResult:
    """Record that the sale of the credit, or of the `quantity` in `values`, does not stand: it is active.

    Raises InvalidFields, UnknownCredit, CreditMoved, ActionNotAllowed.
    """
    return _act_on_quantity(credit_id, EventType.SALE_REVERSED, values, actor, expected_seqs, key)


def split_credit(
    credit_id: str,
    values: Mapping[str, object],
    actor: str,
    expected_seqs: ExpectedSeqs = None,
    key: IdempotencyKey | None = None,
) -> ActionResult:
    """Split the credit into lots of `{"quantities": […]}`, or at the ranges of `{"numbers": […]}`.

    The result has the lots in `lots`, in order. Raises InvalidFields, UnknownCredit, CreditMoved,
    ActionNotAllowed.
    """
    requested = parse_split(values)

    def action(transaction: Transaction) -> ActionResult:
        found = LoadedCredit.read(transaction, credit_id, EventType.SPLIT, expected_seqs)
        split = found.split(requested.quantities_of(found.credit), actor)
        placed = found.append(split.events, split.lots)
        views = [split.record_of(lot, placed).credit for lot in split.lots]
        record = found.record_after(placed[:1])
        return ActionResult(replace(record, relations=replace(record.relations, lots=views)), is_new=True)

    return _run_once(action, key, "split")


def plan_split(credit_id: str, values: Mapping[str, object]) -> list[Credit]:
    """Return the lots that `split_credit` would create, without writing. Raises the same errors."""
    requested = parse_split(values)
    with reading() as connection:
        found = LoadedCredit.read(Transaction(connection), credit_id, EventType.SPLIT)
        return found.lots(requested.quantities_of(found.credit))


def cancel_credit(
    credit_id: str,
    values: Mapping[str, object],
    actor: str,
    expected_seqs: ExpectedSeqs = None,
    key: IdempotencyKey | None = None,
) -> ActionResult:
    """Record that the credit was recorded in error, so it no longer counts.

    Raises InvalidFields, UnknownCredit, CreditMoved, ActionNotAllowed.
    """
    data = parse_action(EventType.CANCELLED, values, today=clock.now().date())

    def action(transaction: Transaction) -> ActionResult:
        found = LoadedCredit.read(transaction, credit_id, EventType.CANCELLED, expected_seqs)
        placed = found.append([found.event(EventType.CANCELLED, data, actor)])
        return ActionResult(found.record_after(placed))

    return _run_once(action, key, "cancel")


def correct_credit(
    credit_id: str,
    values: Mapping[str, object],
    cancellation: Mapping[str, object],
    actor: str,
    expected_seqs: ExpectedSeqs = None,
    key: IdempotencyKey | None = None,
) -> ActionResult:
    """Cancel the credit and record `values` as its replacement, in one transaction.

    Returns the replacement. The replacement of a lot is an ordinary credit, not a lot. Raises
    InvalidFields, UnknownCredit, CreditMoved, ActionNotAllowed, SerialHeld.
    """
    if not is_credit_id(credit_id):
        raise UnknownCredit(credit_id)
    credit = parse_credit({**values, "replaces": credit_id})
    credit.prepare()
    data = parse_action(EventType.CANCELLED, cancellation, today=clock.now().date())

    def action(transaction: Transaction) -> ActionResult:
        found = LoadedCredit.read(transaction, credit_id, EventType.CANCELLED, expected_seqs)
        if replace(found.credit, replaces=credit_id, parent=None, offset_e4=None) == credit:
            message = "Nothing is changed yet. Change at least one of the old values."
            raise InvalidFields([Problem("", message)])
        freed = [found.record.key, *cancelled_ancestors(transaction.connection, found.record.key)]
        (decision,) = decide(
            transaction.connection, [ImportRow(1, credit)], freed=freed, being_cancelled=credit_id
        )
        if decision.error:
            raise decision.error
        cancelled = found.event(EventType.CANCELLED, data, actor)
        created = created_event(credit, actor, cancelled.recorded_at)
        placed = found.append([cancelled, created], [credit])
        return ActionResult(record_of_new(placed[1:], credit), is_new=True)

    return _run_once(action, key, "correct")


def amend_credit(
    credit_id: str,
    values: Mapping[str, object],
    actor: str,
    expected_seqs: ExpectedSeqs = None,
    key: IdempotencyKey | None = None,
) -> ActionResult:
    """Record an amendment of the event whose number `values` has in `amends` (see ``domain.amendment``).

    It is allowed in every status, and changes none. Raises InvalidFields, UnknownCredit, CreditMoved.
    """

    def action(transaction: Transaction) -> ActionResult:
        found = LoadedCredit.read(transaction, credit_id, EventType.AMENDED, expected_seqs)
        data = parse_amendment(values, found.record.head.types, DayBounds(clock.latest_day()))
        found.append([found.event(EventType.AMENDED, data, actor)])
        return ActionResult(queries.read_record(transaction.connection, credit_id))

    return _run_once(action, key, "amend")


def _act_on_quantity(
    credit_id: str,
    event_type: EventType,
    values: Mapping[str, object],
    actor: str,
    expected_seqs: ExpectedSeqs,
    key: IdempotencyKey | None,
) -> ActionResult:
    data = parse_action(event_type, values, clock.now().date(), DayBounds(clock.latest_day()))
    part_e4 = parse_part_quantity(values)

    def action(transaction: Transaction) -> ActionResult:
        found = LoadedCredit.read(transaction, credit_id, event_type, expected_seqs)
        whole_e4 = found.credit.quantity_e4
        if part_e4 is None or part_e4 == whole_e4:
            placed = found.append([found.event(event_type, data, actor)])
            return ActionResult(found.record_after(placed))
        require_part(part_e4, whole_e4, found.credit.block)
        split = found.split([part_e4, whole_e4 - part_e4], actor)
        part, rest = split.lots
        last = [event for event in split.events if event.credit_id == part.id][-1]
        acted = Event(part.id, last.seq + 1, event_type, data, actor, last.recorded_at, last.hash)
        placed = found.append([*split.events, acted], split.lots)
        return ActionResult(split.record_of(part, placed), split.record_of(rest, placed).credit)

    return _run_once(action, key, _KINDS[event_type])


def _run_once(
    action: Callable[[Transaction], ActionResult], key: IdempotencyKey | None, kind: str
) -> ActionResult:
    """Run the action and commit it, or return the stored result of its key.

    Raises IdempotencyKeyReused if the key was used for another request.
    """
    if key is None:
        return commit(action)

    def keyed(transaction: Transaction) -> ActionResult:
        stored = idempotency_store.find(transaction.connection, key)
        if stored:
            return _replay(transaction, stored)
        result = action(transaction)
        ids = [each for each in (result.credit_id, result.rest_id) if each]
        status = HTTPStatus.CREATED if result.is_new else HTTPStatus.OK
        position = event_log.log_head(transaction).position
        idempotency_store.store(transaction.connection, key, StoredResult(kind, status, ids, position))
        return result

    return commit(keyed)


def _replay(transaction: Transaction, stored: StoredResult) -> ActionResult:
    """Return the result of the first request with this key, with the records as they were then."""
    records = [queries.read_record(transaction.connection, each, stored.position) for each in stored.ids]
    return ActionResult(
        records[0],
        records[1].credit if len(records) > 1 else None,
        is_new=stored.status == HTTPStatus.CREATED,
        is_replay=True,
    )
