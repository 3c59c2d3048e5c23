"""Links that show one statement to anybody who has them: shown once, stored as a hash, revocable.

A link does not expire: it is printed on what a buyer keeps. Its secret has 256 random bits, as that of an
API token. Making and revoking are in the account log.
"""

from dataclasses import dataclass
from http import HTTPStatus

from sqlalchemy import Connection, Row, insert, select, update

from webapp.accounts import audit_log
from webapp.accounts.audit_log import AuditAction, change
from webapp.accounts.errors import UnknownLink
from webapp.accounts.tables import INTEGER_MAX, statement_links
from webapp.accounts.tokens import hash_of, new_secret
from webapp.domain.event import time_text
from webapp.ledger import clock, idempotency_store
from webapp.ledger.idempotency_store import IdempotencyKey, StoredResult
from webapp.ledger.storage.engine import reading


@dataclass(frozen=True)
class StatementLink:
    """A link to the statement of the act at a feed position. `added_by` and `revoked_by` are actors."""

    id: int
    act: int
    added_by: str
    added_at: str
    revoked_by: str | None
    revoked_at: str | None


@dataclass(frozen=True)
class NewLink:
    """A new link with its secret, which is shown only once."""

    link: StatementLink
    secret: str


def create(act: int, actor: str, key: IdempotencyKey | None = None) -> NewLink | None:
    """Make a link to the statement of this act. None if this key made one before.

    The caller checks that the act has a statement, and the actor's role.
    """
    secret = new_secret()

    def action(connection: Connection) -> NewLink | None:
        if key and idempotency_store.find(connection, key):
            return None
        row = connection.execute(
            insert(statement_links).returning(statement_links),
            {
                "act": act,
                "secret_hash": hash_of(secret),
                "added_by": actor,
                "added_at": time_text(clock.now()),
            },
        ).one()
        link = _link(row)
        audit_log.append(connection, actor, AuditAction.STATEMENT_SHARED, data=_about(link))
        if key:  # the number without the secret; no event of the ledger belongs to it
            result = StoredResult("statement_link", HTTPStatus.OK, [str(link.id)], position=0)
            idempotency_store.store(connection, key, result)
        return NewLink(link, secret)

    return change(action, is_rechecked=True)


def find(secret: str) -> int:
    """Return the position of the act that the link leads to. Raises UnknownLink, also if it was revoked."""
    query = select(statement_links.c.act).where(
        statement_links.c.secret_hash == hash_of(secret), statement_links.c.revoked_at.is_(None)
    )
    with reading() as connection:
        act = connection.scalar(query)
    if act is None:
        raise UnknownLink
    return int(act)


def revoke(act: int, link_id: int, actor: str) -> None:
    """Revoke the link of this act. A second call changes nothing. Raises UnknownLink."""

    def action(connection: Connection) -> None:
        link = _found(connection, act, link_id)
        if link.revoked_at is not None:
            return
        connection.execute(
            update(statement_links)
            .where(statement_links.c.id == link_id)
            .values(revoked_at=time_text(clock.now()), revoked_by=actor)
        )
        audit_log.append(connection, actor, AuditAction.STATEMENT_LINK_REVOKED, data=_about(link))

    change(action, is_rechecked=True)


def link_of(act: int, link_id: int) -> StatementLink:
    """Return a link of this act, revoked ones too. Raises UnknownLink."""
    with reading() as connection:
        return _found(connection, act, link_id)


def links_of(act: int) -> list[StatementLink]:
    """Return all links to the statement of this act, newest first, revoked ones too."""
    query = select(statement_links).where(statement_links.c.act == act).order_by(statement_links.c.id.desc())
    with reading() as connection:
        return [_link(row) for row in connection.execute(query)]


def _found(connection: Connection, act: int, link_id: int) -> StatementLink:
    query = select(statement_links).where(statement_links.c.id == link_id, statement_links.c.act == act)
    is_possible = max(act, link_id) <= INTEGER_MAX
    row = connection.execute(query).one_or_none() if is_possible else None
    if row is None:
        raise UnknownLink
    return _link(row)


def _about(link: StatementLink) -> dict[str, str]:
    return {"act": str(link.act), "link": str(link.id)}


def _link(row: Row[tuple[object, ...]]) -> StatementLink:
    return StatementLink(row.id, row.act, row.added_by, row.added_at, row.revoked_by, row.revoked_at)
