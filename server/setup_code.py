"""The set-up code, which creates the first administrator from another machine.

It is created and printed once per start of the server. Workers only get its hash (SETUP_CODE_HASH), which
``webapp.accounts.setup_code`` checks.
"""

from __future__ import annotations

import functools
import hashlib
import secrets

# Lower-case letters and digits without look-alikes. 15 of these 31 characters are 74 bits.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
GROUPS = 3
GROUP_LENGTH = 5


@functools.cache  # one code per run of the server, also after it reloads its settings
def setup_code() -> str:
    """Return the code with its dashes, such as "k7mfe-2wq9x-hd4ra"."""
    groups = ("".join(secrets.choice(LETTERS) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))
    return "-".join(groups)


def setup_code_hash() -> str:
    """Return the hex SHA-256 of the code without its dashes."""
    return hashlib.sha256(setup_code().replace("-", "").encode()).hexdigest()
