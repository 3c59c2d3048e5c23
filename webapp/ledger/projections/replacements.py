"""Queries for replacements of cancelled credits, with the errors for replacing one twice.

Reads only. A cancelled credit has at most one replacement; parameters are keys, results have ids.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, case, or_, select

from webapp.domain.errors import CancelledBefore, ReplacedBefore
from webapp.domain.lifecycle import HOLDING, Status
from webapp.ledger.storage.log_tables import credits
from webapp.ledger.storage.projection_tables import credit_states


@dataclass(frozen=True)
class _Replacement:
    """The ids of the replacement that still counts, and of a cancelled one without a replacement."""

    current: str | None
    last_cancelled: str | None


def error_if_repeated(connection: Connection, key: int, credit_id: str) -> CancelledBefore | ReplacedBefore:
    """Return the error for recording a fully cancelled credit again with the same fields."""
    found = _replacement_of(connection, key)
    if found.current:
        return ReplacedBefore(credit_id, found.current)
    return CancelledBefore(found.last_cancelled or credit_id)


def error_if_replaced(
    connection: Connection, cancelled: int, credit_id: str
) -> CancelledBefore | ReplacedBefore | None:
    """Return the error for replacing a cancelled credit that has a replacement; None if it has none."""
    if connection.scalar(select(credits.c.key).where(credits.c.replaces == cancelled)) is None:
        return None
    found = _replacement_of(connection, cancelled)
    if found.current:
        return ReplacedBefore(credit_id, found.current)
    return CancelledBefore(found.last_cancelled or credit_id, replaced=credit_id)


def _replacement_of(connection: Connection, key: int) -> _Replacement:
    """Follow the lots and replacements of a credit to their ends, by one statement."""
    own = select(credits.c.key, credits.c.key.label("top")).where(credits.c.key == key)
    after = own.cte(recursive=True)
    # `top` is the replacement that a lot belongs to. UNION ends even if a tampered table has a cycle.
    top = case((credits.c.replaces.is_(None), after.c.top), else_=credits.c.key)
    follows = or_(credits.c.parent == after.c.key, credits.c.replaces == after.c.key)
    after = after.union(select(credits.c.key, top).join_from(after, credits, follows))
    standing_for = credits.alias("standing_for")
    rows = connection.execute(
        select(
            credits.c.key,
            credits.c.id,
            standing_for.c.id.label("top"),
            credits.c.replaces,
            credit_states.c.status,
        )
        .join_from(after, credits, credits.c.key == after.c.key)
        .join(standing_for, standing_for.c.key == after.c.top)
        .join(credit_states, credit_states.c.credit == after.c.key)
        .order_by(credit_states.c.created_position)
    ).all()
    current = next((row.top for row in rows if row.status in HOLDING), None)
    replaced = {row.replaces for row in rows}
    ends = (row.id for row in rows if row.status == Status.CANCELLED and row.key not in replaced)
    return _Replacement(current, next(ends, None))
