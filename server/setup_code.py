"""The code that makes the first administrator from another machine: made once a start, printed once.

The server's workers get only its hash (SETUP_CODE_HASH): ``webapp.accounts.setup_code`` compares.
"""

from __future__ import annotations

import functools
import hashlib
import secrets

# Small letters and digits without those that look alike: 15 of these 31 are 74 bits.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
GROUPS = 3
GROUP_LENGTH = 5


@functools.cache  # the same for as long as the server runs, also when it reads its settings again
def setup_code() -> str:
    """The code as a person types it, such as "k7mfe-2wq9x-hd4ra"."""
    groups = ("".join(secrets.choice(LETTERS) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))
    return "-".join(groups)


def setup_code_hash() -> str:
    """The hex SHA-256 of the code without its dashes."""
    return hashlib.sha256(setup_code().replace("-", "").encode()).hexdigest()
