-- The schema of revision 0015 on PostgreSQL. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
CREATE TABLE statement_links (
    id BIGSERIAL NOT NULL,
    act BIGINT NOT NULL,
    secret_hash TEXT COLLATE "C" NOT NULL,
    added_by TEXT COLLATE "C" NOT NULL,
    added_at TEXT COLLATE "C" NOT NULL,
    revoked_by TEXT COLLATE "C",
    revoked_at TEXT COLLATE "C",
    CONSTRAINT pk_statement_links PRIMARY KEY (id),
    CONSTRAINT uq_statement_links_secret_hash UNIQUE (secret_hash)
)
--;
CREATE INDEX ix_statement_links_act ON statement_links (act)
