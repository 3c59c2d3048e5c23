"""The triggers of SQLite by which it refuses a rewritten history: the half of ``guards`` that is its own."""

from typing import Final

from webapp.domain.events import NO_HASH
from webapp.ledger.guarded import APPEND_ONLY, FOLLOWS


def _sqlite_append_only(table: str, verb: str) -> str:
    return f"""
CREATE TRIGGER {table}_refuse_{verb.lower()} BEFORE {verb} ON {table}
BEGIN
  SELECT RAISE(ABORT, 'ledger: {verb} of {table} is refused, the log is append-only');
END"""


def _sqlite_e4(decimal: str) -> str:
    """Return SQL for the ten-thousandths of a decimal text; CAST alone takes 1e3 or 1t for 1."""
    return (
        f"CAST(substr({decimal}, 1, instr({decimal} || '.', '.') - 1) AS INTEGER) * 10000"
        f" + CAST(substr(substr({decimal}, instr({decimal} || '.', '.') + 1) || '0000', 1, 4) AS INTEGER)"
    )


def _sqlite_text(e4: str) -> str:
    """Return SQL for the decimal text of ten-thousandths, as the domain writes it."""
    return f"({e4} / 10000) || rtrim(rtrim(printf('.%04d', {e4} % 10000), '0'), '.')"


