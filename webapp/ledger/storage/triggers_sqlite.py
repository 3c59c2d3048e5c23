"""The triggers of SQLite that keep the log append-only and consistent.

They must hold for any client, although a plain SQLite client has `foreign_keys` and
`recursive_triggers` off, INSERT OR REPLACE deletes a conflicting row without firing its DELETE trigger
and applies its conflict clause to the inserts of triggers as well, and a column accepts values of any
type. So a BEFORE INSERT trigger checks every unique key of a log table, and refuses with RAISE(ABORT),
which rolls the whole statement back under every conflict clause.

Event texts are parsed with few calls: `json_extract` with several paths returns one JSON array, which
is compared with the expected array, including types.
"""

import json
from typing import Final

from webapp.domain.event import NO_PREVIOUS_HASH
from webapp.ledger.storage import triggers_transparency
from webapp.ledger.storage.trigger_rules import (
    ALLOWED_TRANSITIONS,
    AMENDABLE_KEYS,
    APPEND_ONLY,
    NO_WORDS,
    SUBJECTS,
)


def _refuse_change(table: str, verb: str) -> str:
    return f"""
CREATE TRIGGER {table}_refuse_{verb.lower()} BEFORE {verb} ON {table}
BEGIN
  SELECT RAISE(ABORT, 'ledger: {verb} of {table} is refused, the log is append-only');
END"""


# SQLite before 3.41 has no `unhex`. But `hex` of two hexadecimal digits gives four decimal digits, such as
# 3666 for `6f`, and these 256 numbers are distinct modulo 380. So the remainder is the index of the byte in
# this constant.
_MODULUS: Final = 380
_BYTES: Final = bytearray(_MODULUS)
for _byte in range(256):
    _BYTES[int(f"{_byte:02x}".encode().hex()) % _MODULUS] = _byte
# The starts of groups of 16 decimal digits, each of which gives four bytes.
_NUMBERS: Final = json.dumps(list(range(1, 129, 16)))


def _bytes_of(digits: str) -> str:
    """Return SQL for the 32 bytes of 64 lower-case hexadecimal digits; NULL for any other value.

    `digits` must not be the name of a column of json_each, such as `id`.
    """
    four = " || ".join(
        f"substr(X'{_BYTES.hex()}', number / {divisor} % 10000 % {_MODULUS} + 1, 1)"
        for divisor in (10**12, 10**8, 10**4, 1)
    )
    return (
        f"(SELECT bytes FROM (SELECT CAST(group_concat({four}, '') AS BLOB) AS bytes"
        f" FROM (SELECT substr(decimals, value, 16) + 0 AS number"
        f" FROM (SELECT hex({digits}) AS decimals LIMIT 1), json_each('{_NUMBERS}') LIMIT -1))"
        f" WHERE lower(hex(bytes)) = {digits})"
    )


def _key_of(digits: str) -> str:
    """Return SQL for the key of the credit with this id; NULL if there is none."""
    key = f"SELECT key FROM credits AS other WHERE other.id = {_bytes_of(digits)}"
    return f"CASE WHEN {digits} IS NOT NULL THEN ({key}) END"


def _e4_of(decimal: str) -> str:
    """Return SQL for a decimal text in ten-thousandths. `_text_of` checks that the text was decimal."""
    return f"CAST(round({decimal} * 10000) AS INTEGER)"


def _text_of(e4: str) -> str:
    """Return SQL for the decimal text of ten-thousandths, as ``fields.quantity_text`` writes it."""
    return f"rtrim(rtrim(printf('%d.%04d', {e4} / 10000, {e4} % 10000), '0'), '.')"


# The events in the envelope of a split, in order.
_SEALED: Final = (
    "SELECT key AS place, json_extract(value, '$.hash') AS hash, json_extract(value, '$.body') AS body"
    " FROM json_each(NEW.envelope)"
)

# The format of `recorded_at`, as a GLOB pattern.
_TIME: Final = "0000-00-00T00:00:00.000000Z".replace("0", "[0-9]")

