"""Ranges of numbers of one series: which rows of a file name the same numbers, and what is left to name."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Run(Generic[T]):
    """The numbers `first` to `last`, both included, with what holds them; None if nothing does."""

    first: int
    last: int
    holder: T | None = None

    @property
    def length(self) -> int:
        """The count of numbers."""
        return self.last - self.first + 1


class NumberLine(Generic[T]):
    """The numbers of one series: disjoint ranges with a holder each, in order."""

    def __init__(self, runs: Iterable[Run[T]] = ()) -> None:
        """Start with these runs, which must be disjoint."""
        self._runs = sorted(runs, key=lambda run: run.first)
        self._lasts = [run.last for run in self._runs]

    def add(self, run: Run[T]) -> None:
        """Add a run that has no number in common with those on the line."""
        place = bisect_left(self._lasts, run.first)
        self._runs.insert(place, run)
        self._lasts.insert(place, run.last)

    def cut(self, first: int, last: int) -> Iterator[Run[T]]:
        """Yield runs that cover `first` to `last`, in order: those on the line, and the gaps between."""
        place, start = bisect_left(self._lasts, first), first
        while start <= last:
            held = self._runs[place] if place < len(self._runs) else None
            if held is None or held.first > last:
                yield Run(start, last)
                return
            if held.first > start:
                yield Run(start, held.first - 1)
            end = min(held.last, last)
            yield Run(max(held.first, start), end, held.holder)
            place, start = place + 1, end + 1


def clusters(ranges: Sequence[tuple[int, int, int]]) -> Iterator[list[tuple[int, int, int]]]:
    """Group (first, last, place) into groups that are connected by numbers in common."""
    group: list[tuple[int, int, int]] = []
    reached = 0
    for each in sorted(ranges):
        if group and each[0] > reached:
            yield group
            group = []
        reached = max(reached, each[1]) if group else each[1]
        group.append(each)
    if group:
        yield group
