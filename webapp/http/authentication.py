"""Authentication: identifies the principal of a request.

In this order, it is the bearer of the token (in the API), the signed-in user, this machine while there is
no account (``webapp.http.local_request``), or anonymous.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from flask import current_app, g, request, session

from webapp.accounts import sessions, tokens, users
from webapp.accounts.actors import LOCAL
from webapp.accounts.roles import Role
from webapp.domain.errors import LedgerError
from webapp.http import local_request
from webapp.http.request_security import SAFE_METHODS

# The key of the session's secret in Flask's signed cookie.
SESSION_SECRET: Final = "secret"  # noqa: S105
_API_BLUEPRINTS: Final = "api_"  # the prefix of the names of the API's blueprints
_BEARER: Final = "bearer"
INVALID_TOKEN: Final = 'Bearer error="invalid_token"'  # noqa: S105 - a WWW-Authenticate challenge


class NotSignedIn(LedgerError):
    """Nobody is signed in, or the token is not valid."""

    def __init__(self, sentence: str, *, challenge: str = "Bearer") -> None:
        """Take the message; `challenge` is the WWW-Authenticate header."""
        super().__init__(sentence)
        self.headers: Mapping[str, str] = {"WWW-Authenticate": challenge}


class RoleRequired(LedgerError):
    """The principal does not have the required role, which is `role`."""

    def __init__(self, role: Role, own: Role) -> None:
        """Take the required role and the principal's own."""
        super().__init__(
            f"This requires the role {role}; yours is {own}. An administrator can change your role."
        )
        self.role = role


class PasswordChangeRequired(LedgerError):
    """The user signed in with an initial password and must choose their own first."""

    def __init__(self) -> None:
        """Name the page that changes it."""
        super().__init__(
            "An administrator set your current password. "
            "Choose your own first, under Change password (/account/password)."
        )


class SetUpRequired(LedgerError):
    """There is no account yet, and the request does not come from this machine."""

    def __init__(self) -> None:
        """Say how to create the first account."""
        super().__init__(
            "This ledger has no accounts yet, so only the computer that it runs on can use it. "
            "Create the first administrator: open /setup in a browser, or run "
            "flask user add NAME --role administrator there."
        )


@dataclass(frozen=True)
class Principal:
    """Who makes a request. `actor` is empty for anonymous; a `role` of None allows nothing.

    With an initial password a user can only choose their own, in every role.
    """

    actor: str
    role: Role | None
    name: str = ""
    user_id: int | None = None
    has_initial_password: bool = False

    def may(self, role: Role) -> bool:
        """Return whether the principal has this role or one that includes it."""
        return self.role is not None and self.role.includes(role)

    @property
    def is_local(self) -> bool:
        """Whether it is this machine while there is no account."""
        return self.actor == LOCAL


ANONYMOUS: Final = Principal("", None)
LOCAL_ADMIN: Final = Principal(LOCAL, Role.ADMINISTRATOR)


def actor() -> str:
    """Return the actor of the current request, as events name it."""
    return principal().actor


def principal() -> Principal:
    """Return the principal of the current request. Raises NotSignedIn if its token is not valid."""
    if "principal" not in g:
        g.principal = _identify()
    found: Principal = g.principal
    return found


def known_principal() -> Principal:
    """Return the principal if already identified, else ANONYMOUS. For error pages: it makes no query."""
    found: Principal = g.get("principal", ANONYMOUS)
    return found


def forget_principal() -> None:
    """Identify the principal again, after signing in or out."""
    g.pop("principal", None)


def _identify() -> Principal:
    secret = _bearer_token()
    if secret is not None:
        return _principal_of_token(secret)
    secret = session.get(SESSION_SECRET)
    user = sessions.find(secret) if secret else None
    if user is not None:
        return Principal(user.actor, user.role, user.name, user.id, user.has_initial_password)
    if not users.any_exists(is_in_transaction=request.method in SAFE_METHODS):
        return LOCAL_ADMIN if local_request.is_local(request) else ANONYMOUS
    return replace(ANONYMOUS, role=Role.VIEWER) if current_app.config["PUBLIC_READING"] else ANONYMOUS


def is_api_request() -> bool:
    """Return whether the current request is for the API and not for a page."""
    return (request.blueprint or "").startswith(_API_BLUEPRINTS)


def _bearer_token() -> str | None:
    """Return the token of an API request, None without one. Pages ignore tokens."""
    if not is_api_request():
        return None
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == _BEARER else None


def _principal_of_token(secret: str) -> Principal:
    found = tokens.find(secret)
    if found is None:
        raise NotSignedIn(
            "This token is not valid. It is unknown, expired or revoked.",
            challenge=INVALID_TOKEN,
        )
    return Principal(found.actor, found.role, found.name)
