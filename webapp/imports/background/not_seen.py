"""What the ledger has as active or sold in the projects of a large file, and the file does not name any more.

It is ``reconciliation``'s difference "not in the file" over all chunks. What the file names is kept in
arrays; the credits of the ledger are read one after another.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator

from webapp.domain.fields import E4
from webapp.imports.background.chunk_plan import JobFile
from webapp.imports.background.staged_rows import all_rows
from webapp.imports.background.units import hash_of
from webapp.imports.formats.format import FileMeaning
from webapp.imports.plan import Difference
from webapp.imports.reconciliation import not_seen_difference
from webapp.ledger import holdings
from webapp.ledger.projections.joined_names import registry_names
from webapp.ledger.storage.engine import reading


class _NamedNumbers:
    """The numbers of one series that a file names, as disjoint runs in order."""

    def __init__(self) -> None:
        self.firsts, self.lasts = array("q"), array("q")

    def add(self, first: int, last: int) -> None:
        self.firsts.append(first)
        self.lasts.append(last)

    def merge(self) -> None:
        """Make the runs disjoint and sort them. Nothing is added afterwards."""
        firsts, lasts = array("q"), array("q")
        for at in sorted(range(len(self.firsts)), key=self.firsts.__getitem__):
            if firsts and self.firsts[at] <= lasts[-1]:
                lasts[-1] = max(lasts[-1], self.lasts[at])
            else:
                firsts.append(self.firsts[at])
                lasts.append(self.lasts[at])
        self.firsts, self.lasts = firsts, lasts

    def missing(self, first: int, last: int) -> int:
        """Return how many of the numbers `first` to `last` are not named."""
        missing = last - first + 1
        at = bisect_left(self.lasts, first)
        while at < len(self.firsts) and self.firsts[at] <= last:
            missing -= min(last, self.lasts[at]) - max(first, self.firsts[at]) + 1
            at += 1
        return missing


def find_not_seen(file: JobFile) -> Iterator[Difference]:
    """Yield the differences of a file of a recognised format that says what each block is now."""
    if file.mapping.meaning is not FileMeaning.STATE or file.mapping.format is None:
        return
    projects: set[tuple[str, str]] = set()
    # The hashes of ids and serial numbers, in order.
    named = array("q")
    series: dict[str, _NamedNumbers] = {}
    with reading() as connection:
        names = registry_names(connection)
    for row in all_rows(file.import_id, file.staged):
        credit = row.credit
        if credit is None:
            continue
        projects.add((names.key(credit.canonical.registry), credit.canonical.project_name))
        named.append(hash_of(credit.id))
        if claim := names.claim(credit):
            named.append(hash_of(*claim))
        if credit.block:
            numbers = series.setdefault(credit.block.series, _NamedNumbers())
            numbers.add(credit.block.first, credit.block.last)
    named = array("q", sorted(named))
    for numbers in series.values():
        numbers.merge()
    none = _NamedNumbers()
    with reading() as connection:
        for holder, held, name in holdings.open_credits_of(connection, projects):
            if name is not None:
                missing_e4 = series.get(name, none).missing(holder.first, holder.last) * E4
            else:
                claimed = hash_of(held[0], held[1] or "")
                is_named = _has(named, hash_of(holder.credit_id)) or (
                    held[1] is not None and _has(named, claimed)
                )
                missing_e4 = 0 if is_named else holder.quantity_e4
            if missing_e4:
                yield not_seen_difference(holder, missing_e4)


def _has(ordered: "array[int]", value: int) -> bool:
    at = bisect_left(ordered, value)
    return at < len(ordered) and ordered[at] == value
