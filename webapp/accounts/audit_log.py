"""The audit log of accounts: appended in the transaction that makes the change, and never changed.

Every change of accounts goes through `change`, in the turn of the ledger's writer, one after the other.
So what it reads (that there is another administrator, how many guesses there were) is still true when it
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
from webapp.ledger.storage.engine import reading
from webapp.ledger.writer import transact

PAGE_MAX: Final = 200
ANONYMOUS_ACTOR: Final = "nobody"  # the actor of a sign-in that was refused


class AuditAction(StrEnum):
    """What can be done to accounts."""

    USER_ADDED = "USER_ADDED"  # data: name, role
    ROLE_CHANGED = "ROLE_CHANGED"  # data: from, to
    USER_DISABLED = "USER_DISABLED"
    USER_ENABLED = "USER_ENABLED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105 - by the person
    PASSWORD_SET = "PASSWORD_SET"  # noqa: S105 - by somebody else
    TOKEN_MADE = "TOKEN_MADE"  # noqa: S105 - data: name, role, expires_at
    TOKEN_REVOKED = "TOKEN_REVOKED"  # noqa: S105
    SIGNED_IN = "SIGNED_IN"
    SIGNED_OUT = "SIGNED_OUT"
    SIGNED_OUT_EVERYWHERE = "SIGNED_OUT_EVERYWHERE"
    SIGN_IN_REFUSED = "SIGN_IN_REFUSED"
    SIGN_INS_HELD = "SIGN_INS_HELD"


@dataclass(frozen=True)
class Entry:
    """One line of the log. `actor` and `subject` are named as events name actors."""

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
    """Append an entry. Called within `change`, so positions have no gaps."""
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
    """Return up to `limit` entries, the newest first: those before a position, of one act if given."""
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


def change(act: Callable[[Connection], T]) -> T:
    """Run one change of accounts in a transaction. Raises what `act` refuses, LedgerBusy.

    It asks by itself whether its actor may (``users.require_administrator``): at its end somebody who
    gave up their own role could not any more.
    """
    return transact(act, unconditional=True)
