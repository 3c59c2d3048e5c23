"""Raw SQL for the hot paths: creating a credit, acting on it, and reading one record.

These statements go directly to the driver, on SQLAlchemy's connection and in its transaction, because
building a statement with SQLAlchemy takes longer than running it. `?` is a parameter; for PostgreSQL it
is replaced by `%s`. Ids and hashes are bytes, as in the tables.
"""

import json
import sqlite3
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache
from typing import Any, Final

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Row = Sequence[Any]
Parameters = tuple[Any, ...]

LAST_POSITION: Final = "SELECT coalesce(max(position), 0) FROM feed"
# The end of the log: its last position, the highest key, the text of the last event, and the time of the
# last entry of the account log.
LOG_HEAD: Final = (
    "SELECT (SELECT coalesce(max(position), 0) FROM feed), (SELECT coalesce(max(key), 0) FROM credits),"
    " (SELECT events.body FROM feed JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
    " ORDER BY feed.position DESC LIMIT 1),"
    " coalesce((SELECT recorded_at FROM account_log ORDER BY position DESC LIMIT 1), '')"
)

# The columns that ``views.credit_of_row`` reads. A credit without a state has no position in the feed.
_CREDIT_COLUMNS: Final = (
    "SELECT credits.key, credits.id, credits.project_name, credits.registry, credits.vintage,"
    " credits.quantity_e4, credits.serial_number, credits.offset_e4, state.status, state.created_at,"
    " state.changed_at, state.created_position, state.buyer, state.beneficiary,"
    " whole.id AS parent, replaced.id AS replaces, state.happened_on"
)
_ORIGIN_JOINS: Final = (
    " LEFT JOIN credits AS whole ON whole.key = credits.parent"
    " LEFT JOIN credits AS replaced ON replaced.key = credits.replaces"
)
_CREDIT_JOINS: Final = f" LEFT JOIN credit_states AS state ON state.credit = credits.key{_ORIGIN_JOINS}"
CREDITS: Final = f"{_CREDIT_COLUMNS} FROM credits{_CREDIT_JOINS}"
CREDIT: Final = f"{CREDITS} WHERE credits.id = ?"
# The credits with some ids. `{}` is replaced by one `?` for each id.
CREDITS_OF: Final = f"{CREDITS} WHERE credits.id IN ({{}})"
CREDITS_WITH_KEYS: Final = f"{CREDITS} WHERE credits.key IN ({{}})"
# The credits whose CREATED events have the positions in a JSON array.
_LISTED: Final = (
    f"{_CREDIT_COLUMNS} FROM credit_states AS state JOIN credits ON credits.key = state.credit{_ORIGIN_JOINS}"
)
CREDITS_AT: Final = {
    "sqlite": f"{_LISTED} WHERE state.created_position IN (SELECT value FROM json_each(?))",
    "postgresql": f"{_LISTED} WHERE state.created_position = ANY (ARRAY("
    "SELECT value::bigint FROM jsonb_array_elements_text(?::jsonb) AS value))",
}
# The lots of a credit and its replacement.
RELATED: Final = (
    f"{CREDITS} WHERE credits.parent = ? OR credits.replaces = ?"
    " ORDER BY credits.offset_e4, state.created_position"
)
# The split tree of a credit: up to the root, then down again, level by level.
SPLIT_TREE: Final = (
    "WITH RECURSIVE above (key, parent) AS (SELECT key, parent FROM credits WHERE key = ?"
    " UNION ALL SELECT credits.key, credits.parent FROM above JOIN credits ON credits.key = above.parent),"
    " below (key, depth) AS (SELECT key, 0 FROM above WHERE parent IS NULL"
    " UNION ALL SELECT credits.key, below.depth + 1 FROM below JOIN credits ON credits.parent = below.key)"
    f" {_CREDIT_COLUMNS} FROM below JOIN credits ON credits.key = below.key{_CREDIT_JOINS}"
    " ORDER BY below.depth, credits.offset_e4, credits.id LIMIT ?"
)
REPLACEMENTS: Final = (
    "SELECT credits.id FROM credits JOIN credits AS replaced ON replaced.key = credits.replaces"
    " WHERE replaced.id = ? ORDER BY credits.id"
)

