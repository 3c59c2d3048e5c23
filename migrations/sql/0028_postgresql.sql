-- The schema of revision 0028 on PostgreSQL. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
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
               OR (counting, NEW.type) IN (VALUES ('CREATED', 'SOLD'), ('CREATED', 'RETIRED'), ('CREATED', 'WITHDRAWN'), ('CREATED', 'SPLIT'), ('CREATED', 'CANCELLED'), ('SOLD', 'SALE_REVERSED'), ('SOLD', 'RETIRED'), ('SOLD', 'WITHDRAWN'), ('SOLD', 'SPLIT'), ('SALE_REVERSED', 'SOLD'), ('SALE_REVERSED', 'RETIRED'), ('SALE_REVERSED', 'WITHDRAWN'), ('SALE_REVERSED', 'SPLIT'), ('SALE_REVERSED', 'CANCELLED')))) IS NOT TRUE THEN
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
          AND EXISTS (SELECT 1 FROM json_object_keys(data) AS key WHERE key NOT IN ('amends', 'why', 'import', 'act'))
          AND NOT EXISTS (SELECT 1 FROM json_object_keys(data) AS key
                           WHERE key NOT IN ('amends', 'why', 'import', 'act')
                             AND (amended.type, key) NOT IN (VALUES ('CREATED', 'facts'), ('CANCELLED', 'reason'), ('CANCELLED', 'note'), ('CANCELLED', 'evidence'), ('SOLD', 'buyer'), ('SOLD', 'occurred_on'), ('SOLD', 'reference'), ('SOLD', 'note'), ('SOLD', 'evidence'), ('SALE_REVERSED', 'reason'), ('SALE_REVERSED', 'occurred_on'), ('SALE_REVERSED', 'evidence'), ('RETIRED', 'beneficiary'), ('RETIRED', 'reason'), ('RETIRED', 'occurred_on'), ('RETIRED', 'reference'), ('RETIRED', 'note'), ('RETIRED', 'evidence'), ('RETIRED', 'facts'), ('WITHDRAWN', 'reason'), ('WITHDRAWN', 'occurred_on'), ('WITHDRAWN', 'reference'), ('WITHDRAWN', 'note'), ('WITHDRAWN', 'facts')))) THEN
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
CREATE TABLE evidence_files (
	sha256 BYTEA NOT NULL,
	position BIGINT NOT NULL,
	CONSTRAINT pk_evidence_files PRIMARY KEY (sha256, position)
)
