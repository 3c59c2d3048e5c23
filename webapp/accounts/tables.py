"""The tables of accounts, beside the ledger: an export of events holds none of them.

`account_log` is append-only like the log of the ledger, by the triggers of ``triggers_*``.
Secrets and typed names are in none of these tables, only what cannot be turned back into them.
"""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from webapp.accounts.roles import Role
from webapp.ledger.storage.columns import ROW_ID, STRING
from webapp.ledger.storage.tables import WITHOUT_ROWID, Model, table_of

# What both databases take for an integer. A number from an address may be any.
INTEGER_MAX: Final = 2**63 - 1

_A_ROLE: Final = f"role IN ({', '.join(repr(str(role)) for role in Role)})"


class User(Model):
    """A person who may sign in. Never deleted, because events name their id for ever.

    `name_key` is the name in canonical form; `disabled_at` is null while the person may sign in.
    `password_given_at` is when somebody else chose the password, null where the person did.
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


class Session(Model):
    """A browser that is signed in, by the SHA-256 of the secret in its cookie."""

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


class Token(Model):
    """A secret by which a program acts, by its SHA-256. Never deleted: events name its id."""

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


class AccountLogEntry(Model):
    """Who changed what about accounts, for ever: positions 1, 2, 3 … without gaps.

    `subject` is whom or what it is about, as actors are named, or empty; `data` is a JSON object.
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
    """A guess at a password of the last minutes. Name and address are hashed with a secret key."""

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
    """An address from which a person signed in lately, hashed in the same way.

    What others guess elsewhere never holds the person up there.
    """

    __tablename__ = "known_addresses"
    __table_args__ = (Index("ix_known_addresses_at", "at"), WITHOUT_ROWID)

    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"), primary_key=True)
    address_hash: Mapped[str] = mapped_column(STRING, primary_key=True)
    at: Mapped[str] = mapped_column(STRING)


users: Final = table_of(User)
sessions: Final = table_of(Session)
tokens: Final = table_of(Token)
account_log: Final = table_of(AccountLogEntry)
sign_in_failures: Final = table_of(SignInFailure)
known_addresses: Final = table_of(KnownAddress)
