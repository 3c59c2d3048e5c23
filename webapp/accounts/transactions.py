"""How accounts are written: in the turn of the ledger's writer, one after the other.

So what a change reads (that there is another administrator, how many guesses there were) is still true
when it writes.
"""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from webapp.ledger.writer import transact

T = TypeVar("T")


def change(act: Callable[[Connection], T]) -> T:
    """Run one change of accounts in a transaction. Raises what `act` refuses, LedgerBusy.

    It asks by itself whether its actor may (``people.require_administrator``): at its end somebody who
    gave up their own role could not any more.
    """
    return transact(act, unconditional=True)
