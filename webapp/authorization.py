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
from webapp.domain.errors import Refusal
from webapp.http import authentication, htmx, request_security
from webapp.http.authentication import (
    INVALID_TOKEN,
    NOBODY,
    NotSetUp,
    NotSignedIn,
    OwnPasswordNeeded,
    RoleNeeded,
    Visitor,
)
from webapp.http.error_status import is_api_path
from webapp.ledger.writer import precommit_check

View = TypeVar("View", bound=Callable[..., Any])

EVERYONE: Final = "everyone"
_DEMAND: Final = "demands"
_GIVEN_PASSWORD: Final = "allows_given_password"  # noqa: S105 - an attribute's name

_TAKEN_BACK: Final = "Nothing was recorded."

CSRF_HEADER: Final = "X-CSRFToken"
SIGN_IN_FIRST: Final = "Sign in first."
BEARER_FIRST: Final = "Send an API token as Authorization: Bearer, or sign in on the pages."


def allows(role: Role) -> Callable[[View], View]:
    """Let whoever has this role, or one that includes it, use the view."""
    return lambda view: _demand(view, role)


def allows_everyone(view: View) -> View:
    """Let everyone use the view, signed in or not."""
    return _demand(view, EVERYONE)


def allows_given_password(view: View) -> View:
    """Let also those use the view who signed in with a password that was given to them."""
    setattr(view, _GIVEN_PASSWORD, True)
    return view


def is_open_to_given_password(view: Callable[..., Any]) -> bool:
    """Say whether the view is one of those."""
    return getattr(view, _GIVEN_PASSWORD, False) or demand_of(view) == EVERYONE


def _demand(view: View, demand: str) -> View:
    setattr(view, _DEMAND, demand)
    return view


def demand_of(view: Callable[..., Any]) -> str | None:
    """Return the role that the view demands, EVERYONE, or None where it says nothing."""
    return getattr(view, _DEMAND, None)


def recheck_role(asking: Visitor, role: Role, connection: Connection) -> None:
    """Refuse what is about to be committed where the one who asked may not do it any more.

    Raises NotSignedIn where they were disabled, their token was revoked, or somebody made the first
    account meanwhile; RoleNeeded where they have a lesser role now.
    """
    if asking.is_local:
        if users.anybody(connection):
            raise NotSignedIn(f"Somebody made an account meanwhile. {_TAKEN_BACK} Sign in first.")
        return
    now = roles.role_at_commit(connection, asking.actor)
    if now is None and asking.person_id is None:
        raise NotSignedIn(
            f"This token was revoked or expired meanwhile. {_TAKEN_BACK}", challenge=INVALID_TOKEN
        )
    if now is None:
        raise NotSignedIn(f"Your account was disabled meanwhile. {_TAKEN_BACK}")
    if not now.includes(role):
        raise RoleNeeded(role, now)


def install(app: Flask) -> None:
    """Ask of every request who it is and whether that may be."""
    csrf = CSRFProtect()
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # it depends on who asks
    csrf.init_app(app)
    allows_everyone(app.view_functions["static"])

    @app.before_request
    def admit() -> AnyResponse | None:
        return _admit(csrf)

    app.after_request(keep_private)
    app.jinja_env.globals.update(visitor=authentication.known_visitor, may=_may)


@contextmanager
def held_to_the_end() -> Iterator[None]:
    """Commit what the current request does only if whoever asks may still do it then.

    This machine loses its right with the first account.
    """
    demand = demand_of(current_app.view_functions[request.endpoint or ""])
    if demand in {None, EVERYONE}:
        yield
        return
    with precommit_check(partial(recheck_role, authentication.known_visitor(), Role(demand))):
        yield


def keep_private(response: Response) -> Response:
    """Let nobody keep a copy of what somebody saw because of who they are.

    What everybody may read, and what this machine reads while there is no account, a browser may keep
    for itself, and has to ask each time whether it may still be shown.
    """
    is_theirs = authentication.known_visitor().person_id is not None or request.blueprint == "entry"
    response.headers.setdefault("Cache-Control", "no-store" if is_theirs else "private, no-cache")
    return response


def _may(role: str) -> bool:
    """Say whether whoever asks may do what the role may: for templates, which show no more than that."""
    return authentication.known_visitor().may(Role(role))


def _admit(csrf: CSRFProtect) -> AnyResponse | None:
    if request.endpoint is None:
        with suppress(Refusal):  # so that the page that says so is theirs
            authentication.visitor()
        return None
    view = current_app.view_functions[request.endpoint]
    demand = demand_of(view)
    if demand is None:
        abort(HTTPStatus.FORBIDDEN, "Nobody may use this address.")
    if demand != EVERYONE:
        visitor = authentication.visitor()
        if visitor.has_given_password and not is_open_to_given_password(view):
            return _lead_to_own_password()
        if not visitor.may(Role(demand)):
            return _turn_away(visitor, Role(demand))
    if request.method not in request_security.SAFE_METHODS:
        _require_form_token(csrf)
    return None


def _turn_away(visitor: Visitor, role: Role) -> AnyResponse:
    """Lead to where they can become somebody who may. Raises the refusal where that cannot be."""
    of_api = is_api_path(request.path)
    is_look = request.method in request_security.SAFE_METHODS and not of_api
    if visitor == NOBODY and not users.exist():
        if is_look and not htmx.wants_fragment():
            return htmx.mark(redirect(url_for("entry.set_up"), HTTPStatus.SEE_OTHER))
        raise NotSetUp
    if visitor.actor != NOBODY.actor and visitor.role is not None:
        raise RoleNeeded(role, visitor.role)
    if htmx.wants_fragment() and not of_api:
        answer = make_response("", HTTPStatus.UNAUTHORIZED)
        answer.headers["HX-Redirect"] = url_for("entry.sign_in", next=htmx.page_around())
        answer.headers["WWW-Authenticate"] = "Bearer"
        return htmx.mark(answer)
    if is_look:
        here = request.full_path.rstrip("?")
        return htmx.mark(redirect(url_for("entry.sign_in", next=here), HTTPStatus.SEE_OTHER))
    raise NotSignedIn(BEARER_FIRST if of_api else SIGN_IN_FIRST)


def _lead_to_own_password() -> AnyResponse:
    """Lead to where they choose their own password. Raises OwnPasswordNeeded where that cannot be."""
    if request.method not in request_security.SAFE_METHODS or is_api_path(request.path):
        raise OwnPasswordNeeded
    there = url_for("account.password")
    if htmx.wants_fragment():
        answer = make_response("", HTTPStatus.FORBIDDEN)
        answer.headers["HX-Redirect"] = there
        return htmx.mark(answer)
    return htmx.mark(redirect(there, HTTPStatus.SEE_OTHER))


def _require_form_token(csrf: CSRFProtect) -> None:
    if not is_api_path(request.path):
        csrf.protect()
    elif authentication.known_visitor().person_id is not None:
        try:
            validate_csrf(request.headers.get(CSRF_HEADER))
        except ValidationError:
            abort(
                HTTPStatus.FORBIDDEN,
                f"A write with a session needs the page's token in {CSRF_HEADER}. A program sends an "
                "API token instead.",
            )
