"""The projections by which lists of credits are filtered: some facts of each credit, and its imports.

A lot has the facts of its root, overlaid by amendments on the way down, and belongs to the imports that
recorded an event on that way. So a split and an amendment read the path from the root; other events have
all that is needed.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from sqlalchemy import Connection

from webapp.domain.amendment import AMENDS, present_facts
from webapp.domain.event import IMPORT_KEY, Data, PositionedEvent
from webapp.domain.facts import facts_in
from webapp.domain.lifecycle import EventType
from webapp.domain.text import canonical
from webapp.ledger.storage import holding_sql, statements
from webapp.ledger.storage.bulk_insert import insert_rows
from webapp.ledger.storage.projection_tables import FILTERED_FACTS, credit_facts, import_credits
from webapp.ledger.storage.statements import Parameters

_INSERT_FACTS: Final = (
    "INSERT INTO credit_facts (created_position, project_id, country, project_type) VALUES (?, ?, ?, ?)"
)
_DELETE_FACTS: Final = "DELETE FROM credit_facts WHERE created_position = ?"
_INSERT_IMPORT: Final = "INSERT INTO import_credits (import_number, created_position) VALUES (?, ?)"
_ADD_IMPORT: Final = f"{_INSERT_IMPORT} ON CONFLICT (import_number, created_position) DO NOTHING"
_ADD_IMPORT_OF_KEY: Final = (
    "INSERT INTO import_credits (import_number, created_position) SELECT CAST(? AS BIGINT), created_position"
    " FROM credit_states WHERE credit = ? ON CONFLICT (import_number, created_position) DO NOTHING"
)
# A credit and all lots below it.
_BELOW: Final = (
    "WITH RECURSIVE below (key) AS (SELECT key FROM credits WHERE key = ?"
    " UNION ALL SELECT credits.key FROM below JOIN credits ON credits.parent = below.key)"
    " SELECT credits.id, state.created_position FROM below JOIN credits ON credits.key = below.key"
    " JOIN credit_states AS state ON state.credit = below.key"
)
_IDS_MAX: Final = 400


class Filtered(NamedTuple):
    """What lists are filtered by: the facts of FILTERED_FACTS in canonical form, and numbers of imports."""

    facts: tuple[str | None, ...]
    imports: frozenset[int]


def filtered(path: Sequence[tuple[EventType, Data]]) -> Filtered:
    """Return what a credit is filtered by, from its events and those of the credits it was split from."""
    facts = present_facts(path)
    values = (canonical(facts.get(name, "")) or None for name in FILTERED_FACTS)
    imports = frozenset(int(str(data[IMPORT_KEY])) for _, data in path if IMPORT_KEY in data)
    return Filtered(tuple(values), imports)


def add_created(connection: Connection, created: Sequence[PositionedEvent]) -> None:
    """Add new credits, whose lots have those of the credits that they were split from."""
    parents = {each.credit.parent for each in created if each.credit and each.credit.parent}
    inherited = _by_path(connection, sorted(parents))
    facts: list[Parameters] = []
    imports: list[Parameters] = []
    for each in created:
        parent = each.credit and each.credit.parent
        if parent:
            own = inherited[parent]
        elif "facts" in each.event.data:
            own = filtered([(each.event.type, each.event.data)])
        elif IMPORT_KEY in each.event.data:
            imports.append((int(str(each.event.data[IMPORT_KEY])), each.position))
            continue
        else:
            continue
        if any(own.facts):
            facts.append((each.position, *own.facts))
        imports += [(number, each.position) for number in sorted(own.imports)]
    insert_rows(connection, credit_facts, _INSERT_FACTS, facts)
    insert_rows(connection, import_credits, _INSERT_IMPORT, imports)


def imports_of(placed: Iterable[PositionedEvent]) -> set[tuple[int, int]]:
    """Return the number of the import and the key of the credit of each event that names an import."""
    return {
        (int(str(each.event.data[IMPORT_KEY])), each.key)
        for each in placed
        if IMPORT_KEY in each.event.data and each.event.type is not EventType.AMENDED
    }


def add_actions(
    connection: Connection, placed: Sequence[PositionedEvent], known: AbstractSet[tuple[int, int]]
) -> None:
    """Add the imports that recorded these events, and the facts that amendments among them restate.

    `known` are imports and credits of `imports_of` that were added already.
    """
    amended = [each for each in placed if each.event.type is EventType.AMENDED and _matters(each)]
    statements.send(connection, _ADD_IMPORT_OF_KEY, sorted(imports_of(placed) - known))
    for key in dict.fromkeys(each.key for each in amended):
        _refresh(connection, key)


def _matters(placed: PositionedEvent) -> bool:
    """Return whether an amendment changes what credits are filtered by."""
    data = placed.event.data
    restates = data.get(AMENDS) == 1 and not facts_in(data).keys().isdisjoint(FILTERED_FACTS)
    return restates or IMPORT_KEY in data


def _refresh(connection: Connection, key: int) -> None:
    """Compute the rows of a credit and of all lots below it again."""
    positions = {bytes(digest).hex(): at for digest, at in statements.fetch(connection, _BELOW, key)}
    now = {positions[credit_id]: own for credit_id, own in _by_path(connection, sorted(positions)).items()}
    statements.send(connection, _DELETE_FACTS, [(position,) for position in now])
    facts = [(position, *own.facts) for position, own in now.items() if any(own.facts)]
    statements.send(connection, _INSERT_FACTS, facts)
    imports = [(number, position) for position, own in now.items() for number in sorted(own.imports)]
    statements.send(connection, _ADD_IMPORT, imports)


def _by_path(connection: Connection, credit_ids: Sequence[str]) -> Mapping[str, Filtered]:
    """Return the filtered facts and imports of credits by their ids, from the events of the log."""
    paths: dict[str, list[tuple[EventType, Data]]] = {}
    for start in range(0, len(credit_ids), _IDS_MAX):
        some = credit_ids[start : start + _IDS_MAX]
        statement = holding_sql.FACT_PATHS.format(", ".join("?" * len(some)))
        for digest, body in statements.fetch(connection, statement, *map(bytes.fromhex, some)):
            event = json.loads(body)
            paths.setdefault(bytes(digest).hex(), []).append((EventType(event["type"]), event["data"]))
    return {credit_id: filtered(path) for credit_id, path in paths.items()}
