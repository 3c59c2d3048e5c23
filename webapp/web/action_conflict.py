"""The response to an action that the credit's status no longer allows.

Another request was faster, or the same form was sent twice. The page shows the credit's last event and
the actions that are still possible, in place of an error page.
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
    """What was refused, the event that gave the credit its status, and the credits that hold its tonnes.

    `lots` are the lots of a split credit, `replacements` the replacements of a cancelled one. `more` is the
    number of lots that are not listed. `part_e4` is the requested quantity in ten-thousandths of a tonne,
    None for the whole credit. `was_sent` is True for a submitted form, False for an opened one.
    """

    refused: EventType
    event: EventView
    lots: Sequence[CreditView]
    replacements: Sequence[CreditView]
    more: int
    part_e4: int | None
    was_sent: bool

    def quantity_for(self, lot: CreditView) -> str | None:
        """Return the requested quantity for a form of this lot, None if the lot holds no more than that."""
        if self.part_e4 is None or self.part_e4 >= lot.quantity_e4:
            return None
        return quantity_text(self.part_e4)


def render(credit_id: str, refused: EventType, part_e4: int | None = None) -> Response:
    """Render the conflict with status 409, in the credit's row or as a page.

    `part_e4` is the requested quantity; links to lots pass it on.
    """
    record = queries.record(credit_id)
    is_split = record.credit.status is Status.SPLIT
    lots = split_history.leaves(queries.split_tree(credit_id), credit_id) if is_split else []
    shown = _most_useful(refused, lots)
    return htmx.render(
        "credits/action_conflict.html",
        "credits/_row_with_form.html",
        HTTPStatus.CONFLICT,
        credit=record.credit,
        panel=None,
        conflict=ActionConflict(
            refused,
            record.last_counting,
            shown,
            list(queries.find_credits(record.relations.replaced_by).values()),
            len(lots) - len(shown),
            part_e4,
            was_sent=request.method == "POST",
        ),
    )


def _most_useful(action: EventType, lots: Sequence[CreditView]) -> list[CreditView]:
    """Return at most LOTS_SHOWN lots in their order, preferring those that still allow the action."""
    chosen = sorted(lots, key=lambda lot: action not in lot.allowed_actions)[:LOTS_SHOWN]
    return [lot for lot in lots if lot in chosen]
