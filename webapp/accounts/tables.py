"""The tables of accounts. They are not part of an export of events.

`account_log` is append-only like the ledger's log, by the triggers of ``webapp.ledger.storage.triggers_*``.
These tables hold no secrets and no names typed at sign-in, only hashes of them.
"""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from webapp.accounts.roles import Role
from webapp.ledger.storage.columns import ROW_ID, STRING, WITHOUT_ROWID, table_of
from webapp.ledger.storage.engine import Model

# The largest integer of both databases; a number in an address can be larger.
INTEGER_MAX: Final = 2**63 - 1

_A_ROLE: Final = f"role IN ({', '.join(repr(str(role)) for role in Role)})"


class User(Model):
    """A user. Never deleted, because events refer to the id.

    `name_key` is the name in canonical form. `disabled_at` is null while the user can sign in.
    `password_given_at` is the time at which an administrator set the password, null once the user chose it.
    `name_salt` is the salt of the name's hash in the account log: without it, that hash says nothing.
    """

    __tablename__ = "users"
    __table_args__ = (CheckConstraint(_A_ROLE, "role"),)

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    name: Mapped[str] = mapped_column(STRING)
    name_key: Mapped[str] = mapped_column(STRING, unique=True)
    role: Mapped[str] = mapped_column(STRING)
    password_hash: Mapped[str] = mapped_column(STRING)
    added_at: Mapped[str] = mapped_column(STRING)
    disabled_at: Mapped[str | None] = mapped_column(STRING)
    password_given_at: Mapped[str | None] = mapped_column(STRING)
    name_salt: Mapped[str | None] = mapped_column(STRING)


class Session(Model):
    """A session of a signed-in browser, with the SHA-256 of the secret in its cookie.

    `mac` is its code by a key outside the database (``row_codes``); null until its first use after 0027.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        Index("ix_sessions_user", "user_id"),
        Index("ix_sessions_expires", "expires_at"),
        WITHOUT_ROWID,
    )

    secret_hash: Mapped[str] = mapped_column(STRING, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    started_at: Mapped[str] = mapped_column(STRING)
    seen_at: Mapped[str] = mapped_column(STRING)
    expires_at: Mapped[str] = mapped_column(STRING)
    mac: Mapped[str | None] = mapped_column(STRING)


class Token(Model):
    """An API token, with the SHA-256 of its secret. Never deleted, because events refer to the id.

    `mac` is its code by a key outside the database, as for sessions.
    """

    __tablename__ = "tokens"
    __table_args__ = (CheckConstraint(_A_ROLE, "role"),)

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    name: Mapped[str] = mapped_column(STRING)
    role: Mapped[str] = mapped_column(STRING)
    secret_hash: Mapped[str] = mapped_column(STRING, unique=True)
    added_by: Mapped[str] = mapped_column(STRING)
    added_at: Mapped[str] = mapped_column(STRING)
    expires_at: Mapped[str] = mapped_column(STRING)
    revoked_at: Mapped[str | None] = mapped_column(STRING)
    last_used_at: Mapped[str | None] = mapped_column(STRING)
    mac: Mapped[str | None] = mapped_column(STRING)


class StatementLink(Model):
    """A link that shows one statement to anybody, with the SHA-256 of its secret. Never deleted.

    `act` is the feed position that addresses the act.
    """

    __tablename__ = "statement_links"
    __table_args__ = (Index("ix_statement_links_act", "act"),)

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    act: Mapped[int] = mapped_column(BigInteger)
    secret_hash: Mapped[str] = mapped_column(STRING, unique=True)
    added_by: Mapped[str] = mapped_column(STRING)
    added_at: Mapped[str] = mapped_column(STRING)
    revoked_by: Mapped[str | None] = mapped_column(STRING)
    revoked_at: Mapped[str | None] = mapped_column(STRING)


class AccountLogEntry(Model):
    """An entry of the account log, at positions 1, 2, 3 … without gaps.

    `subject` is the user or token concerned, as an actor, or empty; `data` is a JSON object.
    """

    __tablename__ = "account_log"
    __table_args__ = (WITHOUT_ROWID,)

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    recorded_at: Mapped[str] = mapped_column(STRING)
    actor: Mapped[str] = mapped_column(STRING)
    act: Mapped[str] = mapped_column(STRING)
    subject: Mapped[str] = mapped_column(STRING)
    data: Mapped[str] = mapped_column(STRING)


class SignInFailure(Model):
    """A recent guess at a password. Name and address are hashed with a secret key."""

    __tablename__ = "sign_in_failures"
    __table_args__ = (
        Index("ix_sign_in_failures_name", "name_hash", "at"),
        Index("ix_sign_in_failures_address", "address_hash", "at"),
        Index("ix_sign_in_failures_at", "at"),
    )

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    name_hash: Mapped[str] = mapped_column(STRING)
    address_hash: Mapped[str] = mapped_column(STRING)
    at: Mapped[str] = mapped_column(STRING)


class KnownAddress(Model):
    """An address from which a user signed in recently, hashed with the same key.

    Guesses from other addresses do not limit sign-ins from this one.
    """

    __tablename__ = "known_addresses"
    __table_args__ = (Index("ix_known_addresses_at", "at"), WITHOUT_ROWID)

    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"), primary_key=True)
    address_hash: Mapped[str] = mapped_column(STRING, primary_key=True)
    at: Mapped[str] = mapped_column(STRING)


users: Final = table_of(User)
sessions: Final = table_of(Session)
tokens: Final = table_of(Token)
statement_links: Final = table_of(StatementLink)
account_log: Final = table_of(AccountLogEntry)
sign_in_failures: Final = table_of(SignInFailure)
known_addresses: Final = table_of(KnownAddress)
