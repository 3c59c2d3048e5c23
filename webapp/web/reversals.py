"""The page that reverses the sale of a credit, or of a part of it."""

from http import HTTPStatus

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.errors import ActionNotAllowed, InvalidFields
from webapp.domain.lifecycle import EventType
from webapp.http.authentication import actor
from webapp.idempotency import flash_success, note_replay, request_key
from webapp.ledger import commands, queries
from webapp.ledger.views import Record
from webapp.web import action_conflict, query_parameters
from webapp.web.actions import quantity_in_words
from webapp.web.formats import tonnes
from webapp.web.forms import ReversalForm, Whole
from webapp.web.serial_numbers import block_of

pages = Blueprint("reversals", __name__)


@pages.route("/credits/<credit_id>/reverse-sale", methods=["GET", "POST"])
@allows(Role.OPERATOR)
@query_parameters.reads("quantity")
def reverse_sale(credit_id: str) -> AnyResponse:
    """Show the form that reverses the sale, or record the reversal."""
    record = queries.record(credit_id)
    credit = record.credit
    form = ReversalForm(
        quantity="" if request.method == "POST" else request.args.get("quantity", ""),
        whole=Whole(credit.quantity_e4, block_of(credit)),
        vintage=credit.vintage,
        sold_on=record.sold_on,
    )
    if request.method != "POST" or not form.validate():
        if EventType.SALE_REVERSED not in credit.allowed_actions:
            return action_conflict.render(credit_id, EventType.SALE_REVERSED, form.part_e4)
        is_sent = request.method == "POST"
        return _page(record, form, HTTPStatus.UNPROCESSABLE_ENTITY if is_sent else HTTPStatus.OK)
    try:
        result = commands.reverse_sale(credit_id, form.values, actor(), key=request_key())
    except ActionNotAllowed:
        return action_conflict.render(credit_id, EventType.SALE_REVERSED, form.part_e4)
    except InvalidFields as refusal:
        form.show_part_problems(refusal.problems)
        return _page(record, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    note_replay(is_replay=result.is_replay)
    flash_success(_success_message(result))
    return redirect(url_for("credits.show", credit_id=result.credit_id), HTTPStatus.SEE_OTHER)


def _page(record: Record, form: ReversalForm, status: HTTPStatus) -> AnyResponse:
    page = render_template(
        "credits/reverse_sale.html",
        credit=record.credit,
        buyer=record.credit.buyer,
        form=form,
        block=block_of(record.credit),
        asked=quantity_in_words(record.credit, form),
    )
    return make_response(page, status)


def _success_message(result: commands.ActionResult) -> str | Markup:
    done = f"The sale of {tonnes(result.record.credit.quantity_e4)} is reversed: they are active again."
    if result.rest is None:
        return done
    # Markup because of the link to the remaining lot. Only this constant is markup.
    return Markup('{} <a href="{}">{}</a> stay sold.').format(
        done, url_for("credits.show", credit_id=result.rest.id), tonnes(result.rest.quantity_e4)
    )
