-- The schema of revision 0028 on SQLite. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
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
                  AND EXISTS (SELECT 1 FROM json_each(NEW.body, '$.data') WHERE key NOT IN ('amends', 'why', 'import', 'act'))
                  AND NOT EXISTS (SELECT 1 FROM json_each(NEW.body, '$.data')
                                   WHERE key NOT IN ('amends', 'why', 'import', 'act')
                                     AND (amended.type, key) NOT IN (VALUES ('CREATED', 'facts'), ('CANCELLED', 'reason'), ('CANCELLED', 'note'), ('CANCELLED', 'evidence'), ('SOLD', 'buyer'), ('SOLD', 'occurred_on'), ('SOLD', 'reference'), ('SOLD', 'note'), ('SOLD', 'evidence'), ('SALE_REVERSED', 'reason'), ('SALE_REVERSED', 'occurred_on'), ('SALE_REVERSED', 'evidence'), ('RETIRED', 'beneficiary'), ('RETIRED', 'reason'), ('RETIRED', 'occurred_on'), ('RETIRED', 'reference'), ('RETIRED', 'note'), ('RETIRED', 'evidence'), ('RETIRED', 'facts'), ('WITHDRAWN', 'reason'), ('WITHDRAWN', 'occurred_on'), ('WITHDRAWN', 'reference'), ('WITHDRAWN', 'note'), ('WITHDRAWN', 'facts'))))
             ELSE (CASE WHEN last.type <> 'AMENDED' THEN last.type ELSE (
                     SELECT type FROM events WHERE subject = NEW.subject AND type <> 'AMENDED'
                      ORDER BY seq DESC LIMIT 1) END, NEW.type) IN (VALUES ('CREATED', 'SOLD'), ('CREATED', 'RETIRED'), ('CREATED', 'WITHDRAWN'), ('CREATED', 'SPLIT'), ('CREATED', 'CANCELLED'), ('SOLD', 'SALE_REVERSED'), ('SOLD', 'RETIRED'), ('SOLD', 'WITHDRAWN'), ('SOLD', 'SPLIT'), ('SALE_REVERSED', 'SOLD'), ('SALE_REVERSED', 'RETIRED'), ('SALE_REVERSED', 'WITHDRAWN'), ('SALE_REVERSED', 'SPLIT'), ('SALE_REVERSED', 'CANCELLED')) END)
      THEN RAISE(ABORT, 'ledger: this event may not follow the last one of its credit')
    WHEN json_type(NEW.body, '$.data.facts') IS NOT NULL AND NOT (json_type(NEW.body, '$.data.facts') = 'object' AND NOT EXISTS (SELECT 1 FROM json_each(NEW.body, '$.data.facts') WHERE json_each.type <> 'text'))
      THEN RAISE(ABORT, 'ledger: the facts of an event are an object of texts')
    WHEN NEW.type = 'SPLIT' AND NOT EXISTS (SELECT 1 FROM splits WHERE subject = NEW.subject)
      THEN RAISE(ABORT, 'ledger: a split and its lots are recorded by a row of splits')
  END;
END
--;
CREATE TABLE evidence_files (
	sha256 BLOB NOT NULL,
	position BIGINT NOT NULL,
	CONSTRAINT pk_evidence_files PRIMARY KEY (sha256, position)
)
 WITHOUT ROWID
