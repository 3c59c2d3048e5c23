"""The three roles, each of which includes the previous one, and the role of an actor at commit.

Between the authorization of a request and its commit, the user can be disabled, the role changed or the
token revoked.
"""

from enum import StrEnum

from sqlalchemy import Connection

from webapp.domain.event import time_text
from webapp.ledger import clock
from webapp.ledger.storage import statements


class Role(StrEnum):
    """The roles in ascending order."""

    VIEWER = "viewer"  # reads everything
    OPERATOR = "operator"  # also records, sells, retires and imports
    ADMINISTRATOR = "administrator"  # also manages users and tokens

    def includes(self, other: "Role") -> bool:
        """Return whether this role has all rights of the other one."""
        order = list(Role)
        return order.index(self) >= order.index(other)


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