# The events of a credit, by its id, so that PostgreSQL can be asked for both at once.
EVENTS: Final = (
    "SELECT events.hash, events.body, feed.position"
    " FROM events LEFT JOIN feed ON feed.subject = events.subject AND feed.seq = events.seq"
    " WHERE events.subject = (SELECT key FROM credits WHERE id = ?) ORDER BY events.seq"
)
# The events of a credit and, before them, those that may state facts of the credits that it was split
# from: the creation of the root and all amendments, from the root down.
EVENTS_OF_LOT: Final = (
    "WITH RECURSIVE above (key, parent, depth) AS (SELECT key, parent, 0 FROM credits WHERE key = ?"
    " UNION ALL SELECT credits.key, credits.parent, above.depth + 1 FROM above"
    " JOIN credits ON credits.key = above.parent)"
    " SELECT events.hash, events.body, feed.position"
    " FROM above JOIN events ON events.subject = above.key"
    " AND (above.depth = 0 OR events.type = 'AMENDED' OR (above.parent IS NULL AND events.type = 'CREATED'))"
    " LEFT JOIN feed ON feed.subject = events.subject AND feed.seq = events.seq"
    " ORDER BY above.depth DESC, events.seq"
)
# The type of the event that gave the parent of a lot its status before the split. If it is SOLD, the lot
# carries the sale over, as its second event.
_BEFORE_SPLIT: Final = (
    "(SELECT last.type FROM events AS last WHERE last.subject = credits.parent"
    " AND last.type NOT IN ('AMENDED', 'SPLIT') ORDER BY last.seq DESC LIMIT 1)"
)
# Events with project and quantity of their credits; entries have neither.
FEED: Final = (
    "SELECT feed.position, events.body, events.hash, credits.project_name, credits.quantity_e4,"
    f" feed.type = 'SOLD' AND feed.seq = 2 AND coalesce({_BEFORE_SPLIT}, '') = 'SOLD' AS is_carried"
    " FROM feed JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
    " LEFT JOIN credits ON credits.key = feed.subject"
)
# The events of the lots of a credit up to a position, lot by lot.
EVENTS_OF_LOTS: Final = (
    "SELECT events.body, feed.position FROM credits JOIN events ON events.subject = credits.key"
    " JOIN feed ON feed.subject = events.subject AND feed.seq = events.seq"
    " WHERE credits.parent = ? AND feed.position <= ? ORDER BY events.subject, events.seq"
)
# The events of credits with some ids, and those that may state facts of the credits they were split from.
PATHS_OF: Final = (
    "WITH RECURSIVE above (leaf, key, parent, depth) AS ("
    "SELECT id, key, parent, 0 FROM credits WHERE id IN ({})"
    " UNION ALL SELECT above.leaf, credits.key, credits.parent, above.depth + 1"
    " FROM above JOIN credits ON credits.key = above.parent)"
    " SELECT above.leaf, above.depth, events.seq, events.body FROM above"
    " JOIN events ON events.subject = above.key"
    " AND (above.depth = 0 OR events.type IN ('CREATED', 'AMENDED'))"
    " ORDER BY above.leaf, above.depth DESC, events.seq"
)
# Whether a lot carries the sale of its parent over.
CARRIES_SALE: Final = f"SELECT 1 FROM credits WHERE credits.key = ? AND {_BEFORE_SPLIT} = 'SOLD'"

