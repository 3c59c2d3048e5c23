"""A cache of credits and their places in their roots, for checks that read many lots."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection

from webapp.domain.credit import Credit, is_credit_id
from webapp.domain.errors import UnknownCredit
from webapp.domain.split import LotPlace
from webapp.ledger.storage import statements
from webapp.ledger.storage.statements import Row

_STATED: Final = (
    "SELECT credits.project_name, credits.registry, credits.vintage, credits.quantity_e4,"
    " credits.serial_number, credits.offset_e4, whole.id, replaced.id FROM credits"
    " LEFT JOIN credits AS whole ON whole.key = credits.parent"
    " LEFT JOIN credits AS replaced ON replaced.key = credits.replaces WHERE "
)
_ID: Final = "SELECT id FROM credits WHERE key = ?"
_BY_ID: Final = f"{_STATED}credits.id = ?"
_FIRST_LOT: Final = f"{_STATED}credits.parent = ? ORDER BY credits.offset_e4 LIMIT 1"


class Ancestors:
    """Reads credits by id from the table credits, each once."""

    def __init__(self, connection: Connection) -> None:
        """Start with an empty cache."""
        self._connection = connection
        self._credits: dict[str, Credit] = {}
        self._places: dict[str, LotPlace] = {}

    def credit(self, credit_id: str) -> Credit:
        """Return the credit. Raises UnknownCredit."""
        if credit_id not in self._credits:
            rows = is_credit_id(credit_id) and statements.fetch(
                self._connection, _BY_ID, bytes.fromhex(credit_id)
            )
            if not rows:
                raise UnknownCredit(credit_id)
            self._credits[credit_id] = _credit_of_row(rows[0])
        return self._credits[credit_id]

    def place(self, credit_id: str) -> LotPlace:
        """Return the place of the credit in its root.

        Raises UnknownCredit if an ancestor is missing, or if the parents form a cycle.
        """
        below: list[tuple[str, Credit]] = []
        seen = {credit_id}
        while credit_id not in self._places:
            credit = self.credit(credit_id)
            below.append((credit_id, credit))
            if credit.parent is None:
                break
            credit_id = credit.parent
            if credit_id in seen:
                raise UnknownCredit(credit_id)
            seen.add(credit_id)
        for above_id, credit in reversed(below):
            self._places[above_id] = self.place_of(credit)
        return self._places[below[0][0]] if below else self._places[credit_id]

    def place_of(self, credit: Credit) -> LotPlace:
        """Return the place of a credit that was already read. See `place`."""
        if credit.parent is None:
            return LotPlace(credit.serial_number, 0, credit.quantity_e4)
        above = self.place(credit.parent)
        return LotPlace(above.serial_number, above.start_e4 + (credit.offset_e4 or 0), above.whole_e4)

    def first_lot(self, key: int) -> Credit | None:
        """Return the first lot of the credit with this key, None if it has none."""
        rows = statements.fetch(self._connection, _FIRST_LOT, key)
        return _credit_of_row(rows[0]) if rows else None


def ids_of(connection: Connection, keys: Iterable[int]) -> dict[int, str]:
    """Return the ids of credits by key; for an unknown key, the text "of key N"."""
    found = {key: statements.fetch(connection, _ID, key) for key in keys}
    return {key: rows[0][0].hex() if rows else f"of key {key}" for key, rows in found.items()}


def _credit_of_row(row: Row) -> Credit:
    project_name, registry, vintage, quantity_e4, serial_number, offset_e4, parent, replaces = row
    return Credit(
        project_name=project_name,
        registry=registry,
        vintage=vintage,
        quantity_e4=quantity_e4,
        serial_number=serial_number,
        replaces=replaces and replaces.hex(),
        parent=parent and parent.hex(),
        offset_e4=offset_e4,
    )
