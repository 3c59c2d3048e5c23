"""The SQL of ``acts``: the events of an act, its credits, and what was said of them since.

They are written like those of ``statements``, which executes them.
"""

from typing import Final

from webapp.ledger.storage.statements import CREDITS

# The feed from one position on. Entries about other subjects have a negative key.
FEED_FROM: Final = (
    "SELECT feed.position, feed.subject, events.hash, events.body"
    " FROM feed JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
    " WHERE feed.position >= ? ORDER BY feed.position LIMIT ?"
)
# The positions of the splits that made lots, the last one first. Parameter: a JSON array of keys of lots.
_SPLITS: Final = (
    "SELECT DISTINCT feed.position FROM credits JOIN feed ON feed.subject = credits.parent"
    " AND feed.type = 'SPLIT' WHERE credits.key"
)
_LATEST_FIRST: Final = " ORDER BY feed.position DESC"
SPLITS_OF_LOTS: Final = {
    "sqlite": f"{_SPLITS} IN (SELECT value FROM json_each(?)){_LATEST_FIRST}",
    "postgresql": f"{_SPLITS} = ANY (ARRAY("
    f"SELECT value::bigint FROM jsonb_array_elements_text(?::jsonb) AS value)){_LATEST_FIRST}",
}
# The credits with the keys in a JSON array.
CREDITS_WITH: Final = {
    "sqlite": f"{CREDITS} WHERE credits.key IN (SELECT value FROM json_each(?))",
    "postgresql": f"{CREDITS} WHERE credits.key = ANY (ARRAY("
    "SELECT value::bigint FROM jsonb_array_elements_text(?::jsonb) AS value))",
}
# Which of the credits with the keys in a JSON array have a serial number that another one holds.
CONTESTED: Final = {
    "sqlite": "SELECT credit FROM contested_claims WHERE credit IN (SELECT value FROM json_each(?))",
    "postgresql": "SELECT credit FROM contested_claims WHERE credit = ANY (ARRAY("
    "SELECT value::bigint FROM jsonb_array_elements_text(?::jsonb) AS value))",
}
# Of the credits with the keys in a JSON array, and of all that they were split from: what states their
# facts and what amends their events. UNION reads a common ancestor once.
_ABOVE: Final = (
    " UNION SELECT credits.key, credits.parent FROM above JOIN credits ON credits.key = above.parent)"
    " SELECT above.key, above.parent, feed.position, events.body FROM above"
    " LEFT JOIN events ON events.subject = above.key"
    " AND (events.type = 'AMENDED' OR (above.parent IS NULL AND events.type = 'CREATED'))"
    " LEFT JOIN feed ON feed.subject = events.subject AND feed.seq = events.seq"
    " ORDER BY above.key, events.seq"
)
SAID_OF: Final = {
    "sqlite": "WITH RECURSIVE above (key, parent) AS (SELECT credits.key, credits.parent FROM credits"
    f" WHERE credits.key IN (SELECT value FROM json_each(?)){_ABOVE}",
    "postgresql": "WITH RECURSIVE above (key, parent) AS (SELECT credits.key, credits.parent FROM credits"
    " WHERE credits.key = ANY (ARRAY("
    f"SELECT value::bigint FROM jsonb_array_elements_text(?::jsonb) AS value)){_ABOVE}",
}
# The events of one type of the credits with the keys in a JSON array, in order.
_OF_TYPE: Final = " AND type = ? ORDER BY subject, seq"
EVENTS_OF_TYPE: Final = {
    "sqlite": f"SELECT subject, body FROM events WHERE subject IN (SELECT value FROM json_each(?)){_OF_TYPE}",
    "postgresql": "SELECT subject, body FROM events WHERE subject = ANY (ARRAY("
    f"SELECT value::bigint FROM jsonb_array_elements_text(?::jsonb) AS value)){_OF_TYPE}",
}
# The events of retired credits that prove what was retired, and of all credits that these were split from.
# Parameter: a JSON array of the positions of the retirements. Sales name a buyer, and are none of them.
_SPLIT_FROM: Final = (
    " UNION SELECT credits.key, credits.parent FROM above JOIN credits ON credits.key = above.parent)"
    " SELECT above.key, feed.position, events.body FROM above"
    " JOIN events ON events.subject = above.key"
    " AND events.type IN ('CREATED', 'SPLIT', 'RETIRED', 'AMENDED')"
    " JOIN feed ON feed.subject = events.subject AND feed.seq = events.seq ORDER BY feed.position"
)
_RETIRED: Final = (
    "WITH RECURSIVE above (key, parent) AS (SELECT credits.key, credits.parent FROM feed"
    " JOIN credits ON credits.key = feed.subject WHERE feed.position"
)
PROVING: Final = {
    "sqlite": f"{_RETIRED} IN (SELECT value FROM json_each(?)){_SPLIT_FROM}",
    "postgresql": f"{_RETIRED} = ANY (ARRAY("
    f"SELECT value::bigint FROM jsonb_array_elements_text(?::jsonb) AS value)){_SPLIT_FROM}",
}
