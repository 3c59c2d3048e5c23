-- The schema of revision 0015 on SQLite. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
CREATE TABLE statement_links (
    id INTEGER NOT NULL,
    act BIGINT NOT NULL,
    secret_hash TEXT NOT NULL,
    added_by TEXT NOT NULL,
    added_at TEXT NOT NULL,
    revoked_by TEXT,
    revoked_at TEXT,
    CONSTRAINT pk_statement_links PRIMARY KEY (id),
    CONSTRAINT uq_statement_links_secret_hash UNIQUE (secret_hash)
)
--;
CREATE INDEX ix_statement_links_act ON statement_links (act)
