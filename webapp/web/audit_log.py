"""The page of the account log, for administrators."""

from typing import Final

from flask import Blueprint, Response, abort, request, url_for

from webapp.accounts import audit_log
from webapp.accounts.audit_log import AuditAction
from webapp.accounts.roles import Role
from webapp.authorization import allows
from webapp.domain.errors import CursorMismatch
from webapp.http import htmx
from webapp.web import actor_names, query_parameters
from webapp.web.auth_pages import redirect_to_set_up

pages = Blueprint("audit_log", __name__)
pages.before_request(redirect_to_set_up)

SHOWN: Final = 50
NUMBER_LENGTH_MAX: Final = 18
# The label of each action; its subject is shown next to it.
PHRASES: Final = {
    AuditAction.USER_ADDED: "Added",
    AuditAction.ROLE_CHANGED: "Role changed",
    AuditAction.USER_DISABLED: "Disabled",
    AuditAction.USER_ENABLED: "Enabled",
    AuditAction.PASSWORD_CHANGED: "Password changed",
    AuditAction.PASSWORD_SET: "Password set by an administrator",
    AuditAction.PASSWORD_REHASHED: "Password stored anew",
    AuditAction.TOKEN_MADE: "Token created",
    AuditAction.TOKEN_REVOKED: "Token revoked",
    AuditAction.STATEMENT_SHARED: "Statement shared",
    AuditAction.STATEMENT_LINK_REVOKED: "Link to a statement revoked",
    AuditAction.SIGNED_IN: "Signed in",
    AuditAction.SIGNED_OUT: "Signed out",
    AuditAction.SIGNED_OUT_EVERYWHERE: "Signed out everywhere",
    AuditAction.SIGN_IN_REFUSED: "Sign-in refused",
    AuditAction.SIGN_INS_HELD: "Too many sign-ins, blocked",
    AuditAction.USER_FOUND: "Found at an upgrade",
    AuditAction.TOKEN_FOUND: "Token found at an upgrade",
    AuditAction.SESSION_FOUND: "Session found at an upgrade",
    AuditAction.HISTORY_FOUND: "Upgrade: from here on, entries account for every row",
    AuditAction.HISTORY_RESTORED: "An export was restored",
}


@pages.get("/account-log")
@allows(Role.ADMINISTRATOR)
@query_parameters.reads("act", "before")
def show() -> Response:
    """Show a page of the log, newest first; the address holds the action and the position."""
    act = _act(request.args.get("act", ""))
    before = _before(request.args.get("before", ""))
    entries = audit_log.page(before, SHOWN + 1, act=act)
    actor_names.prefetch(name for entry in entries for name in (entry.actor, entry.subject) if name)
    older = entries[SHOWN - 1].position if len(entries) > SHOWN else None
    return htmx.render(
        "account/audit_log.html",
        "account/_audit_entries.html",
        entries=entries[:SHOWN],
        phrases=PHRASES,
        act=act,
        is_first_page=before is None,
        newest=url_for(".show", act=act),
        older=older and url_for(".show", act=act, before=older),
    )


def _act(text: str) -> AuditAction | None:
    if not text:
        return None
    try:
        return AuditAction(text.upper())
    except ValueError:
        abort(422, f"There is no account log entry of type “{text[:40]}”.")


def _before(text: str) -> int | None:
    """Return the position in the address, None if empty. Raises CursorMismatch if it is not a number."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= NUMBER_LENGTH_MAX):
        raise CursorMismatch
    return int(text)
