"""Who is asking: the principal of a request.

It is, in this order: whoever holds the token that was sent (on the API), the person who is signed in,
this machine while nobody has an account (``webapp.http.local_request``), or nobody.
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

# Where the secret of a signed-in browser stands in Flask's signed cookie.
SESSION_SECRET: Final = "secret"  # noqa: S105
_API_BLUEPRINTS: Final = "api_"  # how the API's blueprints are called
_BEARER: Final = "bearer"
INVALID_TOKEN: Final = 'Bearer error="invalid_token"'  # noqa: S105 - a challenge


class NotSignedIn(LedgerError):
    """Nobody is signed in, or the token that was sent is none of ours (any more)."""

    def __init__(self, sentence: str, *, challenge: str = "Bearer") -> None:
        """Take what to say; `challenge` goes into WWW-Authenticate."""
        super().__init__(sentence)
        self.headers: Mapping[str, str] = {"WWW-Authenticate": challenge}


class RoleRequired(LedgerError):
    """Whoever asks may not do this; `role` may."""

    def __init__(self, role: Role, own: Role) -> None:
        """Take the role that is needed and the one that they have."""
        super().__init__(f"This needs the role {role}, and yours is {own}. An administrator can change that.")
        self.role = role


class PasswordChangeRequired(LedgerError):
    """Whoever asks signed in with a password that somebody gave them, and has to choose their own."""

    def __init__(self) -> None:
        """Say where it is done."""
        super().__init__(
            "You signed in with a password that you were given. "
            "Choose your own first, under Change password (/account/password)."
        )


class SetUpRequired(LedgerError):
    """There is no account yet, and the request does not come from this machine."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "This ledger has no accounts yet, so it answers only on the machine that it runs on. "
            "Make the first administrator: open /setup in a browser, or run "
            "flask user add NAME --role administrator there."
        )


@dataclass(frozen=True)
class Principal:
    """Who asks. `actor` is how events name them, empty for nobody; `role` None lets them do nothing.

    With a given password they may only choose their own, whatever the role.
    """

    actor: str
    role: Role | None
    name: str = ""
    user_id: int | None = None
    has_initial_password: bool = False

    def may(self, role: Role) -> bool:
        """Say whether they may do what this role may."""
        return self.role is not None and self.role.includes(role)

    @property
    def is_local(self) -> bool:
        """Say whether it is this machine, while there is no account."""
        return self.actor == LOCAL


ANONYMOUS: Final = Principal("", None)
LOCAL_ADMIN: Final = Principal(LOCAL, Role.ADMINISTRATOR)


def actor() -> str:
    """Return who the current request acts for, as events name it."""
    return principal().actor


def principal() -> Principal:
    """Return who asks. Raises NotSignedIn where a token is sent that is none of ours."""
    if "principal" not in g:
        g.principal = _identify()
    found: Principal = g.principal
    return found


def known_principal() -> Principal:
    """Return who asks as far as it was found out: for error pages, which must not ask the database."""
    found: Principal = g.get("principal", ANONYMOUS)
    return found


def forget_principal() -> None:
    """Find out anew who asks: they signed in or out just now."""
    g.pop("principal", None)


def _identify() -> Principal:
    secret = _bearer_token()
    if secret is not None:
        return _principal_of_token(secret)
    secret = session.get(SESSION_SECRET)
    user = sessions.find(secret) if secret else None
    if user is not None:
        return Principal(user.actor, user.role, user.name, user.id, user.has_initial_password)
    if not users.any_exists():
        return LOCAL_ADMIN if local_request.is_local(request) else ANONYMOUS
    return replace(ANONYMOUS, role=Role.VIEWER) if current_app.config["PUBLIC_READING"] else ANONYMOUS


def is_api_request() -> bool:
    """Say whether the current request is for the API and not for a page."""
    return (request.blueprint or "").startswith(_API_BLUEPRINTS)


def _bearer_token() -> str | None:
    """Return the token in the request's header; the pages take none, so there it is passed over."""
    if not is_api_request():
        return None
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == _BEARER else None


def _principal_of_token(secret: str) -> Principal:
    found = tokens.find(secret)
    if found is None:
        raise NotSignedIn(
            "This token is not valid: it is mistyped, expired or revoked.",
            challenge=INVALID_TOKEN,
        )
    return Principal(found.actor, found.role, found.name)
