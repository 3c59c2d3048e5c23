-- The schema of revision 0002 on PostgreSQL. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
CREATE EXTENSION IF NOT EXISTS btree_gist
--;
ALTER TABLE credits ADD COLUMN parent TEXT COLLATE "C"
--;
ALTER TABLE credits ADD COLUMN offset_e4 BIGINT
--;
ALTER TABLE credits ADD COLUMN replaces TEXT COLLATE "C"
--;
CREATE INDEX ix_credits_replaces ON credits (replaces)
--;
CREATE UNIQUE INDEX uq_credits_place ON credits (parent, offset_e4)
--;
CREATE TABLE splits (
    credit_id TEXT COLLATE "C" NOT NULL,
    envelope TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_splits PRIMARY KEY (credit_id)
)
--;
CREATE TABLE serial_blocks (
    credit_id TEXT COLLATE "C" NOT NULL,
    series TEXT COLLATE "C" NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    CONSTRAINT pk_serial_blocks PRIMARY KEY (credit_id),
    CONSTRAINT ck_serial_blocks_forwards CHECK (first <= last),
    CONSTRAINT ex_serial_blocks_once EXCLUDE USING gist (series WITH =, int8range(first, last, '[]') WITH &&)
)
--;
CREATE INDEX ix_serial_blocks_numbers ON serial_blocks (first, last, credit_id)
--;
CREATE INDEX ix_serial_blocks_series ON serial_blocks (series, first)
--;
CREATE OR REPLACE FUNCTION ledger_guard_event() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
DECLARE
  last events%ROWTYPE;
  whole text;
  replaced text;
BEGIN
  SELECT * INTO last FROM events WHERE credit_id = NEW.credit_id ORDER BY seq DESC LIMIT 1;
  IF NOT FOUND THEN
    IF NEW.seq = 1 AND NEW.type = 'CREATED' AND NEW.prev_hash = '0000000000000000000000000000000000000000000000000000000000000000' THEN
      NULL;
    ELSE
      RAISE EXCEPTION 'ledger: the first event of a credit must be CREATED with seq 1'
        USING ERRCODE = 'restrict_violation';
    END IF;
  ELSIF NEW.seq = last.seq + 1 AND NEW.prev_hash = last.hash
     AND NEW.recorded_at >= last.recorded_at
     AND (last.type, NEW.type) IN (VALUES ('CREATED', 'SOLD'), ('CREATED', 'RETIRED'), ('CREATED', 'SPLIT'), ('CREATED', 'CANCELLED'), ('SOLD', 'RETIRED'), ('SOLD', 'SPLIT')) THEN
    NULL;
  ELSE
    RAISE EXCEPTION 'ledger: this event may not follow the last one of its credit'
      USING ERRCODE = 'restrict_violation';
  END IF;
  whole := NEW.body::json->'data'->>'parent';
  IF (NEW.type = 'SPLIT' OR whole IS NOT NULL) AND NOT EXISTS (
       SELECT 1 FROM splits, json_array_elements(splits.envelope::json) AS sealed
        WHERE splits.credit_id = coalesce(whole, NEW.credit_id)
          AND sealed->>'hash' = NEW.hash) THEN
    RAISE EXCEPTION 'ledger: a split and its lots are recorded by a row of splits'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.type = 'CANCELLED'
     AND EXISTS (SELECT 1 FROM credits WHERE id = NEW.credit_id AND parent IS NOT NULL) THEN
    RAISE EXCEPTION 'ledger: a lot cannot be cancelled by itself'
      USING ERRCODE = 'restrict_violation';
  END IF;
  replaced := NEW.body::json->'data'->>'replaces';
  IF NEW.type = 'CREATED' AND replaced IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM events WHERE type = 'CANCELLED' AND credit_id = replaced) THEN
    RAISE EXCEPTION 'ledger: only a cancelled credit can be replaced'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END$guard$
