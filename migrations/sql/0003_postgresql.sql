-- The schema of revision 0003 on PostgreSQL. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
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
  stated json;
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
  SELECT body::json->'data'->'quantities' INTO stated FROM events
   WHERE credit_id = NEW.credit_id AND type = 'SPLIT';
  IF stated::jsonb IS DISTINCT FROM (
       SELECT jsonb_agg(body::json->'data'->>'quantity' ORDER BY offset_e4)
         FROM credits JOIN events ON credit_id = id AND seq = 1
        WHERE parent = NEW.credit_id) THEN
    RAISE EXCEPTION 'ledger: a split must state the quantities of its lots'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END$guard$
