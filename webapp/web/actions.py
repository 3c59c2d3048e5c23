"""The forms that sell and retire a credit, in a row of the list and as pages.

Sale and retirement share one view, with an `Action` each. An action on a part of a credit splits it into
two lots: the part, and the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.errors import ActNotAllowed, InvalidFields
from webapp.domain.fields import E4
from webapp.domain.lifecycle import EventType, Status
from webapp.domain.serial_number import SerialBlock
from webapp.http import htmx
from webapp.http.authentication import actor
from webapp.idempotency import flash_success, note_replay, request_key
from webapp.ledger import commands, queries, summaries
from webapp.ledger.views import CreditView, EventView
from webapp.web import action_conflict, query_parameters
from webapp.web.formats import short_id, tonnes
from webapp.web.forms import ActionForm, RetirementForm, SaleForm
from webapp.web.labels import EVENT_LABELS, STATUS_LABELS
from webapp.web.serial_numbers import block_of

pages = Blueprint("actions", __name__)

# The client-side event on which an open list reloads its totals.
CHANGED: Final = "ledger-changed"


@dataclass(frozen=True)
class Action:
    """An action of the pages: its event type, labels, form and command.

    `path` is the last segment of its address. `party` is the name of the counterparty's field; earlier
    values are suggested.
    """

    event_type: EventType
    path: str
    verb: str
    done: str
    sign: str
    party: str
    form: type[ActionForm]
    command: Callable[..., commands.ActionResult]


SALE: Final = Action(
    event_type=EventType.SOLD,
    path="sell",
    verb="Sell",
    done=EVENT_LABELS[EventType.SOLD],
    sign="arrows-exchange",
    party="buyer",
    form=SaleForm,
    command=commands.sell_credit,
)
RETIREMENT: Final = Action(
    event_type=EventType.RETIRED,
    path="retire",
    verb="Retire",
    done=EVENT_LABELS[EventType.RETIRED],
    sign="lock",
    party="beneficiary",
    form=RetirementForm,
    command=commands.retire_credit,
)


@dataclass(frozen=True)
class ActionPanel:
    """An open form, in a row or on a page. `asked` is the quantity in words, `block` the serial numbers."""

    action: Action
    form: ActionForm
    parties: list[str]
    block: SerialBlock | None
    asked: str


@dataclass(frozen=True)
class ActionOutcome:
    """What this request recorded: the event, and the lot that is left over, if any."""

    action: Action
    event: EventView
    rest: CreditView | None

    @property
    def rest_message(self) -> str:
        """The sentence about the lot that is left over, empty if there is none."""
        return _rest_message(self.rest) if self.rest else ""


@pages.route("/credits/<credit_id>/sell", methods=["GET", "POST"])
@allows(Role.OPERATOR)
@query_parameters.reads("quantity")
def sell(credit_id: str) -> AnyResponse:
    """Show the form of a sale, or record it."""
    return _handle(SALE, credit_id)


@pages.route("/credits/<credit_id>/retire", methods=["GET", "POST"])
@allows(Role.OPERATOR)
@query_parameters.reads("quantity")
def retire(credit_id: str) -> AnyResponse:
    """Show the form of a retirement, or record it."""
    return _handle(RETIREMENT, credit_id)


def _handle(action: Action, credit_id: str) -> AnyResponse:
    credit = queries.credit(credit_id)
    quantity = "" if request.method == "POST" else request.args.get("quantity", "")
    form = action.form(
        scope=f"{short_id(credit_id)}-",
        quantity=quantity,
        vintage=credit.vintage,
        sold_on=queries.record(credit_id).sold_on if credit.status is Status.SOLD else None,
    )
    if request.method != "POST" or not form.validate():
        if action.event_type not in credit.allowed_actions:
            return action_conflict.render(credit_id, action.event_type, form.part_e4)
        is_submitted = request.method == "POST"
        return _form_page(
            action, credit, form, HTTPStatus.UNPROCESSABLE_ENTITY if is_submitted else HTTPStatus.OK
        )
    try:
        result = action.command(credit_id, form.values, actor(), key=request_key())
    except ActNotAllowed:
        return action_conflict.render(credit_id, action.event_type, form.part_e4)
    except InvalidFields as refusal:
        form.show_part_problems(refusal.problems)
        return _form_page(action, credit, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    return _done(action, result)


def _form_page(action: Action, credit: CreditView, form: ActionForm, status: HTTPStatus) -> Response:
    panel = ActionPanel(
        action,
        form,
        summaries.suggest_parties(action.event_type),
        block=block_of(credit),
        asked=_quantity_in_words(credit, form),
    )
    return htmx.render(
        "credits/action.html",
        "credits/_row.html",
        status,
        credit=credit,
        panel=panel,
        outcome=None,
        conflict=None,
    )


def _quantity_in_words(credit: CreditView, form: ActionForm) -> str:
    """Return the quantity of the action in words: "a part" while the entered one is not valid."""
    part_e4 = form.part_e4
    typed = (form.quantity.data or "").strip()
    is_invalid = form.quantity.errors or (typed and part_e4 is None)
    if is_invalid or (part_e4 or 0) > credit.quantity_e4:
        return "a part"
    return tonnes(part_e4 or credit.quantity_e4)


def _done(action: Action, result: commands.ActionResult) -> AnyResponse:
    note_replay(is_replay=result.is_replay)
    record = result.record
    if not htmx.wants_fragment():
        flash_success(_success_message(action, record.credit, result.rest))
        address = url_for("credits.show", credit_id=result.credit_id)
        return htmx.add_vary(redirect(address, HTTPStatus.SEE_OTHER))
    outcome = ActionOutcome(action, record.events[-1], result.rest)
    template = "credits/_action_rows.html"
    response = htmx.render(template, template, credit=record.credit, outcome=outcome)
    response.headers["HX-Trigger"] = CHANGED
    return response


def _success_message(action: Action, credit: CreditView, rest: CreditView | None) -> str | Markup:
    if rest is None:
        return f"{action.done}. This cannot be undone."
    # Markup because of the link to the remaining lot. Only this constant is markup: `format` of
    # Markup escapes every argument.
    return Markup('{} {}, <a href="{}">{}</a>. This cannot be undone.').format(
        tonnes(credit.quantity_e4),
        action.done.lower(),
        url_for("credits.show", credit_id=rest.id),
        _rest_message(rest),
    )


def _rest_message(rest: CreditView) -> str:
    verb = "stays" if rest.quantity_e4 == E4 else "stay"
    return f"{tonnes(rest.quantity_e4)} {verb} {STATUS_LABELS[rest.status].lower()}"
