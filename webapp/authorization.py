"""Who may pass: each request is compared with what its view demands. What nothing allows is refused.

Every view says whom it lets in, with `allows` or `allows_everyone`; a view that says nothing is refused.
The check runs behind ``webapp.http.request_security``, which looks at where a request comes from, and
before any view. Writes with a session need the token of a form here too; a request with an API token,
and a program on this machine while there is no account, has no session that another site's page could
borrow.
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
from webapp.ledger.writer import precommit_check

View = TypeVar("View", bound=Callable[..., Any])

EVERYONE: Final = "everyone"
_REQUIRED_ROLE: Final = "demands"
_INITIAL_PASSWORD: Final = "allows_given_password"  # noqa: S105 - an attribute's name

_NOTHING_RECORDED: Final = "Nothing was recorded."

CSRF_HEADER: Final = "X-CSRFToken"
SIGN_IN_FIRST: Final = "Sign in first."
BEARER_FIRST: Final = "Send an API token as Authorization: Bearer, or sign in on the pages."


def allows(role: Role) -> Callable[[View], View]:
    """Let whoever has this role, or one that includes it, use the view."""
    return lambda view: _require(view, role)


def allows_everyone(view: View) -> View:
    """Let everyone use the view, signed in or not."""
    return _require(view, EVERYONE)


def allows_initial_password(view: View) -> View:
    """Let also those use the view who signed in with a password that was given to them."""
    setattr(view, _INITIAL_PASSWORD, True)
    return view


def accepts_initial_password(view: Callable[..., Any]) -> bool:
    """Say whether the view is one of those."""
    return getattr(view, _INITIAL_PASSWORD, False) or required_role(view) == EVERYONE


def _require(view: View, demand: str) -> View:
    setattr(view, _REQUIRED_ROLE, demand)
    return view


def required_role(view: Callable[..., Any]) -> str | None:
    """Return the role that the view demands, EVERYONE, or None where it says nothing."""
    return getattr(view, _REQUIRED_ROLE, None)


def recheck_role(principal: Principal, role: Role, connection: Connection) -> None:
    """Refuse what is about to be committed where the one who asked may not do it any more.

    Raises NotSignedIn where they were disabled, their token was revoked, or somebody made the first
    account meanwhile; RoleRequired where they have a lesser role now.
    """
    if principal.is_local:
        if users.any_exists_on(connection):
            raise NotSignedIn(f"Somebody made an account meanwhile. {_NOTHING_RECORDED} Sign in first.")
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


def install(app: Flask) -> None:
    """Ask of every request who it is and whether that may be."""
    csrf = CSRFProtect()
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # it depends on who asks
    csrf.init_app(app)
    allows_everyone(app.view_functions["static"])

    @app.before_request
    def admit() -> AnyResponse | None:
        return _authorize(csrf)

    app.after_request(set_cache_control)
    app.jinja_env.globals.update(principal=authentication.known_principal, may=_may)


@contextmanager
def recheck_before_commit() -> Iterator[None]:
    """Commit what the current request does only if whoever asks may still do it then.

    This machine loses its right with the first account.
    """
    demand = required_role(current_app.view_functions[request.endpoint or ""])
    if demand in {None, EVERYONE}:
        yield
        return
    with precommit_check(partial(recheck_role, authentication.known_principal(), Role(demand))):
        yield


def set_cache_control(response: Response) -> Response:
    """Let nobody keep a copy of what somebody saw because of who they are.

    What everybody may read, and what this machine reads while there is no account, a browser may keep
    for itself, and has to ask each time whether it may still be shown.
    """
    is_theirs = authentication.known_principal().user_id is not None or request.blueprint == "auth"
    response.headers.setdefault("Cache-Control", "no-store" if is_theirs else "private, no-cache")
    return response


def _may(role: str) -> bool:
    """Say whether whoever asks may do what the role may: for templates, which show no more than that."""
    return authentication.known_principal().may(Role(role))


def _authorize(csrf: CSRFProtect) -> AnyResponse | None:
    if request.endpoint is None:
        with suppress(LedgerError):  # so that the page that says so is theirs
            authentication.principal()
        return None
    view = current_app.view_functions[request.endpoint]
    demand = required_role(view)
    if demand is None:
        abort(HTTPStatus.FORBIDDEN, "Nobody may use this address.")
    if demand != EVERYONE:
        principal = authentication.principal()
        if principal.has_initial_password and not accepts_initial_password(view):
            return _redirect_to_password_change()
        if not principal.may(Role(demand)):
            return _deny(principal, Role(demand))
    if request.method not in request_security.SAFE_METHODS:
        _require_csrf_token(csrf)
    return None


def _deny(principal: Principal, role: Role) -> AnyResponse:
    """Lead to where they can become somebody who may. Raises the refusal where that cannot be."""
    of_api = is_api_path(request.path)
    is_look = request.method in request_security.SAFE_METHODS and not of_api
    if principal == ANONYMOUS and not users.any_exists():
        if is_look and not htmx.wants_fragment():
            return htmx.add_vary(redirect(url_for("auth.set_up"), HTTPStatus.SEE_OTHER))
        raise SetUpRequired
    if principal.actor != ANONYMOUS.actor and principal.role is not None:
        raise RoleRequired(role, principal.role)
    if htmx.wants_fragment() and not of_api:
        answer = make_response("", HTTPStatus.UNAUTHORIZED)
        answer.headers["HX-Redirect"] = url_for("auth.sign_in", next=htmx.current_page())
        answer.headers["WWW-Authenticate"] = "Bearer"
        return htmx.add_vary(answer)
    if is_look:
        here = request.full_path.rstrip("?")
        return htmx.add_vary(redirect(url_for("auth.sign_in", next=here), HTTPStatus.SEE_OTHER))
    raise NotSignedIn(BEARER_FIRST if of_api else SIGN_IN_FIRST)


def _redirect_to_password_change() -> AnyResponse:
    """Lead to where they choose their own password. Raises PasswordChangeRequired where that cannot be."""
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
                f"A write with a session needs the page's token in {CSRF_HEADER}. A program sends an "
                "API token instead.",
            )
