"""The SQL of ``standings`` and ``as_of``, written like that of ``statements``."""

from typing import Final

HEAD: Final = "SELECT position, time_zone FROM standing_head WHERE id = 1"
LAST_POSITION: Final = "SELECT coalesce(max(position), 0) FROM feed"
IN_ORDER_FROM: Final = "SELECT min(position) FROM log_marks WHERE name = 'in_order_of_time'"
_RECORDED_AT: Final = (
    "SELECT {} FROM feed JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
    " WHERE feed.position = ?"
)
RECORDED_AT: Final = {
    "sqlite": _RECORDED_AT.format("json_extract(events.body, '$.recorded_at')"),
    "postgresql": _RECORDED_AT.format("events.body::jsonb ->> 'recorded_at'"),
}
SET_HEAD: Final = (
    "INSERT INTO standing_head (id, position, time_zone) VALUES (1, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET position = excluded.position, time_zone = excluded.time_zone"
)
# What was recorded after a position.
EVENTS_AFTER: Final = (
    "SELECT feed.position, feed.subject, events.body FROM feed"
    " JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
    " WHERE feed.position > ? AND feed.position <= ? ORDER BY feed.position"
)
# The keys in a JSON array, for queries of the events on the paths to them.
KEYS_ASKED: Final = {
    "sqlite": "SELECT value AS key FROM json_each(?)",
    "postgresql": "SELECT value::bigint AS key FROM jsonb_array_elements_text(?::jsonb) AS value",
}
# The events up to a position of the credits with the keys in a JSON array and of those above them.
_PATHS: Final = (
    "WITH RECURSIVE asked AS ({}), above (leaf, key, parent) AS ("
    "SELECT asked.key, asked.key, credits.parent FROM asked JOIN credits ON credits.key = asked.key"
    " UNION ALL SELECT above.leaf, credits.key, credits.parent FROM above"
    " JOIN credits ON credits.key = above.parent)"
    " SELECT above.leaf, above.key, events.body FROM above JOIN events ON events.subject = above.key"
    " JOIN feed ON feed.subject = events.subject AND feed.seq = events.seq"
    " WHERE feed.position <= ? ORDER BY above.leaf, feed.position"
)
PATHS: Final = {name: _PATHS.format(keys) for name, keys in KEYS_ASKED.items()}
# The lots below the credits with the keys in a JSON array.
_BELOW: Final = (
    "WITH RECURSIVE asked AS ({}), below (key) AS (SELECT key FROM asked UNION"
    " SELECT credits.key FROM below JOIN credits ON credits.parent = below.key) SELECT key FROM below"
)
BELOW: Final = {name: _BELOW.format(keys) for name, keys in KEYS_ASKED.items()}
KEY_OF: Final = "SELECT key FROM credits WHERE id = ?"

CELL_COLUMNS: Final = "registry_key, project_key, project_id, vintage, type, party_key, is_dated"
FIND_CELL: Final = (
    "SELECT cell FROM standing_cells WHERE registry_key = ? AND project_key = ? AND project_id = ?"
    " AND vintage = ? AND type = ? AND party_key = ? AND is_dated = ?"
)
LAST_CELL: Final = "SELECT coalesce(max(cell), 0) FROM standing_cells"
INSERT_CELL: Final = f"INSERT INTO standing_cells (cell, {CELL_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_STANDING: Final = (
    "INSERT INTO standings (known_from, credit, step, known_to, cell, first_day, last_day, quantity_e4)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
END_STANDING: Final = "UPDATE standings SET known_to = ? WHERE credit = ? AND step = ? AND known_to IS NULL"
ADD_TO_DAY: Final = (
    "INSERT INTO day_sums (cell, day, epoch, entered, entered_e4, went, went_e4) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (cell, day, epoch) DO UPDATE SET entered = day_sums.entered + excluded.entered,"
    " entered_e4 = day_sums.entered_e4 + excluded.entered_e4, went = day_sums.went + excluded.went,"
    " went_e4 = day_sums.went_e4 + excluded.went_e4"
)

