"""The page that changes one's own password.

The view must not run inside an open transaction: a wrong guess at the current password is committed.
"""

from http import HTTPStatus

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse
from wtforms import PasswordField

from webapp.accounts.errors import LoginRateLimited
from webapp.accounts.login import change_password
from webapp.accounts.passwords import LENGTH_MIN
from webapp.accounts.roles import Role
from webapp.authorization import allows, allows_initial_password
from webapp.domain.errors import InvalidFields
from webapp.http.authentication import NotSignedIn, principal
from webapp.http.error_status import status_of
from webapp.idempotency import without_idempotency_key
from webapp.web.auth_pages import NOT_THE_SAME, open_session, redirect_to_set_up
from webapp.web.forms import show_problems

pages = Blueprint("account", __name__)
pages.before_request(redirect_to_set_up)


class OwnPasswordForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """The current and the new password."""

    current = PasswordField("Current password")
    new = PasswordField("New password")
    again = PasswordField("Confirm new password")


@pages.route("/account/password", methods=["GET", "POST"])
@allows(Role.VIEWER)
@allows_initial_password
@without_idempotency_key("It counts wrong passwords.")
def password() -> AnyResponse:
    """Show the form, or change the password."""
    user_id = principal().user_id
    if user_id is None:  # PUBLIC_READING is on, and nobody is signed in
        if request.method == "POST":
            raise NotSignedIn("Sign in first.")
        return redirect(url_for("auth.sign_in", next=request.path), HTTPStatus.SEE_OTHER)
    form = OwnPasswordForm()
    if request.method != "POST":
        return _page(form, HTTPStatus.OK)
    if form.new.data != form.again.data:
        form.again.errors = [NOT_THE_SAME]
        return _page(form, HTTPStatus.UNPROCESSABLE_ENTITY)
    address = request.remote_addr or ""
    try:
        secret = change_password(user_id, form.current.data or "", form.new.data or "", address=address)
    except InvalidFields as refusal:
        show_problems(form, refusal.problems)
        return _page(form, HTTPStatus.UNPROCESSABLE_ENTITY)
    except LoginRateLimited as held:
        form.form_errors.append(str(held))
        page = _page(form, status_of(held))
        page.headers["Retry-After"] = str(held.retry_after_s)
        return page
    open_session(secret)
    flash("Password changed. You are signed out everywhere else.", "success")
    return redirect(url_for("dashboard.show"), HTTPStatus.SEE_OTHER)


def _page(form: OwnPasswordForm, status: HTTPStatus) -> AnyResponse:
    page = render_template(
        "account/password.html",
        form=form,
        name=principal().name,
        is_initial=principal().has_initial_password,
        length_min=LENGTH_MIN,
    )
    return make_response(page, status)
