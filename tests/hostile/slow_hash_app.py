"""The real program, in which the check of a password takes long without taking the processor.

Served by tests only (`tests.hostile.slow_hash_app:app`). Importing it changes the process, so no test
does that.
"""

import time

from tests.hostile.test_sign_ins import HASH_S
from webapp import create_app
from webapp.accounts import passwords


def _check(_hashed: str, _password: str) -> bool:
    time.sleep(HASH_S)
    return False


app = create_app()
setattr(passwords, "check_password_hash", _check)  # noqa: B010 - it is taken by name
