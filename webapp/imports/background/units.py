"""Group the rows of a large file into units, and units into chunks.

Rows that name the same numbers, the same credit or otherwise interact are one unit. A unit is planned and
recorded as a whole, so it is never in two chunks. All is kept in arrays: some forty bytes a row.
"""

from array import array
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

_HASH_BYTES: Final = 8
# Numbers that fit into the database, and into these arrays.
_NUMBER_MAX: Final = 2**63 - 1
_BUCKETS: Final = 2**22
_NO_BUCKET: Final = -1
# Which rows a unit has: those that come last (see `Units.chunks`), or others.
_EARLY, _LATE = 1, 2


def hash_of(*texts: str) -> int:
    """Return 63 bits of some texts. Others with the same ones only put unrelated rows into one unit."""
    digest = sha256("\0".join(texts).encode(errors="replace")).digest()
    return int.from_bytes(digest[:_HASH_BYTES], "big") >> 1


class _Ranges:
    """Ranges of one series of numbers, each with the place of its row."""

    __slots__ = ("firsts", "lasts", "places")

    def __init__(self) -> None:
        self.firsts, self.lasts, self.places = array("q"), array("q"), array("i")

    def add(self, place: int, first: int, last: int) -> None:
        self.firsts.append(first)
        self.lasts.append(last)
        self.places.append(place)

    def overlaps(self) -> Iterator[tuple[int, int]]:
        """Yield pairs of places whose ranges are connected by numbers in common."""
        firsts = self.firsts
        order: range | list[int] = range(len(firsts))
        if any(firsts[at] > firsts[at + 1] for at in range(len(firsts) - 1)):
            order = sorted(order, key=firsts.__getitem__)
        reached, place = -1, 0
        for at in order:
            if firsts[at] <= reached:
                yield place, self.places[at]
            else:
                place = self.places[at]
            reached = max(reached, self.lasts[at])


class Units:
    """The rows of a file, by their places from 0, and what connects them."""

    def __init__(self) -> None:
        """Begin without rows."""
        self._parents = array("i")
        self._series: dict[str, _Ranges] = {}
        # Names are ranges of one number, their hash, in a series of their own.
        self._names = _Ranges()
        self._buckets = array("i")
        self._with_numbers = bytearray(_BUCKETS)
        self._without = bytearray(_BUCKETS)
        self._number: int | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._parents)

    def place_of(self, number: int) -> int:
        """Return the place of the row with this number in the file: the last one, or else the next."""
        if number != self._number:
            self._number = number
            self._parents.append(len(self._parents))
            self._buckets.append(_NO_BUCKET)
        return len(self._parents) - 1

    def add_numbers(self, place: int, series: str, first: int, last: int) -> None:
        """Say that a row names the numbers `first` to `last` of a series."""
        if 0 <= first <= last <= _NUMBER_MAX:
            self._series.setdefault(series, _Ranges()).add(place, first, last)

    def add_name(self, place: int, *name: str) -> None:
        """Say that a row names something. Rows that name the same are one unit."""
        number = hash_of(*name)
        self._names.add(place, number, number)

    def add_project(self, place: int, project: tuple[str, str], *, is_numbered: bool) -> None:
        """Say that a row may record a credit of this project, with or without a serial number."""
        bucket = bucket_of(project)
        (self._with_numbers if is_numbered else self._without)[bucket] = 1
        if not is_numbered:
            self._buckets[place] = bucket

    @property
    def mixed_buckets(self) -> list[int]:
        """The buckets (`bucket_of`) of projects with and without serial numbers."""
        first = self._without.find(1)
        found = []
        while first >= 0:
            if self._with_numbers[first]:
                found.append(first)
            first = self._without.find(1, first + 1)
        return found

    def chunks(self, size: int) -> "Iterator[array[int]]":
        """Yield the places of the rows of each chunk: whole units, together `size` rows if they fit.

        Units are in the order of the file. Rows without a serial number of projects that have numbered
        rows too come last, because their plan depends on those.
        """
        self._connect()
        chunk = array("i")
        for unit in self._units():
            if chunk and len(chunk) + len(unit) > size:
                yield array("i", sorted(chunk))
                chunk = array("i")
            chunk.extend(unit)
        if chunk:
            yield array("i", sorted(chunk))

    def _connect(self) -> None:
        for ranges in (self._names, *self._series.values()):
            for one, other in ranges.overlaps():
                roots = self._root(one), self._root(other)
                self._parents[max(roots)] = min(roots)
        self._series.clear()
        self._names = _Ranges()

    def _root(self, place: int) -> int:
        parents = self._parents
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    def _units(self) -> Iterator[list[int]]:
        count = len(self)
        roots = array("i", map(self._root, range(count)))
        kinds = bytearray(count)
        for place in range(count):
            kinds[roots[place]] |= _LATE if self._is_mixed(self._buckets[place]) else _EARLY
        places: range | list[int] = range(count)
        if any(roots[place] != place for place in places):
            places = sorted(places, key=roots.__getitem__)
        for kind in (_EARLY, _EARLY | _LATE, _LATE):
            unit: list[int] = []
            for place in places:
                if kinds[roots[place]] != kind:
                    continue
                if unit and roots[unit[0]] != roots[place]:
                    yield unit
                    unit = []
                unit.append(place)
            if unit:
                yield unit

    def _is_mixed(self, bucket: int) -> bool:
        return bucket != _NO_BUCKET and bool(self._without[bucket] and self._with_numbers[bucket])


def bucket_of(project: tuple[str, str]) -> int:
    """Return the bucket of a project, a pair of canonical registry and name."""
    return hash_of(*project) % _BUCKETS
