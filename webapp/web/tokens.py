"""The pages on which administrators create and revoke API tokens."""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice

from webapp.accounts import tokens
from webapp.accounts.errors import UnknownToken
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
    SelectChoice(Role.VIEWER, "Viewer"),
    SelectChoice(Role.OPERATOR, "Operator"),
    SelectChoice(Role.ADMINISTRATOR, "Administrator"),
]
DAYS: Final = [SelectChoice(days, f"{days} days") for days in (7, 30, 90, 180, 366)]


class NewTokenForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """The name, role and lifetime of a new token."""

    name = StringField("Name")
    role = SelectField("Role", choices=ROLES, default=Role.OPERATOR)
    days = SelectField("Expires after", choices=DAYS, default=tokens.DAYS, coerce=int)


class RevokeForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """A form without fields, for the CSRF token."""


@pages.get("/tokens")
@allows(Role.ADMINISTRATOR)
def index() -> str:
    """Show all tokens, revoked and expired ones too."""
    found = tokens.list_all()
    actor_names.prefetch(token.added_by for token in found)
    return render_template("tokens/list.html", tokens=found)


@pages.route("/tokens/new", methods=["GET", "POST"])
@allows(Role.ADMINISTRATOR)
def new() -> AnyResponse:
    """Show the form, or create a token and show its text. No other response contains it."""
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
        flash("This token was already created. Its text is shown only once.", "info")
        return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)
    return make_response(render_template("tokens/created.html", token=made.token, secret=made.secret))


@pages.route("/tokens/<int:token_id>/revoke", methods=["GET", "POST"])
@allows(Role.ADMINISTRATOR)
@without_idempotency_key("Repeating it changes nothing.")
def revoke(token_id: int) -> AnyResponse:
    """Ask whether to revoke the token, or revoke it."""
    if request.method != "POST":
        token = next((token for token in tokens.list_all() if token.id == token_id), None)
        if token is None:
            raise UnknownToken
        return make_response(
            render_template(
                "confirm.html",
                form=RevokeForm(),
                title="Revoke this token",
                permanent=f"Revoke {token.name}. Programs that use it are refused. This cannot be undone.",
                action=url_for(".revoke", token_id=token_id),
                submit="Revoke",
                cancel=url_for(".index"),
                sign="ban",
            )
        )
    tokens.revoke(token_id, actor())
    flash("Revoked. Requests with this token are refused from now on.", "success")
    return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)
