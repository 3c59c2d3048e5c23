"""What somebody may do at the moment in which what they did is committed.

Between the admission of a request and its commit somebody else may disable the person, take their
role, or revoke the token.
"""

from sqlalchemy import Connection, select

from webapp.accounts.roles import Role
from webapp.accounts.tables import tokens, users
from webapp.domain.events import time_text
from webapp.ledger import clock


def role_at_commit(connection: Connection, actor: str) -> Role | None:
    """Return the role of a `user:ID` or `token:ID`, None where that may do nothing any more.

    Until the transaction ends nobody can change it: on PostgreSQL its row is locked, and whoever is
    changing it is waited for; SQLite has one writer.
    """
    kind, _, number = actor.partition(":")
    if kind == "user":
        found = select(users.c.role).where(users.c.id == int(number), users.c.disabled_at.is_(None))
    else:
        found = select(tokens.c.role).where(
            tokens.c.id == int(number),
            tokens.c.revoked_at.is_(None),
            tokens.c.expires_at > time_text(clock.now()),
        )
    role = connection.scalar(found.with_for_update(read=True))
    return None if role is None else Role(role)