# Canonical texts have no \u escapes. An escape could contain half a surrogate pair, which no program could
# decode. Escaped backslashes are removed first, because a u after one is not an escape.
_HAS_ESCAPES: Final = r"instr(replace(NEW.body, '\\', ''), '\u') > 0"

# Facts beside the identity: if an event has them, they are an object of texts.
_HAS_FACTS: Final = (
    "(json_type(NEW.body, '$.data.facts') = 'object' AND NOT EXISTS"
    " (SELECT 1 FROM json_each(NEW.body, '$.data.facts') WHERE json_each.type <> 'text'))"
)

# How the subject of an entry begins, up to its slash.
_PREFIX: Final = (
    "substr(json_extract(NEW.body, '$.subject'), 1, instr(json_extract(NEW.body, '$.subject'), '/'))"
)

# By name.
SQLITE_TRIGGERS: Final[dict[str, str]] = {
    **{
        f"{table}_refuse_{verb.lower()}": _refuse_change(table, verb)
        for table in APPEND_ONLY
        for verb in ("UPDATE", "DELETE")
    },
    # The next subject is the highest plus one, so it cannot have an event yet.
    "events_guard_first": f"""
CREATE TRIGGER events_guard_first BEFORE INSERT ON events WHEN NEW.type IS 'CREATED'
BEGIN
  SELECT CASE
    WHEN NEW.subject IS NOT (SELECT max(coalesce(max(subject), 0), 0) + 1 FROM events)
      THEN RAISE(ABORT, 'ledger: only the first event of a credit is CREATED, and its key is the next')
    WHEN NEW.seq IS NOT 1
      THEN RAISE(ABORT, 'ledger: the first event of a credit must be CREATED with seq 1')
    WHEN typeof(NEW.hash) <> 'blob' OR typeof(NEW.body) <> 'text' OR NOT json_valid(NEW.body)
      OR {_HAS_ESCAPES}
      OR json_extract(NEW.body, '$.v', '$.seq', '$.type', '$.prev_hash')
         IS NOT '[1,1,"CREATED","{NO_PREVIOUS_HASH}"]'
      OR json_type(NEW.body, '$.actor') IS NOT 'text'
      OR json_extract(NEW.body, '$.recorded_at') GLOB '{_TIME}' IS NOT 1
      THEN RAISE(ABORT, 'ledger: the text of an event must agree with its row')
  END;
END""",
    "events_guard_next": f"""
CREATE TRIGGER events_guard_next BEFORE INSERT ON events WHEN NEW.type IS NOT 'CREATED' AND NEW.subject >= 0
BEGIN
  SELECT CASE
    WHEN NOT EXISTS (SELECT 1 FROM events WHERE subject = NEW.subject)
      THEN RAISE(ABORT, 'ledger: the first event of a credit must be CREATED with seq 1')
    WHEN EXISTS (SELECT 1 FROM events WHERE subject = NEW.subject AND seq = NEW.seq)
      THEN RAISE(ABORT, 'ledger: this event is recorded already')
    WHEN typeof(NEW.hash) <> 'blob' OR typeof(NEW.body) <> 'text' OR NOT json_valid(NEW.body)
      OR {_HAS_ESCAPES}
      OR json_extract(NEW.body, '$.v', '$.credit', '$.seq', '$.type') IS NOT
         (SELECT json_array(1, lower(hex(id)), NEW.seq, NEW.type) FROM credits WHERE key = NEW.subject)
      OR json_type(NEW.body, '$.actor') IS NOT 'text'
      OR json_extract(NEW.body, '$.recorded_at') GLOB '{_TIME}' IS NOT 1
      THEN RAISE(ABORT, 'ledger: the text of an event must agree with its row')
    WHEN NOT EXISTS (
      SELECT 1 FROM events AS last
       WHERE last.subject = NEW.subject
         AND last.seq = (SELECT max(seq) FROM events WHERE subject = NEW.subject)
         AND NEW.seq = last.seq + 1
         AND json_extract(NEW.body, '$.prev_hash') = lower(hex(last.hash))
         AND json_extract(NEW.body, '$.recorded_at') >= json_extract(last.body, '$.recorded_at')
         AND CASE WHEN NEW.type = 'AMENDED' THEN EXISTS (
               SELECT 1 FROM events AS amended
                WHERE amended.subject = NEW.subject
                  AND amended.seq = json_extract(NEW.body, '$.data.amends')
                  AND json_type(NEW.body, '$.data.amends') = 'integer'
                  AND EXISTS (SELECT 1 FROM json_each(NEW.body, '$.data') WHERE key NOT IN ({NO_WORDS}))
                  AND NOT EXISTS (SELECT 1 FROM json_each(NEW.body, '$.data')
                                   WHERE key NOT IN ({NO_WORDS})
                                     AND (amended.type, key) NOT IN (VALUES {AMENDABLE_KEYS})))
             ELSE (CASE WHEN last.type <> 'AMENDED' THEN last.type ELSE (
                     SELECT type FROM events WHERE subject = NEW.subject AND type <> 'AMENDED'
                      ORDER BY seq DESC LIMIT 1) END, NEW.type) IN (VALUES {ALLOWED_TRANSITIONS}) END)
      THEN RAISE(ABORT, 'ledger: this event may not follow the last one of its credit')
    WHEN json_type(NEW.body, '$.data.facts') IS NOT NULL AND NOT {_HAS_FACTS}
      THEN RAISE(ABORT, 'ledger: the facts of an event are an object of texts')
    WHEN NEW.type = 'SPLIT' AND NOT EXISTS (SELECT 1 FROM splits WHERE subject = NEW.subject)
      THEN RAISE(ABORT, 'ledger: a split and its lots are recorded by a row of splits')
  END;
END""",
    # An entry about another subject than a credit.
    "events_guard_entry": f"""
CREATE TRIGGER events_guard_entry BEFORE INSERT ON events WHEN NEW.subject < 0
BEGIN
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM events WHERE subject = NEW.subject AND seq = NEW.seq)
      THEN RAISE(ABORT, 'ledger: this event is recorded already')
    WHEN typeof(NEW.hash) <> 'blob' OR typeof(NEW.body) <> 'text' OR NOT json_valid(NEW.body)
      OR {_HAS_ESCAPES}
      OR json_extract(NEW.body, '$.v', '$.seq', '$.type') IS NOT json_array(1, NEW.seq, NEW.type)
      OR json_type(NEW.body, '$.subject') IS NOT 'text'
      OR (NEW.type, {_PREFIX}) NOT IN (VALUES {SUBJECTS})
      OR json_type(NEW.body, '$.data') IS NOT 'object'
      OR json_type(NEW.body, '$.actor') IS NOT 'text'
      OR json_extract(NEW.body, '$.recorded_at') GLOB '{_TIME}' IS NOT 1
      THEN RAISE(ABORT, 'ledger: the text of an event must agree with its row')
    WHEN NEW.seq = 1 AND (
         NEW.subject IS NOT (SELECT min(coalesce(min(subject), 0), 0) - 1 FROM events)
      OR json_extract(NEW.body, '$.prev_hash') IS NOT '{NO_PREVIOUS_HASH}'
      OR EXISTS (SELECT 1 FROM subjects WHERE name = json_extract(NEW.body, '$.subject')))
      THEN RAISE(ABORT, 'ledger: a new subject has the next key, and a name of its own')
    WHEN NEW.seq IS NOT 1 AND NOT EXISTS (
      SELECT 1 FROM events AS last JOIN subjects ON subjects.key = last.subject
       WHERE last.subject = NEW.subject
         AND last.seq = (SELECT max(seq) FROM events WHERE subject = NEW.subject)
         AND NEW.seq = last.seq + 1
         AND json_extract(NEW.body, '$.subject') = subjects.name
         AND json_extract(NEW.body, '$.prev_hash') = lower(hex(last.hash))
         AND json_extract(NEW.body, '$.recorded_at') >= json_extract(last.body, '$.recorded_at'))
      THEN RAISE(ABORT, 'ledger: this event may not follow the last one of its subject')
  END;
END""",
    "events_make_subject": """
CREATE TRIGGER events_make_subject AFTER INSERT ON events WHEN NEW.subject < 0 AND NEW.seq = 1
BEGIN
  INSERT INTO subjects (key, name) VALUES (NEW.subject, json_extract(NEW.body, '$.subject'));
END""",
    "subjects_guard_insert": """
CREATE TRIGGER subjects_guard_insert BEFORE INSERT ON subjects
BEGIN
  SELECT CASE
    WHEN NOT EXISTS (SELECT 1 FROM events WHERE subject = NEW.key AND seq = 1 AND subject < 0)
      THEN RAISE(ABORT, 'ledger: a subject is made by its first event')
    WHEN EXISTS (SELECT 1 FROM subjects WHERE key = NEW.key)
      OR EXISTS (SELECT 1 FROM subjects WHERE name = NEW.name)
      THEN RAISE(ABORT, 'ledger: this subject is recorded already')
  END;
END""",
    # A quantity must convert back to the same text, because SQLite also converts 1e3 and 1t. The CHECK
    # constraints of credits are repeated here: under INSERT OR FAIL they would refuse the credit but keep
    # its event. LIMIT makes SQLite compute each value once.
    "events_make_credit": f"""
CREATE TRIGGER events_make_credit AFTER INSERT ON events WHEN NEW.type = 'CREATED'
BEGIN
  INSERT INTO credits (key, id, project_name, registry, vintage, quantity_e4, serial_number,
                       parent, offset_e4, replaces)
  SELECT NEW.subject, id, json_extract(NEW.body, '$.data.project_name'),
         json_extract(NEW.body, '$.data.registry'), vintage, quantity_e4,
         json_extract(NEW.body, '$.data.serial_number'), parent, offset_e4, replaces
    FROM (SELECT {_bytes_of("credit_id")} AS id, vintage, quantity, {_e4_of("quantity")} AS quantity_e4,
                 {_key_of("parent_id")} AS parent, place, {_e4_of("place")} AS offset_e4,
                 {_key_of("replaced_id")} AS replaces
            FROM (SELECT json_extract(NEW.body, '$.credit') AS credit_id,
                         json_extract(NEW.body, '$.data.vintage') AS vintage,
                         json_extract(NEW.body, '$.data.quantity') AS quantity,
                         json_extract(NEW.body, '$.data.parent') AS parent_id,
                         json_extract(NEW.body, '$.data.offset') AS place,
                         json_extract(NEW.body, '$.data.replaces') AS replaced_id LIMIT 1) LIMIT 1)
   WHERE id IS NOT NULL
     AND json_type(NEW.body, '$.data.project_name') = 'text'
     AND json_type(NEW.body, '$.data.registry') = 'text'
     AND json_type(NEW.body, '$.data.vintage') = 'integer' AND vintage BETWEEN 1990 AND 2100
     AND json_type(NEW.body, '$.data.quantity') = 'text' AND quantity = {_text_of("quantity_e4")}
     AND quantity_e4 BETWEEN 1 AND 1000000000000
     AND coalesce(json_type(NEW.body, '$.data.serial_number'), 'text') = 'text'
     AND (json_type(NEW.body, '$.data.parent') IS NULL) = (parent IS NULL)
     AND (json_type(NEW.body, '$.data.offset') IS NULL) = (parent IS NULL)
     AND (json_type(NEW.body, '$.data.replaces') IS NULL) = (replaces IS NULL)
     AND (place IS NULL OR place = {_text_of("offset_e4")})
     AND (json_type(NEW.body, '$.data.facts') IS NULL OR (parent IS NULL AND {_HAS_FACTS}));
  SELECT RAISE(ABORT, 'ledger: a CREATED event must state its credit')
   WHERE NOT EXISTS (SELECT 1 FROM credits WHERE key = NEW.subject);
END""",
    # The lots of a split are inserted in order, each starting where the previous one ends. So when they
    # cover the whole parent, no further lot fits.
    "credits_guard_insert": """
CREATE TRIGGER credits_guard_insert BEFORE INSERT ON credits
BEGIN
  SELECT CASE
    WHEN NOT EXISTS (SELECT 1 FROM events WHERE subject = NEW.key AND seq = 1 AND type = 'CREATED')
      THEN RAISE(ABORT, 'ledger: a credit is made by its CREATED event')
    WHEN EXISTS (SELECT 1 FROM credits WHERE key = NEW.key)
      OR EXISTS (SELECT 1 FROM credits WHERE id = NEW.id)
      THEN RAISE(ABORT, 'ledger: this credit is recorded already')
    WHEN NEW.replaces IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM events WHERE subject = NEW.replaces AND type = 'CANCELLED')
      THEN RAISE(ABORT, 'ledger: only a cancelled credit can be replaced')
    WHEN NEW.replaces IS NOT NULL AND EXISTS (SELECT 1 FROM credits WHERE replaces = NEW.replaces)
      THEN RAISE(ABORT, 'ledger: this credit is replaced already')
    WHEN NEW.parent IS NOT NULL AND NOT EXISTS (SELECT 1 FROM splits WHERE subject = NEW.parent)
      THEN RAISE(ABORT, 'ledger: a split and its lots are recorded by a row of splits')
    WHEN NEW.parent IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM credits AS whole
       WHERE whole.key = NEW.parent
         AND (whole.project_name, whole.registry, whole.vintage)
             = (NEW.project_name, NEW.registry, NEW.vintage)
         AND NEW.offset_e4 = coalesce((SELECT offset_e4 + quantity_e4 FROM credits
                                        WHERE parent = NEW.parent ORDER BY offset_e4 DESC LIMIT 1), 0)
         AND NEW.offset_e4 + NEW.quantity_e4 <= whole.quantity_e4)
      THEN RAISE(ABORT, 'ledger: the lots must partition their parent')
  END;
END""",
    "splits_guard_insert": """
CREATE TRIGGER splits_guard_insert BEFORE INSERT ON splits
BEGIN
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM splits WHERE subject = NEW.subject)
      THEN RAISE(ABORT, 'ledger: this credit is split already')
    WHEN NOT EXISTS (SELECT 1 FROM credits WHERE key = NEW.subject)
      OR typeof(NEW.envelope) <> 'text' OR NOT json_valid(NEW.envelope)
      THEN RAISE(ABORT, 'ledger: a row of splits holds the events of one split')
  END;
END""",
    # Each lot gets the next key, in the order of the envelope; its later events are found by its id. An
    # event of any other credit gets no key and is refused.
    "splits_make_lots": f"""
CREATE TRIGGER splits_make_lots AFTER INSERT ON splits
BEGIN
  INSERT INTO events (subject, seq, type, hash, body)
  SELECT CASE WHEN sealed.credit = (SELECT lower(hex(id)) FROM credits WHERE key = NEW.subject)
              THEN NEW.subject ELSE (SELECT max(subject) FROM events) + lot.number END,
         json_extract(body, '$.seq'), json_extract(body, '$.type'), {_bytes_of("hash")}, body
    FROM (SELECT place, hash, body, json_extract(body, '$.credit') AS credit
            FROM ({_SEALED}) LIMIT -1) AS sealed
    LEFT JOIN (SELECT json_extract(body, '$.credit') AS credit, row_number() OVER (ORDER BY place) AS number
                 FROM ({_SEALED}) WHERE json_extract(body, '$.type') = 'CREATED') AS lot USING (credit)
   ORDER BY place;
  SELECT RAISE(ABORT, 'ledger: the lots must partition their parent')
    FROM (SELECT count(*) AS lots, max(offset_e4 + quantity_e4) AS given_out,
                 (SELECT quantity_e4 FROM credits WHERE key = NEW.subject) AS whole,
                 (SELECT type FROM events WHERE subject = NEW.subject AND type NOT IN ('AMENDED', 'SPLIT')
                   ORDER BY seq DESC LIMIT 1) = 'SOLD' AS was_sold,
                 (SELECT count(*) FROM credits AS lot JOIN events ON subject = lot.key
                   WHERE parent = NEW.subject AND seq = 2 AND type = 'SOLD') AS sold_lots
            FROM credits WHERE parent = NEW.subject)
   WHERE lots < 2 OR given_out IS NOT whole OR sold_lots <> lots * was_sold
      OR json_array_length(NEW.envelope) <> 1 + lots + sold_lots
      OR NOT EXISTS (SELECT 1 FROM events WHERE subject = NEW.subject AND type = 'SPLIT');
  SELECT RAISE(ABORT, 'ledger: a split must state the quantities of its lots')
   WHERE (SELECT json_extract(body, '$.data.quantities') FROM events
           WHERE subject = NEW.subject AND type = 'SPLIT' AND json_type(body, '$.data.quantities') = 'array')
         IS NOT (SELECT json_group_array(json_extract(body, '$.data.quantity'))
                   FROM (SELECT body FROM credits JOIN events ON subject = key AND seq = 1
                          WHERE parent = NEW.subject ORDER BY offset_e4));
END""",
    "feed_guard_insert": """
CREATE TRIGGER feed_guard_insert BEFORE INSERT ON feed
BEGIN
  SELECT CASE
    WHEN NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM feed)
      THEN RAISE(ABORT, 'ledger: the positions of the feed have no gaps')
    WHEN EXISTS (SELECT 1 FROM feed WHERE subject = NEW.subject AND seq = NEW.seq)
      THEN RAISE(ABORT, 'ledger: this event has its position already')
    WHEN NEW.type IS NOT (SELECT type FROM events WHERE subject = NEW.subject AND seq = NEW.seq)
      THEN RAISE(ABORT, 'ledger: there is no such event')
  END;
END""",
    "log_marks_guard_insert": """
CREATE TRIGGER log_marks_guard_insert BEFORE INSERT ON log_marks
BEGIN
  SELECT RAISE(ABORT, 'ledger: a mark is set at the next position of the feed')
   WHERE NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM feed);
END""",
    "account_log_guard_insert": """
CREATE TRIGGER account_log_guard_insert BEFORE INSERT ON account_log
BEGIN
  SELECT RAISE(ABORT, 'ledger: the positions of the log of accounts have no gaps')
   WHERE NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM account_log);
END""",
    # A serial number is claimed under the name of its registry that is no alias, so once under all of them.
    **{
        f"serial_claims_guard_{verb.lower()}": f"""
CREATE TRIGGER serial_claims_guard_{verb.lower()} BEFORE {verb} ON serial_claims
BEGIN
  SELECT RAISE(ABORT, 'ledger: this registry is known by another name')
   WHERE EXISTS (SELECT 1 FROM registry_aliases WHERE alias_key = NEW.registry_key);
END"""
        for verb in ("INSERT", "UPDATE")
    },
    # No number of a series is held twice: the counterpart of PostgreSQL's exclusion constraint. Held blocks
    # do not overlap, so of those that begin before this one ends, only the last can overlap it. An update
    # must not compare the row with itself.
    **{
        f"serial_blocks_guard_{verb.lower()}": f"""
CREATE TRIGGER serial_blocks_guard_{verb.lower()} BEFORE {verb} ON serial_blocks
BEGIN
  SELECT CASE
    WHEN typeof(NEW.first) <> 'integer' OR typeof(NEW.last) <> 'integer' OR NEW.credit < 1
      THEN RAISE(ABORT, 'ledger: a block is of a credit, from one number to another')
    WHEN {is_taken}
      THEN RAISE(ABORT, 'ledger: this credit has its block already')
    WHEN NEW.is_held = 1 AND NEW.first <= (
      SELECT last FROM serial_blocks
       WHERE series = NEW.series AND is_held = 1 AND first <= NEW.last{but_itself}
       ORDER BY first DESC LIMIT 1)
      THEN RAISE(ABORT, 'ledger: this block is held already, or a part of it is')
  END;
END"""
        for verb, is_taken, but_itself in (
            ("INSERT", "EXISTS (SELECT 1 FROM serial_blocks WHERE credit = NEW.credit)", ""),
            ("UPDATE", "NEW.credit <> OLD.credit", " AND credit <> OLD.credit"),
        )
    },
    **triggers_transparency.SQLITE,
}

# The search index of SQLite, a projection: a full-text table of trigrams with one row for each credit.
SQLITE_SEARCH: Final = (
    "CREATE VIRTUAL TABLE credit_search USING fts5"
    "(search_text, tokenize = 'trigram case_sensitive 1', detail = none,"
    " content = 'credit_states', content_rowid = 'created_position')"
)