_CLAIMED: Final = (
    "SELECT 'claim', 0, credits.id, claims.registry_key, claims.serial_key, 0, 0 FROM named"
    " LEFT JOIN registry_aliases AS names ON names.alias_key = named.registry_key JOIN {} AS claims"
    " ON claims.registry_key = coalesce(names.registry_key, named.registry_key)"
    " AND claims.serial_key = named.serial_key JOIN credits ON credits.key = claims.credit"
    " WHERE claims.credit NOT IN (SELECT credit FROM freed)"
)
# The look-ups for ``row_decisions``. Parameters: a JSON array of serial claims, one of
# [n, series, first, last], one of the keys of credits whose serial numbers count as free, and the
# ids of credits; `{}` is replaced by one `?` for each id. The rows are
# ('claim', 0, id of the holder, registry, serial number, 0, 0), by the registry's name that is no alias
# and first those that hold it, ('name', 0, None, alias, registry, 0, 0) for each alias of a registry,
# ('block', n, id of the holder, series, '', first, last) and
# ('known', 0, id, status, '', key, 0).
# For each range, this finds the held block before its start and the next one after it. Held blocks of a
# series do not overlap each other, so the first block that overlaps the range is one of the two.
_LOOK_UP: Final = (
    " near AS ("
    "SELECT n, first, last, (SELECT credit FROM serial_blocks AS held WHERE held.series = asked.series"
    " AND held.is_held = 1 AND held.first <= asked.first AND held.credit NOT IN (SELECT credit FROM freed)"
    " ORDER BY held.first DESC LIMIT 1) AS credit FROM asked"
    " UNION ALL "
    "SELECT n, first, last, (SELECT credit FROM serial_blocks AS held WHERE held.series = asked.series"
    " AND held.is_held = 1 AND held.first > asked.first AND held.first <= asked.last"
    " AND held.credit NOT IN (SELECT credit FROM freed)"
    " ORDER BY held.first LIMIT 1) AS credit FROM asked)"
    " SELECT 'block', near.n, credits.id, held.series, '', held.first, held.last FROM near"
    " JOIN serial_blocks AS held ON held.credit = near.credit JOIN credits ON credits.key = held.credit"
    " WHERE held.last >= near.first"
    " UNION ALL "
    f"{_CLAIMED.format('serial_claims')} UNION ALL {_CLAIMED.format('contested_claims')} UNION ALL "
    "SELECT 'name', 0, NULL, alias_key, registry_key, 0, 0 FROM registry_aliases WHERE alias_key > ''"
    " UNION ALL "
    "SELECT 'known', 0, credits.id, state.status, '', credits.key, 0 FROM credits"
    " JOIN credit_states AS state ON state.credit = credits.key WHERE credits.id IN ({})"
)
LOOK_UP: Final = {
    "sqlite": "WITH named AS (SELECT json_extract(value, '$[0]') AS registry_key,"
    " json_extract(value, '$[1]') AS serial_key FROM json_each(?)),"
    " asked AS (SELECT json_extract(value, '$[0]') AS n, json_extract(value, '$[1]') AS series,"
    " json_extract(value, '$[2]') AS first, json_extract(value, '$[3]') AS last FROM json_each(?)),"
    " freed AS (SELECT value AS credit FROM json_each(?))," + _LOOK_UP,
    "postgresql": "WITH named AS (SELECT value->>0 AS registry_key, value->>1 AS serial_key"
    " FROM jsonb_array_elements(?::jsonb) AS value),"
    " asked AS (SELECT (value->>0)::bigint AS n, value->>1 AS series, (value->>2)::bigint AS first,"
    " (value->>3)::bigint AS last FROM jsonb_array_elements(?::jsonb) AS value),"
    " freed AS (SELECT value::bigint AS credit FROM jsonb_array_elements_text(?::jsonb) AS value),"
    + _LOOK_UP,
}

