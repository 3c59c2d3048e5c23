-- Revision 0009 on SQLite, the tables, beside those of revision 0008. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
DROP TABLE credit_search
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
    "key" INTEGER NOT NULL,
    id BLOB NOT NULL,
    project_name TEXT NOT NULL,
    registry TEXT NOT NULL,
    vintage INTEGER NOT NULL,
    quantity_e4 BIGINT NOT NULL,
    serial_number TEXT,
    parent BIGINT,
    offset_e4 BIGINT,
    replaces BIGINT,
    CONSTRAINT pk_credits PRIMARY KEY ("key"),
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
    type TEXT NOT NULL,
    hash BLOB NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (subject, seq),
    CONSTRAINT ck_events_hash CHECK (length(hash) = 32)
)
 WITHOUT ROWID
--;
CREATE TABLE splits (
    subject INTEGER NOT NULL,
    envelope TEXT NOT NULL,
    CONSTRAINT pk_splits PRIMARY KEY (subject)
)
--;
CREATE TABLE feed (
    position INTEGER NOT NULL,
    subject BIGINT NOT NULL,
    seq INTEGER NOT NULL,
    type TEXT NOT NULL,
    CONSTRAINT pk_feed PRIMARY KEY (position),
    CONSTRAINT uq_feed_subject_seq UNIQUE (subject, seq),
    CONSTRAINT fk_feed_subject_seq FOREIGN KEY(subject, seq) REFERENCES events (subject, seq)
)
--;
CREATE TABLE serial_claims (
    registry_key TEXT NOT NULL,
    serial_key TEXT NOT NULL,
    credit BIGINT NOT NULL,
    CONSTRAINT pk_serial_claims PRIMARY KEY (registry_key, serial_key),
    CONSTRAINT uq_serial_claims_credit UNIQUE (credit)
)
 WITHOUT ROWID
--;
CREATE TABLE serial_blocks (
    credit INTEGER NOT NULL,
    series TEXT NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    size_class SMALLINT NOT NULL,
    is_held SMALLINT NOT NULL,
    CONSTRAINT pk_serial_blocks PRIMARY KEY (credit),
    CONSTRAINT ck_serial_blocks_forwards CHECK (first <= last),
    CONSTRAINT ck_serial_blocks_is_held CHECK (is_held IN (0, 1))
)
--;
CREATE TABLE credit_states (
    created_position INTEGER NOT NULL,
    credit BIGINT NOT NULL,
    status TEXT NOT NULL,
    vintage INTEGER NOT NULL,
    quantity_e4 BIGINT NOT NULL,
    project_key TEXT NOT NULL,
    registry_key TEXT NOT NULL,
    serial_key TEXT,
    search_text TEXT NOT NULL GENERATED ALWAYS AS (replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(' ' || project_key || ' ' || registry_key || ' ' || coalesce(serial_key, '') || ' ', '-', ' '), '.', ' '), ',', ' '), '/', ' '), '(', ' '), ')', ' '), '_', ' '), ':', ' '), '''', ' '), '–', ' ')) VIRTUAL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    buyer TEXT,
    beneficiary TEXT,
    CONSTRAINT pk_credit_states PRIMARY KEY (created_position),
    CONSTRAINT uq_credit_states_credit UNIQUE (credit)
)
--;
CREATE TABLE import_problems (
    import_id BIGINT NOT NULL,
    number INTEGER NOT NULL,
    "row" INTEGER NOT NULL,
    field TEXT NOT NULL,
    message TEXT NOT NULL,
    holder BLOB,
    first BIGINT,
    last BIGINT,
    CONSTRAINT pk_import_problems PRIMARY KEY (import_id, number),
    CONSTRAINT fk_import_problems_import_id FOREIGN KEY(import_id) REFERENCES imports (id) ON DELETE CASCADE
)
--;
CREATE TABLE idempotency_keys (
    actor TEXT NOT NULL,
    "key" TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    made_at TEXT NOT NULL,
    kind TEXT NOT NULL,
    status INTEGER NOT NULL,
    ids TEXT NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (actor, "key")
)
--;
CREATE TABLE log_marks (
    name TEXT NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT pk_log_marks PRIMARY KEY (name, position)
)
 WITHOUT ROWID
