-- The schema of revision 0002 on PostgreSQL. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
CREATE EXTENSION IF NOT EXISTS btree_gist
--;
CREATE TABLE serial_blocks (
    credit_id TEXT COLLATE "C" NOT NULL,
    series TEXT COLLATE "C" NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    CONSTRAINT pk_serial_blocks PRIMARY KEY (credit_id),
    CONSTRAINT ck_serial_blocks_forwards CHECK (first <= last),
    CONSTRAINT ex_serial_blocks_once EXCLUDE USING gist (series WITH =, int8range(first, last, '[]') WITH &&)
)
--;
CREATE INDEX ix_serial_blocks_numbers ON serial_blocks (first, last, credit_id)
--;
CREATE INDEX ix_serial_blocks_series ON serial_blocks (series, first)
