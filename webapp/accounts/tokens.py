"""API tokens of programs: shown once, stored as a hash, with a role and an expiry time.

The text of a token is `ccl_` and a secret; the prefix lets secret scanners detect it. Secrets of tokens and
sessions are 256 random bits as text. They cannot be guessed, so a plain SHA-256 is as safe as a slow hash.
"""

import hashlib
import re
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Final, overload

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from webapp.accounts import audit_log
from webapp.accounts.actors import next_number
from webapp.accounts.audit_log import AuditAction, change
from webapp.accounts.errors import UnknownToken
from webapp.accounts.roles import Role
from webapp.accounts.row_codes import code_due, new_code
from webapp.accounts.tables import INTEGER_MAX, tokens
from webapp.accounts.users import require_administrator
from webapp.domain.account_log import token_data
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.event import time_text
from webapp.domain.fields import TextField, parse_fields
from webapp.domain.row_mac import TokenRow
from webapp.ledger import clock, idempotency_store
from webapp.ledger.group_commit import best_effort_write
from webapp.ledger.idempotency_store import IdempotencyKey, StoredResult
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import reading

PREFIX: Final = "ccl_"
DAYS: Final = 90
DAYS_MAX: Final = 366
USED_EVERY: Final = timedelta(minutes=1)
NAME: Final = TextField("name", "Name", required=True, max_length=100)

_SECRET: Final = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


@dataclass(frozen=True)
class TokenBearer:
    """The token of a request that was accepted."""

    id: int
    name: str
    role: Role

    @property
    def actor(self) -> str:
        """The token as an actor in events."""
        return f"token:{self.id}"


@dataclass(frozen=True)
class Token(TokenBearer):
    """A token as administrators see it; `added_by` is an actor as in events."""

    added_by: str
    added_at: str
    expires_at: str
    revoked_at: str | None
    last_used_at: str | None

    @property
    def is_usable(self) -> bool:
        """Whether the token is neither revoked nor expired."""
        return self.revoked_at is None and self.expires_at > time_text(clock.now())


@dataclass(frozen=True)
class NewToken:
    """A new token with its text, which is shown only once."""

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
    """Create a token that expires after `days` days, 1 to DAYS_MAX. None if this key created one before.

    Only administrators create tokens, so a token never has a higher role than its creator.
    Raises InvalidFields on "name" and "days", and AdministratorRequired.
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
        row = TokenRow(
            id=next_number(connection, tokens, "token"),
            name=name,
            role=role,
            secret_hash=hash_of(secret),
            added_by=actor,
            added_at=time_text(now),
            expires_at=time_text(now + timedelta(days=days)),
        )
        added = insert(tokens).returning(tokens)
        token = _token(connection.execute(added, asdict(row) | {"mac": new_code(row)}).one())
        data = token_data(role, row.expires_at, row.secret_hash)
        audit_log.append(connection, actor, AuditAction.TOKEN_MADE, token.actor, data)
        if key:  # the id without the secret; no event of the ledger belongs to it
            result = StoredResult("token", HTTPStatus.OK, [str(token.id)], position=0)
            idempotency_store.store(connection, key, result)
        return NewToken(token, secret)

    return change(action)


def find(secret: str) -> TokenBearer | None:
    """Return the bearer of the token, None if it is unknown, revoked, expired, or has no valid code."""
    if not _SECRET.fullmatch(secret):
        return None
    now = clock.now()
    with reading() as connection:
        rows = statements.fetch(connection, statements.FIND_TOKEN, hash_of(secret), time_text(now))
        if not rows:
            return None
        *columns, code, last_used_at = rows[0]
        row = TokenRow(*columns)
        due_code = code_due(connection, row, code)
    if due_code is None:
        return None
    due = time_text(now - USED_EVERY)
    if last_used_at is None or last_used_at <= due or due_code != code:
        is_due = tokens.c.last_used_at.is_(None) | (tokens.c.last_used_at <= due) | _has_not(due_code)
        used = {"last_used_at": time_text(now), "mac": due_code}
        best_effort_write(update(tokens).where(tokens.c.id == row.id, is_due).values(used))
    return TokenBearer(row.id, row.name, Role(row.role))


def _has_not(code: str) -> ColumnElement[bool]:
    return tokens.c.mac.is_(None) | (tokens.c.mac != code)


def revoke(token_id: int, actor: str) -> None:
    """Revoke the token. A second call changes nothing. Raises UnknownToken, AdministratorRequired."""

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
    """Return all tokens, newest first, revoked and expired ones too."""
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
    """Return a random secret of 43 characters, safe in a cookie or header."""
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_of(secret: str) -> str:
    """Return the hex SHA-256 of the secret. Lone surrogates, which no secret contains, are replaced."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
