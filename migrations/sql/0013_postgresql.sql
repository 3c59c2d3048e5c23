ALTER TABLE imports ADD COLUMN options TEXT COLLATE "C"
--;
ALTER TABLE imports ADD COLUMN summary TEXT COLLATE "C"
--;
CREATE TABLE import_rows (
    import_id BIGINT NOT NULL,
    number INTEGER NOT NULL,
    row INTEGER NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    quantity_e4 BIGINT NOT NULL,
    credit BYTEA,
    detail TEXT COLLATE "C" NOT NULL,
    project_name TEXT COLLATE "C",
    serial_number TEXT COLLATE "C",
    cells TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_import_rows PRIMARY KEY (import_id, number),
    CONSTRAINT fk_import_rows_import_id FOREIGN KEY(import_id) REFERENCES imports (id) ON DELETE CASCADE
)
--;
CREATE INDEX ix_import_rows_kind ON import_rows (import_id, kind, number)
--;
CREATE TABLE column_mappings (
    headers_key TEXT COLLATE "C" NOT NULL,
    mapping TEXT COLLATE "C" NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    saved_at TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_column_mappings PRIMARY KEY (headers_key)
)
