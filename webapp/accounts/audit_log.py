"""The account log: an append-only log, written in the transaction of each change of accounts.

All changes of accounts go through `change`, which runs them one at a time on the ledger's writer. What a
change reads (that another administrator exists, the number of guesses) is therefore still true when it
writes.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from sqlalchemy import Connection, func, insert, select

from webapp.accounts.tables import INTEGER_MAX, account_log
from webapp.domain.canonical_json import encode
from webapp.domain.event import time_text
from webapp.ledger import clock
from webapp.ledger.group_commit import transact
from webapp.ledger.storage.engine import reading

PAGE_MAX: Final = 200
ANONYMOUS_ACTOR: Final = "nobody"  # the actor of a refused sign-in


class AuditAction(StrEnum):
    """The types of entries."""

    USER_ADDED = "USER_ADDED"  # data: name, role
    ROLE_CHANGED = "ROLE_CHANGED"  # data: from, to
    USER_DISABLED = "USER_DISABLED"
    USER_ENABLED = "USER_ENABLED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105 - by the user
    PASSWORD_SET = "PASSWORD_SET"  # noqa: S105 - by an administrator
    TOKEN_MADE = "TOKEN_MADE"  # noqa: S105 - data: name, role, expires_at
    TOKEN_REVOKED = "TOKEN_REVOKED"  # noqa: S105
    STATEMENT_SHARED = "STATEMENT_SHARED"  # data: act, link
    STATEMENT_LINK_REVOKED = "STATEMENT_LINK_REVOKED"  # data: act, link
    SIGNED_IN = "SIGNED_IN"
    SIGNED_OUT = "SIGNED_OUT"
    SIGNED_OUT_EVERYWHERE = "SIGNED_OUT_EVERYWHERE"
    SIGN_IN_REFUSED = "SIGN_IN_REFUSED"
    SIGN_INS_HELD = "SIGN_INS_HELD"


@dataclass(frozen=True)
class Entry:
    """One entry of the log. `actor` and `subject` are actors as in events."""

    position: int
    recorded_at: str
    actor: str
    act: AuditAction
    subject: str
    data: Mapping[str, str]


def append(
    connection: Connection,
    actor: str,
    act: AuditAction,
    subject: str = "",
    data: Mapping[str, str] | None = None,
) -> None:
    """Append an entry. Must be called within `change`, so that positions have no gaps."""
    last = connection.scalar(select(func.coalesce(func.max(account_log.c.position), 0)))
    connection.execute(
        insert(account_log),
        {
            "position": int(last or 0) + 1,
            "recorded_at": time_text(clock.now()),
            "actor": actor,
            "act": act,
            "subject": subject,
            "data": encode(dict(data or {})),
        },
    )


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
