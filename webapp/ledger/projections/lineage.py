"""Queries along the tree of lots: a lot's place in its root, and which ancestors still count.

Reads only. Parameters and results are keys of credits, not ids.
"""

from typing import Any

from sqlalchemy import Connection, Row, Select, exists, select

from webapp.domain.credit import Credit
from webapp.domain.errors import UnknownCredit
from webapp.domain.lifecycle import HOLDING, Status
from webapp.domain.split import LotPlace
from webapp.ledger.storage.log_tables import credits
from webapp.ledger.storage.projection_tables import credit_states

_COLUMNS = (
    credits.c.key,
    credits.c.parent,
    credits.c.offset_e4,
    credits.c.quantity_e4,
    credits.c.serial_number,
)
_whole = credits.alias("whole")
_replaced = credits.alias("replaced")
_STATED = (
    select(credits, _whole.c.id.label("parent_id"), _replaced.c.id.label("replaces_id"))
    .join(_whole, _whole.c.key == credits.c.parent, isouter=True)
    .join(_replaced, _replaced.c.key == credits.c.replaces, isouter=True)
)


def credit_at(connection: Connection, key: int) -> Credit:
    """Return the credit of this key. Raises sqlalchemy.exc.NoResultFound."""
    return _credit_of_row(connection.execute(_STATED.where(credits.c.key == key)).one())


def first_lot_of(connection: Connection, key: int) -> Credit:
    """Return the first lot of a split credit. Raises sqlalchemy.exc.NoResultFound."""
    lots = _STATED.where(credits.c.parent == key).order_by(credits.c.offset_e4)
    return _credit_of_row(connection.execute(lots.limit(1)).one())


def place_in_root(connection: Connection, credit: Credit) -> LotPlace:
    """Return the place of a credit in the root that it was split from, by one statement.

    Raises UnknownCredit if an ancestor is missing.
    """
    if credit.parent is None:
        return LotPlace(credit.serial_number, 0, credit.quantity_e4)
    above = select(*_COLUMNS).where(credits.c.id == credit.parent).cte(recursive=True)
    # UNION, not UNION ALL, so that the query ends even if a tampered table has a cycle.
    above = above.union(select(*_COLUMNS).where(credits.c.key == above.c.parent))
    start_e4, root = credit.offset_e4 or 0, None
    for row in connection.execute(select(above)):
        start_e4 += row.offset_e4 or 0
        root = row if row.parent is None else root
    if root is None:
        raise UnknownCredit(credit.parent)
    return LotPlace(root.serial_number, start_e4, root.quantity_e4)


def cancelled_ancestors(connection: Connection, cancelled: int) -> list[int]:
    """Return the ancestors that no longer have a lot with tonnes once `cancelled` is cancelled.

    The parent comes first. Empty for a credit that is not a lot.
    """
    chain = [cancelled]
    while parent := connection.scalar(select(credits.c.parent).where(credits.c.key == chain[-1])):
        others = select(credits.c.key).where(credits.c.parent == parent, credits.c.key != chain[-1])
        if connection.scalar(select(exists(_select_below(others, HOLDING)))):
            break
        chain.append(parent)
    return chain[1:]


def is_fully_cancelled(connection: Connection, key: int, status: str) -> bool:
    """Return whether the credit is cancelled, or was split and all its lots are cancelled."""
    if status != Status.SPLIT:
        return status == Status.CANCELLED
    lots = select(credits.c.key).where(credits.c.parent == key)
    return not connection.scalar(select(exists(_select_below(lots, HOLDING))))


def _credit_of_row(row: Row[Any]) -> Credit:
    return Credit(
        project_name=row.project_name,
        registry=row.registry,
        vintage=row.vintage,
        quantity_e4=row.quantity_e4,
        serial_number=row.serial_number,
        replaces=row.replaces_id,
        parent=row.parent_id,
        offset_e4=row.offset_e4,
    )


def _select_below(top: Select[tuple[int]], statuses: tuple[Status, ...]) -> Select[tuple[int]]:
    """Return a SELECT of the credits in `top`, and of all lots below them, that have these statuses."""
    below = top.cte(recursive=True)
    below = below.union(select(credits.c.key).join_from(credits, below, credits.c.parent == below.c.key))
    found = credit_states.c.credit == below.c.key
    query = select(below.c.key).join_from(below, credit_states, found)
    return query.where(credit_states.c.status.in_(statuses))