# The project, registry, vintage and quantity of the lots with some ids. `{}` is one `?` for each id.
LOTS_OF: Final = (
    "SELECT credits.id, state.project_key, state.registry_key, state.vintage, state.quantity_e4 FROM credits"
    " JOIN credit_states AS state ON state.credit = credits.key"
    " WHERE credits.id IN ({}) AND credits.parent IS NOT NULL"
)
# The key of a subject, and the lowest key of all; then its last entry.
SUBJECT: Final = (
    "SELECT (SELECT key FROM subjects WHERE name = ?), (SELECT coalesce(min(key), 0) FROM subjects)"
)
LAST_ENTRY: Final = "SELECT seq, hash, body FROM events WHERE subject = ? ORDER BY seq DESC LIMIT 1"
KEYS_OF: Final = "SELECT id, key FROM credits WHERE id IN ({})"
# The states of the credits whose keys are in a JSON array.
_STATES: Final = "SELECT credit, registry_key, vintage, status, quantity_e4 FROM credit_states"
STATES_OF: Final = {
    "sqlite": f"{_STATES} WHERE credit IN (SELECT value FROM json_each(?))",
    "postgresql": f"{_STATES} WHERE credit = ANY (ARRAY("
    "SELECT value::bigint FROM jsonb_array_elements_text(?::jsonb) AS value))",
}
# The reversals of sales of the credits whose keys are in a JSON array.
_REVERSALS: Final = "SELECT subject, seq FROM events WHERE type = 'SALE_REVERSED' AND subject"
REVERSALS_OF: Final = {
    "sqlite": f"{_REVERSALS} IN (SELECT value FROM json_each(?))",
    "postgresql": f"{_REVERSALS} = ANY (ARRAY("
    "SELECT value::bigint FROM jsonb_array_elements_text(?::jsonb) AS value))",
}

