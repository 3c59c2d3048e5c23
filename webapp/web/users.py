"""The pages on which administrators add users, set their roles and passwords, and disable them."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
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
_NO_KEY_FOR_SECRETS: Final = "The form holds a password, and no hash of it may be stored."
_REPEATABLE: Final = "Repeating it sets the same value."
ROLES: Final = [
    SelectChoice(Role.VIEWER, "Viewer"),
    SelectChoice(Role.OPERATOR, "Operator"),
    SelectChoice(Role.ADMINISTRATOR, "Administrator"),
]


class NewUserForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """A new user."""

    name = StringField("Name")
    role = SelectField("Role", choices=ROLES, default=Role.OPERATOR)
    password = PasswordField("Password")


class SettingsForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """The role of a user, and a new initial password."""

    role = SelectField("Role", choices=ROLES)
    password = PasswordField("New password")


class PlainForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """A form without fields, to enable or disable a user."""


@dataclass(frozen=True)
class Forms:
    """The forms on the page of a user."""

    settings: SettingsForm
    plain: PlainForm


@pages.get("/people")
@allows(Role.ADMINISTRATOR)
def index() -> str:
    """Show all users."""
    return render_template("users/list.html", users=users.list_all(), own_id=principal().user_id)


@pages.route("/people/new", methods=["GET", "POST"])
@allows(Role.ADMINISTRATOR)
@without_idempotency_key(_NO_KEY_FOR_SECRETS)
def new() -> AnyResponse:
    """Show the form, or add a user."""
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
    flash(
        f"{user.name} can sign in. Give them the password; they then choose their own.",
        "success",
    )
    return _redirect_to(url_for(".index"))


@pages.get(USER_URL)
@allows(Role.ADMINISTRATOR)
def show(user_id: int) -> AnyResponse:
    """Show a user, with the forms to change it."""
    return _page(users.find(user_id))


@pages.post(USER_URL)
@allows(Role.ADMINISTRATOR)
@without_idempotency_key(_NO_KEY_FOR_SECRETS)
def change(user_id: int) -> AnyResponse:
    """Change the role of the user, and their password if one is given: both or neither."""
    user = users.find(user_id)
    form = SettingsForm()
    if not form.validate():
        return _page(user, HTTPStatus.UNPROCESSABLE_ENTITY, form)
    role, password = Role(form.role.data), form.password.data or ""
    try:
        return _done(
            user,
            lambda: users.change_settings(user_id, role, password, actor()),
            _changed(user, role, has_password=bool(password)),
        )
    except InvalidFields as refusal:
        show_problems(form, refusal.problems)
        return _page(user, HTTPStatus.UNPROCESSABLE_ENTITY, form)


def _changed(user: UserDetails, role: Role, *, has_password: bool) -> str:
    """Return the flash message that says what was changed."""
    changed = [f"{user.name} now has the role {role}."] if role is not user.role else []
    if has_password:
        changed.append(
            f"{user.name} has a new password and is signed out everywhere. "
            "Tokens that they created keep working until they are revoked."
        )
    return " ".join(changed) or "Nothing was changed."


@pages.route(f"{USER_URL}/disable", methods=["GET", "POST"])
@allows(Role.ADMINISTRATOR)
@without_idempotency_key(_REPEATABLE)
def disable(user_id: int) -> AnyResponse:
    """Ask whether to disable the user, or disable them."""
    user = users.find(user_id)
    if request.method != "POST":
        return make_response(
            render_template(
                "confirm.html",
                form=PlainForm(None),
                title="Disable this person",
                permanent=f"Disable {user.name}. They are signed out at once, and their tokens are revoked.",
                action=url_for(".disable", user_id=user_id),
                submit="Disable",
                cancel=url_for(".show", user_id=user_id),
                sign="ban",
            )
        )
    message = f"{user.name} is signed out and can no longer sign in."
    return _done(user, lambda: users.disable(user_id, actor()), message)


@pages.post(f"{USER_URL}/enable")
@allows(Role.ADMINISTRATOR)
@without_idempotency_key(_REPEATABLE)
def enable(user_id: int) -> AnyResponse:
    """Enable the user again."""
    user = users.find(user_id)
    return _done(user, lambda: users.enable(user_id, actor()), f"{user.name} can sign in again.")


def _done(user: UserDetails, action: Callable[[], None], message: str) -> AnyResponse:
    """Run the action and flash the message, or a warning if it would remove the last administrator."""
    try:
        action()
    except LastAdministrator as refusal:
        flash(str(refusal), "warning")
    else:
        flash(message, "success")
    return _redirect_to(url_for(".show", user_id=user.id))


def _new_page(form: NewUserForm, status: HTTPStatus) -> AnyResponse:
    page = render_template(
        "users/new.html", form=form, length_min=LENGTH_MIN, initial_days=INITIAL_PASSWORD_LIFETIME.days
    )
    return make_response(page, status)


def _page(
    user: UserDetails, status: HTTPStatus = HTTPStatus.OK, settings: SettingsForm | None = None
) -> AnyResponse:
    forms = Forms(settings or SettingsForm(None, role=user.role), PlainForm(None))
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
