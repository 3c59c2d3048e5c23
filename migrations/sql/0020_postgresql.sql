-- The schema of revision 0020 on PostgreSQL. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
CREATE TABLE party_aliases (
  alias_key TEXT COLLATE "C" NOT NULL,
  party_key TEXT COLLATE "C" NOT NULL,
  alias TEXT COLLATE "C" NOT NULL,
  CONSTRAINT pk_party_aliases PRIMARY KEY (alias_key)
)
--;
CREATE TABLE dismissed_pairs (
  one_key TEXT COLLATE "C" NOT NULL,
  other_key TEXT COLLATE "C" NOT NULL,
  actor TEXT COLLATE "C" NOT NULL,
  dismissed_at TEXT COLLATE "C" NOT NULL,
  CONSTRAINT pk_dismissed_pairs PRIMARY KEY (one_key, other_key)
)
--;
CREATE OR REPLACE FUNCTION ledger_guard_entry() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
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
      AND (NEW.type, substr(name, 1, strpos(name, '/'))) IN (VALUES ('IMPORTED', 'import/'), ('ALIASED', 'registry/'), ('UNALIASED', 'registry/'), ('JOINED', 'party/'), ('SEPARATED', 'party/'))
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
