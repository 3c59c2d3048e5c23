"""The acts on a credit, its sale and its retirement: in a row of the list, and as pages.

Both acts are one view with two sets of words, so that neither can forget what the other minds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.domain.errors import ActNotAllowed
from webapp.domain.lifecycle import EventType
from webapp.ledger import commands, queries
from webapp.ledger.actors import LOCAL
from webapp.ledger.queries import CreditView, EventView
from webapp.web import fragments
from webapp.web.formats import short_id
from webapp.web.forms import ActForm, RetirementForm, SaleForm

pages = Blueprint("acts", __name__)

# The name of the event that makes an open list read its sums again.
CHANGED: Final = "ledger-changed"


@dataclass(frozen=True)
class Act:
    """An act as a page sees it: its event, its words, its form and its command.

    `party` is the field that names the other side, suggested from those named before.
    """

    event_type: EventType
    endpoint: str
    verb: str
    done: str
    sign: str
    party: str
    form: type[ActForm]
    command: Callable[[str, Mapping[str, object], str], commands.Acted]


SALE: Final = Act(
    event_type=EventType.SOLD,
    endpoint="acts.sell",
    verb="Sell",
    done="Sold",
    sign="arrows-exchange",
    party="buyer",
    form=SaleForm,
    command=commands.sell_credit,
)
RETIREMENT: Final = Act(
    event_type=EventType.RETIRED,
    endpoint="acts.retire",
    verb="Retire",
    done="Retired",
    sign="lock",
    party="beneficiary",
    form=RetirementForm,
    command=commands.retire_credit,
)


@dataclass(frozen=True)
class Panel:
    """A form that is open, in a row or on a page of its own."""

    act: Act
    form: ActForm
    parties: list[str]


@dataclass(frozen=True)
class Outcome:
    """What came of an act: the last event of the credit, and whether this request recorded it."""

    act: Act
    event: EventView
    is_done: bool


@pages.route("/credits/<credit_id>/sell", methods=["GET", "POST"])
def sell(credit_id: str) -> AnyResponse:
    """Ask for the facts of a sale, and record it."""
    return _answer(SALE, credit_id)


@pages.route("/credits/<credit_id>/retire", methods=["GET", "POST"])
def retire(credit_id: str) -> AnyResponse:
    """Ask for the facts of a retirement, and record it."""
    return _answer(RETIREMENT, credit_id)


def _answer(act: Act, credit_id: str) -> AnyResponse:
    credit = queries.credit(credit_id)
    if act.event_type not in credit.open_acts:
        return _overtaken(act, credit_id)
    form = act.form(scope=f"{short_id(credit_id)}-")
    if request.method != "POST":
        return _ask(act, credit, form, HTTPStatus.OK)
    if not form.validate():
        return _ask(act, credit, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        act.command(credit_id, form.values, LOCAL)
    except ActNotAllowed:
        return _overtaken(act, credit_id)
    return _done(act, credit_id)


def _ask(act: Act, credit: CreditView, form: ActForm, status: HTTPStatus) -> Response:
    panel = Panel(act, form, queries.suggest_parties(act.event_type))
    return fragments.answer(
        "credits/act.html", "credits/_row.html", status, credit=credit, panel=panel, outcome=None
    )


def _done(act: Act, credit_id: str) -> AnyResponse:
    if not fragments.wants_fragment():
        flash(f"{act.done}. It is recorded for good.", "success")
        address = url_for("credits.show", credit_id=credit_id)
        return fragments.mark(redirect(address, HTTPStatus.SEE_OTHER))
    response = _tell(act, credit_id, HTTPStatus.OK, is_done=True)
    response.headers["HX-Trigger"] = CHANGED
    return response


def _overtaken(act: Act, credit_id: str) -> Response:
    """Say what happened to the credit before: someone else, or the same form sent twice."""
    return _tell(act, credit_id, HTTPStatus.CONFLICT, is_done=False)


def _tell(act: Act, credit_id: str, status: HTTPStatus, *, is_done: bool) -> Response:
    record = queries.record(credit_id)
    return fragments.answer(
        "credits/overtaken.html",
        "credits/_row.html",
        status,
        credit=record.credit,
        panel=None,
        outcome=Outcome(act, record.events[-1], is_done),
    )
