"""Roles: three of them, each with all that the one before it may, and who has which at the commit.

Between the authorization of a request and its commit somebody else may disable the person, take their
role, or revoke the token.
"""

from enum import StrEnum

from sqlalchemy import Connection

from webapp.domain.event import time_text
from webapp.ledger import clock
from webapp.ledger.storage import statements


class Role(StrEnum):
    """A role, from the least to the most."""

    VIEWER = "viewer"  # reads
    OPERATOR = "operator"  # also creates, sells, retires, imports
    ADMINISTRATOR = "administrator"  # also people, roles and tokens

    def includes(self, other: "Role") -> bool:
        """Say whether whoever has this role may do all that the other one may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


def role_at_commit(connection: Connection, actor: str) -> Role | None:
    """Return the role of a `user:ID` or `token:ID`, None where that may do nothing any more.

    Until the transaction ends nobody can change it: on PostgreSQL its row is locked, and whoever is
    changing it is waited for; SQLite has one writer.
    """
    kind, _, number = actor.partition(":")
    if kind == "user":
        rows = statements.fetch(connection, statements.ROLE_OF_USER, int(number))
    else:
        now = time_text(clock.now())
        rows = statements.fetch(connection, statements.ROLE_OF_TOKEN, int(number), now)
    return Role(rows[0][0]) if rows else None