INSERT_EVENT: Final = "INSERT INTO events (subject, seq, type, hash, body) VALUES (?, ?, ?, ?, ?)"
INSERT_SPLIT: Final = "INSERT INTO splits (subject, envelope) VALUES (?, ?)"
INSERT_POSITION: Final = "INSERT INTO feed (position, subject, seq, type) VALUES (?, ?, ?, ?)"
INSERT_STATE: Final = (
    "INSERT INTO credit_states (created_position, credit, status, vintage, quantity_e4, project_key,"
    " registry_key, serial_key, search_text, created_at, changed_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
# Adds the credits recorded from one position on to SQLite's search index.
INDEX_FOR_SEARCH: Final = (
    "INSERT INTO credit_search (rowid, search_text)"
    " SELECT created_position, search_text FROM credit_states WHERE created_position >= ?"
)
# The registry of a claim is keyed by the name that is no alias. Where rows are copied, a trigger does this.
INSERT_CLAIM: Final = (
    "INSERT INTO serial_claims (registry_key, serial_key, credit)"
    " SELECT coalesce(names.registry_key, asked.registry_key), asked.serial_key, asked.credit"
    " FROM (SELECT CAST(? AS TEXT) AS registry_key, CAST(? AS TEXT) AS serial_key,"
    " CAST(? AS BIGINT) AS credit) AS asked"
    " LEFT JOIN registry_aliases AS names ON names.alias_key = asked.registry_key"
)
INSERT_BLOCK: Final = (
    "INSERT INTO serial_blocks (credit, series, first, last, size_class, is_held) VALUES (?, ?, ?, ?, ?, ?)"
)
# For a lot, or a credit that is older than the rule: it holds the serial number only if it is free.
INSERT_FREE_CLAIM: Final = f"{INSERT_CLAIM} WHERE 1 = 1 ON CONFLICT (registry_key, serial_key) DO NOTHING"
# Held blocks of a series do not overlap, so only the last one that begins before the end can conflict.
INSERT_BLOCK_HELD_IF_FREE: Final = (
    "INSERT INTO serial_blocks (credit, series, first, last, size_class, is_held)"
    " SELECT asked.credit, asked.series, asked.first, asked.last, asked.size_class,"
    " CASE WHEN (SELECT held.last FROM serial_blocks AS held WHERE held.series = asked.series"
    " AND held.is_held = 1 AND held.first <= asked.last ORDER BY held.first DESC LIMIT 1) >= asked.first"
    " THEN 0 ELSE 1 END"
    " FROM (SELECT CAST(? AS BIGINT) AS credit, CAST(? AS TEXT) AS series, CAST(? AS BIGINT) AS first,"
    " CAST(? AS BIGINT) AS last, CAST(? AS SMALLINT) AS size_class) AS asked"
)
INSERT_REGISTRY: Final = (
    "INSERT INTO registries (registry_key, name) VALUES (?, ?) ON CONFLICT (registry_key) DO NOTHING"
)
ADD_TO_TOTAL: Final = (
    "INSERT INTO totals (registry_key, vintage, status, credits, quantity_e4) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (registry_key, vintage, status) DO UPDATE SET credits = totals.credits + excluded.credits,"
    " quantity_e4 = totals.quantity_e4 + excluded.quantity_e4"
)
REMEMBER_PARTY: Final = (
    "INSERT INTO parties (role, name_key, name, last_position) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (role, name_key) DO UPDATE SET last_position = excluded.last_position"
)
# `{}` is the assignment of one or more columns.
CHANGE_STATE: Final = "UPDATE credit_states SET {} WHERE credit = ?"

FIND_KEY: Final = (
    "SELECT fingerprint, made_at, kind, status, ids, position FROM idempotency_keys"
    " WHERE actor = ? AND key = ?"
)
STORE_KEY: Final = (
    "INSERT INTO idempotency_keys (actor, key, fingerprint, made_at, kind, status, ids, position)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (actor, key) DO UPDATE"
    " SET fingerprint = excluded.fingerprint, made_at = excluded.made_at, kind = excluded.kind,"
    " status = excluded.status, ids = excluded.ids, position = excluded.position"
)
# Whether there is a user, or the account log says that there was one.
ANY_USER: Final = "SELECT 1 FROM users LIMIT 1"
EVER_A_USER: Final = (
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM users)"
    " OR EXISTS (SELECT 1 FROM account_log WHERE act IN ('USER_ADDED', 'USER_FOUND'))"
)
FIND_TOKEN: Final = (
    "SELECT id, name, role, secret_hash, added_by, added_at, expires_at, mac, last_used_at FROM tokens"
    " WHERE secret_hash = ? AND revoked_at IS NULL AND expires_at > ?"
)
FIND_SESSION: Final = (
    "SELECT sessions.secret_hash, sessions.user_id, sessions.started_at, sessions.expires_at, sessions.mac,"
    " users.name, users.role, users.password_given_at, sessions.seen_at"
    " FROM sessions JOIN users ON users.id = sessions.user_id"
    " WHERE sessions.secret_hash = ? AND sessions.expires_at > ? AND sessions.seen_at > ?"
    " AND users.disabled_at IS NULL"
)
# The end of the account log: its last position and time, and the text of the last event of the ledger.
ACCOUNT_LOG_HEAD: Final = (
    "SELECT (SELECT coalesce(max(position), 0) FROM account_log), coalesce((SELECT recorded_at FROM"
    " account_log ORDER BY position DESC LIMIT 1), ''), (SELECT events.body FROM feed JOIN events"
    " ON events.subject = feed.subject AND events.seq = feed.seq ORDER BY feed.position DESC LIMIT 1)"
)
# Whether an entry accounts for a row from before the codes of rows.
FOUND_ENTRY: Final = (
    "SELECT 1 FROM account_log WHERE act = ? AND subject = ? AND data = ?"
    " AND position < (SELECT min(position) FROM account_log WHERE act = 'HISTORY_FOUND')"
)
# The current role. On PostgreSQL the row is locked against changes until the transaction ends.
_ROLE_OF_USER: Final = "SELECT role FROM users WHERE id = ? AND disabled_at IS NULL"
_ROLE_OF_TOKEN: Final = "SELECT role FROM tokens WHERE id = ? AND revoked_at IS NULL AND expires_at > ?"
ROLE_OF_USER: Final = {"sqlite": _ROLE_OF_USER, "postgresql": f"{_ROLE_OF_USER} FOR SHARE"}
ROLE_OF_TOKEN: Final = {"sqlite": _ROLE_OF_TOKEN, "postgresql": f"{_ROLE_OF_TOKEN} FOR SHARE"}


