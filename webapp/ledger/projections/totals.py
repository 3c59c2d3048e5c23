"""The totals: numbers and tonnes of credits by registry, vintage and status. Derived."""

from sqlalchemy import Connection

from webapp.ledger.storage import statements


class Sums(dict[tuple[str, int, str], tuple[int, int]]):
    """By registry, vintage and status: a number of credits and ten-thousandths of tonnes."""

    def add(self, key: tuple[str, int, str], credits: int, quantity_e4: int) -> None:
        """Add to one of the sums; what a credit leaves is added as a negative."""
        before = self.get(key, (0, 0))
        self[key] = (before[0] + credits, before[1] + quantity_e4)


def add_to_totals(connection: Connection, sums: Sums) -> None:
    rows = [(*key, *sum_) for key, sum_ in sorted(sums.items())]
    statements.send(connection, statements.ADD_TO_TOTAL, rows)
