-- The schema of revision 0020 on SQLite. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
CREATE TABLE party_aliases (
  alias_key TEXT NOT NULL,
  party_key TEXT NOT NULL,
  alias TEXT NOT NULL,
  CONSTRAINT pk_party_aliases PRIMARY KEY (alias_key)
)
 WITHOUT ROWID
--;
CREATE TABLE dismissed_pairs (
  one_key TEXT NOT NULL,
  other_key TEXT NOT NULL,
  actor TEXT NOT NULL,
  dismissed_at TEXT NOT NULL,
  CONSTRAINT pk_dismissed_pairs PRIMARY KEY (one_key, other_key)
)
 WITHOUT ROWID
--;
DROP TRIGGER events_guard_entry
--;
CREATE TRIGGER events_guard_entry BEFORE INSERT ON events WHEN NEW.subject < 0
BEGIN
  SELECT CASE
    WHEN EXISTS (SELECT 1 FROM events WHERE subject = NEW.subject AND seq = NEW.seq)
      THEN RAISE(ABORT, 'ledger: this event is recorded already')
    WHEN typeof(NEW.hash) <> 'blob' OR typeof(NEW.body) <> 'text' OR NOT json_valid(NEW.body)
      OR instr(replace(NEW.body, '\\', ''), '\u') > 0
      OR json_extract(NEW.body, '$.v', '$.seq', '$.type') IS NOT json_array(1, NEW.seq, NEW.type)
      OR json_type(NEW.body, '$.subject') IS NOT 'text'
      OR (NEW.type, substr(json_extract(NEW.body, '$.subject'), 1, instr(json_extract(NEW.body, '$.subject'), '/'))) NOT IN (VALUES ('IMPORTED', 'import/'), ('ALIASED', 'registry/'), ('UNALIASED', 'registry/'), ('JOINED', 'party/'), ('SEPARATED', 'party/'))
      OR json_type(NEW.body, '$.data') IS NOT 'object'
      OR json_type(NEW.body, '$.actor') IS NOT 'text'
      OR json_extract(NEW.body, '$.recorded_at') GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z' IS NOT 1
      THEN RAISE(ABORT, 'ledger: the text of an event must agree with its row')
    WHEN NEW.seq = 1 AND (
         NEW.subject IS NOT (SELECT min(coalesce(min(subject), 0), 0) - 1 FROM events)
      OR json_extract(NEW.body, '$.prev_hash') IS NOT '0000000000000000000000000000000000000000000000000000000000000000'
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
END
