CREATE TABLE import_jobs (
    import_id BIGINT NOT NULL,
    phase TEXT NOT NULL,
    owner TEXT,
    lease_until TEXT,
    settings TEXT,
    source TEXT,
    facts TEXT,
    rows_max INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    chunks_planned INTEGER NOT NULL,
    chunks_recorded INTEGER NOT NULL,
    rows_all INTEGER NOT NULL,
    rows_done INTEGER NOT NULL,
    rows_before INTEGER NOT NULL,
    began_at TEXT NOT NULL,
    CONSTRAINT pk_import_jobs PRIMARY KEY (import_id),
    CONSTRAINT fk_import_jobs_import_id FOREIGN KEY(import_id) REFERENCES imports (id) ON DELETE CASCADE
)
--;
CREATE TABLE import_file_parts (
    import_id BIGINT NOT NULL,
    number INTEGER NOT NULL,
    content BLOB NOT NULL,
    CONSTRAINT pk_import_file_parts PRIMARY KEY (import_id, number),
    CONSTRAINT fk_import_file_parts_import_id FOREIGN KEY(import_id) REFERENCES imports (id) ON DELETE CASCADE
)
--;
CREATE TABLE import_source_rows (
    import_id BIGINT NOT NULL,
    number INTEGER NOT NULL,
    "row" INTEGER NOT NULL,
    cells TEXT NOT NULL,
    parsed TEXT,
    CONSTRAINT pk_import_source_rows PRIMARY KEY (import_id, number)
)
 WITHOUT ROWID
--;
CREATE TABLE import_chunks (
    import_id BIGINT NOT NULL,
    number INTEGER NOT NULL,
    places BLOB NOT NULL,
    "plan" TEXT,
    CONSTRAINT pk_import_chunks PRIMARY KEY (import_id, number),
    CONSTRAINT fk_import_chunks_import_id FOREIGN KEY(import_id) REFERENCES imports (id) ON DELETE CASCADE
)
--;
CREATE INDEX ix_credit_states_unnumbered ON credit_states (project_key, registry_key) WHERE serial_key IS NULL
