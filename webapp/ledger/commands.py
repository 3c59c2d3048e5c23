"""One function per business act, one transaction each.

An act reads the credit's last event, decides, and appends. When another writer was faster the
database refuses the append (see ``tables.Event`` and ``guards``), `transact` runs the act again,
and it decides again on what is true then: that is the whole defence against a double retirement.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from webapp.domain import events, lots
from webapp.domain.credits import NOT_CANCELLED, Credit, is_credit_id, parse_credit, require_true_block
from webapp.domain.errors import (
    CreditMoved,
    InvalidFields,
    Problem,
    UnknownCredit,
)
from webapp.domain.events import PART, Data, Event
from webapp.domain.fields import E4, tonnes_text
from webapp.domain.lifecycle import EventType, Status, require_allowed
from webapp.ledger import clock, log
from webapp.ledger.database import reading, transact
from webapp.ledger.log import Last
from webapp.ledger.places import emptied_by, is_gone, place_of
from webapp.ledger.projections import credit_of
from webapp.ledger.serials import require_free_serial
from webapp.ledger.successions import refusal_to_repeat, refusal_to_replace

# The events, by their `seq`, after one of which an act is meant to come; None where any will do.
After = Collection[int] | None


@dataclass(frozen=True)
class Recorded:
    """The answer to create: which credit it is, and whether it was recorded just now."""

    credit_id: str
    is_new: bool


@dataclass(frozen=True)
class Acted:
    """The answer to an act: the credit it is on, and the lot that was split off and left, if any."""

    credit_id: str
    rest_id: str | None = None


def create_credit(values: Mapping[str, object], actor: str) -> Recorded:
    """Record a credit, or find the equal one that is recorded already.

    Raises InvalidFields, SerialHeld or BlockHeld, and CancelledBefore or ReplacedBefore.
    """
    credit = parse_credit(values)

    def act(connection: Connection) -> Recorded:
        last = log.last_event(connection, credit.id)
        if last:
            if is_gone(connection, credit.id, last.status):
                raise refusal_to_repeat(connection, credit.id)
            return Recorded(credit.id, is_new=False)
        _require_recordable(connection, credit)
        now = events.time_text(clock.now())
        log.append(connection, [events.created(credit, actor, now)])
        return Recorded(credit.id, is_new=True)

    return transact(act)


def sell_credit(credit_id: str, values: Mapping[str, object], actor: str, after: After = None) -> Acted:
    """Record that the credit, or the quantity of it that is named, was sold.

    Raises InvalidFields, UnknownCredit, CreditMoved, ActNotAllowed.
    """
    return _act_on_part(credit_id, EventType.SOLD, values, actor, after)


def retire_credit(credit_id: str, values: Mapping[str, object], actor: str, after: After = None) -> Acted:
    """Retire the credit, or the quantity of it that is named, for ever.

    Raises InvalidFields, UnknownCredit, CreditMoved, ActNotAllowed.
    """
    return _act_on_part(credit_id, EventType.RETIRED, values, actor, after)


def split_credit(credit_id: str, values: Mapping[str, object], actor: str, after: After = None) -> list[str]:
    """Split the credit into lots of `{"quantities": […]}`; return their ids, in order.

    Raises InvalidFields, UnknownCredit, CreditMoved, ActNotAllowed.
    """
    quantities_e4 = lots.parse_quantities(values)

    def act(connection: Connection) -> list[str]:
        found = _Found.read(connection, credit_id, EventType.SPLIT, after)
        new, appended = found.split(connection, quantities_e4, actor, clock.now())
        log.append(connection, appended)
        return [lot.id for lot in new]

    return transact(act)


def plan_split(credit_id: str, values: Mapping[str, object]) -> list[Credit]:
    """Return the lots that `split_credit` would make, and write nothing. Raises what it raises."""
    quantities_e4 = lots.parse_quantities(values)
    with reading(snapshot=True) as connection:
        found = _Found.read(connection, credit_id, EventType.SPLIT)
        return found.lots(connection, quantities_e4)


def cancel_credit(credit_id: str, values: Mapping[str, object], actor: str, after: After = None) -> None:
    """Say that the credit should never have been recorded.

    Raises InvalidFields, UnknownCredit, CreditMoved, ActNotAllowed.
    """
    data = events.parse_act(EventType.CANCELLED, values, today=clock.now().date())

    def act(connection: Connection) -> None:
        found = _Found.read(connection, credit_id, EventType.CANCELLED, after)
        log.append(connection, [found.event(EventType.CANCELLED, data, actor, clock.now())])

    transact(act)


def correct_credit(
    credit_id: str,
    values: Mapping[str, object],
    cancellation: Mapping[str, object],
    actor: str,
    after: After = None,
) -> str:
    """Cancel the credit and record `values` in its place, in one transaction; return the new id.

    The replacement of a lot is a credit of its own, and no lot. Raises InvalidFields,
    UnknownCredit, CreditMoved, ActNotAllowed, SerialHeld.
    """
    if not is_credit_id(credit_id):
        raise UnknownCredit(credit_id)
    credit = parse_credit({**values, "replaces": credit_id})
    data = events.parse_act(EventType.CANCELLED, cancellation, today=clock.now().date())

    def act(connection: Connection) -> str:
        found = _Found.read(connection, credit_id, EventType.CANCELLED, after)
        cancelled = found.event(EventType.CANCELLED, data, actor, clock.now())
        if replace(found.credit, replaces=credit_id, parent=None, offset_e4=None) == credit:
            message = "Nothing is changed yet: correct what is wrong with the old values."
            raise InvalidFields([Problem("", message)])
        require_true_block(credit)
        require_free_serial(connection, credit, but={credit_id, *emptied_by(connection, credit_id)})
        log.append(connection, [cancelled, events.created(credit, actor, cancelled.recorded_at)])
        return credit.id

    return transact(act)


def _require_recordable(connection: Connection, credit: Credit) -> None:
    require_true_block(credit)
    if credit.replaces is not None:
        replaced = log.last_event(connection, credit.replaces)
        if replaced is None or replaced.status is not Status.CANCELLED:
            raise InvalidFields([Problem("replaces", NOT_CANCELLED)])
        refusal = refusal_to_replace(connection, credit.replaces)
        if refusal:
            raise refusal
    require_free_serial(connection, credit)


def _act_on_part(
    credit_id: str, event_type: EventType, values: Mapping[str, object], actor: str, after: After
) -> Acted:
    data = events.parse_act(event_type, values, today=clock.now().date())
    part_e4 = events.parse_part(values)

    def act(connection: Connection) -> Acted:
        found = _Found.read(connection, credit_id, event_type, after)
        now = clock.now()
        whole_e4 = found.credit.quantity_e4 if part_e4 is not None else None
        if part_e4 is None or whole_e4 is None or part_e4 == whole_e4:
            log.append(connection, [found.event(event_type, data, actor, now)])
            return Acted(credit_id)
        if part_e4 > whole_e4:
            asked, whole = tonnes_text(part_e4), tonnes_text(whole_e4)
            message = f"{asked} t is more than the {whole} t that this credit has."
            raise InvalidFields([Problem(PART.name, message)])
        if found.credit.block and part_e4 % E4:
            raise InvalidFields([Problem(PART.name, lots.WHOLE_TONNES)])
        (part, rest), appended = found.split(connection, [part_e4, whole_e4 - part_e4], actor, now)
        last = [event for event in appended if event.credit_id == part.id][-1]
        acted = Event(part.id, last.seq + 1, event_type, data, actor, last.recorded_at, last.hash)
        log.append(connection, [*appended, acted])
        return Acted(part.id, rest.id)

    return transact(act)


@dataclass(frozen=True)
class _Found:
    """A credit as an act found it: what it is and the event that the next one must follow."""

    credit: Credit
    last: Last

    @classmethod
    def read(cls, connection: Connection, credit_id: str, act: EventType, after: After = None) -> "_Found":
        """Return the credit. Raises UnknownCredit, CreditMoved; ActNotAllowed where `act` may not follow."""
        if not is_credit_id(credit_id):
            raise UnknownCredit(credit_id)
        last = log.last_event(connection, credit_id)
        first = log.find_event(connection, credit_id, EventType.CREATED)
        if last is None or first is None:
            raise UnknownCredit(credit_id)
        if after is not None and last.seq not in after:
            raise CreditMoved(credit_id, last.seq)
        require_allowed(credit_id, last.status, act, last.recorded_at)
        return cls(credit_of(first), last)

    def event(self, event_type: EventType, data: Data, actor: str, now: datetime) -> Event:
        """Return the next event of the credit."""
        return Event(
            credit_id=self.credit.id,
            seq=self.last.seq + 1,
            type=event_type,
            data=data,
            actor=actor,
            # A clock that was set back must not make a history run backwards.
            recorded_at=max(events.time_text(now), self.last.recorded_at),
            prev_hash=self.last.hash,
        )

    def lots(self, connection: Connection, quantities_e4: Sequence[int]) -> list[Credit]:
        """Return the lots of these quantities. Raises InvalidFields."""
        return lots.lots_of(self.credit, place_of(connection, self.credit), quantities_e4, self.credit.block)

    def split(
        self, connection: Connection, quantities_e4: Sequence[int], actor: str, now: datetime
    ) -> tuple[list[Credit], list[Event]]:
        """Return the lots of these quantities and the events that make them. Raises InvalidFields."""
        new = self.lots(connection, quantities_e4)
        split = self.event(EventType.SPLIT, lots.split_data(new), actor, now)
        sale = log.find_event(connection, self.credit.id, EventType.SOLD)
        return new, lots.split_events(split, new, sale)
