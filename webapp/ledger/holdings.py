"""What the ledger holds of the numbers and credits that a file names, for ``webapp.imports.plan``.

Reads only, in batches, in the transaction of the caller.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from webapp.domain.amendment import present_facts
from webapp.domain.credit import Credit
from webapp.domain.event import Data
from webapp.domain.fields import E4
from webapp.domain.lifecycle import EventType, Status
from webapp.domain.registry_names import RegistryNames
from webapp.domain.serial_number import SerialBlock, parse_block
from webapp.ledger.projections.joined_names import registry_names
from webapp.ledger.storage import holding_sql, statements

BATCH: Final = 400
# A project: its canonical registry and canonical name.
Project = tuple[str, str]


@dataclass(frozen=True)
class Holding:
    """A credit that holds tonnes: a leaf, or a split credit whose lots have no numbers of their own.

    `first` and `last` are the numbers that it holds, 0 and -1 if none. `project_key` and `registry_key`
    are canonical texts, `project_name` is as recorded.
    """

    key: int
    credit_id: str
    status: Status
    vintage: int
    quantity_e4: int
    project_key: str
    registry_key: str
    project_name: str
    serial_number: str | None
    buyer: str | None
    beneficiary: str | None
    first: int = 0
    last: int = -1

    @property
    def is_exact(self) -> bool:
        """Whether one tonne stands for each of its numbers."""
        return (self.last - self.first + 1) * E4 == self.quantity_e4

    @property
    def is_block(self) -> bool:
        """Whether it can be split by its numbers."""
        return self.is_exact and parse_block(self.serial_number) is not None

    @property
    def is_open(self) -> bool:
        """Whether its tonnes can still be retired."""
        return self.status in {Status.ACTIVE, Status.SOLD}


def holders_of_numbers(connection: Connection, blocks: Sequence[SerialBlock]) -> list[list[Holding]]:
    """Return, for each block, the holders of its numbers, in order of their numbers."""
    found: list[list[Holding]] = [[] for _ in blocks]
    for start in range(0, len(blocks), BATCH):
        asked = [
            [start + n, block.series, block.first, block.last]
            for n, block in enumerate(blocks[start : start + BATCH])
        ]
        for n, *row in statements.fetch(connection, holding_sql.HELD_NUMBERS, statements.as_json(asked)):
            found[n].append(_holding(row))
    for holders in found:
        holders.sort(key=lambda holding: holding.first)
    return found


def void_numbers(connection: Connection, series: Iterable[str]) -> dict[str, list[Holding]]:
    """Return the blocks of void credits in these series. Their numbers are free, but were recorded once."""
    found: dict[str, list[Holding]] = {}
    names = sorted(set(series))
    for start in range(0, len(names), BATCH):
        asked = statements.as_json(names[start : start + BATCH])
        for name, *row in statements.fetch(connection, holding_sql.VOID_NUMBERS, asked):
            found.setdefault(name, []).append(_holding(row))
    return found


def leaves_of(connection: Connection, credit_ids: Iterable[str]) -> dict[str, list[Holding]]:
    """Return the leaves of each credit by its id: itself, or the lots at the ends of its split tree."""
    found: dict[str, list[Holding]] = {}
    ids = sorted(set(credit_ids))
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        statement = holding_sql.LEAVES_OF.format(", ".join("?" * len(some)))
        for root, *row in statements.fetch(connection, statement, *map(bytes.fromhex, some)):
            found.setdefault(bytes(root).hex(), []).append(_holding([*row, 0, -1]))
    return found


def _holding(row: Sequence[Any]) -> Holding:
    key, digest, status, *rest = row
    return Holding(key, bytes(digest).hex(), Status(status), *rest)


def numbered_projects(connection: Connection, projects: Iterable[Project]) -> set[Project]:
    """Return those of the projects that have credits with a serial number. Void credits do not count."""
    return _projects_with(connection, holding_sql.NUMBERED_PROJECTS, projects)


def unnumbered_projects(connection: Connection, projects: Iterable[Project]) -> set[Project]:
    """Return those of the projects that have credits without a serial number. Void credits do not count."""
    return _projects_with(connection, holding_sql.UNNUMBERED_PROJECTS, projects)


def _projects_with(
    connection: Connection, statement: Mapping[str, str], projects: Iterable[Project]
) -> set[Project]:
    """Return the projects with such credits under any name of their registry.

    Projects are pairs of a registry's key, which is no alias (see ``RegistryNames.key``), and a canonical
    name.
    """
    found: set[Project] = set()
    names = registry_names(connection)
    asked = _under_all_names(names, projects)
    for start in range(0, len(asked), BATCH):
        some = statements.as_json(asked[start : start + BATCH])
        found |= {(names.key(row[0]), row[1]) for row in statements.fetch(connection, statement, some)}
    return found


def _under_all_names(names: RegistryNames, projects: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the projects with each name of their registries."""
    return sorted({(name, project) for registry, project in projects for name in names.group(registry)})


