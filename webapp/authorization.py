"""Authorization: compares the principal of each request with the role that its view requires.

Each view is decorated with `allows` or `allows_everyone`; an undecorated view is refused. The check runs
after ``webapp.http.request_security`` and before the view. A write with a session also needs a CSRF token.
A request with an API token, or from this machine while there is no account, has no session that another
site could abuse.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
from typing import Any, Final, TypeVar

from flask import Flask, Response, abort, current_app, make_response, redirect, request, url_for
from flask_wtf.csrf import CSRFProtect, validate_csrf
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse
from wtforms import ValidationError

from webapp.accounts import roles, users
from webapp.accounts.actors import LOCAL
from webapp.accounts.roles import Role
from webapp.domain.errors import LedgerError
from webapp.http import authentication, htmx, request_security
from webapp.http.authentication import (
    ANONYMOUS,
    INVALID_TOKEN,
    NotSignedIn,
    PasswordChangeRequired,
    Principal,
    RoleRequired,
    SetUpRequired,
)
from webapp.http.error_status import is_api_path
from webapp.ledger.group_commit import precommit_check

View = TypeVar("View", bound=Callable[..., Any])

EVERYONE: Final = "everyone"
_REQUIRED_ROLE: Final = "required_role"
_PUBLIC_WHERE: Final = "public_where"
# The setting with which everyone may read what proves the log.
PUBLIC_LOG: Final = "PUBLIC_LOG"
_NO_CSRF_TOKEN: Final = "needs_no_csrf_token"  # noqa: S105 - an attribute's name
_INITIAL_PASSWORD: Final = "allows_initial_password"  # noqa: S105 - an attribute's name

_NOTHING_RECORDED: Final = "Nothing was recorded."

CSRF_HEADER: Final = "X-CSRFToken"
SIGN_IN_FIRST: Final = "Sign in first."
BEARER_FIRST: Final = "Send an API token as Authorization: Bearer, or sign in on the pages."


def allows(role: Role) -> Callable[[View], View]:
    """Decorate a view: it requires this role, or one that includes it."""
    return lambda view: _require(view, role)


def public_where(setting: str) -> Callable[[View], View]:
    """Decorate a view: everyone may use it where this setting of the application is on."""

    def note(view: View) -> View:
        setattr(view, _PUBLIC_WHERE, setting)
        return view

    return note


def allows_everyone(view: View) -> View:
    """Decorate a view: it requires no role and no sign-in."""
    return _require(view, EVERYONE)


def needs_no_csrf_token(view: View) -> View:
    """Decorate a view of other programs that acts for nobody: it does not matter who is signed in."""
    setattr(view, _NO_CSRF_TOKEN, True)
    return view


def allows_initial_password(view: View) -> View:
    """Decorate a view: users with an initial password can use it."""
    setattr(view, _INITIAL_PASSWORD, True)
    return view


def accepts_initial_password(view: Callable[..., Any]) -> bool:
    """Return whether users with an initial password can use the view."""
    return getattr(view, _INITIAL_PASSWORD, False) or required_role(view) == EVERYONE


def _require(view: View, role: str) -> View:
    setattr(view, _REQUIRED_ROLE, role)
    return view


def required_role(view: Callable[..., Any]) -> str | None:
    """Return the role that the view requires, EVERYONE, or None for an undecorated view."""
    return getattr(view, _REQUIRED_ROLE, None)


def recheck_role(principal: Principal, role: Role, connection: Connection) -> None:
    """Recheck before commit that the principal still has the role.

    Raises NotSignedIn if the user was disabled, the token revoked or expired, or, for a local request, the
    first account was created meanwhile. Raises RoleRequired if the principal now has a lesser role.
    """
    if principal.is_local:
        # What lies outside the database was looked at when the request began.
        if users.any_is_recorded(connection):
            raise NotSignedIn(f"The first account was created meanwhile. {_NOTHING_RECORDED} Sign in first.")
        return
    now = roles.role_at_commit(connection, principal.actor)
    if now is None and principal.user_id is None:
        raise NotSignedIn(
            f"This token was revoked or expired meanwhile. {_NOTHING_RECORDED}", challenge=INVALID_TOKEN
        )
    if now is None:
        raise NotSignedIn(f"Your account was disabled meanwhile. {_NOTHING_RECORDED}")
    if not now.includes(role):
        raise RoleRequired(role, now)


def may_still_record(connection: Connection, actor: str) -> bool:
    """Return whether the actor of work in the background may still record, as `recheck_role` asks it."""
    if actor == LOCAL:
        return not users.any_exists_on(connection)
    role = roles.role_at_commit(connection, actor) if ":" in actor else Role.OPERATOR
    return role is not None and role.includes(Role.OPERATOR)


def install(app: Flask) -> None:
    """Authorize every request of the application."""
    csrf = CSRFProtect()
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # it depends on the principal
    csrf.init_app(app)
    allows_everyone(app.view_functions["static"])

    @app.before_request
    def authorize() -> AnyResponse | None:
        return _authorize(csrf)

    app.after_request(set_cache_control)
    app.jinja_env.globals.update(principal=authentication.known_principal, may=_may)


@contextmanager
def recheck_before_commit() -> Iterator[None]:
    """Recheck the principal's role before the current request commits.

    Local requests lose their rights once there is an account.
    """
    required = required_role(current_app.view_functions[request.endpoint or ""])
    if required in {None, EVERYONE}:
        yield
        return
    with precommit_check(partial(recheck_role, authentication.known_principal(), Role(required))):
        yield


def set_cache_control(response: Response) -> Response:
    """Forbid caches to store responses to signed-in users.

    Browsers may store public responses, and those to this machine while there is no account, but must
    revalidate them each time.
    """
    is_personal = authentication.known_principal().user_id is not None or request.blueprint == "auth"
    response.headers.setdefault("Cache-Control", "no-store" if is_personal else "private, no-cache")
    return response


def _may(role: str) -> bool:
    """Return whether the principal has the role. For templates, which hide what it cannot do."""
    return authentication.known_principal().may(Role(role))


def _authorize(csrf: CSRFProtect) -> AnyResponse | None:
    if request.endpoint is None:
        with suppress(LedgerError):  # so that the error page shows the user's menu
            authentication.principal()
        return None
    view = current_app.view_functions[request.endpoint]
    required = required_role(view)
    if required is None:
        abort(HTTPStatus.FORBIDDEN, "This address is not available.")
    is_public = bool(current_app.config.get(getattr(view, _PUBLIC_WHERE, "")))
    if required != EVERYONE and not is_public:
        principal = authentication.principal()
        if principal.has_initial_password and not accepts_initial_password(view):
            return _redirect_to_password_change()
        if not principal.may(Role(required)):
            return _deny(principal, Role(required))
    is_asked = not getattr(view, _NO_CSRF_TOKEN, False)
    if is_asked and request.method not in request_security.SAFE_METHODS:
        _require_csrf_token(csrf)
    return None


def _deny(principal: Principal, role: Role) -> AnyResponse:
    """Redirect a page to sign-in or set-up. Raises SetUpRequired, RoleRequired or NotSignedIn otherwise."""
    is_api = is_api_path(request.path)
    is_page_view = request.method in request_security.SAFE_METHODS and not is_api
    if principal == ANONYMOUS and not users.any_exists():
        if is_page_view and not htmx.wants_fragment():
            return htmx.add_vary(redirect(url_for("auth.set_up"), HTTPStatus.SEE_OTHER))
        raise SetUpRequired
    if principal.actor != ANONYMOUS.actor and principal.role is not None:
        raise RoleRequired(role, principal.role)
    if htmx.wants_fragment() and not is_api:
        answer = make_response("", HTTPStatus.UNAUTHORIZED)
        answer.headers["HX-Redirect"] = url_for("auth.sign_in", next=htmx.current_page())
        answer.headers["WWW-Authenticate"] = "Bearer"
        return htmx.add_vary(answer)
    if is_page_view:
        here = request.full_path.rstrip("?")
        return htmx.add_vary(redirect(url_for("auth.sign_in", next=here), HTTPStatus.SEE_OTHER))
    raise NotSignedIn(BEARER_FIRST if is_api else SIGN_IN_FIRST)


def _redirect_to_password_change() -> AnyResponse:
    """Redirect a page to the password form. Raises PasswordChangeRequired for writes and the API."""
    if request.method not in request_security.SAFE_METHODS or is_api_path(request.path):
        raise PasswordChangeRequired
    there = url_for("account.password")
    if htmx.wants_fragment():
        answer = make_response("", HTTPStatus.FORBIDDEN)
        answer.headers["HX-Redirect"] = there
        return htmx.add_vary(answer)
    return htmx.add_vary(redirect(there, HTTPStatus.SEE_OTHER))


def _require_csrf_token(csrf: CSRFProtect) -> None:
    if not is_api_path(request.path):
        csrf.protect()
    elif authentication.known_principal().user_id is not None:
        try:
            validate_csrf(request.headers.get(CSRF_HEADER))
        except ValidationError:
            abort(
                HTTPStatus.FORBIDDEN,
                f"A write with a session needs the page's CSRF token in {CSRF_HEADER}. Programs send an "
                "API token instead.",
            )
