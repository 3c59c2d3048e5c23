-- The schema of revision 0002 on SQLite. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
CREATE TABLE serial_blocks (
    credit_id TEXT NOT NULL,
    series TEXT NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    CONSTRAINT pk_serial_blocks PRIMARY KEY (credit_id),
    CONSTRAINT ck_serial_blocks_forwards CHECK (first <= last)
)
--;
CREATE INDEX ix_serial_blocks_numbers ON serial_blocks (first, last, credit_id)
--;
CREATE INDEX ix_serial_blocks_series ON serial_blocks (series, first)
--;
CREATE TRIGGER serial_blocks_guard_insert BEFORE INSERT ON serial_blocks
BEGIN
  SELECT RAISE(ABORT, 'ledger: this block is held already, or a part of it is')
   WHERE EXISTS (SELECT 1 FROM serial_blocks WHERE series = NEW.series
                 AND first <= NEW.last AND last >= NEW.first)
      OR EXISTS (SELECT 1 FROM serial_blocks WHERE credit_id = NEW.credit_id);
END
--;
CREATE TRIGGER serial_blocks_guard_update BEFORE UPDATE ON serial_blocks
BEGIN
  SELECT RAISE(ABORT, 'ledger: this block is held already, or a part of it is')
   WHERE EXISTS (SELECT 1 FROM serial_blocks WHERE series = NEW.series
                 AND first <= NEW.last AND last >= NEW.first AND credit_id <> OLD.credit_id)
      OR EXISTS (SELECT 1 FROM serial_blocks WHERE credit_id = NEW.credit_id AND credit_id <> OLD.credit_id);
END
