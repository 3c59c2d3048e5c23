-- Revision 0009 on PostgreSQL, the tables, beside those of revision 0008. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
DO $rename$
DECLARE
  part record;
BEGIN
  -- The names of indexes and constraints are wanted for the new ones.
  FOR part IN SELECT conrelid::regclass AS of_table, conname AS name FROM pg_constraint
               WHERE conrelid IN ('credits'::regclass,
                                 'events'::regclass,
                                 'splits'::regclass,
                                 'feed'::regclass,
                                 'serial_claims'::regclass,
                                 'serial_blocks'::regclass,
                                 'credit_states'::regclass,
                                 'import_problems'::regclass,
                                 'idempotency_keys'::regclass) LOOP
    EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', part.of_table, part.name, part.name || '_0008');
  END LOOP;
  FOR part IN SELECT indexrelid::regclass AS name, relname FROM pg_index JOIN pg_class ON oid = indexrelid
               WHERE indrelid IN ('credits'::regclass,
                                 'events'::regclass,
                                 'splits'::regclass,
                                 'feed'::regclass,
                                 'serial_claims'::regclass,
                                 'serial_blocks'::regclass,
                                 'credit_states'::regclass,
                                 'import_problems'::regclass,
                                 'idempotency_keys'::regclass) AND relname NOT LIKE '%\_0008' LOOP
    EXECUTE format('ALTER INDEX %s RENAME TO %I', part.name, part.relname || '_0008');
  END LOOP;
END
$rename$
--;
ALTER TABLE credits RENAME TO credits_0008
--;
ALTER TABLE events RENAME TO events_0008
--;
ALTER TABLE splits RENAME TO splits_0008
--;
ALTER TABLE feed RENAME TO feed_0008
--;
ALTER TABLE serial_claims RENAME TO serial_claims_0008
--;
ALTER TABLE serial_blocks RENAME TO serial_blocks_0008
--;
ALTER TABLE credit_states RENAME TO credit_states_0008
--;
ALTER TABLE import_problems RENAME TO import_problems_0008
--;
ALTER TABLE idempotency_keys RENAME TO idempotency_keys_0008
--;
CREATE TABLE credits (
    key BIGINT NOT NULL,
    id BYTEA NOT NULL,
    project_name TEXT COLLATE "C" NOT NULL,
    registry TEXT COLLATE "C" NOT NULL,
    vintage INTEGER NOT NULL,
    quantity_e4 BIGINT NOT NULL,
    serial_number TEXT COLLATE "C",
    parent BIGINT,
    offset_e4 BIGINT,
    replaces BIGINT,
    CONSTRAINT pk_credits PRIMARY KEY (key),
    CONSTRAINT ck_credits_vintage CHECK (vintage BETWEEN 1990 AND 2100),
    CONSTRAINT ck_credits_quantity CHECK (quantity_e4 BETWEEN 1 AND 1000000000000),
    CONSTRAINT ck_credits_id CHECK (length(id) = 32),
    CONSTRAINT ck_credits_key CHECK (key > 0),
    CONSTRAINT uq_credits_id UNIQUE (id)
)
--;
CREATE TABLE events (
    subject BIGINT NOT NULL,
    seq INTEGER NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (subject, seq),
    CONSTRAINT ck_events_hash CHECK (length(hash) = 32)
)
--;
CREATE TABLE splits (
    subject BIGINT NOT NULL,
    envelope TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_splits PRIMARY KEY (subject)
)
--;
CREATE TABLE feed (
    position BIGINT NOT NULL,
    subject BIGINT NOT NULL,
    seq INTEGER NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_feed PRIMARY KEY (position),
    CONSTRAINT uq_feed_subject_seq UNIQUE (subject, seq),
    CONSTRAINT fk_feed_subject_seq FOREIGN KEY(subject, seq) REFERENCES events (subject, seq)
)
--;
CREATE TABLE serial_claims (
    registry_key TEXT COLLATE "C" NOT NULL,
    serial_key TEXT COLLATE "C" NOT NULL,
    credit BIGINT NOT NULL,
    CONSTRAINT pk_serial_claims PRIMARY KEY (registry_key, serial_key),
    CONSTRAINT uq_serial_claims_credit UNIQUE (credit)
)
--;
CREATE TABLE serial_blocks (
    credit BIGINT NOT NULL,
    series TEXT COLLATE "C" NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    size_class SMALLINT NOT NULL,
    is_held SMALLINT NOT NULL,
    CONSTRAINT pk_serial_blocks PRIMARY KEY (credit),
    CONSTRAINT ck_serial_blocks_forwards CHECK (first <= last),
    CONSTRAINT ck_serial_blocks_is_held CHECK (is_held IN (0, 1)),
    CONSTRAINT ex_serial_blocks_once EXCLUDE USING gist (series WITH =, int8range(first, last, '[]') WITH &&) WHERE (is_held = 1)
)
--;
CREATE TABLE credit_states (
    created_position BIGINT NOT NULL,
    credit BIGINT NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    vintage INTEGER NOT NULL,
    quantity_e4 BIGINT NOT NULL,
    project_key TEXT COLLATE "C" NOT NULL,
    registry_key TEXT COLLATE "C" NOT NULL,
    serial_key TEXT COLLATE "C",
    search_text TEXT COLLATE "C" GENERATED ALWAYS AS (replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(' ' || project_key || ' ' || registry_key || ' ' || coalesce(serial_key, '') || ' ', '-', ' '), '.', ' '), ',', ' '), '/', ' '), '(', ' '), ')', ' '), '_', ' '), ':', ' '), '''', ' '), '–', ' ')) STORED NOT NULL,
    created_at TEXT COLLATE "C" NOT NULL,
    changed_at TEXT COLLATE "C" NOT NULL,
    buyer TEXT COLLATE "C",
    beneficiary TEXT COLLATE "C",
    CONSTRAINT pk_credit_states PRIMARY KEY (created_position),
    CONSTRAINT uq_credit_states_credit UNIQUE (credit)
)
--;
CREATE TABLE import_problems (
    import_id BIGINT NOT NULL,
    number INTEGER NOT NULL,
    row INTEGER NOT NULL,
    field TEXT COLLATE "C" NOT NULL,
    message TEXT COLLATE "C" NOT NULL,
    holder BYTEA,
    first BIGINT,
    last BIGINT,
    CONSTRAINT pk_import_problems PRIMARY KEY (import_id, number),
    CONSTRAINT fk_import_problems_import_id FOREIGN KEY(import_id) REFERENCES imports (id) ON DELETE CASCADE
)
--;
CREATE TABLE idempotency_keys (
    actor TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    made_at TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    status INTEGER NOT NULL,
    ids TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (actor, key)
)
--;
CREATE TABLE log_marks (
    name TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT pk_log_marks PRIMARY KEY (name, position)
)
