"""Write a plan: append the events of its new credits, and of the retirements and withdrawals.

The events come in runs, so that each is inserted in bulk: what is created, what is split, what ends, and
the facts that are added. Each names the import.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from webapp.domain.action_fields import DayBounds
from webapp.domain.amendment import parse_amendment, sale_of
from webapp.domain.credit import Credit
from webapp.domain.entry import IMPORT, EntryType
from webapp.domain.errors import UnknownCredit
from webapp.domain.event import Event, EventHead, created_event, with_import
from webapp.domain.fields import quantity_text
from webapp.domain.lifecycle import EventType
from webapp.domain.part_actions import PartAction, Stamp, act_on_parts
from webapp.domain.split import LotPlace
from webapp.imports.plan import Plan
from webapp.ledger import clock, event_log, queries
from webapp.ledger.group_commit import Transaction
from webapp.ledger.projections.lineage import place_in_root


@dataclass(frozen=True)
class RecordedFile:
    """The import that records the plan: its number and file, for the log."""

    number: int
    filename: str
    sha256: str


def record_plan(transaction: Transaction, plan: Plan, actor: str, file: RecordedFile) -> None:
    """Append the events of the plan, and an entry about the import, which these events name.

    The plan must have been made in this transaction. A plan that records nothing leaves no trace in the log.
    """
    if not (plan.new or plan.ends or plan.additions):
        return
    record_events(transaction, plan, actor, file.number)
    tonnes = {f"tonnes_{kind}": quantity_text(e4) for kind, e4 in plan.tonnes().items() if e4}
    record_entry(transaction, file, actor, len(plan.rows), tonnes)


def record_entry(
    transaction: Transaction, file: RecordedFile, actor: str, rows: int, tonnes: Mapping[str, str]
) -> None:
    """Append an entry about an import: its file, and the rows and tonnes of what it did by kind."""
    about = {"filename": file.filename, "sha256": file.sha256, "rows": str(rows), **tonnes}
    event_log.append_entry(transaction, f"{IMPORT}{file.number}", EntryType.IMPORTED, about, actor)


def record_events(transaction: Transaction, plan: Plan, actor: str, import_id: int) -> None:
    """Append the events of the plan, which name the import."""
    stamp, number = Stamp(actor, event_log.recording_time(transaction)), str(import_id)
    created = [created_event(credit, *stamp, number) for credit in plan.new.values()]
    first = {event.credit_id: event for event in created} if plan.ends else {}
    splits: list[Event] = []
    ends: list[Event] = []
    credits = list(plan.new.values())
    keys: dict[str, int] = {}
    for credit_id in plan.ends:
        parts = _parts_of(plan, credit_id, number)
        if credit_id in plan.new:
            credit = plan.new[credit_id]
            place = LotPlace(credit.serial_number, 0, credit.quantity_e4)
            found = act_on_parts(credit, place, EventHead.after(None, first[credit_id]), None, parts, stamp)
        else:
            found = _act_on_recorded(transaction, credit_id, parts, stamp, keys)
        splits += found[0]
        ends += found[1]
        credits += found[2]
    said = [
        _addition(transaction, credit_id, facts, stamp, number, keys)
        for credit_id, facts in plan.additions.items()
    ]
    event_log.append(transaction, [*created, *splits, *ends, *said], credits, keys)


def _addition(
    transaction: Transaction,
    credit_id: str,
    facts: dict[str, str],
    stamp: Stamp,
    number: str,
    keys: dict[str, int],
) -> Event:
    """Return the amendment that adds facts to a recorded credit."""
    record = queries.read_history(transaction.connection, credit_id)
    if record is None:
        raise UnknownCredit(credit_id)
    keys[credit_id] = record.key
    data = parse_amendment({"amends": "1", "facts": facts}, record.head.types, DayBounds(clock.latest_day()))
    head = record.head
    return Event(
        credit_id, head.seq + 1, EventType.AMENDED, with_import(data, number), *stamp, prev_hash=head.hash
    )


def _parts_of(plan: Plan, credit_id: str, number: str) -> list[PartAction]:
    """Return what happens with the parts of a credit."""
    return [
        PartAction(end.start_e4, end.quantity_e4, stated.type, with_import(plan.end_data[end.place], number))
        for end in plan.ends[credit_id]
        if (stated := plan.rows[end.place].end)
    ]


def _act_on_recorded(
    transaction: Transaction,
    credit_id: str,
    parts: Sequence[PartAction],
    stamp: Stamp,
    keys: dict[str, int],
) -> tuple[list[Event], list[Event], list[Credit]]:
    record = queries.read_history(transaction.connection, credit_id)
    if record is None:
        raise UnknownCredit(credit_id)
    keys[credit_id] = record.key
    sale = sale_of([each.event for each in record.events])
    place = place_in_root(transaction.connection, record.stated)
    return act_on_parts(record.stated, place, record.head, sale, parts, stamp)