--;
CREATE OR REPLACE FUNCTION ledger_make_lots() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
DECLARE
  whole credits%ROWTYPE;
  lots bigint;
  sold bigint;
BEGIN
  INSERT INTO events (credit_id, seq, type, actor, recorded_at, prev_hash, hash, body)
  SELECT fact->>'credit', (fact->>'seq')::integer, fact->>'type', fact->>'actor',
         fact->>'recorded_at', fact->>'prev_hash', sealed->>'hash', sealed->>'body'
    FROM json_array_elements(NEW.envelope::json) WITH ORDINALITY AS part(sealed, place),
         LATERAL (SELECT (sealed->>'body')::json AS fact) AS facts
   ORDER BY place;
  SELECT * INTO whole FROM credits WHERE id = NEW.credit_id;
  SELECT count(*) INTO lots FROM credits WHERE parent = NEW.credit_id;
  SELECT count(*) INTO sold FROM events JOIN credits ON id = credit_id
   WHERE parent = NEW.credit_id AND seq = 2 AND type = 'SOLD';
  IF NOT EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.credit_id AND type = 'SPLIT')
     OR lots < 2
     OR (SELECT sum(quantity_e4) FROM credits WHERE parent = NEW.credit_id)
        IS DISTINCT FROM whole.quantity_e4
     OR EXISTS (SELECT 1 FROM credits AS lot WHERE lot.parent = NEW.credit_id
                 AND ((lot.project_name, lot.registry, lot.vintage)
                      <> (whole.project_name, whole.registry, whole.vintage)
                      OR lot.offset_e4 IS DISTINCT FROM
                         (SELECT coalesce(sum(quantity_e4), 0) FROM credits AS before
                           WHERE before.parent = NEW.credit_id
                             AND before.offset_e4 < lot.offset_e4)))
     OR sold <> (CASE WHEN EXISTS (SELECT 1 FROM events
                                    WHERE credit_id = NEW.credit_id AND type = 'SOLD')
                      THEN lots ELSE 0 END) THEN
    RAISE EXCEPTION 'ledger: the lots must partition their parent'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END$guard$
--;
CREATE OR REPLACE FUNCTION ledger_make_credit() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
BEGIN
  INSERT INTO credits (id, project_name, registry, vintage, quantity_e4, serial_number,
                       parent, offset_e4, replaces)
  SELECT NEW.credit_id, data->>'project_name', data->>'registry', (data->>'vintage')::integer,
         ((data->>'quantity')::numeric * 10000)::bigint, data->>'serial_number',
         data->>'parent', ((data->>'offset')::numeric * 10000)::bigint, data->>'replaces'
    FROM (SELECT NEW.body::json->'data' AS data) AS stated
   WHERE json_typeof(data->'project_name') = 'string'
     AND json_typeof(data->'registry') = 'string'
     AND json_typeof(data->'vintage') = 'number'
     AND json_typeof(data->'quantity') = 'string'
     AND coalesce(json_typeof(data->'serial_number'), 'string') = 'string'
     AND coalesce(json_typeof(data->'replaces'), 'string') = 'string'
     AND json_typeof(data->'parent') IS NOT DISTINCT FROM json_typeof(data->'offset')
     AND coalesce(json_typeof(data->'parent'), 'string') = 'string'
     AND coalesce(data->>'offset', '0') ~ '^(0|[1-9][0-9]{0,11})([.][0-9]{0,3}[1-9])?$'
     AND data->>'quantity' ~ '^(0|[1-9][0-9]{0,11})([.][0-9]{0,3}[1-9])?$';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'ledger: a CREATED event must state its credit'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END$guard$
--;
CREATE TRIGGER splits_refuse_change BEFORE UPDATE OR DELETE ON splits FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()
--;
CREATE TRIGGER splits_refuse_truncate BEFORE TRUNCATE ON splits FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()
--;
CREATE TRIGGER splits_make_lots AFTER INSERT ON splits FOR EACH ROW EXECUTE FUNCTION ledger_make_lots()
