"""Secrets by which programs act: shown once, kept as a hash, with a role and an end.

A token's text is `ccl_` and a secret; the prefix lets scanners of leaked secrets know it.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Final, overload

from sqlalchemy import Connection, Row, insert, select, update

from webapp.accounts import account_log
from webapp.accounts.account_log import Act
from webapp.accounts.errors import UnknownToken
from webapp.accounts.numbers import next_number
from webapp.accounts.people import require_administrator
from webapp.accounts.roles import Role
from webapp.accounts.secret_text import hash_of, new_secret
from webapp.accounts.tables import INTEGER_MAX, tokens
from webapp.accounts.transactions import change
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.events import time_text
from webapp.domain.fields import TextField, parse_fields
from webapp.ledger import clock, idempotency_store, statements
from webapp.ledger.database import reading
from webapp.ledger.idempotency_store import Kept, Key
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
class MadeToken:
    """A new token with its text, which is shown this once."""

    token: Token
    secret: str


@overload
def make(name: str, role: Role, actor: str, *, days: int = DAYS) -> MadeToken: ...


@overload
def make(name: str, role: Role, actor: str, *, days: int = DAYS, key: Key | None) -> MadeToken | None: ...


def make(name: str, role: Role, actor: str, *, days: int = DAYS, key: Key | None = None) -> MadeToken | None:
    """Make a token that works for this many days, 1 to DAYS_MAX; None where this key made one before.

    Only administrators make them, so its role is never more than its maker's.
    Raises InvalidFields on "name" and "days", NoLongerAllowed.
    """
    problems = [] if 1 <= days <= DAYS_MAX else [Problem("days", f"Must be from 1 to {DAYS_MAX}.")]
    try:
        name = str(parse_fields([NAME], {"name": name})["name"])
    except InvalidFields as refusal:
        problems = refusal.problems + problems
    if problems:
        raise InvalidFields(problems)
    secret = PREFIX + new_secret()

    def act(connection: Connection) -> MadeToken | None:
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
        account_log.append(connection, actor, Act.TOKEN_MADE, token.actor, data)
        if key:  # what it made, and never its secret; no event of the ledger belongs to it
            made = Kept("token", HTTPStatus.OK, [str(token.id)], position=0)
            idempotency_store.keep(connection, key, made)
        return MadeToken(token, secret)

    return change(act)


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
    """Let the token work no more. Twice is nothing new. Raises UnknownToken, NoLongerAllowed."""

    def act(connection: Connection) -> None:
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
        account_log.append(connection, actor, Act.TOKEN_REVOKED, f"token:{token_id}")

    change(act)


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
