"""The pages on which administrators say who may sign in, and as what."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse
from wtforms import PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from webapp.accounts import users
from webapp.accounts.errors import FirstUserMustAdminister, LastAdministrator
from webapp.accounts.passwords import INITIAL_PASSWORD_LIFETIME, LENGTH_MIN
from webapp.accounts.roles import Role
from webapp.accounts.users import UserDetails
from webapp.authorization import allows
from webapp.domain.errors import InvalidFields
from webapp.http.authentication import actor, principal
from webapp.idempotency import without_idempotency_key
from webapp.web.auth_pages import redirect_to_set_up
from webapp.web.forms import show_problems

pages = Blueprint("users", __name__)
pages.before_request(redirect_to_set_up)

USER_URL: Final = "/people/<int:user_id>"
_NOT_EVEN_HASHED: Final = "Its form holds a password, of which no fingerprint may be kept."
_SETS_THE_SAME: Final = "Sent again, it sets the same."
ROLES: Final = [
    SelectChoice(Role.VIEWER, "Viewer: reads everything"),
    SelectChoice(Role.OPERATOR, "Operator: also records, sells, retires and imports"),
    SelectChoice(Role.ADMINISTRATOR, "Administrator: also adds people and makes tokens"),
]


class NewUserForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """Somebody who may sign in from now on."""

    name = StringField("Name")
    role = SelectField("Role", choices=ROLES, default=Role.OPERATOR)
    password = PasswordField("Password")


class RoleForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """Another role."""

    role = SelectField("Role", choices=ROLES)


class PasswordForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """A new password for somebody who has lost theirs."""

    password = PasswordField("New password")


class PlainForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """A button: enabling, disabling."""


@dataclass(frozen=True)
class Forms:
    """The forms on the page of a person, one of them perhaps as it was sent."""

    role: RoleForm
    password: PasswordForm
    plain: PlainForm


@pages.get("/people")
@allows(Role.ADMINISTRATOR)
def index() -> str:
    """Show everybody who was ever added."""
    return render_template("users/list.html", users=users.list_all(), own_id=principal().user_id)


@pages.route("/people/new", methods=["GET", "POST"])
@allows(Role.ADMINISTRATOR)
@without_idempotency_key(_NOT_EVEN_HASHED)
def new() -> AnyResponse:
    """Ask who it is, and add them."""
    form = NewUserForm()
    if not form.validate_on_submit():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_submitted() else HTTPStatus.OK
        return _new_page(form, status)
    try:
        user = users.add(form.name.data or "", Role(form.role.data), form.password.data or "", actor())
    except InvalidFields as refusal:
        show_problems(form, refusal.problems)
        return _new_page(form, HTTPStatus.UNPROCESSABLE_ENTITY)
    except FirstUserMustAdminister as refusal:
        form.form_errors.append(str(refusal))
        return _new_page(form, HTTPStatus.CONFLICT)
    flash(f"{user.name} can sign in. Tell them the password; with it they choose their own.", "success")
    return _redirect_to(url_for(".index"))


@pages.get(USER_URL)
@allows(Role.ADMINISTRATOR)
def show(user_id: int) -> AnyResponse:
    """Show one person, with what can be changed."""
    return _page(users.find(user_id))


@pages.post(f"{USER_URL}/role")
@allows(Role.ADMINISTRATOR)
@without_idempotency_key(_SETS_THE_SAME)
def change_role(user_id: int) -> AnyResponse:
    """Give the person another role."""
    user = users.find(user_id)
    form = RoleForm()
    if not form.validate():
        return _page(user, HTTPStatus.UNPROCESSABLE_ENTITY, role=form)
    role = Role(form.role.data)
    return _done(
        user,
        lambda: users.change_role(user_id, role, actor()),
        f"{user.name} has the role {role} now.",
    )


@pages.post(f"{USER_URL}/password")
@allows(Role.ADMINISTRATOR)
@without_idempotency_key(_NOT_EVEN_HASHED)
def set_password(user_id: int) -> AnyResponse:
    """Give the person a new password."""
    user = users.find(user_id)
    form = PasswordForm()
    try:
        users.set_password(user_id, form.password.data or "", actor())
    except InvalidFields as refusal:
        show_problems(form, refusal.problems)
        return _page(user, HTTPStatus.UNPROCESSABLE_ENTITY, password=form)
    flash(
        f"{user.name} has a new password. They are signed out everywhere; "
        "tokens that they made still work until somebody revokes them.",
        "success",
    )
    return _redirect_to(url_for(".show", user_id=user_id))


@pages.post(f"{USER_URL}/disable")
@allows(Role.ADMINISTRATOR)
@without_idempotency_key(_SETS_THE_SAME)
def disable(user_id: int) -> AnyResponse:
    """Let the person sign in no more."""
    user = users.find(user_id)
    said = f"{user.name} is signed out and cannot sign in any more."
    return _done(user, lambda: users.disable(user_id, actor()), said)


@pages.post(f"{USER_URL}/enable")
@allows(Role.ADMINISTRATOR)
@without_idempotency_key(_SETS_THE_SAME)
def enable(user_id: int) -> AnyResponse:
    """Let the person sign in again."""
    user = users.find(user_id)
    return _done(user, lambda: users.enable(user_id, actor()), f"{user.name} can sign in again.")


def _done(user: UserDetails, action: Callable[[], None], said: str) -> AnyResponse:
    """Do it and say so, or say that nobody would be left to administer."""
    try:
        action()
    except LastAdministrator as refusal:
        flash(str(refusal), "warning")
    else:
        flash(said, "success")
    return _redirect_to(url_for(".show", user_id=user.id))


def _new_page(form: NewUserForm, status: HTTPStatus) -> AnyResponse:
    page = render_template(
        "users/new.html", form=form, length_min=LENGTH_MIN, initial_days=INITIAL_PASSWORD_LIFETIME.days
    )
    return make_response(page, status)


def _page(
    user: UserDetails,
    status: HTTPStatus = HTTPStatus.OK,
    *,
    role: RoleForm | None = None,
    password: PasswordForm | None = None,
) -> AnyResponse:
    forms = Forms(role or RoleForm(None, role=user.role), password or PasswordForm(None), PlainForm(None))
    page = render_template(
        "users/show.html",
        user=user,
        forms=forms,
        is_oneself=user.id == principal().user_id,
        length_min=LENGTH_MIN,
        initial_days=INITIAL_PASSWORD_LIFETIME.days,
    )
    return make_response(page, status)


def _redirect_to(address: str) -> AnyResponse:
    return redirect(address, HTTPStatus.SEE_OTHER)
