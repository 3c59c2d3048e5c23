"""The pages that sign in and out and create the first administrator.

These views must not run inside an open transaction: each guess at a password or code is committed
before it is refused.
"""

from http import HTTPStatus
from typing import Final

from flask import (
    Blueprint,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse
from wtforms import PasswordField, StringField

from webapp.accounts import sessions, setup_code, users
from webapp.accounts.actors import LOCAL, SETUP
from webapp.accounts.errors import AlreadySetUp, LoginFailed, LoginRateLimited
from webapp.accounts.login import sign_in as check_and_start
from webapp.accounts.passwords import LENGTH_MIN
from webapp.accounts.users import User
from webapp.authorization import allows_everyone
from webapp.domain.errors import InvalidFields, Problem
from webapp.http import authentication
from webapp.http.authentication import SESSION_SECRET
from webapp.http.error_status import status_of
from webapp.idempotency import without_idempotency_key
from webapp.web import query_parameters
from webapp.web.forms import show_problems
from webapp.web.safe_redirect import safe_or_home

pages = Blueprint("auth", __name__)

NOT_THE_SAME: Final = "The passwords do not match."


class SignInForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """The name and password of a user."""

    name = StringField("Name")
    password = PasswordField("Password")


class SetUpForm(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """The form that creates the first administrator.

    `code` is asked for only if the request comes from another machine.
    """

    code = StringField("Set-up code")
    name = StringField("Name")
    password = PasswordField("Password")
    again = PasswordField("Confirm password")


@pages.route("/sign-in", methods=["GET", "POST"])
@allows_everyone
@without_idempotency_key("It starts a session and counts wrong passwords.")
@query_parameters.reads("next")
def sign_in() -> AnyResponse:
    """Show the sign-in form, or sign in and redirect to the address in `next`."""
    if not users.any_exists():
        return _redirect_to(url_for(".set_up"))
    wanted = safe_or_home(request.args.get("next"))
    form = SignInForm()
    if request.method != "POST":
        if authentication.principal().user_id is not None:
            return _redirect_to(wanted)
        return _sign_in_page(form, wanted, HTTPStatus.OK)
    try:
        signed_in = check_and_start(form.name.data or "", form.password.data or "", request.remote_addr or "")
    except LoginFailed as refusal:
        form.form_errors.append(str(refusal))
        return _sign_in_page(form, wanted, HTTPStatus.UNPROCESSABLE_ENTITY)
    except LoginRateLimited as held:
        form.form_errors.append(str(held))
        return _rate_limited(_sign_in_page(form, wanted, status_of(held)), held)
    open_session(signed_in.secret)
    return _redirect_to(wanted)


@pages.post("/sign-out")
@allows_everyone
@without_idempotency_key("It ends the session.")
def sign_out() -> AnyResponse:
    """End the session in the cookie and in the database."""
    _close_session()
    flash("You are signed out.", "success")
    return _redirect_to(url_for(".sign_in"))


@pages.route("/setup", methods=["GET", "POST"])
@allows_everyone
@without_idempotency_key("It starts a session and counts wrong codes.")
def set_up() -> AnyResponse:
    """Create the first administrator, from this machine or with the set-up code printed at startup."""
    # Read before `any_exists`: a request that is no longer local because of a new account is redirected.
    is_here = authentication.principal().is_local
    if users.any_exists():
        return _redirect_to(url_for(".sign_in"))
    form = SetUpForm()
    if is_here:
        del form.code
    if request.method != "POST":
        return _set_up_page(form, HTTPStatus.OK, is_here=is_here)
    try:
        user = _first_administrator(form, is_here=is_here)
    except InvalidFields as refusal:
        show_problems(form, refusal.problems)
        return _set_up_page(form, HTTPStatus.UNPROCESSABLE_ENTITY, is_here=is_here)
    except LoginRateLimited as held:
        form.form_errors.append(str(held))
        return _rate_limited(_set_up_page(form, status_of(held), is_here=is_here), held)
    except AlreadySetUp as refusal:
        flash(str(refusal), "warning")
        return _redirect_to(url_for(".sign_in"))
    open_session(sessions.start(user.id))
    flash("You are the administrator. From now on, everyone signs in, on this computer too.", "success")
    return _redirect_to("/")


def _first_administrator(form: SetUpForm, *, is_here: bool) -> User:
    """Create the first administrator. Raises InvalidFields, LoginRateLimited, AlreadySetUp, LoginsBusy."""
    if not is_here:
        expected = current_app.config["SETUP_CODE_HASH"]
        setup_code.require_correct(form.code.data or "", expected, request.remote_addr or "")
    if form.password.data != form.again.data:
        raise InvalidFields([Problem("again", NOT_THE_SAME)])
    return users.add_first(form.name.data or "", form.password.data or "", LOCAL if is_here else SETUP)


def redirect_to_set_up() -> AnyResponse | None:
    """Redirect pages about accounts to the set-up page while there is no account."""
    return _redirect_to(url_for("auth.set_up")) if authentication.principal().is_local else None


def open_session(secret: str) -> None:
    """Start a new session in the cookie. Nothing of the previous one is kept, not even its CSRF token."""
    _close_session()
    session[SESSION_SECRET] = secret


def _close_session() -> None:
    previous = session.get(SESSION_SECRET)
    if previous:
        sessions.end(previous)  # first: if this fails, the browser must keep the cookie
    session.clear()
    authentication.forget_principal()


def _sign_in_page(form: SignInForm, wanted: str, status: HTTPStatus) -> AnyResponse:
    authentication.principal()
    action = url_for(".sign_in", next=None if wanted == "/" else wanted)
    page = render_template("auth/sign_in.html", form=form, action=action, is_emptied=users.are_gone())
    return make_response(page, status)


def _set_up_page(form: SetUpForm, status: HTTPStatus, *, is_here: bool) -> AnyResponse:
    page = render_template(
        "auth/set_up.html",
        form=form,
        needs_code=not is_here,
        has_code=bool(current_app.config["SETUP_CODE_HASH"]),
        length_min=LENGTH_MIN,
    )
    return make_response(page, status)


def _rate_limited(page: AnyResponse, held: LoginRateLimited) -> AnyResponse:
    page.headers["Retry-After"] = str(held.retry_after_s)
    return page


def _redirect_to(address: str) -> AnyResponse:
    return redirect(address, HTTPStatus.SEE_OTHER)
