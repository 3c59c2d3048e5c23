-- The schema of revision 0004 on PostgreSQL. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
CREATE TABLE users (
    id BIGSERIAL NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    password_hash TEXT COLLATE "C" NOT NULL,
    added_at TEXT COLLATE "C" NOT NULL,
    disabled_at TEXT COLLATE "C",
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT ck_users_role CHECK (role IN ('viewer', 'operator', 'administrator')),
    CONSTRAINT uq_users_name_key UNIQUE (name_key)
)
--;
CREATE TABLE sessions (
    secret_hash TEXT COLLATE "C" NOT NULL,
    user_id BIGINT NOT NULL,
    started_at TEXT COLLATE "C" NOT NULL,
    seen_at TEXT COLLATE "C" NOT NULL,
    expires_at TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (secret_hash),
    CONSTRAINT fk_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (id)
)
--;
CREATE INDEX ix_sessions_expires ON sessions (expires_at)
--;
CREATE INDEX ix_sessions_user ON sessions (user_id)
--;
CREATE TABLE tokens (
    id BIGSERIAL NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    secret_hash TEXT COLLATE "C" NOT NULL,
    added_by TEXT COLLATE "C" NOT NULL,
    added_at TEXT COLLATE "C" NOT NULL,
    expires_at TEXT COLLATE "C" NOT NULL,
    revoked_at TEXT COLLATE "C",
    last_used_at TEXT COLLATE "C",
    CONSTRAINT pk_tokens PRIMARY KEY (id),
    CONSTRAINT ck_tokens_role CHECK (role IN ('viewer', 'operator', 'administrator')),
    CONSTRAINT uq_tokens_secret_hash UNIQUE (secret_hash)
)
--;
CREATE TABLE account_log (
    position BIGINT NOT NULL,
    recorded_at TEXT COLLATE "C" NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    act TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    data TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_account_log PRIMARY KEY (position)
)
--;
CREATE TABLE sign_in_failures (
    id BIGSERIAL NOT NULL,
    name_hash TEXT COLLATE "C" NOT NULL,
    address_hash TEXT COLLATE "C" NOT NULL,
    at TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_sign_in_failures PRIMARY KEY (id)
)
--;
CREATE INDEX ix_sign_in_failures_address ON sign_in_failures (address_hash, at)
--;
CREATE INDEX ix_sign_in_failures_at ON sign_in_failures (at)
--;
CREATE INDEX ix_sign_in_failures_name ON sign_in_failures (name_hash, at)
--;
CREATE TABLE known_addresses (
    user_id BIGINT NOT NULL,
    address_hash TEXT COLLATE "C" NOT NULL,
    at TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_known_addresses PRIMARY KEY (user_id, address_hash),
    CONSTRAINT fk_known_addresses_user_id FOREIGN KEY(user_id) REFERENCES users (id)
)
--;
CREATE INDEX ix_known_addresses_at ON known_addresses (at)
--;
CREATE FUNCTION ledger_guard_account_entry() RETURNS trigger LANGUAGE plpgsql SET search_path = "@schema@", pg_temp AS $guard$
BEGIN
  IF NEW.position IS DISTINCT FROM (SELECT coalesce(max(position), 0) + 1 FROM account_log) THEN
    RAISE EXCEPTION 'ledger: the positions of the log of accounts have no gaps'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END$guard$
--;
CREATE TRIGGER account_log_refuse_change BEFORE UPDATE OR DELETE ON account_log FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()
--;
CREATE TRIGGER account_log_refuse_truncate BEFORE TRUNCATE ON account_log FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()
--;
CREATE TRIGGER account_log_guard_insert BEFORE INSERT ON account_log FOR EACH ROW EXECUTE FUNCTION ledger_guard_account_entry()
