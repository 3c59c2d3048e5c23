"""The projection of totals: credits and tonnes by registry, vintage and status."""

from sqlalchemy import Connection

from webapp.ledger.storage import statements


class Sums(dict[tuple[str, int, str], tuple[int, int]]):
    """Changes by (registry, vintage, status): a number of credits and ten-thousandths of a tonne."""

    def add(self, key: tuple[str, int, str], credits: int, quantity_e4: int) -> None:
        """Add to one sum. A credit that leaves a status is added with negative numbers."""
        before = self.get(key, (0, 0))
        self[key] = (before[0] + credits, before[1] + quantity_e4)


def add_to_totals(connection: Connection, sums: Sums) -> None:
    rows = [(*key, *sum_) for key, sum_ in sorted(sums.items())]
    statements.send(connection, statements.ADD_TO_TOTAL, rows)
