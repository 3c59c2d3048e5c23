"""Message authentication codes of rows of tokens and sessions, by keys that the database does not hold.

Somebody who can write to the database but does not have the keys cannot make a row that is accepted. The
form of the codes is frozen, because rows keep them.
"""

import hmac
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from hashlib import sha256
from typing import Final

from webapp.domain.canonical_json import encode

# Keys of rows are other keys than those that sign cookies and forms, although both come from SECRET_KEY.
_LABEL: Final = b"carbon credit ledger: rows of tokens and sessions, version 1"


@dataclass(frozen=True)
class TokenRow:
    """What the code of a token covers: all but when it was revoked, which the log says, and last used."""

    id: int
    name: str
    role: str
    secret_hash: str
    added_by: str
    added_at: str
    expires_at: str


@dataclass(frozen=True)
class SessionRow:
    """The columns that the code of a session covers: all but the time of its last use."""

    secret_hash: str
    user_id: int
    started_at: str
    expires_at: str


def row_key(secret_key: str) -> bytes:
    """Return the key of rows that belongs to a secret key: 32 bytes."""
    return hmac.digest(secret_key.encode(), _LABEL, sha256)


def mac_of(row: TokenRow | SessionRow, key: bytes) -> str:
    """Return the code of a row: 64 hexadecimal digits."""
    text = encode([type(row).__name__, *astuple(row)])
    return hmac.new(key, text.encode(errors="replace"), sha256).hexdigest()


def key_that_made(mac: str | None, row: TokenRow | SessionRow, keys: Sequence[bytes]) -> int | None:
    """Return the index of the key whose code this is, None if it is of none of them."""
    for index, key in enumerate(keys):
        if mac is not None and hmac.compare_digest(mac.encode(errors="replace"), mac_of(row, key).encode()):
            return index
    return None
