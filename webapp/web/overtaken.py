"""The answer to an act that came too late: what became of the credit, and what can be done now.

Somebody else was faster, or the same form was sent twice. It is never an error page: the person
sees the credit as it is and goes on from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Response

from webapp.domain.lifecycle import EventType, Status
from webapp.ledger import queries
from webapp.ledger.queries import CreditView, EventView
from webapp.web import families, fragments

LOTS_SHOWN: Final = 10


@dataclass(frozen=True)
class Overtaken:
    """The event that was refused, the credit's last one, and the lots that hold its tonnes now.

    `more` is the number of lots that are left out.
    """

    refused: EventType
    event: EventView
    lots: Sequence[CreditView]
    more: int


def answer(credit_id: str, refused: EventType) -> Response:
    """Say what happened to the credit before, in its row or on a page."""
    record = queries.record(credit_id)
    is_split = record.credit.status is Status.SPLIT
    lots = families.leaves(queries.family(credit_id), credit_id) if is_split else []
    shown = _most_useful(refused, lots)
    return fragments.answer(
        "credits/overtaken.html",
        "credits/_row.html",
        HTTPStatus.CONFLICT,
        credit=record.credit,
        panel=None,
        outcome=None,
        overtaken=Overtaken(refused, record.events[-1], shown, len(lots) - len(shown)),
    )


def _most_useful(act: EventType, lots: Sequence[CreditView]) -> list[CreditView]:
    """Return as many lots as are shown, in order: rather those on which the act is still possible."""
    chosen = sorted(lots, key=lambda lot: act not in lot.open_acts)[:LOTS_SHOWN]
    return [lot for lot in lots if lot in chosen]
