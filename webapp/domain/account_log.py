"""The account log: its entries, their texts, and the hashes in them that account for rows of accounts.

An entry names a user or a token by id and holds no name, password or secret, only hashes of them. The forms
of `name_hash`, `fingerprint`, the data and the text are frozen: every leaf of the log's tree depends on them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

from webapp.domain.canonical_json import encode


class AuditAction(StrEnum):
    """The types of entries. `password`, `secret` and `session` in their data are fingerprints."""

    USER_ADDED = "USER_ADDED"  # data: role, name_hash, password
    ROLE_CHANGED = "ROLE_CHANGED"  # data: from, to
    USER_DISABLED = "USER_DISABLED"
    USER_ENABLED = "USER_ENABLED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105 - by the user; data: password, session
    PASSWORD_SET = "PASSWORD_SET"  # noqa: S105 - by an administrator; data: password
    PASSWORD_REHASHED = "PASSWORD_REHASHED"  # noqa: S105 - same password, other hash; data: password
    TOKEN_MADE = "TOKEN_MADE"  # noqa: S105 - data: role, expires_at, secret
    TOKEN_REVOKED = "TOKEN_REVOKED"  # noqa: S105
    STATEMENT_SHARED = "STATEMENT_SHARED"  # data: act, link
    STATEMENT_LINK_REVOKED = "STATEMENT_LINK_REVOKED"  # data: act, link
    SIGNED_IN = "SIGNED_IN"  # data: session
    SIGNED_OUT = "SIGNED_OUT"  # data: session
    SIGNED_OUT_EVERYWHERE = "SIGNED_OUT_EVERYWHERE"
    SIGN_IN_REFUSED = "SIGN_IN_REFUSED"
    SIGN_INS_HELD = "SIGN_INS_HELD"
    # What was there when entries began to account for rows: not proven for the time before.
    USER_FOUND = "USER_FOUND"  # data: role, name_hash, password, state
    TOKEN_FOUND = "TOKEN_FOUND"  # noqa: S105 - data: role, expires_at, secret, state
    SESSION_FOUND = "SESSION_FOUND"  # data: session
    HISTORY_FOUND = "HISTORY_FOUND"  # after the last of them; data: events
    HISTORY_RESTORED = "HISTORY_RESTORED"  # an export was restored; data: events


# The values of `state` in the data of what was found.
USABLE: Final = "usable"
ENDED: Final = "ended"  # the user was disabled, or the token revoked

# The entries that add a user or a token; after one of a user, the ledger is no longer open.
ADDING: Final = (
    AuditAction.USER_ADDED,
    AuditAction.USER_FOUND,
    AuditAction.TOKEN_MADE,
    AuditAction.TOKEN_FOUND,
)


@dataclass(frozen=True)
class Entry:
    """One entry of the log. `actor` and `subject` are actors as in events."""

    position: int
    recorded_at: str
    actor: str
    act: str
    subject: str
    data: Mapping[str, str]


def leaf_text(position: int, recorded_at: str, actor: str, act: str, subject: str, data: str) -> str:
    """Return the text of an entry as a leaf of the log's tree, from its row; `data` as it is stored."""
    row = {
        "position": position,
        "recorded_at": recorded_at,
        "actor": actor,
        "act": act,
        "subject": subject,
        "data": data,
    }
    return encode(row)


def name_hash(name: str, salt: str) -> str:
    """Return the hash of a name with the salt of its user's row. Without the salt it says nothing."""
    return sha256(f"{salt}\n{name}".encode()).hexdigest()


def fingerprint(stored: str) -> str:
    """Return the SHA-256 of what a row stores of a password or a secret, which is a hash already."""
    return sha256(stored.encode(errors="replace")).hexdigest()


def user_data(role: str, name_hash: str, password_hash: str, state: str | None = None) -> dict[str, str]:
    """Return the data of an entry that adds a user; `state` for one that was found."""
    data = {"role": role, "name_hash": name_hash, "password": fingerprint(password_hash)}
    return data if state is None else data | {"state": state}


def token_data(role: str, expires_at: str, secret_hash: str, state: str | None = None) -> dict[str, str]:
    """Return the data of an entry that adds a token; `state` for one that was found."""
    data = {"role": role, "expires_at": expires_at, "secret": fingerprint(secret_hash)}
    return data if state is None else data | {"state": state}


def session_data(secret_hash: str) -> dict[str, str]:
    """Return the data of an entry about a session."""
    return {"session": fingerprint(secret_hash)}
