-- The schema of revision 0001 on SQLite. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
CREATE TABLE credit_states (
    created_position INTEGER NOT NULL,
    credit_id TEXT NOT NULL,
    status TEXT NOT NULL,
    project_name TEXT NOT NULL,
    registry TEXT NOT NULL,
    vintage INTEGER NOT NULL,
    quantity_e4 BIGINT NOT NULL,
    serial_number TEXT,
    project_key TEXT NOT NULL,
    registry_key TEXT NOT NULL,
    search_key TEXT NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    buyer TEXT,
    beneficiary TEXT,
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
CREATE INDEX ix_credit_states_status ON credit_states (status, created_position)
--;
CREATE INDEX ix_credit_states_vintage ON credit_states (vintage, created_position)
--;
CREATE TABLE credits (
    id TEXT NOT NULL,
    project_name TEXT NOT NULL,
    registry TEXT NOT NULL,
    vintage INTEGER NOT NULL,
    quantity_e4 BIGINT NOT NULL,
    serial_number TEXT,
    CONSTRAINT pk_credits PRIMARY KEY (id),
    CONSTRAINT ck_credits_vintage CHECK (vintage BETWEEN 1990 AND 2100),
    CONSTRAINT ck_credits_quantity CHECK (quantity_e4 BETWEEN 1 AND 1000000000000)
)
 WITHOUT ROWID
--;
CREATE TABLE imports (
    id INTEGER NOT NULL,
    state TEXT NOT NULL,
    actor TEXT NOT NULL,
    filename TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    content BLOB,
    uploaded_at TEXT NOT NULL,
    finished_at TEXT,
    message TEXT,
    not_recorded TEXT NOT NULL,
    total INTEGER NOT NULL,
    new INTEGER NOT NULL,
    existing INTEGER NOT NULL,
    conflicting INTEGER NOT NULL,
    invalid INTEGER NOT NULL,
    written INTEGER NOT NULL,
    CONSTRAINT pk_imports PRIMARY KEY (id)
)
--;
CREATE TABLE parties (
    role TEXT NOT NULL,
    name_key TEXT NOT NULL,
    name TEXT NOT NULL,
    last_position BIGINT NOT NULL,
    CONSTRAINT pk_parties PRIMARY KEY (role, name_key)
)
 WITHOUT ROWID
--;
CREATE INDEX ix_parties_recent ON parties (role, last_position)
--;
CREATE TABLE registries (
    registry_key TEXT NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT pk_registries PRIMARY KEY (registry_key)
)
 WITHOUT ROWID
--;
CREATE TABLE serial_claims (
    registry_key TEXT NOT NULL,
    serial_key TEXT NOT NULL,
    credit_id TEXT NOT NULL,
    CONSTRAINT pk_serial_claims PRIMARY KEY (registry_key, serial_key),
    CONSTRAINT uq_serial_claims_credit_id UNIQUE (credit_id)
)
 WITHOUT ROWID
--;
CREATE TABLE totals (
    registry_key TEXT NOT NULL,
    vintage INTEGER NOT NULL,
    status TEXT NOT NULL,
    credits BIGINT NOT NULL,
    quantity_e4 BIGINT NOT NULL,
    CONSTRAINT pk_totals PRIMARY KEY (registry_key, vintage, status)
)
 WITHOUT ROWID
--;
CREATE TABLE events (
    credit_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    type TEXT NOT NULL,
    actor TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (credit_id, seq),
    CONSTRAINT ck_events_body_agrees CHECK (CASE WHEN typeof(body) = 'text' AND typeof(hash) = 'text' AND json_valid(body) THEN json_type(body, '$.v') IS 'integer' AND json_type(body, '$.seq') IS 'integer' AND json_type(body, '$.actor') IS 'text' AND json_extract(body, '$.v') IS 1 AND json_extract(body, '$.credit') IS credit_id AND json_extract(body, '$.seq') IS seq AND json_extract(body, '$.type') IS type AND json_extract(body, '$.actor') IS actor AND json_extract(body, '$.recorded_at') IS recorded_at AND json_extract(body, '$.prev_hash') IS prev_hash ELSE 0 END),
    CONSTRAINT ck_events_hash CHECK (CASE WHEN length(hash) = 64 THEN 1 ELSE 0 END = 1),
    CONSTRAINT fk_events_credit_id FOREIGN KEY(credit_id) REFERENCES credits (id) DEFERRABLE INITIALLY DEFERRED
)
 WITHOUT ROWID
--;
CREATE UNIQUE INDEX uq_events_retired_once ON events (credit_id) WHERE type = 'RETIRED'
--;
CREATE TABLE import_problems (
    import_id BIGINT NOT NULL,
    number INTEGER NOT NULL,
    "row" INTEGER NOT NULL,
    field TEXT NOT NULL,
    message TEXT NOT NULL,
    holder TEXT,
    CONSTRAINT pk_import_problems PRIMARY KEY (import_id, number),
    CONSTRAINT fk_import_problems_import_id FOREIGN KEY(import_id) REFERENCES imports (id) ON DELETE CASCADE
)
--;
CREATE TABLE feed (
    position BIGINT NOT NULL,
    credit_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    type TEXT NOT NULL,
    CONSTRAINT pk_feed PRIMARY KEY (position),
    CONSTRAINT uq_feed_credit_id_seq UNIQUE (credit_id, seq),
    CONSTRAINT fk_feed_credit_id_seq FOREIGN KEY(credit_id, seq) REFERENCES events (credit_id, seq)
)
 WITHOUT ROWID
--;
CREATE INDEX ix_feed_type_position ON feed (type, position)
--;
CREATE TRIGGER credits_refuse_update BEFORE UPDATE ON credits
BEGIN
  SELECT RAISE(ABORT, 'ledger: UPDATE of credits is refused, the log is append-only');
END
--;
CREATE TRIGGER credits_refuse_delete BEFORE DELETE ON credits
BEGIN
  SELECT RAISE(ABORT, 'ledger: DELETE of credits is refused, the log is append-only');
END
--;
CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events
BEGIN
  SELECT RAISE(ABORT, 'ledger: UPDATE of events is refused, the log is append-only');
END
--;
CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events
BEGIN
  SELECT RAISE(ABORT, 'ledger: DELETE of events is refused, the log is append-only');
END
--;
CREATE TRIGGER feed_refuse_update BEFORE UPDATE ON feed
BEGIN
  SELECT RAISE(ABORT, 'ledger: UPDATE of feed is refused, the log is append-only');
END
--;
CREATE TRIGGER feed_refuse_delete BEFORE DELETE ON feed
BEGIN
  SELECT RAISE(ABORT, 'ledger: DELETE of feed is refused, the log is append-only');
END
--;
CREATE TRIGGER events_guard_insert BEFORE INSERT ON events
BEGIN
  SELECT RAISE(ABORT, 'ledger: this event is recorded already')
   WHERE EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.credit_id AND seq = NEW.seq);
  SELECT RAISE(ABORT, 'ledger: the first event of a credit must be CREATED with seq 1')
   WHERE NOT EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.credit_id)
     AND NOT (NEW.seq IS 1 AND NEW.type IS 'CREATED' AND NEW.prev_hash IS '0000000000000000000000000000000000000000000000000000000000000000');
  SELECT RAISE(ABORT, 'ledger: this event may not follow the last one of its credit')
   WHERE EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.credit_id)
     AND NOT EXISTS (
       SELECT 1 FROM events AS last
        WHERE last.credit_id = NEW.credit_id
          AND last.seq = (SELECT max(seq) FROM events WHERE credit_id = NEW.credit_id)
          AND NEW.seq = last.seq + 1
          AND NEW.prev_hash = last.hash
          AND NEW.recorded_at >= last.recorded_at
          AND (last.type, NEW.type) IN (VALUES ('CREATED', 'SOLD'), ('CREATED', 'RETIRED'), ('SOLD', 'RETIRED')));
