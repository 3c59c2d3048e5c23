"""Sessions of signed-in browsers. The cookie holds a secret, the table only its hash.

A session ends by signing out, after IDLE without a request, and LIFETIME after its start. A session with
an initial password also ends when that password expires.
"""

from dataclasses import asdict
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from webapp.accounts import audit_log, passwords
from webapp.accounts.audit_log import AuditAction, change
from webapp.accounts.errors import UnknownUser
from webapp.accounts.roles import Role
from webapp.accounts.row_codes import code_due, new_code
from webapp.accounts.tables import sessions, users
from webapp.accounts.tokens import hash_of, new_secret
from webapp.accounts.users import User, require_administrator
from webapp.domain.account_log import session_data
from webapp.domain.event import time_text
from webapp.domain.row_mac import SessionRow
from webapp.ledger import clock
from webapp.ledger.group_commit import best_effort_write
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import reading

LIFETIME: Final = timedelta(days=7)
IDLE: Final = timedelta(hours=8)
SEEN_EVERY: Final = timedelta(minutes=1)


def start(user_id: int) -> str:
    """Start a session and return its secret for the cookie. Raises UnknownUser."""

    def action(connection: Connection) -> str:
        is_there = select(users.c.id).where(users.c.id == user_id, users.c.disabled_at.is_(None))
        if connection.scalar(is_there) is None:
            raise UnknownUser
        return start_on(connection, user_id)

    return change(action)


def start_on(connection: Connection, user_id: int) -> str:
    """Start a session of an enabled user within a change, and log the sign-in."""
    secret = insert_session(connection, user_id)
    actor = f"user:{user_id}"
    audit_log.append(connection, actor, AuditAction.SIGNED_IN, actor, session_data(hash_of(secret)))
    return secret


def insert_session(connection: Connection, user_id: int) -> str:
    """Insert a session of an enabled user within a change, and delete expired sessions."""
    now = clock.now()
    connection.execute(
        delete(sessions).where(
            (sessions.c.expires_at <= time_text(now)) | (sessions.c.seen_at <= time_text(now - IDLE))
        )
    )
    secret = new_secret()
    row = SessionRow(hash_of(secret), user_id, time_text(now), time_text(now + LIFETIME))
    added = asdict(row) | {"seen_at": row.started_at, "mac": new_code(row)}
    connection.execute(insert(sessions), added)
    return secret


def find(secret: str) -> User | None:
    """Return the user of the session.

    None if it is unknown or over or has no valid code, or if the user cannot sign in.
    """
    now = clock.now()
    hashed = hash_of(secret)
    with reading() as connection:
        lasts = (time_text(now), time_text(now - IDLE))
        rows = statements.fetch(connection, statements.FIND_SESSION, hashed, *lasts)
        if not rows:
            return None
        *columns, code, name, role, given_at, seen_at = rows[0]
        row = SessionRow(*columns)
        due_code = code_due(connection, row, code)
    if due_code is None or passwords.is_expired(given_at):
        return None
    due = time_text(now - SEEN_EVERY)
    if seen_at <= due or due_code != code:
        is_due = (sessions.c.seen_at <= due) | sessions.c.mac.is_(None) | (sessions.c.mac != due_code)
        seen = {"seen_at": time_text(now), "mac": due_code}
        best_effort_write(update(sessions).where(sessions.c.secret_hash == hashed, is_due).values(seen))
    return User(row.user_id, name, Role(role), has_initial_password=given_at is not None)


def end(secret: str) -> None:
    """End the session. No error if it is already over."""

    def action(connection: Connection) -> None:
        hashed = hash_of(secret)
        ended = delete(sessions).where(sessions.c.secret_hash == hashed)
        user_id = connection.scalar(ended.returning(sessions.c.user_id))
        if user_id is not None:
            actor = f"user:{user_id}"
            audit_log.append(connection, actor, AuditAction.SIGNED_OUT, actor, session_data(hashed))

    change(action)


def end_all(user_id: int, actor: str) -> None:
    """End all sessions of a user, as that user or as an administrator."""

    def action(connection: Connection) -> None:
        if actor != f"user:{user_id}":
            require_administrator(connection, actor)
        connection.execute(delete(sessions).where(sessions.c.user_id == user_id))
        audit_log.append(connection, actor, AuditAction.SIGNED_OUT_EVERYWHERE, f"user:{user_id}")

    change(action)
