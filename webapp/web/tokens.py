"""The pages on which administrators make tokens for programs, and revoke them."""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice

from webapp.accounts import tokens
from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.errors import InvalidFields
from webapp.http.authentication import actor
from webapp.idempotency import note_replay, request_key, without_idempotency_key
from webapp.web import actor_names
from webapp.web.auth_pages import redirect_to_set_up
from webapp.web.forms import show_problems

pages = Blueprint("tokens", __name__)
pages.before_request(redirect_to_set_up)

ROLES: Final = [
    SelectChoice(Role.VIEWER, "Viewer: reads"),
    SelectChoice(Role.OPERATOR, "Operator: also records, sells, retires and imports"),
    SelectChoice(Role.ADMINISTRATOR, "Administrator: the same over the API as an operator"),
]
DAYS: Final = [SelectChoice(days, f"{days} days") for days in (7, 30, 90, 180, 366)]


class NewTokenForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """What a program is called, what it may do, and for how long."""

    name = StringField("Name")
    role = SelectField("Role", choices=ROLES, default=Role.OPERATOR)
    days = SelectField("Works for", choices=DAYS, default=tokens.DAYS, coerce=int)


class RevokeForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """A button."""


@pages.get("/tokens")
@allows(Role.ADMINISTRATOR)
def index() -> str:
    """Show every token that was ever made."""
    found = tokens.list_all()
    actor_names.prefetch(token.added_by for token in found)
    return render_template("tokens/list.html", tokens=found, form=RevokeForm())


@pages.route("/tokens/new", methods=["GET", "POST"])
@allows(Role.ADMINISTRATOR)
def new() -> AnyResponse:
    """Ask what it is for, make it, and show its text this once: in this answer and nowhere else."""
    form = NewTokenForm()
    if not form.validate_on_submit():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_submitted() else HTTPStatus.OK
        return make_response(render_template("tokens/new.html", form=form), status)
    try:
        made = tokens.create(
            form.name.data or "", Role(form.role.data), actor(), days=form.days.data, key=request_key()
        )
    except InvalidFields as refusal:
        show_problems(form, refusal.problems)
        page = render_template("tokens/new.html", form=form)
        return make_response(page, HTTPStatus.UNPROCESSABLE_ENTITY)
    if made is None:
        note_replay(is_replay=True)
        flash("This token was made already; its text was shown once.", "info")
        return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)
    return make_response(render_template("tokens/created.html", token=made.token, secret=made.secret))


@pages.post("/tokens/<int:token_id>/revoke")
@allows(Role.ADMINISTRATOR)
@without_idempotency_key("Sent again, it changes nothing.")
def revoke(token_id: int) -> AnyResponse:
    """Let the token work no more."""
    tokens.revoke(token_id, actor())
    flash("Revoked. Whoever sends it is refused from now on.", "success")
    return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)
