-- The schema of revision 0017 on SQLite. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
CREATE TABLE contested_claims (
  credit INTEGER NOT NULL,
  registry_key TEXT NOT NULL,
  serial_key TEXT NOT NULL,
  CONSTRAINT pk_contested_claims PRIMARY KEY (credit)
)
--;
CREATE INDEX ix_contested_claims_serial ON contested_claims (registry_key, serial_key)
--;
CREATE TABLE registry_aliases (
  alias_key TEXT NOT NULL,
  registry_key TEXT NOT NULL,
  alias TEXT NOT NULL,
  CONSTRAINT pk_registry_aliases PRIMARY KEY (alias_key)
)
 WITHOUT ROWID
--;
CREATE TABLE credit_facts (
  created_position INTEGER NOT NULL,
  project_id TEXT,
  country TEXT,
  project_type TEXT,
  CONSTRAINT pk_credit_facts PRIMARY KEY (created_position)
)
--;
CREATE INDEX ix_credit_facts_country ON credit_facts (country, created_position) WHERE country IS NOT NULL
--;
CREATE INDEX ix_credit_facts_project_id ON credit_facts (project_id, created_position) WHERE project_id IS NOT NULL
--;
CREATE INDEX ix_credit_facts_project_type ON credit_facts (project_type, created_position) WHERE project_type IS NOT NULL
--;
CREATE TABLE import_credits (
  import_number BIGINT NOT NULL,
  created_position BIGINT NOT NULL,
  CONSTRAINT pk_import_credits PRIMARY KEY (import_number, created_position)
)
 WITHOUT ROWID
--;
CREATE TRIGGER serial_claims_guard_insert BEFORE INSERT ON serial_claims
BEGIN
  SELECT RAISE(ABORT, 'ledger: this registry is known by another name')
   WHERE EXISTS (SELECT 1 FROM registry_aliases WHERE alias_key = NEW.registry_key);
END
--;
CREATE TRIGGER serial_claims_guard_update BEFORE UPDATE ON serial_claims
BEGIN
  SELECT RAISE(ABORT, 'ledger: this registry is known by another name')
   WHERE EXISTS (SELECT 1 FROM registry_aliases WHERE alias_key = NEW.registry_key);
END
