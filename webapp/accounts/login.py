"""Checks passwords: to sign in, and to change one's own password.

An unknown name, a wrong password, an expired initial password and a disabled user get the same error after
the same work. Nothing here may run inside an open transaction, because a refusal would roll back the count
of guesses.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, func, select, update

from webapp.accounts import audit_log, login_rate_limit, passwords, sessions, users
from webapp.accounts.audit_log import ANONYMOUS_ACTOR, AuditAction, change
from webapp.accounts.errors import LoginFailed, LoginsBusy
from webapp.accounts.login_rate_limit import Attempt
from webapp.accounts.roles import Role
from webapp.accounts.tables import account_log as log_table
from webapp.accounts.tables import sessions as session_table
from webapp.accounts.tables import sign_in_failures
from webapp.accounts.tables import users as users_table
from webapp.accounts.tokens import hash_of
from webapp.accounts.users import NAME, User
from webapp.domain.account_log import fingerprint, session_data
from webapp.domain.canonical_json import encode
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.event import time_text
from webapp.domain.fields import FieldError
from webapp.domain.text import canonical
from webapp.ledger import clock
from webapp.ledger.storage.engine import reading

# At most this many refusals are written to the account log within login_rate_limit.WINDOW.
LOGGED_MAX: Final = 100
# Attempts to check a password whose stored hash changes during the check.
_CHECKS: Final = 2


@dataclass(frozen=True)
class SignedIn:
    """The user who signed in, and the secret of the new session."""

    user: User
    secret: str


def sign_in(name: str, password: str, address: str) -> SignedIn:
    """Check the password and start a session.

    `address` is the client's IP address. Raises LoginFailed, LoginRateLimited, LoginsBusy.
    """
    name_key = _key_of(name)
    attempt = login_rate_limit.begin(name_key, address)
    for _ in range(_CHECKS):
        signed_in = _check(attempt, name_key, password)
        if signed_in is not None:
            return signed_in
    raise LoginFailed


def _check(attempt: Attempt, name_key: str, password: str) -> SignedIn | None:
    """Check the password once. Return None if the stored hash changed during the check.

    The password itself can be unchanged: another sign-in of the same user may have rehashed it.
    """
    with reading() as connection:
        row = connection.execute(select(users_table).where(users_table.c.name_key == name_key)).one_or_none()
    with _withdrawn_if_busy(attempt):
        is_right = passwords.matches(row.password_hash if row else None, password)
    is_barred = row is not None and (
        row.disabled_at is not None or passwords.is_expired(row.password_given_at)
    )
    if row is None or not is_right or is_barred:
        subject = f"user:{row.id}" if row else ""
        change(lambda connection: _log_refusal(connection, attempt, name_key, subject))
        raise LoginFailed
    checked = row.password_hash
    with _withdrawn_if_busy(attempt):
        new_hash = passwords.hash_password(password) if passwords.is_outdated(checked) else checked

    def action(connection: Connection) -> SignedIn | None:
        now = connection.execute(select(users_table).where(users_table.c.id == row.id)).one()
        if now.password_hash != checked or now.disabled_at is not None:
            return None
        attempt.succeed(connection, row.id)
        if new_hash != checked:
            connection.execute(
                update(users_table).where(users_table.c.id == row.id).values(password_hash=new_hash)
            )
            rehashed = {"password": fingerprint(new_hash)}
            user = f"user:{row.id}"
            audit_log.append(connection, user, AuditAction.PASSWORD_REHASHED, user, rehashed)
        secret = sessions.start_on(connection, row.id)
        is_initial = now.password_given_at is not None
        return SignedIn(User(now.id, now.name, Role(now.role), has_initial_password=is_initial), secret)

    return change(action)


def change_password(user_id: int, current: str, new: str, *, address: str) -> str:
    """Change one's own password. Return the secret of a new session.

    All other sessions of the user end, the current one too, because its cookie may have been copied. Wrong
    guesses at the current password count like failed sign-ins. An initial password cannot be chosen again.
    Raises UnknownUser, LoginRateLimited, LoginsBusy, and InvalidFields on "current" and "new".
    """
    user = users.find(user_id)
    passwords.require_strong(new, user.name, field="new")
    with reading() as connection:
        row = connection.execute(select(users_table).where(users_table.c.id == user_id)).one()
    checked = row.password_hash
    if row.password_given_at is not None and passwords.is_same(current, new):
        raise InvalidFields([Problem("new", "Choose a password other than the initial one.")])
    attempt = login_rate_limit.begin(canonical(user.name), address)
    with _withdrawn_if_busy(attempt):
        if not passwords.matches(checked, current):
            raise InvalidFields([Problem("current", "This is not your password.")])
        hashed = passwords.hash_password(new)

    def action(connection: Connection) -> str:
        now = connection.execute(select(users_table).where(users_table.c.id == user_id)).one()
        if now.password_hash != checked or now.disabled_at is not None:
            raise InvalidFields([Problem("current", "This is no longer your password.")])
        attempt.succeed(connection, user_id)
        chosen = {"password_hash": hashed, "password_given_at": None}
        connection.execute(update(users_table).where(users_table.c.id == user_id).values(chosen))
        connection.execute(delete(session_table).where(session_table.c.user_id == user_id))
        secret = sessions.insert_session(connection, user_id)
        data = {"password": fingerprint(hashed), **session_data(hash_of(secret))}
        audit_log.append(connection, user.actor, AuditAction.PASSWORD_CHANGED, user.actor, data)
        return secret

    return change(action)


@contextmanager
def _withdrawn_if_busy(attempt: Attempt) -> Iterator[None]:
    """Withdraw the guess if its password is not checked. Raises LoginsBusy."""
    try:
        yield
    except LoginsBusy:
        attempt.withdraw()
        raise


def _key_of(name: str) -> str:
    """Return the canonical name, empty if the text is not a valid name."""
    try:
        return canonical(str(NAME.parse(name)))
    except FieldError:
        return ""


def _log_refusal(connection: Connection, attempt: Attempt, name_key: str, subject: str) -> None:
    """Log the refusal without the entered name, which can be a password typed into the wrong field."""
    guesses = connection.scalar(select(func.count()).select_from(sign_in_failures)) or 0
    if guesses > LOGGED_MAX:
        listed = select(log_table.c.position).where(
            log_table.c.act == AuditAction.SIGN_INS_HELD,
            log_table.c.data == encode({"limit": "listed"}),
            log_table.c.recorded_at > time_text(clock.now() - login_rate_limit.WINDOW),
        )
        if connection.scalar(listed.limit(1)) is None:
            audit_log.append(connection, ANONYMOUS_ACTOR, AuditAction.SIGN_INS_HELD, "", {"limit": "listed"})
        return
    audit_log.append(connection, ANONYMOUS_ACTOR, AuditAction.SIGN_IN_REFUSED, subject)
    for limit in login_rate_limit.limits_reached(connection, attempt, name_key):
        audit_log.append(connection, ANONYMOUS_ACTOR, AuditAction.SIGN_INS_HELD, subject, {"limit": limit})
