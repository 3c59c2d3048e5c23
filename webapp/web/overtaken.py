"""The answer to an act that came too late: what became of the credit, and what can be done now.

Somebody else was faster, or the same form was sent twice. It is never an error page: the person
sees the credit as it is and goes on from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import takewhile

from flask import Response

from webapp.domain.lifecycle import COUNTED, EventType, Status
from webapp.ledger import queries
from webapp.ledger.queries import CreditView, EventView
from webapp.web import fragments


@dataclass(frozen=True)
class Overtaken:
    """The event that was refused, the credit's last one, and the lots that hold its tonnes now."""

    refused: EventType
    event: EventView
    lots: Sequence[CreditView]


def answer(credit_id: str, refused: EventType) -> Response:
    """Say what happened to the credit before, in its row or on a page."""
    record = queries.record(credit_id)
    is_split = record.credit.status is Status.SPLIT
    lots = _leaves(credit_id) if is_split else []
    return fragments.answer(
        "credits/overtaken.html",
        "credits/_row.html",
        HTTPStatus.CONFLICT,
        credit=record.credit,
        panel=None,
        outcome=None,
        overtaken=Overtaken(refused, record.events[-1], lots),
    )


def _leaves(credit_id: str) -> list[CreditView]:
    """Return the lots, or lots of lots, that hold the tonnes of a split credit now."""
    members = queries.family(credit_id).members
    start = next(number for number, member in enumerate(members) if member.credit.id == credit_id)
    below = takewhile(lambda member: member.depth > members[start].depth, members[start + 1 :])
    return [member.credit for member in below if member.credit.status in COUNTED]
