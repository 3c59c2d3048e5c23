"""One function per business act, one transaction each.

An act reads the credit's last event, decides, and appends. When another writer was faster the
database refuses the append (see ``tables.Event`` and ``guards``), `transact` runs the act again,
and it decides again on what is true then: that is the whole defence against a double retirement.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from webapp.domain import events
from webapp.domain.credits import Credit, is_credit_id, parse_credit
from webapp.domain.errors import SerialHeld, UnknownCredit
from webapp.domain.events import Event
from webapp.domain.lifecycle import EventType, require_allowed
from webapp.ledger import clock, log
from webapp.ledger.database import transact
from webapp.ledger.tables import serial_claims


@dataclass(frozen=True)
class Recorded:
    """The answer to create: which credit it is, and whether it was recorded just now."""

    credit_id: str
    is_new: bool


def create_credit(values: Mapping[str, object], actor: str) -> Recorded:
    """Record a credit, or find the equal one that is recorded already.

    Raises InvalidFields and SerialHeld.
    """
    credit = parse_credit(values)

    def act(connection: Connection) -> Recorded:
        if log.last_event(connection, credit.id):
            return Recorded(credit.id, is_new=False)
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


def require_free_serial(connection: Connection, credit: Credit) -> None:
    """Raise SerialHeld where another credit holds the serial number in the registry."""
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
    if holder and holder != credit.id:
        raise SerialHeld(credit.registry, credit.serial_number, holder)


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
