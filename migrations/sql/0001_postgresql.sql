-- The schema of revision 0001 on PostgreSQL. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
CREATE EXTENSION IF NOT EXISTS pg_trgm
--;
CREATE TABLE credit_states (
    created_position BIGINT NOT NULL,
    credit_id TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    project_name TEXT COLLATE "C" NOT NULL,
    registry TEXT COLLATE "C" NOT NULL,
    vintage INTEGER NOT NULL,
    quantity_e4 BIGINT NOT NULL,
    serial_number TEXT COLLATE "C",
    project_key TEXT COLLATE "C" NOT NULL,
    registry_key TEXT COLLATE "C" NOT NULL,
    search_key TEXT COLLATE "C" NOT NULL,
    created_at TEXT COLLATE "C" NOT NULL,
    changed_at TEXT COLLATE "C" NOT NULL,
    buyer TEXT COLLATE "C",
    beneficiary TEXT COLLATE "C",
    CONSTRAINT pk_credit_states PRIMARY KEY (created_position),
    CONSTRAINT uq_credit_states_credit_id UNIQUE (credit_id)
)
--;
CREATE INDEX ix_credit_states_project ON credit_states (project_key, created_position)
--;
CREATE INDEX ix_credit_states_quantity ON credit_states (quantity_e4, created_position)
--;
CREATE INDEX ix_credit_states_registry ON credit_states (registry_key, created_position)
--;
CREATE INDEX ix_credit_states_search ON credit_states USING gin (search_key gin_trgm_ops)
--;
CREATE INDEX ix_credit_states_status ON credit_states (status, created_position)
--;
CREATE INDEX ix_credit_states_vintage ON credit_states (vintage, created_position)
--;
CREATE TABLE credits (
    id TEXT COLLATE "C" NOT NULL,
    project_name TEXT COLLATE "C" NOT NULL,
    registry TEXT COLLATE "C" NOT NULL,
    vintage INTEGER NOT NULL,
    quantity_e4 BIGINT NOT NULL,
    serial_number TEXT COLLATE "C",
    CONSTRAINT pk_credits PRIMARY KEY (id),
    CONSTRAINT ck_credits_vintage CHECK (vintage BETWEEN 1990 AND 2100),
    CONSTRAINT ck_credits_quantity CHECK (quantity_e4 BETWEEN 1 AND 1000000000000)
)
--;
CREATE TABLE imports (
    id BIGSERIAL NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    filename TEXT COLLATE "C" NOT NULL,
    sha256 TEXT COLLATE "C" NOT NULL,
    size_bytes BIGINT NOT NULL,
    content BYTEA,
    uploaded_at TEXT COLLATE "C" NOT NULL,
    finished_at TEXT COLLATE "C",
    message TEXT COLLATE "C",
    not_recorded TEXT COLLATE "C" NOT NULL,
    total INTEGER NOT NULL,
    "new" INTEGER NOT NULL,
    existing INTEGER NOT NULL,
    conflicting INTEGER NOT NULL,
    invalid INTEGER NOT NULL,
    written INTEGER NOT NULL,
    CONSTRAINT pk_imports PRIMARY KEY (id)
)
--;
CREATE TABLE parties (
    role TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    last_position BIGINT NOT NULL,
    CONSTRAINT pk_parties PRIMARY KEY (role, name_key)
)
--;
CREATE INDEX ix_parties_recent ON parties (role, last_position)
--;
CREATE TABLE registries (
    registry_key TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_registries PRIMARY KEY (registry_key)
)
--;
CREATE TABLE serial_claims (
    registry_key TEXT COLLATE "C" NOT NULL,
    serial_key TEXT COLLATE "C" NOT NULL,
    credit_id TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_serial_claims PRIMARY KEY (registry_key, serial_key),
    CONSTRAINT uq_serial_claims_credit_id UNIQUE (credit_id)
)
--;
CREATE TABLE totals (
    registry_key TEXT COLLATE "C" NOT NULL,
    vintage INTEGER NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    credits BIGINT NOT NULL,
    quantity_e4 BIGINT NOT NULL,
    CONSTRAINT pk_totals PRIMARY KEY (registry_key, vintage, status)
)
--;
CREATE TABLE events (
    credit_id TEXT COLLATE "C" NOT NULL,
    seq INTEGER NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    recorded_at TEXT COLLATE "C" NOT NULL,
    prev_hash TEXT COLLATE "C" NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (credit_id, seq),
    CONSTRAINT ck_events_body_agrees CHECK (CASE WHEN (body::json->'v')::text = '1' AND body::json->>'credit' = credit_id AND (body::json->'seq')::text = seq::text AND json_typeof(body::json->'actor') = 'string' AND body::json->>'type' = type AND body::json->>'actor' = actor AND body::json->>'recorded_at' = recorded_at AND body::json->>'prev_hash' = prev_hash THEN true ELSE false END),
    CONSTRAINT ck_events_hash CHECK (CASE WHEN length(hash) = 64 THEN 1 ELSE 0 END = 1),
    CONSTRAINT fk_events_credit_id FOREIGN KEY(credit_id) REFERENCES credits (id) DEFERRABLE INITIALLY DEFERRED
)
--;
CREATE UNIQUE INDEX uq_events_retired_once ON events (credit_id) WHERE type = 'RETIRED'
--;
CREATE TABLE import_problems (
    import_id BIGINT NOT NULL,
    number INTEGER NOT NULL,
    row INTEGER NOT NULL,
    field TEXT COLLATE "C" NOT NULL,
    message TEXT COLLATE "C" NOT NULL,
    holder TEXT COLLATE "C",
    CONSTRAINT pk_import_problems PRIMARY KEY (import_id, number),
    CONSTRAINT fk_import_problems_import_id FOREIGN KEY(import_id) REFERENCES imports (id) ON DELETE CASCADE
)
--;
CREATE TABLE feed (
    position BIGINT NOT NULL,
    credit_id TEXT COLLATE "C" NOT NULL,
    seq INTEGER NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_feed PRIMARY KEY (position),
    CONSTRAINT uq_feed_credit_id_seq UNIQUE (credit_id, seq),
    CONSTRAINT fk_feed_credit_id_seq FOREIGN KEY(credit_id, seq) REFERENCES events (credit_id, seq)
)
--;
CREATE INDEX ix_feed_type_position ON feed (type, position)
--;
CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
BEGIN
  RAISE EXCEPTION 'ledger: % of % is refused, the log is append-only', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END$guard$