# By name. A BEFORE INSERT guard on every unique key stops INSERT OR REPLACE, which would delete
# the row in its way without firing a DELETE trigger.
SQLITE_TRIGGERS: Final[dict[str, str]] = {
    **{
        f"{table}_refuse_{verb.lower()}": _sqlite_append_only(table, verb)
        for table in APPEND_ONLY
        for verb in ("UPDATE", "DELETE")
    },
    "events_guard_insert": f"""
CREATE TRIGGER events_guard_insert BEFORE INSERT ON events
BEGIN
  SELECT RAISE(ABORT, 'ledger: this event is recorded already')
   WHERE EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.credit_id AND seq = NEW.seq);
  SELECT RAISE(ABORT, 'ledger: the first event of a credit must be CREATED with seq 1')
   WHERE NOT EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.credit_id)
     AND NOT (NEW.seq IS 1 AND NEW.type IS 'CREATED' AND NEW.prev_hash IS '{NO_HASH}');
  SELECT RAISE(ABORT, 'ledger: this event may not follow the last one of its credit')
   WHERE EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.credit_id)
     AND NOT EXISTS (
       SELECT 1 FROM events AS last
        WHERE last.credit_id = NEW.credit_id
          AND last.seq = (SELECT max(seq) FROM events WHERE credit_id = NEW.credit_id)
          AND NEW.seq = last.seq + 1
          AND NEW.prev_hash = last.hash
          AND NEW.recorded_at >= last.recorded_at
          AND (last.type, NEW.type) IN (VALUES {FOLLOWS}));
  SELECT RAISE(ABORT, 'ledger: a split and its lots are recorded by a row of splits')
   WHERE (NEW.type = 'SPLIT' OR json_extract(NEW.body, '$.data.parent') IS NOT NULL)
     AND NOT EXISTS (
       SELECT 1 FROM splits, json_each(splits.envelope) AS sealed
        WHERE splits.credit_id = coalesce(json_extract(NEW.body, '$.data.parent'), NEW.credit_id)
          AND json_extract(sealed.value, '$.hash') = NEW.hash);
  SELECT RAISE(ABORT, 'ledger: only a cancelled credit can be replaced')
   WHERE NEW.type = 'CREATED' AND json_extract(NEW.body, '$.data.replaces') IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM events WHERE type = 'CANCELLED'
                     AND credit_id = json_extract(NEW.body, '$.data.replaces'));
END""",
    # A quantity must read back as the text that it was: CAST alone takes 1e3 or 1t for 1. Nothing is
    # left to the constraints of credits: under INSERT OR FAIL they would stop the credit but keep
    # its event, whereas RAISE(ABORT) takes back both whatever the statement says.
    "events_make_credit": f"""
CREATE TRIGGER events_make_credit AFTER INSERT ON events WHEN NEW.type = 'CREATED'
BEGIN
  INSERT INTO credits (id, project_name, registry, vintage, quantity_e4, serial_number,
                       parent, offset_e4, replaces)
  SELECT NEW.credit_id, json_extract(NEW.body, '$.data.project_name'),
         json_extract(NEW.body, '$.data.registry'), json_extract(NEW.body, '$.data.vintage'),
         quantity_e4, json_extract(NEW.body, '$.data.serial_number'),
         json_extract(NEW.body, '$.data.parent'), offset_e4,
         json_extract(NEW.body, '$.data.replaces')
    FROM (SELECT quantity, {_sqlite_e4("quantity")} AS quantity_e4,
                 place, {_sqlite_e4("place")} AS offset_e4
            FROM (SELECT json_extract(NEW.body, '$.data.quantity') AS quantity,
                         json_extract(NEW.body, '$.data.offset') AS place))
   WHERE json_type(NEW.body, '$.data.project_name') = 'text'
     AND json_type(NEW.body, '$.data.registry') = 'text'
     AND json_type(NEW.body, '$.data.vintage') = 'integer'
     AND json_extract(NEW.body, '$.data.vintage') BETWEEN 1990 AND 2100
     AND json_type(NEW.body, '$.data.quantity') = 'text'
     AND coalesce(json_type(NEW.body, '$.data.serial_number'), 'text') = 'text'
     AND coalesce(json_type(NEW.body, '$.data.replaces'), 'text') = 'text'
     AND json_type(NEW.body, '$.data.parent') IS json_type(NEW.body, '$.data.offset')
     AND coalesce(json_type(NEW.body, '$.data.parent'), 'text') = 'text'
     AND quantity = {_sqlite_text("quantity_e4")}
     AND quantity_e4 BETWEEN 1 AND 1000000000000
     AND (place IS NULL OR place = {_sqlite_text("offset_e4")});
  SELECT RAISE(ABORT, 'ledger: a CREATED event must state its credit')
   WHERE NOT EXISTS (SELECT 1 FROM credits WHERE id = NEW.credit_id);
END""",
    "splits_guard_insert": """
CREATE TRIGGER splits_guard_insert BEFORE INSERT ON splits
BEGIN
  SELECT RAISE(ABORT, 'ledger: this credit is split already')
   WHERE EXISTS (SELECT 1 FROM splits WHERE credit_id = NEW.credit_id);
END""",
    "splits_make_lots": """
CREATE TRIGGER splits_make_lots AFTER INSERT ON splits
BEGIN
  INSERT INTO events (credit_id, seq, type, actor, recorded_at, prev_hash, hash, body)
  SELECT json_extract(body, '$.credit'), json_extract(body, '$.seq'), json_extract(body, '$.type'),
         json_extract(body, '$.actor'), json_extract(body, '$.recorded_at'),
         json_extract(body, '$.prev_hash'), hash, body
    FROM (SELECT key, json_extract(value, '$.hash') AS hash, json_extract(value, '$.body') AS body
            FROM json_each(NEW.envelope))
   ORDER BY key;
  SELECT RAISE(ABORT, 'ledger: the lots must partition their parent')
   WHERE NOT EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.credit_id AND type = 'SPLIT')
      OR (SELECT count(*) FROM credits WHERE parent = NEW.credit_id) < 2
      OR (SELECT sum(quantity_e4) FROM credits WHERE parent = NEW.credit_id)
         IS NOT (SELECT quantity_e4 FROM credits WHERE id = NEW.credit_id)
      OR EXISTS (SELECT 1 FROM credits AS lot JOIN credits AS whole ON whole.id = lot.parent
                  WHERE lot.parent = NEW.credit_id
                    AND ((lot.project_name, lot.registry, lot.vintage)
                         <> (whole.project_name, whole.registry, whole.vintage)
                         OR lot.offset_e4
                            <> (SELECT coalesce(sum(before.quantity_e4), 0) FROM credits AS before
                                 WHERE before.parent = NEW.credit_id
                                   AND before.offset_e4 < lot.offset_e4)))
      OR (SELECT count(*) FROM events JOIN credits ON id = credit_id
           WHERE parent = NEW.credit_id AND seq = 2 AND type = 'SOLD')
         IS NOT (SELECT count(*) FROM credits WHERE parent = NEW.credit_id AND EXISTS (
                   SELECT 1 FROM events WHERE credit_id = NEW.credit_id AND type = 'SOLD'));
  SELECT RAISE(ABORT, 'ledger: a split must state the quantities of its lots')
   WHERE (SELECT json_array_length(body, '$.data.quantities') FROM events
           WHERE credit_id = NEW.credit_id AND type = 'SPLIT')
         IS NOT (SELECT count(*) FROM credits WHERE parent = NEW.credit_id)
      OR EXISTS (
        SELECT 1
          FROM (SELECT row_number() OVER (ORDER BY offset_e4) - 1 AS place,
                       json_extract(body, '$.data.quantity') AS quantity
                  FROM credits JOIN events ON credit_id = id AND seq = 1
                 WHERE parent = NEW.credit_id) AS lot
          LEFT JOIN (SELECT stated.key, stated.type, stated.value
                       FROM events, json_each(events.body, '$.data.quantities') AS stated
                      WHERE events.credit_id = NEW.credit_id AND events.type = 'SPLIT') AS stated
            ON stated.key = lot.place
         WHERE stated.type IS NOT 'text' OR stated.value IS NOT lot.quantity);
END""",
    "credits_guard_insert": """
CREATE TRIGGER credits_guard_insert BEFORE INSERT ON credits
BEGIN
  SELECT RAISE(ABORT, 'ledger: this credit is recorded already')
   WHERE EXISTS (SELECT 1 FROM credits WHERE id = NEW.id)
      OR EXISTS (SELECT 1 FROM credits WHERE parent = NEW.parent AND offset_e4 = NEW.offset_e4);
  SELECT RAISE(ABORT, 'ledger: this credit is replaced already')
   WHERE EXISTS (SELECT 1 FROM credits WHERE replaces = NEW.replaces);
  SELECT RAISE(ABORT, 'ledger: a credit is made by its CREATED event')
   WHERE NOT EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.id AND seq = 1);
END""",
    "feed_guard_insert": """
CREATE TRIGGER feed_guard_insert BEFORE INSERT ON feed
BEGIN
  SELECT RAISE(ABORT, 'ledger: the positions of the feed have no gaps')
   WHERE NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM feed);
  SELECT RAISE(ABORT, 'ledger: this event has its position already')
   WHERE EXISTS (SELECT 1 FROM feed WHERE credit_id = NEW.credit_id AND seq = NEW.seq);
  SELECT RAISE(ABORT, 'ledger: there is no such event')
   WHERE NOT EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.credit_id
                     AND seq = NEW.seq AND type = NEW.type);
END""",
    "account_log_guard_insert": """
CREATE TRIGGER account_log_guard_insert BEFORE INSERT ON account_log
BEGIN
  SELECT RAISE(ABORT, 'ledger: the positions of the log of accounts have no gaps')
   WHERE NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM account_log);
END""",
    # No number of a series is held twice: PostgreSQL's exclusion constraint, as triggers. The row
    # itself may be in its own way only where it is updated.
    **{
        f"serial_blocks_guard_{verb.lower()}": f"""
CREATE TRIGGER serial_blocks_guard_{verb.lower()} BEFORE {verb} ON serial_blocks
BEGIN
  SELECT RAISE(ABORT, 'ledger: this block is held already, or a part of it is')
   WHERE EXISTS (SELECT 1 FROM serial_blocks WHERE series = NEW.series
                 AND first <= NEW.last AND last >= NEW.first{but_itself})
      OR EXISTS (SELECT 1 FROM serial_blocks WHERE credit_id = NEW.credit_id{but_itself});
END"""
        for verb, but_itself in (("INSERT", ""), ("UPDATE", " AND credit_id <> OLD.credit_id"))
    },
}

# The search index of SQLite: a full-text table of trigrams, one row a credit. Derived.
SQLITE_SEARCH: Final = (
    "CREATE VIRTUAL TABLE credit_search USING fts5"
    "(search_key, tokenize = 'trigram case_sensitive 1',"
    " content = 'credit_states', content_rowid = 'created_position')"
)
