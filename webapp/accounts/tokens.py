"""Secrets by which programs act: shown once, kept as a hash, with a role and an end.

A token's text is `ccl_` and a secret; the prefix lets scanners of leaked secrets know it. A secret of
this program, also that of a session, is 256 random bits as text: it cannot be guessed, so a plain SHA-256
keeps it as well as a slow hash would.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Final, overload

from sqlalchemy import Connection, Row, insert, select, update

from webapp.accounts import audit_log
from webapp.accounts.actors import next_number
from webapp.accounts.audit_log import AuditAction, change
from webapp.accounts.errors import UnknownToken
from webapp.accounts.roles import Role
from webapp.accounts.tables import INTEGER_MAX, tokens
from webapp.accounts.users import require_administrator
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.event import time_text
from webapp.domain.fields import TextField, parse_fields
from webapp.ledger import clock, idempotency_store
from webapp.ledger.idempotency_store import IdempotencyKey, StoredResult
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import reading
from webapp.ledger.writer import best_effort_write

PREFIX: Final = "ccl_"
DAYS: Final = 90
DAYS_MAX: Final = 366
USED_EVERY: Final = timedelta(minutes=1)
NAME: Final = TextField("name", "Name", required=True, max_length=100)

_SECRET: Final = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


@dataclass(frozen=True)
class TokenBearer:
    """A program that showed a good token."""

    id: int
    name: str
    role: Role

    @property
    def actor(self) -> str:
        """The token as events name it."""
        return f"token:{self.id}"


@dataclass(frozen=True)
class Token(TokenBearer):
    """A token as administrators see it; `added_by` is named as events name actors."""

    added_by: str
    added_at: str
    expires_at: str
    revoked_at: str | None
    last_used_at: str | None

    @property
    def is_usable(self) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and self.expires_at > time_text(clock.now())


@dataclass(frozen=True)
class NewToken:
    """A new token with its text, which is shown this once."""

    token: Token
    secret: str


@overload
def create(name: str, role: Role, actor: str, *, days: int = DAYS) -> NewToken: ...


@overload
def create(
    name: str, role: Role, actor: str, *, days: int = DAYS, key: IdempotencyKey | None
) -> NewToken | None: ...


def create(
    name: str, role: Role, actor: str, *, days: int = DAYS, key: IdempotencyKey | None = None
) -> NewToken | None:
    """Make a token that works for this many days, 1 to DAYS_MAX; None where this key made one before.

    Only administrators make them, so its role is never more than its maker's.
    Raises InvalidFields on "name" and "days", AdministratorRequired.
    """
    problems = [] if 1 <= days <= DAYS_MAX else [Problem("days", f"Must be from 1 to {DAYS_MAX}.")]
    try:
        name = str(parse_fields([NAME], {"name": name})["name"])
    except InvalidFields as refusal:
        problems = refusal.problems + problems
    if problems:
        raise InvalidFields(problems)
    secret = PREFIX + new_secret()

    def action(connection: Connection) -> NewToken | None:
        require_administrator(connection, actor)
        if key and idempotency_store.find(connection, key):
            return None
        now = clock.now()
        row = connection.execute(
            insert(tokens).returning(tokens),
            {
                "id": next_number(connection, tokens, "token"),
                "name": name,
                "role": role,
                "secret_hash": hash_of(secret),
                "added_by": actor,
                "added_at": time_text(now),
                "expires_at": time_text(now + timedelta(days=days)),
            },
        ).one()
        token = _token(row)
        data = {"name": name, "role": role, "expires_at": token.expires_at}
        audit_log.append(connection, actor, AuditAction.TOKEN_MADE, token.actor, data)
        if key:  # what it made, and never its secret; no event of the ledger belongs to it
            made = StoredResult("token", HTTPStatus.OK, [str(token.id)], position=0)
            idempotency_store.store(connection, key, made)
        return NewToken(token, secret)

    return change(action)


def find(secret: str) -> TokenBearer | None:
    """Return whose token this is, None where it is unknown, revoked or expired."""
    if not _SECRET.fullmatch(secret):
        return None
    now = clock.now()
    with reading() as connection:
        rows = statements.fetch(connection, statements.FIND_TOKEN, hash_of(secret), time_text(now))
    if not rows:
        return None
    token_id, name, role, last_used_at = rows[0]
    due = time_text(now - USED_EVERY)
    if last_used_at is None or last_used_at <= due:
        is_due = tokens.c.last_used_at.is_(None) | (tokens.c.last_used_at <= due)
        best_effort_write(
            update(tokens).where(tokens.c.id == token_id, is_due).values(last_used_at=time_text(now))
        )
    return TokenBearer(token_id, name, Role(role))


def revoke(token_id: int, actor: str) -> None:
    """Let the token work no more. Twice is nothing new. Raises UnknownToken, AdministratorRequired."""

    def action(connection: Connection) -> None:
        require_administrator(connection, actor)
        if not 0 < token_id <= INTEGER_MAX:
            raise UnknownToken
        row = connection.execute(select(tokens).where(tokens.c.id == token_id)).one_or_none()
        if row is None:
            raise UnknownToken
        if row.revoked_at is not None:
            return
        now = time_text(clock.now())
        connection.execute(update(tokens).where(tokens.c.id == token_id).values(revoked_at=now))
        audit_log.append(connection, actor, AuditAction.TOKEN_REVOKED, f"token:{token_id}")

    change(action)


def list_all() -> list[Token]:
    """Return every token, the newest first, also those that work no more."""
    with reading() as connection:
        return [_token(row) for row in connection.execute(select(tokens).order_by(tokens.c.id.desc()))]


def _token(row: Row[tuple[object, ...]]) -> Token:
    return Token(
        row.id,
        row.name,
        Role(row.role),
        row.added_by,
        row.added_at,
        row.expires_at,
        row.revoked_at,
        row.last_used_at,
    )


SECRET_BYTES: Final = 32


def new_secret() -> str:
    """Return a secret of 43 characters that may stand in a cookie or a header."""
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_of(secret: str) -> str:
    """Return the hex SHA-256 of the secret; half a surrogate pair, which no secret has, is replaced."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
