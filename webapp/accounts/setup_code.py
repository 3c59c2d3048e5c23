"""The set-up code, with which the first administrator can be created from another machine.

The code is printed at startup and the program keeps only its hash. It is useless once there is an account
(``users.add_first``).
"""

import hashlib
import hmac
import re
from typing import Final

from webapp.accounts import audit_log, login_rate_limit
from webapp.accounts.actors import SETUP
from webapp.accounts.audit_log import AuditAction, change
from webapp.domain.errors import InvalidFields, Problem

# Used in place of a name for the rate limit; no canonical name has a line break.
_COUNTED_AS: Final = "set-up\ncode"
_SEPARATORS: Final = re.compile("[^0-9a-z]")


def require_correct(code: str, expected_hash: str, address: str) -> None:
    """Raise InvalidFields on "code" unless this is the printed code; case and dashes do not matter.

    `expected_hash` is the hex SHA-256 of the code in lower case without dashes, empty if none was printed.
    Must not be called inside an open transaction. Raises SetUpCodeRateLimited after too many guesses.
    """
    login_rate_limit.begin_set_up_code(_COUNTED_AS, address)
    code_hash = hashlib.sha256(_SEPARATORS.sub("", code.lower()).encode()).hexdigest()
    if not expected_hash or not hmac.compare_digest(code_hash, expected_hash):
        change(lambda connection: audit_log.append(connection, SETUP, AuditAction.SIGN_IN_REFUSED))
        raise InvalidFields([Problem("code", "This is not the code that was printed at startup.")])
    change(lambda connection: login_rate_limit.forget(connection, _COUNTED_AS))
