"""The SQL of ``activity``: the feed downwards, and the runs of imports and acts in it.

They are written like those of ``statements``, which executes them.
"""

from typing import Final

_ROWS: Final = (
    "SELECT feed.position, feed.subject, events.hash, events.body, credits.project_name, credits.registry,"
    " credits.vintage, credits.quantity_e4, credits.serial_number"
    " FROM feed JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
    " LEFT JOIN credits ON credits.key = feed.subject"
)
# The feed from a position down, and from one up.
FEED_DOWN: Final = f"{_ROWS} WHERE feed.position <= ? ORDER BY feed.position DESC LIMIT ?"
FEED_UP: Final = f"{_ROWS} WHERE feed.position >= ? ORDER BY feed.position LIMIT ?"
# The highest position of an event of a type from a position down.
NEXT_OF_TYPE: Final = "SELECT max(position) FROM feed WHERE type = ? AND position <= ?"
END: Final = "SELECT coalesce(max(position), 0) FROM feed"
RUN_AT: Final = (
    "SELECT first_position, last_position, import_number, credits, quantity_e4 FROM feed_runs"
    " WHERE first_position <= ? ORDER BY first_position DESC LIMIT 1"
)
# The text of the first event from a position on, for the time of its recording.
BODY_FROM: Final = (
    "SELECT feed.position, events.body FROM feed"
    " JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
    " WHERE feed.position >= ? ORDER BY feed.position LIMIT 1"
)
MARK: Final = "SELECT coalesce(max(position), 1) FROM log_marks WHERE name = 'in_order_of_time'"
SUBJECT: Final = "SELECT 1 FROM subjects WHERE name = ?"
