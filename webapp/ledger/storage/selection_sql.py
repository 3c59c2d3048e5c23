"""The SQL of acts on many credits: the ends of their histories, and the roots of lots.

They are written like those of ``statements``, which executes them. The parameter of each is a JSON array.
"""

from typing import Final

_ASKED: Final = {
    "sqlite": "SELECT value FROM json_each(?)",
    "postgresql": "SELECT value::bigint FROM jsonb_array_elements_text(?::jsonb) AS value",
}
# The events of the credits with some keys of CREATED events, in order. `body` is that of events which
# state or restate the sale of a credit.
_HISTORIES: Final = (
    "SELECT state.created_position, state.changed_at, events.subject, events.type, events.hash,"
    " CASE WHEN events.type IN ('SOLD', 'SALE_REVERSED', 'AMENDED') THEN events.body END"
    " FROM credit_states AS state JOIN events ON events.subject = state.credit"
    " WHERE state.created_position IN ({}) ORDER BY state.created_position, events.seq"
)
HISTORIES: Final = {name: _HISTORIES.format(asked) for name, asked in _ASKED.items()}
# For each credit: the key of the root that it was split from, the position of the root's creation, and where
# the credit begins in the root.
_ROOTS: Final = (
    "WITH RECURSIVE above (position, key, parent, start_e4) AS ("
    "SELECT state.created_position, credits.key, credits.parent, coalesce(credits.offset_e4, 0)"
    " FROM credit_states AS state JOIN credits ON credits.key = state.credit"
    " WHERE state.created_position IN ({})"
    " UNION ALL SELECT above.position, credits.key, credits.parent,"
    " above.start_e4 + coalesce(credits.offset_e4, 0)"
    " FROM above JOIN credits ON credits.key = above.parent)"
    " SELECT above.position, above.key, state.created_position, above.start_e4 FROM above"
    " JOIN credit_states AS state ON state.credit = above.key WHERE above.parent IS NULL"
)
ROOTS: Final = {name: _ROOTS.format(asked) for name, asked in _ASKED.items()}
# Whether any two credits have one serial number. Which of the credits are such, or were split from one.
ANY_CONTESTED: Final = "SELECT 1 FROM contested_claims LIMIT 1"
_CONTESTED: Final = (
    "WITH RECURSIVE above (position, key, parent) AS ("
    "SELECT state.created_position, credits.key, credits.parent"
    " FROM credit_states AS state JOIN credits ON credits.key = state.credit"
    " WHERE state.created_position IN ({})"
    " UNION ALL SELECT above.position, credits.key, credits.parent"
    " FROM above JOIN credits ON credits.key = above.parent)"
    " SELECT DISTINCT above.position FROM above WHERE above.key IN (SELECT credit FROM contested_claims"
    " UNION SELECT held.credit FROM contested_claims AS contested JOIN serial_claims AS held"
    " ON held.registry_key = contested.registry_key AND held.serial_key = contested.serial_key)"
)
CONTESTED: Final = {name: _CONTESTED.format(asked) for name, asked in _ASKED.items()}
# The events that state facts of the credits with some keys, in order.
_FACTS: Final = (
    "SELECT subject, type, body FROM events WHERE subject IN ({}) AND type IN ('CREATED', 'AMENDED')"
    " ORDER BY subject, seq"
)
FACTS: Final = {name: _FACTS.format(asked) for name, asked in _ASKED.items()}
# For each event between two positions: the position of the creation of its credit, and the id of the credit
# that this was split from.
ACTED: Final = (
    "SELECT state.created_position, whole.id FROM feed"
    " JOIN credit_states AS state ON state.credit = feed.subject JOIN credits ON credits.key = feed.subject"
    " LEFT JOIN credits AS whole ON whole.key = credits.parent"
    " WHERE feed.position >= ? AND feed.position < ? ORDER BY feed.position"
)
