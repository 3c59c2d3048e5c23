"""Where a credit lies in the one of which it is a part, however often that was split. Reads only."""

from sqlalchemy import Connection, select

from webapp.domain.credits import Credit
from webapp.domain.errors import UnknownCredit
from webapp.domain.lots import Place
from webapp.ledger.tables import credits

_COLUMNS = (
    credits.c.id,
    credits.c.parent,
    credits.c.offset_e4,
    credits.c.quantity_e4,
    credits.c.serial_number,
)


def place_of(connection: Connection, credit: Credit) -> Place:
    """Return the place, by one statement. Raises UnknownCredit where a credit above is missing."""
    if credit.parent is None:
        return Place(credit.serial_number, 0, credit.quantity_e4)
    above = select(*_COLUMNS).where(credits.c.id == credit.parent).cte(recursive=True)
    # UNION and not UNION ALL: it ends even in a table that was made to go round in a circle.
    above = above.union(select(*_COLUMNS).where(credits.c.id == above.c.parent))
    start_e4, root = credit.offset_e4 or 0, None
    for row in connection.execute(select(above)):
        start_e4 += row.offset_e4 or 0
        root = row if row.parent is None else root
    if root is None:
        raise UnknownCredit(credit.parent)
    return Place(root.serial_number, start_e4, root.quantity_e4)
