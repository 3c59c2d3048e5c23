"""Secrets that this program makes: 256 random bits as text, and the hash by which one is found.

Such a secret cannot be guessed, so a plain SHA-256 keeps it as well as a slow hash would.
"""

import hashlib
import secrets
from typing import Final

SECRET_BYTES: Final = 32


def new_secret() -> str:
    """Return a secret of 43 characters that may stand in a cookie or a header."""
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_of(secret: str) -> str:
    """Return the hex SHA-256 of the secret; half a surrogate pair, which no secret has, is replaced."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
