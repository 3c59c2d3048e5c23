"""The account log: an append-only log, written in the transaction of each change of accounts.

All changes of accounts go through `change`, which runs them one at a time on the ledger's writer. What a
change reads (that another administrator exists, the number of guesses) is therefore still true when it
writes.
"""

import json
from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy import Connection, select

from webapp.accounts.tables import INTEGER_MAX, account_log
from webapp.domain.account_log import AuditAction, Entry
from webapp.ledger.account_entries import append
from webapp.ledger.group_commit import transact
from webapp.ledger.storage.engine import reading

__all__ = ["ANONYMOUS_ACTOR", "PAGE_MAX", "AuditAction", "Entry", "append", "change", "page"]

PAGE_MAX: Final = 200
ANONYMOUS_ACTOR: Final = "nobody"  # the actor of a refused sign-in


def page(before: int | None = None, limit: int = 50, *, act: AuditAction | None = None) -> list[Entry]:
    """Return at most `limit` entries, newest first: those before a position and of one action, if given."""
    query = select(account_log).order_by(account_log.c.position.desc()).limit(min(limit, PAGE_MAX))
    if before is not None:
        query = query.where(account_log.c.position < min(before, INTEGER_MAX))
    if act is not None:
        query = query.where(account_log.c.act == act)
    with reading() as connection:
        rows = connection.execute(query).all()
    return [
        Entry(
            row.position, row.recorded_at, row.actor, AuditAction(row.act), row.subject, json.loads(row.data)
        )
        for row in rows
    ]


T = TypeVar("T")


def change(act: Callable[[Connection], T], *, is_rechecked: bool = False) -> T:
    """Run one change of accounts in a transaction. Raises the errors of `act`, and LedgerBusy.

    `act` checks the actor's role itself (``users.require_administrator``). The role is not rechecked
    before commit unless asked for, because an administrator may give up their own role.
    """
    return transact(act, unconditional=not is_rechecked)
