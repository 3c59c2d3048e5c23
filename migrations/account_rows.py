"""Enter in the account log what 0027 finds: each user, token and session, and how many events there are.

From these entries on, the log accounts for every row. Earlier entries stay as they are. Nothing is entered
in a ledger that is still empty.
"""

import secrets
from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import Connection

from webapp.accounts.actors import CLI
from webapp.domain.account_log import (
    ENDED,
    USABLE,
    AuditAction,
    name_hash,
    session_data,
    token_data,
    user_data,
)
from webapp.domain.canonical_json import encode
from webapp.domain.event import time_text
from webapp.ledger import clock
from webapp.ledger.projections.log_nodes import add_nodes
from webapp.ledger.storage import statements
from webapp.ledger.storage.transparency_tables import Tree

_SALT_BYTES: Final = 16
_USERS: Final = "SELECT id, name, role, password_hash, disabled_at FROM users ORDER BY id"
_TOKENS: Final = "SELECT id, role, expires_at, secret_hash, revoked_at FROM tokens ORDER BY id"
_SESSIONS: Final = "SELECT user_id, secret_hash FROM sessions ORDER BY user_id, secret_hash"
_SALT: Final = "UPDATE users SET name_salt = ? WHERE id = ?"
_ENTER: Final = (
    "INSERT INTO account_log (position, recorded_at, actor, act, subject, data) VALUES (?, ?, ?, ?, ?, ?)"
)
Found = tuple[AuditAction, str, Mapping[str, str]]


def enter_what_is_there(connection: Connection) -> None:
    """Give each user a salt, append the entries, and store the nodes of the tree of all entries."""
    ((last, last_at, _),) = statements.fetch(connection, statements.ACCOUNT_LOG_HEAD)
    ((events,),) = statements.fetch(connection, statements.LAST_POSITION)
    found = [*_users(connection), *_tokens(connection), *_sessions(connection)]
    if not (found or last or events):
        return
    found.append((AuditAction.HISTORY_FOUND, "", {"events": str(events)}))
    at = max(time_text(clock.now()), last_at)
    rows = [
        (position, at, CLI, str(act), subject, encode(dict(data)))
        for position, (act, subject, data) in enumerate(found, start=last + 1)
    ]
    statements.send(connection, _ENTER, rows)
    add_nodes(connection, Tree.ACCOUNTS, last + len(rows))


def _users(connection: Connection) -> Iterator[Found]:
    for user_id, name, role, password_hash, disabled_at in statements.fetch(connection, _USERS):
        salt = secrets.token_hex(_SALT_BYTES)
        statements.send(connection, _SALT, [(salt, user_id)])
        state = USABLE if disabled_at is None else ENDED
        data = user_data(role, name_hash(name, salt), password_hash, state)
        yield AuditAction.USER_FOUND, f"user:{user_id}", data


def _tokens(connection: Connection) -> Iterator[Found]:
    for token_id, role, expires_at, secret_hash, revoked_at in statements.fetch(connection, _TOKENS):
        state = USABLE if revoked_at is None else ENDED
        yield AuditAction.TOKEN_FOUND, f"token:{token_id}", token_data(role, expires_at, secret_hash, state)


def _sessions(connection: Connection) -> Iterator[Found]:
    for user_id, secret_hash in statements.fetch(connection, _SESSIONS):
        yield AuditAction.SESSION_FOUND, f"user:{user_id}", session_data(secret_hash)
