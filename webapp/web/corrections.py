"""The pages that void a credit that was recorded in error, or replace it by a corrected one."""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.errors import ActionNotAllowed, InvalidFields, SerialHeld
from webapp.domain.lifecycle import EventType
from webapp.http.authentication import actor
from webapp.idempotency import flash_success, note_replay, request_key
from webapp.ledger import commands, queries, summaries
from webapp.ledger.views import CreditView
from webapp.web import action_conflict
from webapp.web.forms import CancelForm, CorrectionForm
from webapp.web.serial_numbers import show_conflict

pages = Blueprint("corrections", __name__)

# The fields that prefill the form of a correction.
OLD_VALUES: Final = ("project_name", "registry", "vintage", "quantity", "serial_number")


@pages.route("/credits/<credit_id>/cancel", methods=["GET", "POST"])
@allows(Role.OPERATOR)
def cancel(credit_id: str) -> AnyResponse:
    """Show the form that voids the credit, or record its cancellation."""
    credit = queries.credit(credit_id)
    form = CancelForm()
    if request.method != "POST" and EventType.CANCELLED not in credit.allowed_actions:
        return action_conflict.render(credit_id, EventType.CANCELLED)
    if request.method != "POST":
        return _page("credits/cancel.html", credit, form, HTTPStatus.OK)
    if not form.validate():
        return _page("credits/cancel.html", credit, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        result = commands.cancel_credit(credit_id, form.values, actor(), key=request_key())
    except ActionNotAllowed:
        return action_conflict.render(credit_id, EventType.CANCELLED)
    note_replay(is_replay=result.is_replay)
    flash_success("Voided. The credit is no longer counted, and its serial number is free.")
    return redirect(url_for("credits.show", credit_id=credit_id), HTTPStatus.SEE_OTHER)


@pages.route("/credits/<credit_id>/correct", methods=["GET", "POST"])
@allows(Role.OPERATOR)
def correct(credit_id: str) -> AnyResponse:
    """Show the form of a correction, or cancel this credit and record the corrected one."""
    credit = queries.credit(credit_id)
    if request.method != "POST" and EventType.CANCELLED not in credit.allowed_actions:
        return action_conflict.render(credit_id, EventType.CANCELLED)
    form = CorrectionForm(data=old_values(credit))
    if request.method != "POST" or not form.validate():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_submitted() else HTTPStatus.OK
        return _page("credits/correct.html", credit, form, status)
    try:
        result = commands.correct_credit(
            credit_id, form.credit, form.cancellation, actor(), key=request_key()
        )
    except ActionNotAllowed:
        return action_conflict.render(credit_id, EventType.CANCELLED)
    except InvalidFields as refusal:
        form.show(refusal.problems)
        return _page("credits/correct.html", credit, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    except SerialHeld as refusal:
        show_conflict(form, refusal)
        return _page("credits/correct.html", credit, form, HTTPStatus.CONFLICT)
    note_replay(is_replay=result.is_replay)
    flash_success("Corrected. This credit replaces the one that is now void.")
    return redirect(url_for("credits.show", credit_id=result.credit_id), HTTPStatus.SEE_OTHER)


def old_values(credit: CreditView) -> dict[str, object]:
    """Return the values that prefill the form of a replacement of this credit.

    A lot of a credit without a serial number has no serial number of its own, only its position.
    """
    values = {name: getattr(credit, name) for name in OLD_VALUES}
    if queries.split_tree(credit.id).root.credit.serial_number is None:
        values["serial_number"] = None
    return values


def _page(
    template: str, credit: CreditView, form: CancelForm | CorrectionForm, status: HTTPStatus
) -> AnyResponse:
    registries, _ = summaries.filter_choices()
    return make_response(render_template(template, credit=credit, form=form, registries=registries), status)
