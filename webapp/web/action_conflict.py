"""The answer to an act that came too late: what became of the credit, and what can be done now.

Somebody else was faster, or the same form was sent twice. It is never an error page: the person
sees the credit as it is and goes on from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Response, request

from webapp.domain.fields import quantity_text
from webapp.domain.lifecycle import EventType, Status
from webapp.http import htmx
from webapp.ledger import queries
from webapp.ledger.views import CreditView, EventView
from webapp.web import split_history

LOTS_SHOWN: Final = 10


@dataclass(frozen=True)
class ActionConflict:
    """The event that was refused, the credit's last one, and who holds its tonnes now.

    `lots` are those of a split credit, `replacements` the credits in the place of a cancelled one.

    `more` is the number of lots that are left out, `part_e4` what was asked for, if only a part.
    `was_sent` says that a form was sent, and not only opened.
    """

    refused: EventType
    event: EventView
    lots: Sequence[CreditView]
    replacements: Sequence[CreditView]
    more: int
    part_e4: int | None
    was_sent: bool

    def carried(self, lot: CreditView) -> str | None:
        """Return the quantity that was typed where this lot is more than that."""
        if self.part_e4 is None or self.part_e4 >= lot.quantity_e4:
            return None
        return quantity_text(self.part_e4)


def render(credit_id: str, refused: EventType, part_e4: int | None = None) -> Response:
    """Say what happened to the credit before, in its row or on a page.

    `part_e4` is the part of it that was asked for, to be taken along to a lot that has it.
    """
    record = queries.record(credit_id)
    is_split = record.credit.status is Status.SPLIT
    lots = split_history.leaves(queries.split_tree(credit_id), credit_id) if is_split else []
    shown = _most_useful(refused, lots)
    return htmx.render(
        "credits/action_conflict.html",
        "credits/_row.html",
        HTTPStatus.CONFLICT,
        credit=record.credit,
        panel=None,
        outcome=None,
        conflict=ActionConflict(
            refused,
            record.events[-1],
            shown,
            list(queries.find_credits(record.relations.replaced_by).values()),
            len(lots) - len(shown),
            part_e4,
            was_sent=request.method == "POST",
        ),
    )


def _most_useful(action: EventType, lots: Sequence[CreditView]) -> list[CreditView]:
    """Return as many lots as are shown, in order: rather those on which the act is still possible."""
    chosen = sorted(lots, key=lambda lot: action not in lot.allowed_actions)[:LOTS_SHOWN]
    return [lot for lot in lots if lot in chosen]
