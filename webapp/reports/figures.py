"""Sums of retirements by the lines in which they count, and rows made of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from webapp.ledger.retirements import KnownNames, Retirement
from webapp.reports import lines
from webapp.reports.content import Cell, TableRow
from webapp.reports.lines import Bucket


@dataclass
class LineSum:
    """What counts in a line."""

    label: str
    quantity_e4: int = 0
    retirements: int = 0
    position: int = 0
    values: Mapping[str, dict[str, str]] | None = None

    def add(self, retirement: Retirement) -> None:
        self.quantity_e4 += retirement.quantity_e4
        self.retirements += 1
        self.position = retirement.position

    def row(self, line: str, cells: Sequence[Cell], level: int = 0) -> TableRow:
        position = self.position if self.retirements == 1 else None
        return TableRow(cells, line if self.retirements else "", position, level)


class Sums:
    """Adds retirements up by line."""

    def __init__(self, names: KnownNames) -> None:
        """Start with nothing."""
        self._names = names
        self.all = LineSum("")
        self.by_dimension: dict[str, dict[str, LineSum]] = {name: {} for name in lines.LABELS}

    def add(self, retirement: Retirement) -> None:
        """Add a retirement to every line in which it counts."""
        self.all.add(retirement)
        counted = list(lines.buckets(retirement, self._names))
        for bucket in counted:
            found = self.by_dimension[bucket.dimension].get(bucket.key)
            if found is None:
                found = self.by_dimension[bucket.dimension][bucket.key] = LineSum(bucket.label)
            found.add(retirement)
            if bucket.dimension in {lines.PROJECT, lines.VINTAGE}:
                _note_values(found, retirement, counted)


# What rows of projects state, by name: the texts of one retirement.
_VALUES: Final[Mapping[str, Callable[[Retirement], str]]] = {
    "project_id": lambda r: r.facts.get("project_id", ""),
    "site": lambda r: r.facts.get("country", ""),
    "protocol": lambda r: r.facts.get("methodology", ""),
    "vintage": lambda r: str(r.vintage),
    "claimed_year": lambda r: r.words.get("claimed_year", ""),
}


def _note_values(found: LineSum, retirement: Retirement, counted: Sequence[Bucket]) -> None:
    if found.values is None:
        found.values = {name: {} for name in (*_VALUES, lines.REGISTRY, lines.ACTIVITY)}
    for name, value_of in _VALUES.items():
        text = value_of(retirement)
        found.values[name].setdefault(text.casefold(), text)
    for bucket in counted:
        if bucket.dimension in {lines.REGISTRY, lines.ACTIVITY}:
            found.values[bucket.dimension].setdefault(bucket.key, bucket.label)


def share_text(part_e4: int, whole_e4: int) -> str | None:
    """Return a share in percent with at most two decimals, "12.5 %"; None of nothing.

    Only a whole is "100 %", and only nothing is "0 %".
    """
    if not whole_e4:
        return None
    share = (Decimal(100) * part_e4 / whole_e4).quantize(Decimal("0.01"))
    if part_e4 and not share:
        return "< 0.01 %"
    if part_e4 < whole_e4 and share == 100:  # noqa: PLR2004 - percent
        return "> 99.99 %"
    return f"{share.normalize():f} %"


def figures(label: str, found: LineSum, whole_e4: int) -> tuple[Cell, ...]:
    return label, found.quantity_e4, share_text(found.quantity_e4, whole_e4), found.retirements


def rows_of(
    sums: Sums, dimension: str, whole_e4: int, fixed: Mapping[str, str], level: int = 0
) -> list[TableRow]:
    """Return the fixed lines of a dimension, also without tonnes, and before "not stated" the others."""
    found = sums.by_dimension[dimension]
    others = {key: each.label for key, each in by_tonnes(found) if key not in fixed}
    labels = {**{key: label for key, label in fixed.items() if key}, **others, "": fixed[""]}
    rows = []
    for key, label in labels.items():
        each = found.get(key, LineSum(label))
        rows.append(each.row(f"{dimension}:{key}", figures(label, each, whole_e4), level))
    return rows


def by_size(sums: Sums, dimension: str) -> list[TableRow]:
    """Return the lines of a dimension, most tonnes first and "not stated" last, also without tonnes."""
    found = dict(by_tonnes(sums.by_dimension[dimension]))
    fixed = {"": lines.NOT_STATED} if dimension in {lines.STANDARD, lines.ADJUSTMENT} else {}
    last = {key: found.pop(key, LineSum(label)) for key, label in fixed.items()}
    whole_e4 = sums.all.quantity_e4
    return [
        each.row(f"{dimension}:{key}", figures(each.label, each, whole_e4))
        for key, each in (found | last).items()
    ]


def by_tonnes(found: Mapping[str, LineSum]) -> list[tuple[str, LineSum]]:
    return sorted(found.items(), key=lambda each: (-each[1].quantity_e4, each[0]))


def joined(values: Mapping[str, str]) -> str:
    """Return different texts as one; an empty one is "not stated" and comes last."""
    ordered = sorted(values, key=lambda key: (not key, key))
    return "; ".join(values[key] or lines.NOT_STATED for key in ordered)
