"""What stands in the place of a cancelled credit, which is replaced at most once. Reads only."""

from dataclasses import dataclass

from sqlalchemy import Connection, case, exists, or_, select

from webapp.domain.errors import CancelledBefore, ReplacedBefore
from webapp.domain.lifecycle import COUNTED, Status
from webapp.ledger.tables import credit_states, credits


@dataclass(frozen=True)
class _Succession:
    """`standing` is the replacement of which something is counted, `last` what can still be replaced."""

    standing: str | None
    last: str


def refusal_to_repeat(connection: Connection, credit_id: str) -> CancelledBefore | ReplacedBefore:
    """Return why a credit of which nothing is counted any more is not recorded again as it was."""
    found = _succession_of(connection, credit_id)
    return ReplacedBefore(credit_id, found.standing) if found.standing else CancelledBefore(found.last)


def refusal_to_replace(connection: Connection, cancelled_id: str) -> CancelledBefore | ReplacedBefore | None:
    """Return why a cancelled credit cannot be replaced: it was before. None where it was not."""
    if not connection.scalar(select(exists().where(credits.c.replaces == cancelled_id))):
        return None
    found = _succession_of(connection, cancelled_id)
    if found.standing:
        return ReplacedBefore(cancelled_id, found.standing)
    return CancelledBefore(found.last, replaced=cancelled_id)


def _succession_of(connection: Connection, credit_id: str) -> _Succession:
    """Follow a credit to its lots and to what replaced any of them, and so on, by one statement."""
    own = select(credits.c.id, credits.c.id.label("top")).where(credits.c.id == credit_id)
    after = own.cte(recursive=True)
    # A lot stands for the replacement whose lot it is. UNION ends even where it goes round in a circle.
    top = case((credits.c.replaces.is_(None), after.c.top), else_=credits.c.id)
    follows = or_(credits.c.parent == after.c.id, credits.c.replaces == after.c.id)
    after = after.union(select(credits.c.id, top).join_from(after, credits, follows))
    rows = connection.execute(
        select(after.c.id, after.c.top, credits.c.replaces, credit_states.c.status)
        .join_from(after, credits, credits.c.id == after.c.id)
        .join(credit_states, credit_states.c.credit_id == after.c.id)
        .order_by(credit_states.c.created_position)
    ).all()
    standing = next((row.top for row in rows if row.status in COUNTED), None)
    replaced = {row.replaces for row in rows}
    ends = (row.id for row in rows if row.status == Status.CANCELLED and row.id not in replaced)
    return _Succession(standing, next(ends, credit_id))
