"""One function per business act, one transaction each.

An act reads the credit's last event, decides, and appends. When another writer was faster the
database refuses the append (see ``tables.Event`` and ``guards``), `transact` runs the act again,
and it decides again on what is true then: that is the whole defence against a double retirement.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from webapp.domain import events
from webapp.domain.credits import is_credit_id, parse_credit, require_true_block
from webapp.domain.errors import UnknownCredit
from webapp.domain.events import Event
from webapp.domain.lifecycle import EventType, require_allowed
from webapp.ledger import clock, log
from webapp.ledger.database import transact
from webapp.ledger.serials import require_free_serial


@dataclass(frozen=True)
class Recorded:
    """The answer to create: which credit it is, and whether it was recorded just now."""

    credit_id: str
    is_new: bool


def create_credit(values: Mapping[str, object], actor: str) -> Recorded:
    """Record a credit, or find the equal one that is recorded already.

    Raises InvalidFields, and SerialHeld or BlockHeld.
    """
    credit = parse_credit(values)

    def act(connection: Connection) -> Recorded:
        if log.last_event(connection, credit.id):
            return Recorded(credit.id, is_new=False)
        require_true_block(credit)
        require_free_serial(connection, credit)
        now = events.time_text(clock.now())
        log.append(connection, [events.created(credit, actor, now)])
        return Recorded(credit.id, is_new=True)

    return transact(act)


def sell_credit(credit_id: str, values: Mapping[str, object], actor: str) -> None:
    """Record that the credit was sold. Raises InvalidFields, UnknownCredit, ActNotAllowed."""
    _act_on(credit_id, EventType.SOLD, values, actor)


def retire_credit(credit_id: str, values: Mapping[str, object], actor: str) -> None:
    """Retire the credit, for ever. Raises InvalidFields, UnknownCredit, ActNotAllowed."""
    _act_on(credit_id, EventType.RETIRED, values, actor)


def _act_on(credit_id: str, event_type: EventType, values: Mapping[str, object], actor: str) -> None:
    if not is_credit_id(credit_id):
        raise UnknownCredit(credit_id)
    now = clock.now()
    data = events.parse_act(event_type, values, today=now.date())

    def act(connection: Connection) -> None:
        last = log.last_event(connection, credit_id)
        if last is None:
            raise UnknownCredit(credit_id)
        require_allowed(credit_id, last.status, event_type, last.recorded_at)
        event = Event(
            credit_id=credit_id,
            seq=last.seq + 1,
            type=event_type,
            data=data,
            actor=actor,
            # A clock that was set back must not make a history run backwards.
            recorded_at=max(events.time_text(now), last.recorded_at),
            prev_hash=last.hash,
        )
        log.append(connection, [event])

    transact(act)