END
--;
CREATE TRIGGER events_make_credit AFTER INSERT ON events WHEN NEW.type = 'CREATED'
BEGIN
  INSERT INTO credits (id, project_name, registry, vintage, quantity_e4, serial_number)
  SELECT NEW.credit_id, json_extract(NEW.body, '$.data.project_name'),
         json_extract(NEW.body, '$.data.registry'), json_extract(NEW.body, '$.data.vintage'),
         quantity_e4, json_extract(NEW.body, '$.data.serial_number')
    FROM (SELECT quantity,
                 CAST(substr(quantity, 1, instr(quantity || '.', '.') - 1) AS INTEGER) * 10000
                 + CAST(substr(substr(quantity, instr(quantity || '.', '.') + 1) || '0000', 1, 4)
                        AS INTEGER) AS quantity_e4
            FROM (SELECT json_extract(NEW.body, '$.data.quantity') AS quantity))
   WHERE json_type(NEW.body, '$.data.project_name') = 'text'
     AND json_type(NEW.body, '$.data.registry') = 'text'
     AND json_type(NEW.body, '$.data.vintage') = 'integer'
     AND json_extract(NEW.body, '$.data.vintage') BETWEEN 1990 AND 2100
     AND json_type(NEW.body, '$.data.quantity') = 'text'
     AND coalesce(json_type(NEW.body, '$.data.serial_number'), 'text') = 'text'
     AND quantity = (quantity_e4 / 10000)
                    || rtrim(rtrim(printf('.%04d', quantity_e4 % 10000), '0'), '.')
     AND quantity_e4 BETWEEN 1 AND 1000000000000;
  SELECT RAISE(ABORT, 'ledger: a CREATED event must state its credit')
   WHERE NOT EXISTS (SELECT 1 FROM credits WHERE id = NEW.credit_id);
END
--;
CREATE TRIGGER credits_guard_insert BEFORE INSERT ON credits
BEGIN
  SELECT RAISE(ABORT, 'ledger: this credit is recorded already')
   WHERE EXISTS (SELECT 1 FROM credits WHERE id = NEW.id);
  SELECT RAISE(ABORT, 'ledger: a credit is made by its CREATED event')
   WHERE NOT EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.id AND seq = 1);
END
--;
CREATE TRIGGER feed_guard_insert BEFORE INSERT ON feed
BEGIN
  SELECT RAISE(ABORT, 'ledger: the positions of the feed have no gaps')
   WHERE NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM feed);
  SELECT RAISE(ABORT, 'ledger: this event has its position already')
   WHERE EXISTS (SELECT 1 FROM feed WHERE credit_id = NEW.credit_id AND seq = NEW.seq);
  SELECT RAISE(ABORT, 'ledger: there is no such event')
   WHERE NOT EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.credit_id
                     AND seq = NEW.seq AND type = NEW.type);
END
--;
CREATE VIRTUAL TABLE credit_search USING fts5(search_key, tokenize = 'trigram case_sensitive 1', content = 'credit_states', content_rowid = 'created_position')
