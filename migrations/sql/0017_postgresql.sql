-- The schema of revision 0017 on PostgreSQL. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
CREATE TABLE contested_claims (
  credit BIGINT NOT NULL,
  registry_key TEXT COLLATE "C" NOT NULL,
  serial_key TEXT COLLATE "C" NOT NULL,
  CONSTRAINT pk_contested_claims PRIMARY KEY (credit)
)
--;
CREATE INDEX ix_contested_claims_serial ON contested_claims (registry_key, serial_key)
--;
CREATE TABLE registry_aliases (
  alias_key TEXT COLLATE "C" NOT NULL,
  registry_key TEXT COLLATE "C" NOT NULL,
  alias TEXT COLLATE "C" NOT NULL,
  CONSTRAINT pk_registry_aliases PRIMARY KEY (alias_key)
)
--;
CREATE TABLE credit_facts (
  created_position BIGINT NOT NULL,
  project_id TEXT COLLATE "C",
  country TEXT COLLATE "C",
  project_type TEXT COLLATE "C",
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
--;
CREATE FUNCTION ledger_key_claim() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
BEGIN
  NEW.registry_key := coalesce(
    (SELECT registry_key FROM registry_aliases WHERE alias_key = NEW.registry_key), NEW.registry_key);
  RETURN NEW;
END$guard$
--;
CREATE TRIGGER serial_claims_key BEFORE INSERT OR UPDATE ON serial_claims FOR EACH ROW EXECUTE FUNCTION ledger_key_claim()
