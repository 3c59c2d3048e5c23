"""Find where a log differs from what was signed, as far as earlier checkpoints tell."""

from collections.abc import Mapping
from dataclasses import dataclass

from webapp.ledger.transparency.tree import TreeReader


@dataclass(frozen=True)
class Difference:
    """Where a log differs from what was signed.

    The first `agreed` leaves are as signed. One of those after them, up to position `until`, is not; None if
    no checkpoint of at most the present size differs.
    """

    agreed: int
    until: int | None
    leaves: str = "events"

    @property
    def sentence(self) -> str:
        """Where the first difference is, in a sentence."""
        if self.until is None:
            return f"The first {self.agreed:,} {self.leaves} are as signed."
        if self.until == self.agreed + 1:
            return f"The first difference is at position {self.until}."
        return f"The first difference is at one of the positions {self.agreed + 1} to {self.until}."


def difference(reader: TreeReader, signed: Mapping[int, bytes]) -> Difference:
    """Return where the log differs from checkpoints, given their roots by sizes, by bisection.

    All checkpoints must be of one log: from the first that differs on, all do.
    """
    present = reader.size()
    sizes = sorted(size for size in signed if size <= present)
    low, high = 0, len(sizes)
    while low < high:
        middle = (low + high) // 2
        if reader.root(sizes[middle]) == signed[sizes[middle]]:
            low = middle + 1
        else:
            high = middle
    until = sizes[low] if low < len(sizes) else None
    return Difference(sizes[low - 1] if low else 0, until, reader.leaves)
