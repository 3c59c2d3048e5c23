-- The schema of revision 0026 on PostgreSQL. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
CREATE TABLE log_nodes (
	tree SMALLINT NOT NULL,
	level SMALLINT NOT NULL,
	place BIGINT NOT NULL,
	hash BYTEA NOT NULL,
	CONSTRAINT pk_log_nodes PRIMARY KEY (tree, level, place),
	CONSTRAINT ck_log_nodes_hash CHECK (length(hash) = 32)
)
--;
CREATE TABLE log_keys (
	number BIGINT NOT NULL,
	origin TEXT COLLATE "C" NOT NULL,
	public_key BYTEA NOT NULL,
	registered_at TEXT COLLATE "C" NOT NULL,
	follows TEXT COLLATE "C",
	CONSTRAINT pk_log_keys PRIMARY KEY (number),
	CONSTRAINT ck_log_keys_public_key CHECK (length(public_key) = 32)
)
--;
CREATE TABLE checkpoints (
	tree SMALLINT NOT NULL,
	key_number BIGINT NOT NULL,
	size BIGINT NOT NULL,
	note TEXT COLLATE "C" NOT NULL,
	signed_at TEXT COLLATE "C" NOT NULL,
	CONSTRAINT pk_checkpoints PRIMARY KEY (tree, key_number, size)
)
--;
CREATE TABLE cosignatures (
	tree SMALLINT NOT NULL,
	key_number BIGINT NOT NULL,
	size BIGINT NOT NULL,
	witness TEXT COLLATE "C" NOT NULL,
	line TEXT COLLATE "C" NOT NULL,
	received_at TEXT COLLATE "C" NOT NULL,
	CONSTRAINT pk_cosignatures PRIMARY KEY (tree, key_number, size, witness)
)
--;
CREATE FUNCTION ledger_refuse_node() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
BEGIN
  RAISE EXCEPTION 'ledger: UPDATE of log_nodes is refused, a node never changes'
    USING ERRCODE = 'restrict_violation';
END$guard$
--;
CREATE FUNCTION ledger_guard_log_nodes() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
BEGIN
  PERFORM pg_advisory_xact_lock(1818584167);
  IF EXISTS (SELECT 1 FROM log_nodes AS stored WHERE stored.tree = NEW.tree AND stored.level = NEW.level AND stored.place = NEW.place) THEN
    RAISE EXCEPTION 'ledger: this node is stored already' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END$guard$
--;
CREATE FUNCTION ledger_guard_log_keys() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
BEGIN
  PERFORM pg_advisory_xact_lock(1818584167);
  IF NEW.number <> (SELECT coalesce(max(stored.number), 0) + 1 FROM log_keys AS stored) THEN
    RAISE EXCEPTION 'ledger: the numbers of keys have no gaps' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END$guard$
--;
CREATE FUNCTION ledger_guard_checkpoints() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
BEGIN
  PERFORM pg_advisory_xact_lock(1818584167);
  IF NOT EXISTS (SELECT 1 FROM log_keys AS registered WHERE registered.number = NEW.key_number AND registered.number = (SELECT max(number) FROM log_keys)) OR NEW.size <= (SELECT coalesce(max(stored.size), 0) FROM checkpoints AS stored WHERE stored.tree = NEW.tree AND stored.key_number = NEW.key_number) THEN
    RAISE EXCEPTION 'ledger: a checkpoint is of the last key, and larger than the one before' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END$guard$
--;
CREATE FUNCTION ledger_guard_cosignatures() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
BEGIN
  PERFORM pg_advisory_xact_lock(1818584167);
  IF NOT EXISTS (SELECT 1 FROM checkpoints AS signed WHERE signed.tree = NEW.tree AND signed.key_number = NEW.key_number AND signed.size = NEW.size) OR EXISTS (SELECT 1 FROM cosignatures AS stored WHERE stored.tree = NEW.tree AND stored.key_number = NEW.key_number AND stored.size = NEW.size AND stored.witness = NEW.witness) THEN
    RAISE EXCEPTION 'ledger: a cosignature is of a stored checkpoint, one of each witness' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END$guard$
--;
CREATE TRIGGER log_keys_refuse_change BEFORE UPDATE OR DELETE ON log_keys FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()
--;
CREATE TRIGGER checkpoints_refuse_change BEFORE UPDATE OR DELETE ON checkpoints FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()
--;
CREATE TRIGGER cosignatures_refuse_change BEFORE UPDATE OR DELETE ON cosignatures FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()
--;
CREATE TRIGGER log_keys_refuse_truncate BEFORE TRUNCATE ON log_keys FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()
--;
CREATE TRIGGER checkpoints_refuse_truncate BEFORE TRUNCATE ON checkpoints FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()
--;
CREATE TRIGGER cosignatures_refuse_truncate BEFORE TRUNCATE ON cosignatures FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()
--;
CREATE TRIGGER log_nodes_refuse_update BEFORE UPDATE ON log_nodes FOR EACH ROW EXECUTE FUNCTION ledger_refuse_node()
--;
CREATE TRIGGER log_nodes_guard_insert BEFORE INSERT ON log_nodes FOR EACH ROW EXECUTE FUNCTION ledger_guard_log_nodes()
--;
CREATE TRIGGER log_keys_guard_insert BEFORE INSERT ON log_keys FOR EACH ROW EXECUTE FUNCTION ledger_guard_log_keys()
--;
CREATE TRIGGER checkpoints_guard_insert BEFORE INSERT ON checkpoints FOR EACH ROW EXECUTE FUNCTION ledger_guard_checkpoints()
--;
CREATE TRIGGER cosignatures_guard_insert BEFORE INSERT ON cosignatures FOR EACH ROW EXECUTE FUNCTION ledger_guard_cosignatures()
