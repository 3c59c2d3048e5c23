"""Check the facts and imports by which lists of credits are filtered against the log. Reads only."""

from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection

from webapp.domain.event import IMPORT_KEY
from webapp.domain.event_validation import InvalidEvent, read_event
from webapp.domain.facts import FACTS
from webapp.ledger.audit.ancestors import ids_of
from webapp.ledger.audit.check_workers import KeyRange
from webapp.ledger.audit.findings import Finding, differences
from webapp.ledger.audit.history_check import RangeEvents
from webapp.ledger.projections.credit_facts import Filtered, filtered
from webapp.ledger.storage import statements
from webapp.ledger.storage.projection_tables import FILTERED_FACTS
from webapp.ledger.storage.standing_sql import KEYS_ASKED

# The events that may state a fact or an import: of each credit, and of those that it was split from.
_PATHS: Final = (
    "WITH RECURSIVE asked AS ({}), above (leaf, key, parent, depth) AS ("
    "SELECT asked.key, asked.key, credits.parent, 0 FROM asked JOIN credits ON credits.key = asked.key"
    " UNION ALL SELECT above.leaf, credits.key, credits.parent, above.depth + 1"
    # Also where a tampered table has a cycle, the query ends.
    " FROM above JOIN credits ON credits.key = above.parent AND credits.key < above.key)"
    " SELECT above.leaf, events.body FROM above JOIN events ON events.subject = above.key"
    " AND (above.depth = 0 OR events.type IN ('CREATED', 'AMENDED'))"
    " AND (events.body LIKE ? OR events.body LIKE ?) ORDER BY above.leaf, above.depth DESC, events.seq"
)
_PATHS_OF: Final = {name: _PATHS.format(keys) for name, keys in KEYS_ASKED.items()}
_STATING: Final = frozenset({FACTS, IMPORT_KEY})
_LIKE_STATING: Final = ('%"facts":%', '%"import":%')
_FACTS: Final = (
    "SELECT state.credit, facts.project_id, facts.country, facts.project_type FROM credit_states AS state"
    " JOIN credit_facts AS facts ON facts.created_position = state.created_position"
    " WHERE state.credit BETWEEN ? AND ?"
)
_IMPORTS: Final = (
    "SELECT state.credit, imports.import_number FROM credit_states AS state"
    " JOIN import_credits AS imports ON imports.created_position = state.created_position"
    " WHERE state.credit BETWEEN ? AND ? ORDER BY state.credit"
)
_STRAYS: Final = {
    table: f"SELECT created_position FROM {table} WHERE created_position NOT IN"  # noqa: S608
    " (SELECT created_position FROM credit_states) LIMIT 100"
    for table in ("credit_facts", "import_credits")
}
_NOTHING: Final = Filtered((None,) * len(FILTERED_FACTS), frozenset())


def check_facts(connection: Connection, keys: KeyRange, events: RangeEvents) -> list[Finding]:
    """Check the rows of a range of credits, whose events are given."""
    expected = _expected(connection, events)
    found = _found(connection, keys)
    wrong = [
        key
        for key in sorted(expected.keys() | found.keys())
        if expected.get(key, _NOTHING) != found.get(key, _NOTHING)
    ]
    ids = ids_of(connection, wrong) if wrong else {}
    return [
        Finding(f"credit {ids[key]}", f"tables credit_facts and import_credits: {difference}")
        for key in wrong
        for difference in differences(
            _named(found.get(key, _NOTHING)), _named(expected.get(key, _NOTHING)), "the log gives"
        )
    ]


def check_stray_facts(connection: Connection) -> list[Finding]:
    """Return the rows that are of no credit."""
    return [
        Finding(f"table {table}, {position}", "the log does not give this row")
        for table, query in _STRAYS.items()
        for (position,) in statements.fetch(connection, query)
    ]


def _expected(connection: Connection, events: RangeEvents) -> dict[int, Filtered]:
    expected = {
        key: filtered([(entry.event.type, entry.event.data) for entry in entries])
        for key, entries in events.roots.items()
        if not all(_STATING.isdisjoint(entry.event.data) for entry in entries)
    }
    if not events.others:
        return expected
    rows = statements.fetch(connection, _PATHS_OF, statements.as_json(events.others), *_LIKE_STATING)
    for key, path in groupby(rows, key=itemgetter(0)):
        try:
            read = [read_event(body) for _, body in path]
        except InvalidEvent:  # reported by ``history_check``
            continue
        expected[key] = filtered([(event.type, event.data) for event in read])
    return expected


def _found(connection: Connection, keys: KeyRange) -> dict[int, Filtered]:
    facts = {key: tuple(values) for key, *values in statements.fetch(connection, _FACTS, *keys)}
    imports = {
        key: frozenset(number for _, number in rows)
        for key, rows in groupby(statements.fetch(connection, _IMPORTS, *keys), key=itemgetter(0))
    }
    return {
        key: Filtered(facts.get(key, _NOTHING.facts), imports.get(key, frozenset()))
        for key in facts.keys() | imports.keys()
    }


def _named(of_credit: Filtered) -> Mapping[str, object]:
    facts = dict(zip(FILTERED_FACTS, of_credit.facts, strict=True))
    return {**facts, "imports": ", ".join(map(str, sorted(of_credit.imports))) or None}
