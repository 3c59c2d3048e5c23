"""The SQL of ``holdings``: what the ledger holds of the numbers and credits that a file names.

They are written like those of ``statements``, which executes them.
"""

from typing import Final

# The holders of ranges of numbers, and the blocks of void credits in some series.
# Held blocks of a series do not overlap, so those that begin before a range end in the order in which they
# begin, and the scan starts at the last of them.
_HOLDING: Final = (
    " state.credit, credits.id, state.status, state.vintage, state.quantity_e4, state.project_key,"
    " state.registry_key, credits.project_name, credits.serial_number, state.buyer, state.beneficiary"
)
_HELD_NUMBERS: Final = (
    f" SELECT asked.n,{_HOLDING}, held.first, held.last"
    " FROM asked JOIN serial_blocks AS held ON held.series = asked.series AND held.is_held = 1"
    " AND held.first <= asked.last AND held.last >= asked.first"
    " AND held.first >= coalesce((SELECT before.first FROM serial_blocks AS before"
    " WHERE before.series = asked.series AND before.is_held = 1 AND before.first <= asked.first"
    " ORDER BY before.first DESC LIMIT 1), asked.first)"
    " JOIN credit_states AS state ON state.credit = held.credit JOIN credits ON credits.key = held.credit"
)
HELD_NUMBERS: Final = {
    "sqlite": "WITH asked AS (SELECT json_extract(value, '$[0]') AS n, json_extract(value, '$[1]') AS series,"
    " json_extract(value, '$[2]') AS first, json_extract(value, '$[3]') AS last FROM json_each(?))"
    + _HELD_NUMBERS,
    "postgresql": "WITH asked AS (SELECT (value->>0)::bigint AS n, value->>1 AS series,"
    " (value->>2)::bigint AS first, (value->>3)::bigint AS last FROM jsonb_array_elements(?::jsonb) AS value)"
    + _HELD_NUMBERS,
}
_VOID_NUMBERS: Final = (
    f"SELECT void.series,{_HOLDING}, void.first, void.last FROM credit_states AS state"
    " JOIN serial_blocks AS void ON void.credit = state.credit JOIN credits ON credits.key = state.credit"
    " WHERE state.status = 'CANCELLED' AND void.series IN"
)
VOID_NUMBERS: Final = {
    "sqlite": f"{_VOID_NUMBERS} (SELECT value FROM json_each(?))",
    "postgresql": f"{_VOID_NUMBERS} (SELECT jsonb_array_elements_text(?::jsonb))",
}
# The leaves of the credits with some ids. `{}` is replaced by one `?` for each id.
LEAVES_OF: Final = (
    "WITH RECURSIVE below (root, key) AS (SELECT id, key FROM credits WHERE id IN ({})"
    " UNION ALL SELECT below.root, credits.key FROM below JOIN credits ON credits.parent = below.key)"
    f" SELECT below.root,{_HOLDING}"
    " FROM below JOIN credits ON credits.key = below.key"
    " JOIN credit_states AS state ON state.credit = below.key"
    " WHERE state.status <> 'SPLIT' ORDER BY below.key"
)

