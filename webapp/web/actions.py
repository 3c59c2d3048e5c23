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
from webapp.domain.errors import ActionNotAllowed, InvalidFields
from webapp.domain.fields import E4
from webapp.domain.lifecycle import EventType, Status
from webapp.domain.serial_number import SerialBlock
from webapp.http import htmx
from webapp.http.authentication import actor
from webapp.idempotency import flash_success, note_replay, request_key
from webapp.ledger import commands, queries, registries, summaries
from webapp.ledger.views import CreditView, Record
from webapp.web import action_conflict, query_parameters
from webapp.web.formats import day, short_id, tonnes
from webapp.web.forms import ActionForm, RetirementForm, SaleForm, Whole
from webapp.web.labels import EVENT_LABELS, STATUS_LABELS
from webapp.web.serial_numbers import block_of

pages = Blueprint("actions", __name__)

# The client-side event on which an open list reloads its totals.
CHANGED: Final = "ledger-changed"


@dataclass(frozen=True)
class Action:
    """An action of the pages: its event type, labels, form and command.

    `path` is the last segment of its address, `sign` the name of its icon. `party` is the name of the
    counterparty's field, `towards` the word before its value; earlier values are suggested.
    """

    event_type: EventType
    path: str
    verb: str
    done: str
    sign: str
    party: str
    towards: str
    form: type[ActionForm]
    command: Callable[..., commands.ActionResult]


SALE: Final = Action(
    event_type=EventType.SOLD,
    path="sell",
    verb="Sell",
    done=EVENT_LABELS[EventType.SOLD],
    sign="arrows-exchange",
    party="buyer",
    towards="to",
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
    towards="for",
    form=RetirementForm,
    command=commands.retire_credit,
)


@dataclass(frozen=True)
class ActionPanel:
    """An open form, in a row or on a page.

    `asked` is the quantity in words, `block` the serial numbers, `party` the counterparty as entered.
    """

    action: Action
    form: ActionForm
    parties: list[str]
    block: SerialBlock | None
    asked: str

    @property
    def party(self) -> str:
        """The counterparty as entered, empty if there is none."""
        return (self.form[self.action.party].data or "").strip()


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
    """Show the form, or run the command.

    The form is validated first, so that all problems and ticks are shown at once. The command decides
    again under the write lock. A credit that does not allow the action gives the conflict page, before or
    after.
    """
    credit = queries.credit(credit_id)
    quantity = "" if request.method == "POST" else request.args.get("quantity", "")
    form = action.form(
        scope=f"{short_id(credit_id)}-",
        quantity=quantity,
        whole=Whole(credit.quantity_e4, block_of(credit)),
        vintage=credit.vintage,
        sold_on=queries.record(credit_id).sold_on if credit.status is Status.SOLD else None,
    )
    if isinstance(form, RetirementForm):
        form.buyer = credit.buyer if credit.status is Status.SOLD else None
        form.is_contested = bool(registries.same_serial_number(credit_id))
    if request.method != "POST" or not form.validate():
        if action.event_type not in credit.allowed_actions:
            return action_conflict.render(credit_id, action.event_type, form.part_e4)
        is_submitted = request.method == "POST"
        return _form_page(
            action, credit, form, HTTPStatus.UNPROCESSABLE_ENTITY if is_submitted else HTTPStatus.OK
        )
    try:
        result = action.command(credit_id, form.values, actor(), key=request_key())
    except ActionNotAllowed:
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
        asked=quantity_in_words(credit, form),
    )
    return htmx.render(
        "credits/action.html",
        "credits/_row_with_form.html",
        status,
        credit=credit,
        panel=panel,
        conflict=None,
    )


def quantity_in_words(credit: CreditView, form: ActionForm) -> str:
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
        flash_success(_success_message(action, record, result.rest))
        address = url_for("credits.show", credit_id=result.credit_id)
        return htmx.add_vary(redirect(address, HTTPStatus.SEE_OTHER))
    template = "credits/_action_rows.html"
    message = None if result.is_replay else _success_message(action, record, result.rest)
    response = htmx.render(template, template, credit=record.credit, rest=result.rest, message=message)
    response.headers["HX-Trigger"] = CHANGED
    return response


def _success_message(action: Action, record: Record, rest: CreditView | None) -> Markup:
    """Return what was done: "Retired 250 t for Jane Doe on 31 Jan 2026. 9,750 t stay active."."""
    data = record.last_counting.data
    party = data.get(action.party)
    what = f"{action.done} {tonnes(record.credit.quantity_e4)}"
    # Only the constants are markup; `format` of Markup escapes every argument, the party among them.
    # Markup, so that the <time> element of `day` stays one.
    message = Markup("{}{} on {}.").format(
        what, f" {action.towards} {party}" if party else "", day(str(data["occurred_on"]))
    )
    if action is RETIREMENT:
        statement = url_for("statements.show", position=record.last_counting.position)
        # Markup for the link. Its address is made of a number.
        message += Markup(' <a href="{}">Statement</a>.').format(statement)
    if rest is None:
        return message
    verb = "stays" if rest.quantity_e4 == E4 else "stay"
    address = url_for("credits.show", credit_id=rest.id)
    stays = f"{tonnes(rest.quantity_e4)} {verb} {STATUS_LABELS[rest.status].lower()}"
    # Markup for the link. Its address is made of an id, its text of tonnes and the label of a status.
    return message + Markup(' <a href="{}">{}</a>.').format(address, stays)
