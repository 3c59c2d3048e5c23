"""The role of an actor at commit.

Between the authorization of a request and its commit, the user can be disabled, the role changed or the
token revoked.
"""

from sqlalchemy import Connection

from webapp.domain.event import time_text
from webapp.domain.roles import Role
from webapp.ledger import clock
from webapp.ledger.storage import statements

__all__ = ["Role", "role_at_commit"]


def role_at_commit(connection: Connection, actor: str) -> Role | None:
    """Return the role of a `user:ID` or `token:ID`, None if it is disabled, revoked or expired.

    The role cannot change until the transaction ends: PostgreSQL locks its row, and SQLite has one writer.
    """
    kind, _, number = actor.partition(":")
    if kind == "user":
        rows = statements.fetch(connection, statements.ROLE_OF_USER, int(number))
    else:
        now = time_text(clock.now())
        rows = statements.fetch(connection, statements.ROLE_OF_TOKEN, int(number), now)
    return Role(rows[0][0]) if rows else None
