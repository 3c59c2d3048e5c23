-- The schema of revision 0012 on PostgreSQL. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
CREATE TABLE subjects (
  key BIGINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  CONSTRAINT pk_subjects PRIMARY KEY (key),
  CONSTRAINT ck_subjects_key CHECK (key < 0),
  CONSTRAINT uq_subjects_name UNIQUE (name)
)
--;
CREATE OR REPLACE FUNCTION ledger_guard_event() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
DECLARE
  facts record;
  last events%ROWTYPE;
  counting text;
  data json;
  id text;
  prev_hash text;
BEGIN
  SELECT * INTO facts FROM json_to_record(NEW.body::json)
    AS stated (v json, credit json, seq json, type json, actor json, recorded_at json, prev_hash json);
  SELECT * INTO last FROM events WHERE subject = NEW.subject ORDER BY seq DESC LIMIT 1;
  IF NEW.type = 'CREATED' THEN
    IF NEW.seq IS DISTINCT FROM 1
       OR NEW.subject IS DISTINCT FROM (SELECT greatest(max(subject), 0) + 1 FROM events) THEN
      RAISE EXCEPTION 'ledger: only the first event of a credit is CREATED, with seq 1 and the next key'
        USING ERRCODE = 'restrict_violation';
    END IF;
    id := facts.credit #>> '{}';
    prev_hash := '0000000000000000000000000000000000000000000000000000000000000000';
  ELSE
    IF last.subject IS NULL THEN
      RAISE EXCEPTION 'ledger: the first event of a credit must be CREATED with seq 1'
        USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT encode(credits.id, 'hex') INTO id FROM credits WHERE key = NEW.subject;
    prev_hash := encode(last.hash, 'hex');
    data := NEW.body::json->'data';
    counting := last.type;
    IF counting = 'AMENDED' THEN
      SELECT type INTO counting FROM events
       WHERE subject = NEW.subject AND type <> 'AMENDED' ORDER BY seq DESC LIMIT 1;
    END IF;
  END IF;
  IF (strpos(replace(NEW.body, '\\', ''), '\u') = 0 AND facts.v::text = '1' AND facts.seq::text = NEW.seq::text
      AND facts.credit::text = '"' || id || '"' AND id ~ '^[0-9a-f]{64}$'
      AND facts.type::text = '"' || NEW.type || '"'
      AND json_typeof(facts.actor) = 'string'
      AND facts.recorded_at #>> '{}' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.]\d{6}Z$'
      AND facts.prev_hash::text = '"' || prev_hash || '"') IS NOT TRUE THEN
    RAISE EXCEPTION 'ledger: the text of an event must agree with its row and follow the last hash'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF last.subject IS NOT NULL
     AND (NEW.seq = last.seq + 1
          AND facts.recorded_at #>> '{}' >= last.body::json->>'recorded_at' COLLATE "C"
          AND (NEW.type = 'AMENDED'
               OR (counting, NEW.type) IN (VALUES ('CREATED', 'SOLD'), ('CREATED', 'RETIRED'), ('CREATED', 'WITHDRAWN'), ('CREATED', 'SPLIT'), ('CREATED', 'CANCELLED'), ('SOLD', 'RETIRED'), ('SOLD', 'WITHDRAWN'), ('SOLD', 'SPLIT')))) IS NOT TRUE THEN
    RAISE EXCEPTION 'ledger: this event may not follow the last one of its credit'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF data IS NOT NULL AND NOT (CASE WHEN data->'facts' IS NULL THEN true WHEN json_typeof(data->'facts') = 'object' THEN NOT EXISTS (SELECT 1 FROM json_each(data->'facts') WHERE json_typeof(value) <> 'string') ELSE false END) THEN
    RAISE EXCEPTION 'ledger: the facts of an event are an object of texts'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.type = 'AMENDED' AND NOT EXISTS (
       SELECT 1 FROM events AS amended
        WHERE amended.subject = NEW.subject
          AND json_typeof(data->'amends') = 'number' AND data->>'amends' = amended.seq::text
          AND EXISTS (SELECT 1 FROM json_object_keys(data) AS key WHERE key NOT IN ('amends', 'why', 'import'))
          AND NOT EXISTS (SELECT 1 FROM json_object_keys(data) AS key
                           WHERE key NOT IN ('amends', 'why', 'import')
                             AND (amended.type, key) NOT IN (VALUES ('CREATED', 'facts'), ('CANCELLED', 'reason'), ('CANCELLED', 'note'), ('SOLD', 'buyer'), ('SOLD', 'occurred_on'), ('SOLD', 'reference'), ('SOLD', 'note'), ('RETIRED', 'beneficiary'), ('RETIRED', 'reason'), ('RETIRED', 'occurred_on'), ('RETIRED', 'reference'), ('RETIRED', 'note'), ('RETIRED', 'facts'), ('WITHDRAWN', 'reason'), ('WITHDRAWN', 'occurred_on'), ('WITHDRAWN', 'reference'), ('WITHDRAWN', 'note'), ('WITHDRAWN', 'facts')))) THEN
    RAISE EXCEPTION 'ledger: an amendment states words of an earlier event of its credit'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.type = 'SPLIT' AND NOT EXISTS (SELECT 1 FROM splits WHERE subject = NEW.subject) THEN
    RAISE EXCEPTION 'ledger: a split and its lots are recorded by a row of splits'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END$guard$