# For pairs of registry and project: those with credits that have a serial number, and those with credits
# that have none. A project has far fewer credits than its registry or a status, so nothing else may be looked
# up by an index; `|| ''` says so to both databases.
_PROJECTS_WITH: Final = (
    " SELECT registry_key, other_key FROM asked"
    " WHERE EXISTS (SELECT 1 FROM credit_states AS state JOIN credits ON credits.key = state.credit"
    " WHERE state.serial_key IS {} AND state.project_key = asked.other_key AND {}"
    " AND credits.parent IS NULL)"
)
_NUMBERED: Final = _PROJECTS_WITH.format(
    "NOT NULL",
    "state.registry_key || '' = asked.registry_key"
    " AND state.status IN ('ACTIVE', 'SOLD', 'RETIRED', 'SPLIT', 'WITHDRAWN')",
)
_UNNUMBERED: Final = _PROJECTS_WITH.format(
    "NULL", "state.registry_key = asked.registry_key AND state.status || '' <> 'CANCELLED'"
)
_PROJECTS_ASKED: Final = {
    "sqlite": "WITH asked AS (SELECT json_extract(value, '$[0]') AS registry_key,"
    " json_extract(value, '$[1]') AS other_key FROM json_each(?))",
    "postgresql": "WITH asked AS (SELECT value->>0 AS registry_key, value->>1 AS other_key"
    " FROM jsonb_array_elements(?::jsonb) AS value)",
}
# The active and sold credits of some projects, with their numbers.
_OPEN_CREDITS: Final = (
    f" SELECT state.serial_key, held.series,{_HOLDING}, held.first, held.last FROM asked"
    " JOIN credit_states AS state ON state.project_key = asked.other_key"
    " AND state.registry_key || '' = asked.registry_key AND state.status IN ('ACTIVE', 'SOLD')"
    " JOIN credits ON credits.key = state.credit"
    " LEFT JOIN serial_blocks AS held ON held.credit = state.credit AND held.is_held = 1"
    " ORDER BY state.created_position"
)
NUMBERED_PROJECTS: Final = {name: asked + _NUMBERED for name, asked in _PROJECTS_ASKED.items()}
UNNUMBERED_PROJECTS: Final = {name: asked + _UNNUMBERED for name, asked in _PROJECTS_ASKED.items()}
OPEN_CREDITS: Final = {name: asked + _OPEN_CREDITS for name, asked in _PROJECTS_ASKED.items()}
# The holders of serial numbers in registries, both in canonical form.
_CLAIMED: Final = (
    " SELECT claims.registry_key, claims.serial_key, credits.id FROM asked"
    " JOIN serial_claims AS claims ON claims.registry_key = asked.registry_key"
    " AND claims.serial_key = asked.other_key JOIN credits ON credits.key = claims.credit"
)
CLAIMED: Final = {name: asked + _CLAIMED for name, asked in _PROJECTS_ASKED.items()}
# The events that end the credits with the keys in a JSON array, and what amends them.
_ENDS_OF: Final = " AND type IN ('RETIRED', 'WITHDRAWN', 'AMENDED') ORDER BY subject, seq"
ENDS_OF: Final = {
    "sqlite": f"SELECT subject, body FROM events WHERE subject IN (SELECT value FROM json_each(?)){_ENDS_OF}",
    "postgresql": "SELECT subject, body FROM events WHERE subject = ANY (ARRAY("
    f"SELECT value::bigint FROM jsonb_array_elements_text(?::jsonb) AS value)){_ENDS_OF}",
}
# The CREATED and AMENDED events of credits with some ids and of those they were split from, the root first.
FACT_PATHS: Final = (
    "WITH RECURSIVE above (leaf, key, parent, depth) AS ("
    "SELECT id, key, parent, 0 FROM credits WHERE id IN ({})"
    " UNION ALL SELECT above.leaf, credits.key, credits.parent, above.depth + 1"
    " FROM above JOIN credits ON credits.key = above.parent)"
    " SELECT above.leaf, events.body FROM above JOIN events ON events.subject = above.key"
    " AND events.type IN ('CREATED', 'AMENDED') ORDER BY above.leaf, above.depth DESC, events.seq"
)
# The events of the credits whose keys are in a JSON array, in order.
_OF_KEYS: Final = "SELECT subject, seq, body FROM events WHERE subject"
EVENTS_OF_KEYS: Final = {
    "sqlite": f"{_OF_KEYS} IN (SELECT value FROM json_each(?)) ORDER BY subject, seq",
    "postgresql": f"{_OF_KEYS} = ANY (ARRAY("
    "SELECT value::bigint FROM jsonb_array_elements_text(?::jsonb) AS value)) ORDER BY subject, seq",
}
