"""The real program with a password check that sleeps, and so takes long without using the processor.

Served by tests only, as `tests.hostile.slow_hash_app:app`. Tests must not import it: the import patches
the process.
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
