"""Who may pass: each request is compared with what its view demands. What nothing allows is refused.

Runs behind the gate, which looks at where a request comes from, and before any view. Writes with a
session need the token of a form here too; a request with an API token, and a program on this machine
while there is no account, has no session that another site's page could borrow.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
from typing import Final

from flask import Flask, Response, abort, current_app, make_response, redirect, request, url_for
from flask_wtf.csrf import CSRFProtect, validate_csrf
from werkzeug.wrappers import Response as AnyResponse
from wtforms import ValidationError

from webapp import access, gate
from webapp.access import (
    EVERYONE,
    NOBODY,
    NotSetUp,
    NotSignedIn,
    OwnPasswordNeeded,
    RoleNeeded,
    Visitor,
)
from webapp.accounts import people
from webapp.accounts.roles import Role
from webapp.api.problems import is_api_path
from webapp.domain.errors import Refusal
from webapp.ledger.writer import precommit_check
from webapp.web import fragments

CSRF_HEADER: Final = "X-CSRFToken"
SIGN_IN_FIRST: Final = "Sign in first."
BEARER_FIRST: Final = "Send an API token as Authorization: Bearer, or sign in on the pages."


def install(app: Flask) -> None:
    """Ask of every request who it is and whether that may be."""
    csrf = CSRFProtect()
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # it depends on who asks
    csrf.init_app(app)
    access.allows_everyone(app.view_functions["static"])

    @app.before_request
    def admit() -> AnyResponse | None:
        return _admit(csrf)

    app.after_request(keep_private)
    app.jinja_env.globals.update(visitor=access.known_visitor, may=_may)


@contextmanager
def held_to_the_end() -> Iterator[None]:
    """Commit what the current request does only if whoever asks may still do it then.

    This machine loses its right with the first account.
    """
    demand = access.demand_of(current_app.view_functions[request.endpoint or ""])
    if demand in {None, EVERYONE}:
        yield
        return
    with precommit_check(partial(access.recheck_role, access.known_visitor(), Role(demand))):
        yield


def keep_private(response: Response) -> Response:
    """Let nobody keep a copy of what somebody saw because of who they are.

    What everybody may read, and what this machine reads while there is no account, a browser may keep
    for itself, and has to ask each time whether it may still be shown.
    """
    is_theirs = access.known_visitor().person_id is not None or request.blueprint == "entry"
    response.headers.setdefault("Cache-Control", "no-store" if is_theirs else "private, no-cache")
    return response


def _may(role: str) -> bool:
    """Say whether whoever asks may do what the role may: for templates, which show no more than that."""
    return access.known_visitor().may(Role(role))


def _admit(csrf: CSRFProtect) -> AnyResponse | None:
    if request.endpoint is None:
        with suppress(Refusal):  # so that the page that says so is theirs
            access.visitor()
        return None
    view = current_app.view_functions[request.endpoint]
    demand = access.demand_of(view)
    if demand is None:
        abort(HTTPStatus.FORBIDDEN, "Nobody may use this address.")
    if demand != EVERYONE:
        visitor = access.visitor()
        if visitor.has_given_password and not access.is_open_to_given_password(view):
            return _lead_to_own_password()
        if not visitor.may(Role(demand)):
            return _turn_away(visitor, Role(demand))
    if request.method not in gate.SAFE_METHODS:
        _require_form_token(csrf)
    return None


def _turn_away(visitor: Visitor, role: Role) -> AnyResponse:
    """Lead to where they can become somebody who may. Raises the refusal where that cannot be."""
    of_api = is_api_path(request.path)
    is_look = request.method in gate.SAFE_METHODS and not of_api
    if visitor == NOBODY and not people.exist():
        if is_look and not fragments.wants_fragment():
            return fragments.mark(redirect(url_for("entry.set_up"), HTTPStatus.SEE_OTHER))
        raise NotSetUp
    if visitor.actor != NOBODY.actor and visitor.role is not None:
        raise RoleNeeded(role, visitor.role)
    if fragments.wants_fragment() and not of_api:
        answer = make_response("", HTTPStatus.UNAUTHORIZED)
        answer.headers["HX-Redirect"] = url_for("entry.sign_in", next=fragments.page_around())
        answer.headers["WWW-Authenticate"] = "Bearer"
        return fragments.mark(answer)
    if is_look:
        here = request.full_path.rstrip("?")
        return fragments.mark(redirect(url_for("entry.sign_in", next=here), HTTPStatus.SEE_OTHER))
    raise NotSignedIn(BEARER_FIRST if of_api else SIGN_IN_FIRST)


def _lead_to_own_password() -> AnyResponse:
    """Lead to where they choose their own password. Raises OwnPasswordNeeded where that cannot be."""
    if request.method not in gate.SAFE_METHODS or is_api_path(request.path):
        raise OwnPasswordNeeded
    there = url_for("account.password")
    if fragments.wants_fragment():
        answer = make_response("", HTTPStatus.FORBIDDEN)
        answer.headers["HX-Redirect"] = there
        return fragments.mark(answer)
    return fragments.mark(redirect(there, HTTPStatus.SEE_OTHER))


def _require_form_token(csrf: CSRFProtect) -> None:
    if not is_api_path(request.path):
        csrf.protect()
    elif access.known_visitor().person_id is not None:
        try:
            validate_csrf(request.headers.get(CSRF_HEADER))
        except ValidationError:
            abort(
                HTTPStatus.FORBIDDEN,
                f"A write with a session needs the page's token in {CSRF_HEADER}. A program sends an "
                "API token instead.",
            )
