"""How accounts are written: one writer at a time, on both databases.

Changes of accounts are rare and short, so they wait for each other. Then what one of them reads
(that there is another administrator, how many guesses there were) is still true when it writes.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy import Connection, text

from webapp.ledger.database import transact

T = TypeVar("T")

# Any number that nothing else here uses as an advisory lock. SQLite has one writer anyway.
ACCOUNTS_LOCK: Final = 0x6163636F  # "acco"


def change(act: Callable[[Connection], T]) -> T:
    """Run one change of accounts in one transaction, alone. Raises what `act` refuses, LedgerBusy.

    It asks by itself whether its actor may (``people.require_administrator``): at its end somebody who
    gave up their own role could not any more.
    """

    def alone(connection: Connection) -> T:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ACCOUNTS_LOCK})
        return act(connection)

    return transact(alone, unconditional=True)
