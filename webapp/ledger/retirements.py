"""The retirements for some beneficiaries in a year, as known at a position of the feed.

The days and beneficiaries come from the standings (``as_of``), the words and facts from the events up to
that position. So later events do not change an answer.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection

from webapp.domain.amendment import amendments_of, present_data, present_facts
from webapp.domain.event import Data
from webapp.domain.facts import facts_in
from webapp.domain.lifecycle import EventType
from webapp.domain.registry_names import RegistryNames
from webapp.ledger.as_of import Amount, Cut, Where, movements
from webapp.ledger.projections.joined_names import party_names_at, registry_names_at
from webapp.ledger.storage import retirement_sql as sql
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.statements import as_json, fetch

# The credits whose events are read at once.
BATCH: Final = 500


@dataclass(frozen=True)
class Retirement:
    """A retired credit as known at a position.

    `position` is that of its RETIRED event. `occurred_on` is empty if no date is stated. `facts` are the
    credit's facts. `words` are the remaining data of the retirement, including the retirement's own facts.
    Absent values are left out.
    """

    key: int
    position: int
    recorded_at: str
    hash: str
    credit_id: str
    project_name: str
    registry: str
    vintage: int
    quantity_e4: int
    serial_number: str
    beneficiary: str
    occurred_on: str
    facts: Mapping[str, str]
    words: Mapping[str, str]


@dataclass(frozen=True)
class KnownNames:
    """Which names were joined at a position, in canonical form.

    `parties` has the chosen parties, each with all its names.
    """

    registries: RegistryNames
    parties: Mapping[str, Sequence[str]]

    @property
    def party_keys(self) -> tuple[str, ...]:
        """All names of the chosen parties."""
        return tuple(dict.fromkeys(name for names in self.parties.values() for name in names))

    def party_of(self, name: str) -> str:
        """Return the chosen party that has this name."""
        return next((party for party, names in self.parties.items() if name in names), name)


def names_at(position: int, parties: Sequence[str]) -> KnownNames:
    """Return the names that were joined at a position. `parties` are in canonical form."""
    with reading() as connection:
        registries = registry_names_at(connection, position)
        names = party_names_at(connection, position)
    return KnownNames(registries, {party: names.group(party) for party in parties})


def keys_retired(cut: Cut, parties: Sequence[str], year: int | None) -> list[int]:
    """Return the keys of the credits retired for these names in a year, in the order of the days.

    With None instead of a year, those whose retirement states no date.
    """
    days = (0, date.max.toordinal()) if year is None else _days_of(year)
    statement = sql.RETIRED_FOR.format(", ".join("?" * len(parties)))
    known = (int(year is not None), *days, cut.position, cut.position)
    with reading() as connection:
        return [key for (key,) in fetch(connection, statement, *parties, *known)]


def is_named(cut: Cut, parties: Sequence[str]) -> bool:
    """Return whether a retirement of any year, or without a date, is for one of these names."""
    statement = sql.RETIRED_FOR_ANY_TIME.format(", ".join("?" * len(parties)))
    with reading() as connection:
        return bool(fetch(connection, statement, *parties, cut.position, cut.position))


def keys_without_beneficiary(cut: Cut, year: int) -> list[int]:
    """Return the keys of the credits retired for nobody named in a year, in the order of the days."""
    with reading() as connection:
        known = (1, *_days_of(year), cut.position, cut.position)
        return [key for (key,) in fetch(connection, sql.RETIRED_FOR_NOBODY, *known)]


def retirements(cut: Cut, keys: Sequence[int]) -> Iterator[Retirement]:
    """Yield the retirements of these credits, in their order, as known at the cut.

    A credit that was not retired by then is left out.
    """
    for start in range(0, len(keys), BATCH):
        some = keys[start : start + BATCH]
        with reading() as connection:
            found = _read(connection, some, cut.position)
        yield from (found[key] for key in some if key in found)


def without_beneficiary(cut: Cut, year: int) -> int:
    """Return the tonnes retired in a year for nobody named, in ten-thousandths."""
    first, last = (date.fromordinal(day).isoformat() for day in _days_of(year))
    where = Where(types=(EventType.RETIRED,), parties=("",))
    return _dated(movements(cut, ["is_dated"], where, first, last))


def beneficiaries(cut: Cut, year: int) -> list[tuple[str, int]]:
    """Return for whom tonnes were retired in a year, by canonical name, most first.

    Quantities are ten-thousandths.
    """
    first, last = (date.fromordinal(day).isoformat() for day in _days_of(year))
    found = movements(cut, ["party", "is_dated"], Where(types=(EventType.RETIRED,)), first, last)
    sums = [(str(of[0]), quantity_e4) for of, _, quantity_e4 in found if of[0] and of[1]]
    return sorted(sums, key=lambda each: (-each[1], each[0]))


def _dated(amounts: Sequence[Amount]) -> int:
    return sum(amount.quantity_e4 for amount in amounts if amount.of[0])


def _days_of(year: int) -> tuple[int, int]:
    return date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()


def _read(connection: Connection, keys: Sequence[int], position: int) -> dict[int, Retirement]:
    asked = as_json(sorted(keys))
    paths: dict[int, list[tuple[int, int, bytes, dict[str, Any]]]] = {}
    for leaf, depth, at, event_hash, body in fetch(connection, sql.PATHS, asked, position):
        paths.setdefault(leaf, []).append((depth, at, event_hash, json.loads(body)))
    found: dict[int, Retirement] = {}
    for key, digest, *credit in fetch(connection, sql.CREDITS, asked):
        path = paths.get(key, [])
        retired = next((each for each in path if each[3]["type"] == EventType.RETIRED), None)
        if retired is None:
            continue
        _, at, event_hash, event = retired
        own = [(EventType(each["type"]), each["data"]) for depth, _, _, each in path if depth == 0]
        data = present_data(event["data"], amendments_of(event["seq"], own))
        project_name, registry, vintage, quantity_e4, serial_number = credit
        found[key] = Retirement(
            key,
            at,
            event["recorded_at"],
            bytes(event_hash).hex(),
            bytes(digest).hex(),
            project_name,
            registry,
            vintage,
            quantity_e4,
            serial_number or "",
            str(data.get("beneficiary", "")),
            str(data.get("occurred_on", "")),
            present_facts((EventType(each["type"]), each["data"]) for _, _, _, each in path),
            _words_of(data),
        )
    return found


def _words_of(data: Data) -> dict[str, str]:
    words = {name: str(value) for name, value in data.items() if isinstance(value, str) and value}
    return words | facts_in(data)