def fetch(connection: Connection, statement: str | Mapping[str, str], *parameters: object) -> list[Row]:
    """Return all rows of a statement."""
    return fetch_each(connection, (statement, parameters))[0]


def fetch_each(
    connection: Connection, *queries: tuple[str | Mapping[str, str], Parameters]
) -> list[list[Row]]:
    """Return all rows of each statement. PostgreSQL gets them, and a BEGIN before, in one round trip."""
    driver = _driver(connection)
    texts = [(_spelled(connection, statement), parameters) for statement, parameters in queries]
    try:
        if not isinstance(driver, psycopg.Connection) or (len(texts) == 1 and not _is_beginning(driver)):
            return [driver.execute(*text).fetchall() for text in texts]
        with driver.pipeline():
            cursors = [driver.execute(*text) for text in texts]
        return [cursor.fetchall() for cursor in cursors]
    except (sqlite3.Error, psycopg.Error) as error:
        raise _as_sqlalchemy(connection, texts[0][0], error) from error


def _is_beginning(driver: "psycopg.Connection[Row]") -> bool:
    """Return whether psycopg would send a BEGIN, and wait for it, before the next statement."""
    return not driver.autocommit and driver.info.transaction_status is psycopg.pq.TransactionStatus.IDLE


def stream(connection: Connection, statement: str, *parameters: object) -> Generator[Row, None, None]:
    """Yield the rows of a statement. Close the generator if it is not read to its end.

    SQLite computes each row when it is read; from PostgreSQL all rows are fetched at once.
    """
    text = _spelled(connection, statement)
    try:
        with closing(_driver(connection).execute(text, parameters)) as cursor:
            yield from cursor
    except (sqlite3.Error, psycopg.Error) as error:
        raise _as_sqlalchemy(connection, text, error) from error


def send(connection: Connection, statement: str, rows: Sequence[Parameters]) -> None:
    """Execute a statement once for each row of parameters. Raises sqlalchemy.exc.DBAPIError."""
    text = _spelled(connection, statement)
    try:
        if len(rows) == 1:
            _driver(connection).execute(text, rows[0])
        elif rows:
            _driver(connection).cursor().executemany(text, rows)
    except (sqlite3.Error, psycopg.Error) as error:
        raise _as_sqlalchemy(connection, text, error) from error


@contextmanager
def pipelined(connection: Connection) -> Iterator[None]:
    """Pipeline the statements in this context on PostgreSQL. An error may be raised only at the end.

    Only `fetch` and `send` may be used in it, and not COPY (see ``bulk_insert``). Does nothing on SQLite.
    """
    if connection.dialect.name == "sqlite":
        yield
        return
    try:
        with _driver(connection).pipeline():
            yield
    except psycopg.Error as error:
        raise _as_sqlalchemy(connection, "one of several statements", error) from error


def as_json(values: object) -> str:
    """Return a list as the parameter of a statement that takes a JSON array."""
    return json.dumps(values, ensure_ascii=False)


def _driver(connection: Connection) -> Any:  # noqa: ANN401 - of sqlite3 or psycopg, which agree on this
    return connection.connection.driver_connection


def _as_sqlalchemy(connection: Connection, text: str, error: Exception) -> BaseException:
    """Return the SQLAlchemy exception for a driver's exception, as SQLAlchemy itself would raise it."""
    kind = sqlite3.Error if isinstance(error, sqlite3.Error) else psycopg.Error
    return DBAPIError.instance(text, None, error, kind, dialect=connection.dialect, hide_parameters=True)


def _spelled(connection: Connection, statement: str | Mapping[str, str]) -> str:
    dialect = connection.dialect.name
    text = statement if isinstance(statement, str) else statement[dialect]
    return text if dialect == "sqlite" else _for_postgresql(text)


@lru_cache(maxsize=1000)
def _for_postgresql(text: str) -> str:
    return text.replace("?", "%s")