--;
CREATE FUNCTION ledger_guard_entry() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
DECLARE
  facts record;
  last events%ROWTYPE;
  name text;
  prev_hash text := '0000000000000000000000000000000000000000000000000000000000000000';
BEGIN
  SELECT * INTO facts FROM json_to_record(NEW.body::json)
    AS stated (v json, subject json, seq json, type json, data json, actor json, recorded_at json,
               prev_hash json);
  SELECT * INTO last FROM events WHERE subject = NEW.subject ORDER BY seq DESC LIMIT 1;
  name := facts.subject #>> '{}';
  IF last.subject IS NULL THEN
    IF NEW.seq IS DISTINCT FROM 1
       OR NEW.subject IS DISTINCT FROM (SELECT least(min(subject), 0) - 1 FROM events)
       OR EXISTS (SELECT 1 FROM subjects WHERE subjects.name = facts.subject #>> '{}') THEN
      RAISE EXCEPTION 'ledger: a new subject has the next key, and a name of its own'
        USING ERRCODE = 'restrict_violation';
    END IF;
  ELSE
    prev_hash := encode(last.hash, 'hex');
    IF (NEW.seq = last.seq + 1
        AND EXISTS (SELECT 1 FROM subjects
                     WHERE key = NEW.subject AND subjects.name = facts.subject #>> '{}')
        AND facts.recorded_at #>> '{}' >= last.body::json->>'recorded_at' COLLATE "C") IS NOT TRUE THEN
      RAISE EXCEPTION 'ledger: this event may not follow the last one of its subject'
        USING ERRCODE = 'restrict_violation';
    END IF;
  END IF;
  IF (strpos(replace(NEW.body, '\\', ''), '\u') = 0 AND facts.v::text = '1' AND facts.seq::text = NEW.seq::text
      AND json_typeof(facts.subject) = 'string'
      AND (NEW.type, substr(name, 1, strpos(name, '/'))) IN (VALUES ('IMPORTED', 'import/'), ('ALIASED', 'registry/'), ('UNALIASED', 'registry/'))
      AND facts.type::text = '"' || NEW.type || '"'
      AND json_typeof(facts.data) = 'object'
      AND json_typeof(facts.actor) = 'string'
      AND facts.recorded_at #>> '{}' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.]\d{6}Z$'
      AND facts.prev_hash::text = '"' || prev_hash || '"') IS NOT TRUE THEN
    RAISE EXCEPTION 'ledger: the text of an event must agree with its row and follow the last hash'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END$guard$
--;
CREATE FUNCTION ledger_make_subject() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
BEGIN
  INSERT INTO subjects (key, name) VALUES (NEW.subject, NEW.body::json->>'subject');
  RETURN NULL;
END$guard$
--;
CREATE FUNCTION ledger_guard_subject() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM events WHERE subject = NEW.key AND seq = 1 AND subject < 0) THEN
    RAISE EXCEPTION 'ledger: a subject is made by its first event'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END$guard$
--;
DROP TRIGGER events_guard_insert ON events
--;
CREATE TRIGGER events_guard_insert BEFORE INSERT ON events FOR EACH ROW WHEN (NEW.subject >= 0) EXECUTE FUNCTION ledger_guard_event()
--;
CREATE TRIGGER events_guard_entry BEFORE INSERT ON events FOR EACH ROW WHEN (NEW.subject < 0) EXECUTE FUNCTION ledger_guard_entry()
--;
CREATE TRIGGER events_make_subject AFTER INSERT ON events FOR EACH ROW WHEN (NEW.subject < 0 AND NEW.seq = 1) EXECUTE FUNCTION ledger_make_subject()
--;
CREATE TRIGGER subjects_refuse_change BEFORE UPDATE OR DELETE ON subjects FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()
--;
CREATE TRIGGER subjects_refuse_truncate BEFORE TRUNCATE ON subjects FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()
--;
CREATE TRIGGER subjects_guard_insert BEFORE INSERT ON subjects FOR EACH ROW EXECUTE FUNCTION ledger_guard_subject()
