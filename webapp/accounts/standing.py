"""What somebody may do at the moment in which what they did is committed.

Between the admission of a request and its commit somebody else may disable the person, take their
role, or revoke the token.
"""

from sqlalchemy import Connection

from webapp.accounts.roles import Role
from webapp.domain.events import time_text
from webapp.ledger import clock, statements


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
