"""What stands in the place of a cancelled credit, which is replaced at most once. Reads only.

Credits are named by their keys here, and by their ids in what is returned.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, case, or_, select

from webapp.domain.errors import CancelledBefore, ReplacedBefore
from webapp.domain.lifecycle import COUNTED, Status
from webapp.ledger.storage.tables import credit_states, credits


@dataclass(frozen=True)
class _Replacement:
    """`current` still counts for something; `last_cancelled` can still be replaced."""

    current: str | None
    last_cancelled: str | None


def error_if_repeated(connection: Connection, key: int, credit_id: str) -> CancelledBefore | ReplacedBefore:
    """Return why a credit of which nothing is counted any more is not recorded again as it was."""
    found = _replacement_of(connection, key)
    if found.current:
        return ReplacedBefore(credit_id, found.current)
    return CancelledBefore(found.last_cancelled or credit_id)


def error_if_replaced(
    connection: Connection, cancelled: int, credit_id: str
) -> CancelledBefore | ReplacedBefore | None:
    """Return why a cancelled credit cannot be replaced: it was before. None where it was not."""
    if connection.scalar(select(credits.c.key).where(credits.c.replaces == cancelled)) is None:
        return None
    found = _replacement_of(connection, cancelled)
    if found.current:
        return ReplacedBefore(credit_id, found.current)
    return CancelledBefore(found.last_cancelled or credit_id, replaced=credit_id)


def _replacement_of(connection: Connection, key: int) -> _Replacement:
    """Follow a credit to its lots and to what replaced any of them, and so on, by one statement."""
    own = select(credits.c.key, credits.c.key.label("top")).where(credits.c.key == key)
    after = own.cte(recursive=True)
    # A lot stands for the replacement whose lot it is. UNION ends even where it goes round in a circle.
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
    current = next((row.top for row in rows if row.status in COUNTED), None)
    replaced = {row.replaces for row in rows}
    ends = (row.id for row in rows if row.status == Status.CANCELLED and row.key not in replaced)
    return _Replacement(current, next(ends, None))
