ALTER TABLE imports ADD COLUMN options TEXT
--;
ALTER TABLE imports ADD COLUMN summary TEXT
--;
CREATE TABLE import_rows (
    import_id BIGINT NOT NULL,
    number INTEGER NOT NULL,
    "row" INTEGER NOT NULL,
    kind TEXT NOT NULL,
    quantity_e4 BIGINT NOT NULL,
    credit BLOB,
    detail TEXT NOT NULL,
    project_name TEXT,
    serial_number TEXT,
    cells TEXT NOT NULL,
    CONSTRAINT pk_import_rows PRIMARY KEY (import_id, number),
    CONSTRAINT fk_import_rows_import_id FOREIGN KEY(import_id) REFERENCES imports (id) ON DELETE CASCADE
)
--;
CREATE INDEX ix_import_rows_kind ON import_rows (import_id, kind, number)
--;
CREATE TABLE column_mappings (
    headers_key TEXT NOT NULL,
    mapping TEXT NOT NULL,
    actor TEXT NOT NULL,
    saved_at TEXT NOT NULL,
    CONSTRAINT pk_column_mappings PRIMARY KEY (headers_key)
) WITHOUT ROWID
