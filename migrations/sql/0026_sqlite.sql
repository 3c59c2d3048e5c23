-- The schema of revision 0026 on SQLite. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
CREATE TABLE log_nodes (
	tree SMALLINT NOT NULL,
	level SMALLINT NOT NULL,
	place BIGINT NOT NULL,
	hash BLOB NOT NULL,
	CONSTRAINT pk_log_nodes PRIMARY KEY (tree, level, place),
	CONSTRAINT ck_log_nodes_hash CHECK (length(hash) = 32)
)
 WITHOUT ROWID
--;
CREATE TABLE log_keys (
	number INTEGER NOT NULL,
	origin TEXT NOT NULL,
	public_key BLOB NOT NULL,
	registered_at TEXT NOT NULL,
	follows TEXT,
	CONSTRAINT pk_log_keys PRIMARY KEY (number),
	CONSTRAINT ck_log_keys_public_key CHECK (length(public_key) = 32)
)
 WITHOUT ROWID
--;
CREATE TABLE checkpoints (
	tree SMALLINT NOT NULL,
	key_number BIGINT NOT NULL,
	size BIGINT NOT NULL,
	note TEXT NOT NULL,
	signed_at TEXT NOT NULL,
	CONSTRAINT pk_checkpoints PRIMARY KEY (tree, key_number, size)
)
 WITHOUT ROWID
--;
CREATE TABLE cosignatures (
	tree SMALLINT NOT NULL,
	key_number BIGINT NOT NULL,
	size BIGINT NOT NULL,
	witness TEXT NOT NULL,
	line TEXT NOT NULL,
	received_at TEXT NOT NULL,
	CONSTRAINT pk_cosignatures PRIMARY KEY (tree, key_number, size, witness)
)
 WITHOUT ROWID
--;
CREATE TRIGGER log_keys_refuse_update BEFORE UPDATE ON log_keys
BEGIN
  SELECT RAISE(ABORT, 'ledger: UPDATE of log_keys is refused, the log is append-only');
END
--;
CREATE TRIGGER log_keys_refuse_delete BEFORE DELETE ON log_keys
BEGIN
  SELECT RAISE(ABORT, 'ledger: DELETE of log_keys is refused, the log is append-only');
END
--;
CREATE TRIGGER checkpoints_refuse_update BEFORE UPDATE ON checkpoints
BEGIN
  SELECT RAISE(ABORT, 'ledger: UPDATE of checkpoints is refused, the log is append-only');
END
--;
CREATE TRIGGER checkpoints_refuse_delete BEFORE DELETE ON checkpoints
BEGIN
  SELECT RAISE(ABORT, 'ledger: DELETE of checkpoints is refused, the log is append-only');
END
--;
CREATE TRIGGER cosignatures_refuse_update BEFORE UPDATE ON cosignatures
BEGIN
  SELECT RAISE(ABORT, 'ledger: UPDATE of cosignatures is refused, the log is append-only');
END
--;
CREATE TRIGGER cosignatures_refuse_delete BEFORE DELETE ON cosignatures
BEGIN
  SELECT RAISE(ABORT, 'ledger: DELETE of cosignatures is refused, the log is append-only');
END
--;
CREATE TRIGGER log_nodes_refuse_update BEFORE UPDATE ON log_nodes
BEGIN
  SELECT RAISE(ABORT, 'ledger: UPDATE of log_nodes is refused, a node never changes');
END
--;
CREATE TRIGGER log_nodes_guard_insert BEFORE INSERT ON log_nodes
BEGIN
  SELECT RAISE(ABORT, 'ledger: this node is stored already')
   WHERE EXISTS (SELECT 1 FROM log_nodes AS stored WHERE stored.tree = NEW.tree AND stored.level = NEW.level AND stored.place = NEW.place);
END
--;
CREATE TRIGGER log_keys_guard_insert BEFORE INSERT ON log_keys
BEGIN
  SELECT RAISE(ABORT, 'ledger: the numbers of keys have no gaps')
   WHERE NEW.number <> (SELECT coalesce(max(stored.number), 0) + 1 FROM log_keys AS stored);
END
--;
CREATE TRIGGER checkpoints_guard_insert BEFORE INSERT ON checkpoints
BEGIN
  SELECT RAISE(ABORT, 'ledger: a checkpoint is of the last key, and larger than the one before')
   WHERE NOT EXISTS (SELECT 1 FROM log_keys AS registered WHERE registered.number = NEW.key_number AND registered.number = (SELECT max(number) FROM log_keys)) OR NEW.size <= (SELECT coalesce(max(stored.size), 0) FROM checkpoints AS stored WHERE stored.tree = NEW.tree AND stored.key_number = NEW.key_number);
END
--;
CREATE TRIGGER cosignatures_guard_insert BEFORE INSERT ON cosignatures
BEGIN
  SELECT RAISE(ABORT, 'ledger: a cosignature is of a stored checkpoint, one of each witness')
   WHERE NOT EXISTS (SELECT 1 FROM checkpoints AS signed WHERE signed.tree = NEW.tree AND signed.key_number = NEW.key_number AND signed.size = NEW.size) OR EXISTS (SELECT 1 FROM cosignatures AS stored WHERE stored.tree = NEW.tree AND stored.key_number = NEW.key_number AND stored.size = NEW.size AND stored.witness = NEW.witness);
END
