"""The pages that split a credit: the quantities or numbers of the lots, their preview, and the split.

The entries are in the address until they are confirmed, so other pages can link to a preview.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse
from wtforms import TextAreaField

from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.action_fields import PART_QUANTITY
from webapp.domain.credit import Credit
from webapp.domain.errors import ActionNotAllowed, InvalidFields, Problem
from webapp.domain.fields import quantity_text
from webapp.domain.lifecycle import EventType
from webapp.domain.split import LOTS_MAX, LOTS_MIN, NOT_A_LIST
from webapp.http.authentication import actor
from webapp.idempotency import flash_success, note_replay, request_key
from webapp.ledger import commands, queries
from webapp.ledger.views import CreditView
from webapp.web import action_conflict, query_parameters
from webapp.web.serial_numbers import block_of
from webapp.web.typed_quantity import plain_quantity, quantity_error

pages = Blueprint("splits", __name__)

_NO_LOTS: Final = (
    f"There must be {LOTS_MIN} to {LOTS_MAX} lots. Enter one quantity per line, in total less than the "
    "whole. The remainder becomes the last lot."
)


class SplitForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """The quantities of the lots, or the serial numbers of some, one per line."""

    quantities = TextAreaField("Quantities of the lots")
    numbers = TextAreaField("Serial numbers")

    @property
    def ranges(self) -> list[str]:
        """The entered ranges of serial numbers."""
        lines = (self.numbers.data or "").replace(",", "\n").splitlines()
        return [line.strip() for line in lines if line.strip()]


@pages.get("/credits/<credit_id>/split")
@allows(Role.OPERATOR)
@query_parameters.reads("quantities", "numbers")
def split(credit_id: str) -> AnyResponse:
    """Show the form, with a preview of the lots if the address has their quantities or numbers."""
    credit = queries.credit(credit_id)
    if EventType.SPLIT not in credit.allowed_actions:
        return action_conflict.render(credit_id, EventType.SPLIT)
    form = SplitForm(request.args)
    if not request.args:
        form.numbers.data = _whole(credit)
    lots: Sequence[Credit] = []
    if request.args:
        try:
            lots = commands.plan_split(credit_id, _stated_lots(form, credit))
        except ActionNotAllowed:
            return action_conflict.render(credit_id, EventType.SPLIT)
        except InvalidFields as refusal:
            return _form_page(credit, form, refusal)
    return _page(credit, form, lots, HTTPStatus.OK)


@pages.post("/credits/<credit_id>/split")
@allows(Role.OPERATOR)
def record(credit_id: str) -> AnyResponse:
    """Record the split."""
    credit = queries.credit(credit_id)
    form = SplitForm()
    try:
        result = commands.split_credit(credit_id, _stated_lots(form, credit), actor(), key=request_key())
    except ActionNotAllowed:
        return action_conflict.render(credit_id, EventType.SPLIT)
    except InvalidFields as refusal:
        return _form_page(credit, form, refusal)
    note_replay(is_replay=result.is_replay)
    flash_success(f"Split into {len(result.lots)} lots. This cannot be undone.")
    return redirect(url_for("credits.show", credit_id=credit_id), HTTPStatus.SEE_OTHER)


def _stated_lots(form: SplitForm, credit: CreditView) -> Mapping[str, object]:
    """Return the entered numbers, or the entered quantities with the remainder as the last one."""
    states_quantities = bool((form.quantities.data or "").strip())
    # The form is prefilled with the whole range, which is left as it is where quantities are entered.
    if form.ranges and not (states_quantities and form.ranges == [_whole(credit)]):
        numbers: dict[str, object] = {"numbers": form.ranges}
        return numbers | {"quantities": []} if states_quantities else numbers
    lines = [line.strip() for line in (form.quantities.data or "").splitlines() if line.strip()]
    if len(lines) > LOTS_MAX:
        return {"quantities": lines}
    errors = [(number, quantity_error(PART_QUANTITY, line)) for number, line in enumerate(lines, start=1)]
    if problems := [Problem("quantities", f"Lot {number}: {error}") for number, error in errors if error]:
        raise InvalidFields(problems)
    typed = [plain_quantity(line) or "" for line in lines]
    rest_e4 = credit.quantity_e4 - sum(int(PART_QUANTITY.parse(line) or 0) for line in typed)
    return {"quantities": [*typed, quantity_text(rest_e4)] if typed and rest_e4 > 0 else typed}


def _whole(credit: CreditView) -> str:
    """Return the range of all serial numbers of a credit as the form has it, empty if it is no block."""
    block = block_of(credit)
    return f"{block.first} to {block.last}" if block else ""


def _form_page(credit: CreditView, form: SplitForm, refusal: InvalidFields) -> AnyResponse:
    for problem in refusal.problems:
        shown = form.numbers if problem.field == "numbers" else form.quantities
        message = _NO_LOTS if problem.message == NOT_A_LIST else problem.message
        shown.errors = [*shown.errors, message]
    return _page(credit, form, [], HTTPStatus.UNPROCESSABLE_ENTITY)


def _page(credit: CreditView, form: SplitForm, lots: Sequence[Credit], status: HTTPStatus) -> AnyResponse:
    page = render_template("credits/split.html", credit=credit, form=form, lots=lots, block=block_of(credit))
    return make_response(page, status)
