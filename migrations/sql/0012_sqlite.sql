-- The schema of revision 0012 on SQLite. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
CREATE TABLE subjects (
  "key" BIGINT NOT NULL,
  name TEXT NOT NULL,
  CONSTRAINT pk_subjects PRIMARY KEY ("key"),
  CONSTRAINT ck_subjects_key CHECK (key < 0),
  CONSTRAINT uq_subjects_name UNIQUE (name)
)
 WITHOUT ROWID
--;
DROP TRIGGER events_guard_first
--;
CREATE TRIGGER events_guard_first BEFORE INSERT ON events WHEN NEW.type IS 'CREATED'
BEGIN
  SELECT CASE
    WHEN NEW.subject IS NOT (SELECT max(coalesce(max(subject), 0), 0) + 1 FROM events)
      THEN RAISE(ABORT, 'ledger: only the first event of a credit is CREATED, and its key is the next')
    WHEN NEW.seq IS NOT 1
      THEN RAISE(ABORT, 'ledger: the first event of a credit must be CREATED with seq 1')
    WHEN typeof(NEW.hash) <> 'blob' OR typeof(NEW.body) <> 'text' OR NOT json_valid(NEW.body)
      OR instr(replace(NEW.body, '\\', ''), '\u') > 0
      OR json_extract(NEW.body, '$.v', '$.seq', '$.type', '$.prev_hash')
         IS NOT '[1,1,"CREATED","0000000000000000000000000000000000000000000000000000000000000000"]'
      OR json_type(NEW.body, '$.actor') IS NOT 'text'
      OR json_extract(NEW.body, '$.recorded_at') GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z' IS NOT 1
      THEN RAISE(ABORT, 'ledger: the text of an event must agree with its row')
  END;
END
--;
DROP TRIGGER events_guard_next
--;
CREATE TRIGGER events_guard_next BEFORE INSERT ON events WHEN NEW.type IS NOT 'CREATED' AND NEW.subject >= 0
BEGIN
  SELECT CASE
    WHEN NOT EXISTS (SELECT 1 FROM events WHERE subject = NEW.subject)
      THEN RAISE(ABORT, 'ledger: the first event of a credit must be CREATED with seq 1')
    WHEN EXISTS (SELECT 1 FROM events WHERE subject = NEW.subject AND seq = NEW.seq)
      THEN RAISE(ABORT, 'ledger: this event is recorded already')
    WHEN typeof(NEW.hash) <> 'blob' OR typeof(NEW.body) <> 'text' OR NOT json_valid(NEW.body)
      OR instr(replace(NEW.body, '\\', ''), '\u') > 0
      OR json_extract(NEW.body, '$.v', '$.credit', '$.seq', '$.type') IS NOT
         (SELECT json_array(1, lower(hex(id)), NEW.seq, NEW.type) FROM credits WHERE key = NEW.subject)
      OR json_type(NEW.body, '$.actor') IS NOT 'text'
      OR json_extract(NEW.body, '$.recorded_at') GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z' IS NOT 1
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
                  AND EXISTS (SELECT 1 FROM json_each(NEW.body, '$.data') WHERE key NOT IN ('amends', 'why', 'import'))
                  AND NOT EXISTS (SELECT 1 FROM json_each(NEW.body, '$.data')
                                   WHERE key NOT IN ('amends', 'why', 'import')
                                     AND (amended.type, key) NOT IN (VALUES ('CREATED', 'facts'), ('CANCELLED', 'reason'), ('CANCELLED', 'note'), ('SOLD', 'buyer'), ('SOLD', 'occurred_on'), ('SOLD', 'reference'), ('SOLD', 'note'), ('RETIRED', 'beneficiary'), ('RETIRED', 'reason'), ('RETIRED', 'occurred_on'), ('RETIRED', 'reference'), ('RETIRED', 'note'), ('RETIRED', 'facts'), ('WITHDRAWN', 'reason'), ('WITHDRAWN', 'occurred_on'), ('WITHDRAWN', 'reference'), ('WITHDRAWN', 'note'), ('WITHDRAWN', 'facts'))))
             ELSE (CASE WHEN last.type <> 'AMENDED' THEN last.type ELSE (
                     SELECT type FROM events WHERE subject = NEW.subject AND type <> 'AMENDED'
                      ORDER BY seq DESC LIMIT 1) END, NEW.type) IN (VALUES ('CREATED', 'SOLD'), ('CREATED', 'RETIRED'), ('CREATED', 'WITHDRAWN'), ('CREATED', 'SPLIT'), ('CREATED', 'CANCELLED'), ('SOLD', 'RETIRED'), ('SOLD', 'WITHDRAWN'), ('SOLD', 'SPLIT')) END)
      THEN RAISE(ABORT, 'ledger: this event may not follow the last one of its credit')
    WHEN json_type(NEW.body, '$.data.facts') IS NOT NULL AND NOT (json_type(NEW.body, '$.data.facts') = 'object' AND NOT EXISTS (SELECT 1 FROM json_each(NEW.body, '$.data.facts') WHERE json_each.type <> 'text'))
      THEN RAISE(ABORT, 'ledger: the facts of an event are an object of texts')
    WHEN NEW.type = 'SPLIT' AND NOT EXISTS (SELECT 1 FROM splits WHERE subject = NEW.subject)
      THEN RAISE(ABORT, 'ledger: a split and its lots are recorded by a row of splits')
  END;
END
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
      OR (NEW.type, substr(json_extract(NEW.body, '$.subject'), 1, instr(json_extract(NEW.body, '$.subject'), '/'))) NOT IN (VALUES ('IMPORTED', 'import/'), ('ALIASED', 'registry/'), ('UNALIASED', 'registry/'))
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
--;
CREATE TRIGGER events_make_subject AFTER INSERT ON events WHEN NEW.subject < 0 AND NEW.seq = 1
BEGIN
  INSERT INTO subjects (key, name) VALUES (NEW.subject, json_extract(NEW.body, '$.subject'));
END
--;
CREATE TRIGGER subjects_refuse_update BEFORE UPDATE ON subjects
BEGIN
  SELECT RAISE(ABORT, 'ledger: UPDATE of subjects is refused, the log is append-only');
END
--;
CREATE TRIGGER subjects_refuse_delete BEFORE DELETE ON subjects
BEGIN
  SELECT RAISE(ABORT, 'ledger: DELETE of subjects is refused, the log is append-only');
END
--;
CREATE TRIGGER subjects_guard_insert BEFORE INSERT ON subjects
BEGIN
  SELECT CASE
    WHEN NOT EXISTS (SELECT 1 FROM events WHERE subject = NEW.key AND seq = 1 AND subject < 0)
      THEN RAISE(ABORT, 'ledger: a subject is made by its first event')
    WHEN EXISTS (SELECT 1 FROM subjects WHERE key = NEW.key)
      OR EXISTS (SELECT 1 FROM subjects WHERE name = NEW.name)
      THEN RAISE(ABORT, 'ledger: this subject is recorded already')
  END;
END
