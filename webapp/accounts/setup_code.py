"""The code by which the first administrator is made from another machine.

Whoever starts the program sees it, so whoever types it was told by them. The program knows only its
hash, and nobody can use it once there is an account: people.add_first sees to that.
"""

import hashlib
import hmac
import re
from typing import Final

from webapp.accounts import audit_log, login_rate_limit
from webapp.accounts.actors import SETUP
from webapp.accounts.audit_log import AuditAction, change
from webapp.domain.errors import InvalidFields, Problem

# In place of a name: no canonical name has a line break. Guesses are counted like those at passwords.
_COUNTED_AS: Final = "set-up\ncode"
_BETWEEN: Final = re.compile("[^0-9a-z]")


def require_correct(code: str, expected_hash: str, address: str) -> None:
    """Refuse a code that is not the one that was printed; case and dashes do not matter.

    `expected_hash` is the hex SHA-256 of the code in small letters without dashes, empty where none
    was printed. Must not be called inside an open transaction. Raises InvalidFields on "code", and
    SetUpCodeRateLimited after too many guesses.
    """
    login_rate_limit.begin_set_up_code(_COUNTED_AS, address)
    found = hashlib.sha256(_BETWEEN.sub("", code.lower()).encode()).hexdigest()
    if not expected_hash or not hmac.compare_digest(found, expected_hash):
        change(lambda connection: audit_log.append(connection, SETUP, AuditAction.SIGN_IN_REFUSED))
        raise InvalidFields([Problem("code", "This is not the code that the start printed.")])
    change(lambda connection: login_rate_limit.forget(connection, _COUNTED_AS))
