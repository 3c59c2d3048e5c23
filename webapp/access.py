"""Who is asking, and what a route demands of them.

Every view says whom it lets in, with `allows` or `allows_everyone`; ``webapp.admission`` turns
everybody else away, and refuses a view that says nothing. Somebody is, in this order: whoever holds
the token that was sent (on the API), the person who is signed in, this machine while nobody has an
account (``webapp.local_start``), or nobody.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from flask import current_app, g, request, session
from sqlalchemy import Connection

from webapp import local_start
from webapp.accounts import people, sessions, standing, tokens
from webapp.accounts.roles import Role
from webapp.domain.errors import Refusal
from webapp.ledger.actors import LOCAL

View = TypeVar("View", bound=Callable[..., Any])

EVERYONE: Final = "everyone"
# How the cookie is called. With the prefix, browsers take it only over TLS, from this very host.
COOKIE: Final = "session"
COOKIE_OVER_TLS: Final = "__Host-session"
# Where the secret of a signed-in browser stands in Flask's signed cookie.
SESSION_SECRET: Final = "secret"  # noqa: S105
_DEMAND: Final = "demands"
_GIVEN_PASSWORD: Final = "allows_given_password"  # noqa: S105 - an attribute's name
_OF_API: Final = "api_"  # how the API's blueprints are called
_BEARER: Final = "bearer"
_INVALID_TOKEN: Final = 'Bearer error="invalid_token"'  # noqa: S105 - a challenge


_TAKEN_BACK: Final = "Nothing was recorded."


class NotSignedIn(Refusal):
    """Nobody is signed in, or the token that was sent is none of ours (any more)."""

    def __init__(self, sentence: str, *, challenge: str = "Bearer") -> None:
        """Take what to say; `challenge` goes into WWW-Authenticate."""
        super().__init__(sentence)
        self.headers: Mapping[str, str] = {"WWW-Authenticate": challenge}


class RoleNeeded(Refusal):
    """Whoever asks may not do this; `role` may."""

    def __init__(self, role: Role, own: Role) -> None:
        """Take the role that is needed and the one that they have."""
        super().__init__(f"This needs the role {role}, and yours is {own}. An administrator can change that.")
        self.role = role


class OwnPasswordNeeded(Refusal):
    """Whoever asks signed in with a password that somebody gave them, and has to choose their own."""

    def __init__(self) -> None:
        """Say where it is done."""
        super().__init__(
            "You signed in with a password that you were given. "
            "Choose your own first, under Change password (/account/password)."
        )


class NotSetUp(Refusal):
    """There is no account yet, and the request does not come from this machine."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "This ledger has no accounts yet, so it answers only on the machine that it runs on. "
            "Make the first administrator: open /setup in a browser, or run "
            "flask user add NAME --role administrator there."
        )


@dataclass(frozen=True)
class Visitor:
    """Who asks. `actor` is how events name them, empty for nobody; `role` None lets them do nothing.

    With a given password they may only choose their own, whatever the role.
    """

    actor: str
    role: Role | None
    name: str = ""
    person_id: int | None = None
    has_given_password: bool = False

    def may(self, role: Role) -> bool:
        """Say whether they may do what this role may."""
        return self.role is not None and self.role.includes(role)

    @property
    def is_local(self) -> bool:
        """Say whether it is this machine, while there is no account."""
        return self.actor == LOCAL


NOBODY: Final = Visitor("", None)
HERE: Final = Visitor(LOCAL, Role.ADMINISTRATOR)


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


def actor() -> str:
    """Return who the current request acts for, as events name it."""
    return visitor().actor


def visitor() -> Visitor:
    """Return who asks. Raises NotSignedIn where a token is sent that is none of ours."""
    if "visitor" not in g:
        g.visitor = _identify()
    found: Visitor = g.visitor
    return found


def known_visitor() -> Visitor:
    """Return who asks as far as it was found out: for error pages, which must not ask the database."""
    found: Visitor = g.get("visitor", NOBODY)
    return found


def forget_visitor() -> None:
    """Find out anew who asks: they signed in or out just now."""
    g.pop("visitor", None)


def recheck_role(asking: Visitor, role: Role, connection: Connection) -> None:
    """Refuse what is about to be committed where the one who asked may not do it any more.

    Raises NotSignedIn where they were disabled, their token was revoked, or somebody made the first
    account meanwhile; RoleNeeded where they have a lesser role now.
    """
    if asking.is_local:
        if people.anybody(connection):
            raise NotSignedIn(f"Somebody made an account meanwhile. {_TAKEN_BACK} Sign in first.")
        return
    now = standing.role_at_commit(connection, asking.actor)
    if now is None and asking.person_id is None:
        raise NotSignedIn(
            f"This token was revoked or expired meanwhile. {_TAKEN_BACK}", challenge=_INVALID_TOKEN
        )
    if now is None:
        raise NotSignedIn(f"Your account was disabled meanwhile. {_TAKEN_BACK}")
    if not now.includes(role):
        raise RoleNeeded(role, now)


def _identify() -> Visitor:
    secret = _token_sent()
    if secret is not None:
        return _token_bearer(secret)
    secret = session.get(SESSION_SECRET)
    person = sessions.find(secret) if secret else None
    if person is not None:
        return Visitor(person.actor, person.role, person.name, person.id, person.has_given_password)
    if not people.exist():
        return HERE if local_start.is_local(request) else NOBODY
    return replace(NOBODY, role=Role.VIEWER) if current_app.config["PUBLIC_READING"] else NOBODY


def is_of_api() -> bool:
    """Say whether the current request is for the API and not for a page."""
    return (request.blueprint or "").startswith(_OF_API)


def _token_sent() -> str | None:
    """Return the token in the request's header; the pages take none, so there it is passed over."""
    if not is_of_api():
        return None
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == _BEARER else None


def _token_bearer(secret: str) -> Visitor:
    found = tokens.find(secret)
    if found is None:
        raise NotSignedIn(
            "This token is not valid: it is mistyped, expired or revoked.",
            challenge=_INVALID_TOKEN,
        )
    return Visitor(found.actor, found.role, found.name)