# For the check: the events on the paths of some credits, and the rows of a range of them.
_CHECKED_PATHS: Final = (
    "WITH RECURSIVE asked AS ({}), above (leaf, key, parent) AS ("
    "SELECT asked.key, asked.key, credits.parent FROM asked JOIN credits ON credits.key = asked.key"
    # Also where a tampered table has a cycle, the query ends.
    " UNION ALL SELECT above.leaf, credits.key, credits.parent FROM above"
    " JOIN credits ON credits.key = above.parent AND credits.key < above.key)"
    " SELECT above.leaf, above.key, feed.position, events.body FROM above"
    " JOIN events ON events.subject = above.key"
    " JOIN feed ON feed.subject = events.subject AND feed.seq = events.seq"
    " WHERE feed.position <= ? ORDER BY above.leaf, feed.position"
)
CHECKED_PATHS: Final = {name: _CHECKED_PATHS.format(keys) for name, keys in KEYS_ASKED.items()}
STANDINGS_OF_RANGE: Final = (
    f"SELECT credit, step, known_from, known_to, {CELL_COLUMNS}, first_day, last_day, standings.quantity_e4"
    " FROM standings LEFT JOIN standing_cells ON standing_cells.cell = standings.cell"
    " WHERE credit BETWEEN ? AND ? ORDER BY credit, known_from, step"
)
# The sums that are not those of the rows. `{0}` is the length of an epoch.
WRONG_SUMS: Final = (
    "SELECT cell, day, epoch FROM ("
    "SELECT cell, day, epoch, entered, entered_e4, went, went_e4 FROM day_sums UNION ALL "
    "SELECT cell, first_day, known_from / {0}, -1, -quantity_e4, 0, 0 FROM standings UNION ALL "
    "SELECT cell, first_day, known_to / {0}, 1, quantity_e4, 0, 0 FROM standings"
    " WHERE known_to IS NOT NULL UNION ALL "
    "SELECT cell, last_day, known_from / {0}, 0, 0, -1, -quantity_e4 FROM standings"
    " WHERE last_day IS NOT NULL UNION ALL "
    "SELECT cell, last_day, known_to / {0}, 0, 0, 1, quantity_e4 FROM standings"
    " WHERE last_day IS NOT NULL AND known_to IS NOT NULL) AS moved GROUP BY cell, day, epoch"
    " HAVING sum(entered) <> 0 OR sum(entered_e4) <> 0 OR sum(went) <> 0 OR sum(went_e4) <> 0"
    " ORDER BY cell, day, epoch LIMIT 100"
)
ADD_TO_CELL: Final = (
    "UPDATE standing_cells SET credits = credits + ?, quantity_e4 = quantity_e4 + ?, entered = entered + ?,"
    " entered_e4 = entered_e4 + ? WHERE cell = ?"
)
# The cells whose totals are not those of their days.
WRONG_CELLS: Final = (
    "SELECT cells.cell FROM standing_cells AS cells LEFT JOIN (SELECT cell, sum(entered - went) AS credits,"
    " sum(entered_e4 - went_e4) AS quantity_e4, sum(entered) AS entered, sum(entered_e4) AS entered_e4"
    " FROM day_sums GROUP BY cell) AS days ON days.cell = cells.cell"
    " WHERE cells.credits <> coalesce(days.credits, 0) OR cells.quantity_e4 <> coalesce(days.quantity_e4, 0)"
    " OR cells.entered <> coalesce(days.entered, 0) OR cells.entered_e4 <> coalesce(days.entered_e4, 0)"
    " ORDER BY cells.cell LIMIT 100"
)
# The credit created last by a position.
NEWEST_AT: Final = (
    "SELECT subject FROM feed WHERE type = 'CREATED' AND position <= ? ORDER BY position DESC LIMIT 1"
)
# The rows of one cut: what lasts on a day, as known at a position.
_STANDS: Final = (
    " first_day <= ? AND (last_day IS NULL OR last_day > ?)"
    " AND known_from <= ? AND (known_to IS NULL OR known_to > ?) AND standings.credit < ?"
)
_LISTED: Final = (
    "SELECT picked.credit, credits.id, credits.project_name, credits.registry, credits.vintage,"
    " credits.quantity_e4, credits.serial_number, parent.id, cells.type, cells.project_id, picked.first_day,"
    " cells.is_dated, coalesce(parties.name, cells.party_key) FROM ({}) AS picked"
    " JOIN credits ON credits.key = picked.credit JOIN standing_cells AS cells ON cells.cell = picked.cell"
    " LEFT JOIN credits AS parent ON parent.key = credits.parent"
    " LEFT JOIN parties ON parties.name_key = cells.party_key"
    " AND parties.role = CASE cells.type WHEN 'RETIRED' THEN 'RETIRED' ELSE 'SOLD' END"
    " ORDER BY picked.credit DESC"
)
# Where few rows count: by their cells. `{}` is the condition on these.
LISTED_BY_CELL: Final = _LISTED.format(
    "SELECT standings.credit, standings.cell, standings.first_day FROM standing_cells CROSS JOIN standings"
    f" WHERE {{}} AND standings.cell = standing_cells.cell AND{_STANDS}"
    " ORDER BY standings.credit DESC LIMIT ?"
)
# Where many do: from the newest credit on, until there are enough. `+ 0` keeps the index of cells out.
LISTED_BY_CREDIT: Final = _LISTED.format(
    "SELECT standings.credit, standings.cell, standings.first_day FROM standings"
    f" WHERE{_STANDS} AND standings.cell + 0 IN (SELECT cell FROM standing_cells WHERE {{}})"
    " ORDER BY standings.credit DESC LIMIT ?"
)
