"""The SQL of ``retirements``, written like that of ``statements``."""

from typing import Final

# The credits that were retired between two days, as known at a position.
_RETIRED: Final = (
    "SELECT standings.credit FROM standing_cells AS cell JOIN standings ON standings.cell = cell.cell"
    " WHERE cell.type = 'RETIRED' AND {} AND cell.is_dated = ?"
    " AND standings.first_day BETWEEN ? AND ?"
    " AND standings.known_from <= ? AND (standings.known_to IS NULL OR standings.known_to > ?)"
    " ORDER BY standings.first_day, standings.credit"
)
# For some beneficiaries: `{}` is replaced by one `?` for each name.
RETIRED_FOR: Final = _RETIRED.format("cell.party_key <> '' AND cell.party_key IN ({})")
# Whether anything was retired for some beneficiaries, on any day or without one.
RETIRED_FOR_ANY_TIME: Final = (
    "SELECT 1 FROM standing_cells AS cell JOIN standings ON standings.cell = cell.cell"
    " WHERE cell.type = 'RETIRED' AND cell.party_key <> '' AND cell.party_key IN ({})"
    " AND standings.known_from <= ? AND (standings.known_to IS NULL OR standings.known_to > ?) LIMIT 1"
)
RETIRED_FOR_NOBODY: Final = _RETIRED.format("cell.party_key = ''")
_KEYS: Final = {
    "sqlite": "SELECT value AS key FROM json_each(?)",
    "postgresql": "SELECT value::bigint AS key FROM jsonb_array_elements_text(?::jsonb) AS value",
}
# The credits with the keys in a JSON array.
_CREDITS: Final = (
    "WITH asked AS ({}) SELECT credits.key, credits.id, credits.project_name, credits.registry,"
    " credits.vintage, credits.quantity_e4, credits.serial_number"
    " FROM asked JOIN credits ON credits.key = asked.key"
)
CREDITS: Final = {name: _CREDITS.format(keys) for name, keys in _KEYS.items()}
# What their events and those of the credits that they were split from say up to a position, the root first.
_PATHS: Final = (
    "WITH RECURSIVE asked AS ({}), above (leaf, key, parent, depth) AS ("
    "SELECT asked.key, asked.key, credits.parent, 0 FROM asked JOIN credits ON credits.key = asked.key"
    " UNION ALL SELECT above.leaf, credits.key, credits.parent, above.depth + 1 FROM above"
    " JOIN credits ON credits.key = above.parent)"
    " SELECT above.leaf, above.depth, feed.position, events.hash, events.body FROM above"
    " JOIN events ON events.subject = above.key AND events.type IN ('CREATED', 'AMENDED', 'RETIRED')"
    " JOIN feed ON feed.subject = events.subject AND feed.seq = events.seq"
    " WHERE feed.position <= ? ORDER BY above.leaf, above.depth DESC, events.seq"
)
PATHS: Final = {name: _PATHS.format(keys) for name, keys in _KEYS.items()}
