"""The SQL of ``project_keys`` and ``act_lines``, written like that of ``statements``."""

from typing import Final

_LISTED: Final = {
    "sqlite": "(SELECT value FROM json_each(?))",
    "postgresql": "(SELECT value FROM jsonb_array_elements_text(?::jsonb) AS value)",
}
# Of each registry, project name and project id, one credit: its names as recorded, and what the CREATED
# event of its root says. The projects are those with an id in the first JSON array, and those without an id
# whose name is in the second.
_CELLS: Final = "SELECT registry_key, project_key, project_id, min(cell) AS cell FROM standing_cells WHERE"
_BY: Final = "GROUP BY registry_key, project_key, project_id"
_NAMES: Final = (
    f"WITH RECURSIVE project AS ({_CELLS} project_id <> '' AND project_id IN {{0}} {_BY}"
    f" UNION ALL {_CELLS} project_key IN {{0}} AND project_id = '' {_BY}),"
    " shown AS (SELECT project.*, (SELECT standings.credit FROM standings WHERE standings.cell = project.cell"
    " LIMIT 1) AS credit FROM project),"
    " above (leaf, key, parent) AS (SELECT credits.key, credits.key, credits.parent FROM shown"
    " JOIN credits ON credits.key = shown.credit UNION ALL SELECT above.leaf, credits.key, credits.parent"
    " FROM above JOIN credits ON credits.key = above.parent)"
    " SELECT shown.registry_key, shown.project_key, shown.project_id, credits.project_name, events.body"
    " FROM shown JOIN credits ON credits.key = shown.credit"
    " JOIN above ON above.leaf = shown.credit AND above.parent IS NULL"
    " JOIN events ON events.subject = above.key AND events.seq = 1"
    " ORDER BY shown.cell"
)
NAMES: Final = {dialect: _NAMES.format(listed) for dialect, listed in _LISTED.items()}
REGISTRIES: Final = "SELECT registry_key, name FROM registries"

# The days on which something entered the cells of a condition, newest first, with the number of credits.
DAYS: Final = (
    "SELECT day, sum(entered) FROM day_sums WHERE cell IN (SELECT cell FROM standing_cells WHERE {})"
    " AND day < ? GROUP BY day HAVING sum(entered) > 0 ORDER BY day DESC LIMIT ?"
)
# What entered these cells between two days, as known at a position, newest first.
ENTERED: Final = (
    "SELECT standings.credit, standings.step, standings.first_day, standings.quantity_e4,"
    " standing_cells.registry_key, standing_cells.project_key, standing_cells.project_id,"
    " standing_cells.type, standing_cells.party_key, standing_cells.is_dated"
    " FROM standings JOIN standing_cells ON standing_cells.cell = standings.cell"
    " WHERE standings.cell IN (SELECT cell FROM standing_cells WHERE {})"
    # A plus keeps SQLite from searching by the position, which most rows are before.
    " AND standings.first_day BETWEEN ? AND ? AND +standings.known_from <= ?"
    " AND (standings.known_to IS NULL OR standings.known_to > ?)"
    " ORDER BY standings.first_day DESC, standings.known_from DESC, standings.credit DESC LIMIT ?"
)
# Events by the keys of their credits and their seq: a JSON array of pairs.
_EVENTS: Final = (
    "WITH asked AS ({}) SELECT feed.subject, feed.seq, feed.position, events.body FROM asked"
    " JOIN feed ON feed.subject = asked.subject AND feed.seq = asked.seq"
    " JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
)
EVENTS: Final = {
    "sqlite": _EVENTS.format(
        "SELECT json_extract(value, '$[0]') AS subject, json_extract(value, '$[1]') AS seq FROM json_each(?)"
    ),
    "postgresql": _EVENTS.format(
        "SELECT (value->>0)::bigint AS subject, (value->>1)::integer AS seq"
        " FROM jsonb_array_elements(?::jsonb) AS value"
    ),
}
# The sales that lots carried over as their second event, by the keys of the lots in a JSON array: the credit
# and the seq of the sale itself, which may be several splits above, the farthest last.
_LAST: Final = (
    "SELECT last.{0} FROM events AS last WHERE last.subject = credits.parent"
    " AND last.type NOT IN ('AMENDED', 'SPLIT') ORDER BY last.seq DESC LIMIT 1"
)
_CARRIED: Final = (
    "WITH RECURSIVE asked AS ({0}), above (leaf, key, seq, depth) AS ("
    "SELECT key, key, 2, 0 FROM asked UNION ALL"
    f" SELECT above.leaf, credits.parent, ({_LAST.format('seq')}), above.depth + 1 FROM above"
    " JOIN credits ON credits.key = above.key"
    f" WHERE above.seq = 2 AND credits.parent IS NOT NULL AND ({_LAST.format('type')}) = 'SOLD')"
    " SELECT leaf, key, seq FROM above WHERE depth > 0 ORDER BY depth"
)
CARRIED: Final = {
    "sqlite": _CARRIED.format("SELECT value AS key FROM json_each(?)"),
    "postgresql": _CARRIED.format(
        "SELECT value::bigint AS key FROM jsonb_array_elements_text(?::jsonb) AS value"
    ),
}
# One credit of each of the latest cells of a condition.
EXAMPLES: Final = (
    "SELECT DISTINCT credits.id FROM (SELECT cell FROM standing_cells WHERE {} ORDER BY vintage DESC,"
    " cell DESC LIMIT ?) AS latest JOIN credits ON credits.key ="
    " (SELECT standings.credit FROM standings WHERE standings.cell = latest.cell LIMIT 1)"
)
# The registries and ids of the projects with a name.
IDS_OF_NAME: Final = (
    "SELECT DISTINCT registry_key, project_id FROM standing_cells WHERE project_key = ? AND project_id <> ''"
)