--;
CREATE FUNCTION ledger_guard_event() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
DECLARE
  last events%ROWTYPE;
BEGIN
  SELECT * INTO last FROM events WHERE credit_id = NEW.credit_id ORDER BY seq DESC LIMIT 1;
  IF NOT FOUND THEN
    IF NEW.seq = 1 AND NEW.type = 'CREATED' AND NEW.prev_hash = '0000000000000000000000000000000000000000000000000000000000000000' THEN
      RETURN NEW;
    END IF;
    RAISE EXCEPTION 'ledger: the first event of a credit must be CREATED with seq 1'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.seq = last.seq + 1 AND NEW.prev_hash = last.hash
     AND NEW.recorded_at >= last.recorded_at
     AND (last.type, NEW.type) IN (VALUES ('CREATED', 'SOLD'), ('CREATED', 'RETIRED'), ('SOLD', 'RETIRED')) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'ledger: this event may not follow the last one of its credit'
    USING ERRCODE = 'restrict_violation';
END$guard$
--;
CREATE FUNCTION ledger_make_credit() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
BEGIN
  INSERT INTO credits (id, project_name, registry, vintage, quantity_e4, serial_number)
  SELECT NEW.credit_id, data->>'project_name', data->>'registry', (data->>'vintage')::integer,
         ((data->>'quantity')::numeric * 10000)::bigint, data->>'serial_number'
    FROM (SELECT NEW.body::json->'data' AS data) AS stated
   WHERE json_typeof(data->'project_name') = 'string'
     AND json_typeof(data->'registry') = 'string'
     AND json_typeof(data->'vintage') = 'number'
     AND json_typeof(data->'quantity') = 'string'
     AND coalesce(json_typeof(data->'serial_number'), 'string') = 'string'
     AND data->>'quantity' ~ '^(0|[1-9][0-9]{0,11})([.][0-9]{0,3}[1-9])?$';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'ledger: a CREATED event must state its credit'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END$guard$
--;
CREATE FUNCTION ledger_guard_credit() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
BEGIN
  IF EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.id AND seq = 1) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'ledger: a credit is made by its CREATED event'
    USING ERRCODE = 'restrict_violation';
END$guard$
--;
CREATE FUNCTION ledger_guard_position() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
BEGIN
  PERFORM pg_advisory_xact_lock(1818584167);
  IF NEW.position IS DISTINCT FROM (SELECT coalesce(max(position), 0) + 1 FROM feed) THEN
    RAISE EXCEPTION 'ledger: the positions of the feed have no gaps'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.credit_id
                 AND seq = NEW.seq AND type = NEW.type) THEN
    RAISE EXCEPTION 'ledger: there is no such event' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END$guard$
--;
CREATE TRIGGER credits_refuse_change BEFORE UPDATE OR DELETE ON credits FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()
--;
CREATE TRIGGER events_refuse_change BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()
--;
CREATE TRIGGER feed_refuse_change BEFORE UPDATE OR DELETE ON feed FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()
--;
CREATE TRIGGER credits_refuse_truncate BEFORE TRUNCATE ON credits FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()
--;
CREATE TRIGGER events_refuse_truncate BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()
--;
CREATE TRIGGER feed_refuse_truncate BEFORE TRUNCATE ON feed FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()
--;
CREATE TRIGGER events_guard_insert BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION ledger_guard_event()
--;
CREATE TRIGGER events_make_credit AFTER INSERT ON events FOR EACH ROW WHEN (NEW.type = 'CREATED') EXECUTE FUNCTION ledger_make_credit()
--;
CREATE TRIGGER credits_guard_insert BEFORE INSERT ON credits FOR EACH ROW EXECUTE FUNCTION ledger_guard_credit()
--;
CREATE TRIGGER feed_guard_insert BEFORE INSERT ON feed FOR EACH ROW EXECUTE FUNCTION ledger_guard_position()
