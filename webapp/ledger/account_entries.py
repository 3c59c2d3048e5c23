"""Append to the account log. No other module inserts into it."""

import json
from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection

from webapp.domain.account_log import AuditAction
from webapp.domain.canonical_json import encode
from webapp.domain.event import time_text
from webapp.ledger import clock
from webapp.ledger.projections.log_nodes import TILE, add_nodes
from webapp.ledger.storage import statements
from webapp.ledger.storage.transparency_tables import Tree

_INSERT: Final = (
    "INSERT INTO account_log (position, recorded_at, actor, act, subject, data) VALUES (?, ?, ?, ?, ?, ?)"
)


def append(
    connection: Connection,
    actor: str,
    act: AuditAction,
    subject: str = "",
    data: Mapping[str, str] | None = None,
) -> None:
    """Append an entry within a write transaction of the ledger, so that positions have no gaps.

    Its time is not before that of the last entry or the last event, so both logs are in one order of time.
    It is a leaf of the tree of accounts, whose nodes are stored here once they are complete.
    """
    ((last, last_at, body),) = statements.fetch(connection, statements.ACCOUNT_LOG_HEAD)
    event_at = json.loads(body)["recorded_at"] if body else ""
    recorded_at = max(time_text(clock.now()), last_at, event_at)
    position = last + 1
    row = (position, recorded_at, actor, str(act), subject, encode(dict(data or {})))
    statements.send(connection, _INSERT, [row])
    if position % TILE == 0:
        add_nodes(connection, Tree.ACCOUNTS, position)