def credits_of(connection: Connection, credits: Sequence[Credit]) -> dict[str, str]:
    """Return the ids of the recorded credits that these are, by the ids that these have.

    It is the credit with the same id, or else the one with the same serial number in the registry.
    """
    known = set(leaves_of(connection, [credit.id for credit in credits]))
    found = {credit.id: credit.id for credit in credits if credit.id in known}
    names = registry_names(connection)
    claims = {
        claim: credit.id for credit in credits if credit.id not in known and (claim := names.claim(credit))
    }
    asked = list(claims)
    for start in range(0, len(asked), BATCH):
        some = statements.as_json(asked[start : start + BATCH])
        for registry, serial, digest in statements.fetch(connection, holding_sql.CLAIMED, some):
            found[claims[registry, serial]] = bytes(digest).hex()
    return found


def ends_of(connection: Connection, keys: Iterable[int]) -> dict[int, dict[str, str]]:
    """Return the data of the RETIRED or WITHDRAWN event of each credit, as amended, by key."""
    found: dict[int, dict[str, str]] = {}
    seqs: dict[int, int] = {}
    wanted = sorted(set(keys))
    for start in range(0, len(wanted), BATCH):
        asked = statements.as_json(wanted[start : start + BATCH])
        for key, body in statements.fetch(connection, holding_sql.ENDS_OF, asked):
            facts = json.loads(body)
            data = {name: value for name, value in facts["data"].items() if isinstance(value, str)}
            if facts["type"] == EventType.AMENDED:
                if facts["data"].get("amends") == seqs.get(key):
                    found[key] |= data
            else:
                found[key], seqs[key] = data, facts["seq"]
    return found


def facts_of(connection: Connection, credit_ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the present facts of each credit: those of its root, overlaid by amendments on the way down."""
    paths: dict[str, list[tuple[EventType, Data]]] = {}
    ids = sorted(set(credit_ids))
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        statement = holding_sql.FACT_PATHS.format(", ".join("?" * len(some)))
        for digest, body in statements.fetch(connection, statement, *map(bytes.fromhex, some)):
            event = json.loads(body)
            paths.setdefault(bytes(digest).hex(), []).append((EventType(event["type"]), event["data"]))
    return {credit_id: present_facts(path) for credit_id, path in paths.items()}


def open_credits_of(
    connection: Connection, projects: Iterable[tuple[str, str]]
) -> Iterator[tuple[Holding, tuple[str, str | None], str | None]]:
    """Yield the active and sold credits of projects, with their serial claim and the series of their block.

    Projects are pairs of a registry's key, which is no alias, and a canonical name.
    """
    names = registry_names(connection)
    asked = _under_all_names(names, projects)
    for start in range(0, len(asked), BATCH):
        some = statements.as_json(asked[start : start + BATCH])
        for serial_key, series, *row in statements.fetch(connection, holding_sql.OPEN_CREDITS, some):
            first, last = (row[-2], row[-1]) if series is not None else (0, -1)
            holding = _holding([*row[:-2], first, last])
            yield holding, (names.key(holding.registry_key), serial_key), series
