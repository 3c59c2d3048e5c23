-- The schema of revision 0004 on SQLite. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
CREATE TABLE users (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    added_at TEXT NOT NULL,
    disabled_at TEXT,
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT ck_users_role CHECK (role IN ('viewer', 'operator', 'administrator')),
    CONSTRAINT uq_users_name_key UNIQUE (name_key)
)
--;
CREATE TABLE sessions (
    secret_hash TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    started_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (secret_hash),
    CONSTRAINT fk_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (id)
)
 WITHOUT ROWID
--;
CREATE INDEX ix_sessions_expires ON sessions (expires_at)
--;
CREATE INDEX ix_sessions_user ON sessions (user_id)
--;
CREATE TABLE tokens (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    added_by TEXT NOT NULL,
    added_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    revoked_at TEXT,
    last_used_at TEXT,
    CONSTRAINT pk_tokens PRIMARY KEY (id),
    CONSTRAINT ck_tokens_role CHECK (role IN ('viewer', 'operator', 'administrator')),
    CONSTRAINT uq_tokens_secret_hash UNIQUE (secret_hash)
)
--;
CREATE TABLE account_log (
    position BIGINT NOT NULL,
    recorded_at TEXT NOT NULL,
    actor TEXT NOT NULL,
    act TEXT NOT NULL,
    subject TEXT NOT NULL,
    data TEXT NOT NULL,
    CONSTRAINT pk_account_log PRIMARY KEY (position)
)
 WITHOUT ROWID
--;
CREATE TABLE sign_in_failures (
    id INTEGER NOT NULL,
    name_hash TEXT NOT NULL,
    address_hash TEXT NOT NULL,
    at TEXT NOT NULL,
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
    address_hash TEXT NOT NULL,
    at TEXT NOT NULL,
    CONSTRAINT pk_known_addresses PRIMARY KEY (user_id, address_hash),
    CONSTRAINT fk_known_addresses_user_id FOREIGN KEY(user_id) REFERENCES users (id)
)
 WITHOUT ROWID
--;
CREATE INDEX ix_known_addresses_at ON known_addresses (at)
--;
CREATE TRIGGER account_log_refuse_update BEFORE UPDATE ON account_log
BEGIN
  SELECT RAISE(ABORT, 'ledger: UPDATE of account_log is refused, the log is append-only');
END
--;
CREATE TRIGGER account_log_refuse_delete BEFORE DELETE ON account_log
BEGIN
  SELECT RAISE(ABORT, 'ledger: DELETE of account_log is refused, the log is append-only');
END
--;
CREATE TRIGGER account_log_guard_insert BEFORE INSERT ON account_log
BEGIN
  SELECT RAISE(ABORT, 'ledger: the positions of the log of accounts have no gaps')
   WHERE NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM account_log);
END
