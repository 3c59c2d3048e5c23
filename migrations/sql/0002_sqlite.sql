-- The schema of revision 0002 on SQLite. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
ALTER TABLE credits ADD COLUMN parent TEXT
--;
ALTER TABLE credits ADD COLUMN offset_e4 BIGINT
--;
ALTER TABLE credits ADD COLUMN replaces TEXT
--;
CREATE INDEX ix_credits_replaces ON credits (replaces)
--;
CREATE UNIQUE INDEX uq_credits_place ON credits (parent, offset_e4)
--;
CREATE TABLE splits (
    credit_id TEXT NOT NULL,
    envelope TEXT NOT NULL,
    CONSTRAINT pk_splits PRIMARY KEY (credit_id)
)
 WITHOUT ROWID
--;
CREATE TABLE serial_blocks (
    credit_id TEXT NOT NULL,
    series TEXT NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    CONSTRAINT pk_serial_blocks PRIMARY KEY (credit_id),
    CONSTRAINT ck_serial_blocks_forwards CHECK (first <= last)
)
 WITHOUT ROWID
--;
CREATE INDEX ix_serial_blocks_numbers ON serial_blocks (first, last, credit_id)
--;
CREATE INDEX ix_serial_blocks_series ON serial_blocks (series, first)
--;
DROP TRIGGER events_guard_insert
--;
DROP TRIGGER events_make_credit
--;
DROP TRIGGER credits_guard_insert
--;
CREATE TRIGGER splits_refuse_update BEFORE UPDATE ON splits
BEGIN
  SELECT RAISE(ABORT, 'ledger: UPDATE of splits is refused, the log is append-only');
END
--;
CREATE TRIGGER splits_refuse_delete BEFORE DELETE ON splits
BEGIN
  SELECT RAISE(ABORT, 'ledger: DELETE of splits is refused, the log is append-only');
END
--;
CREATE TRIGGER events_guard_insert BEFORE INSERT ON events
BEGIN
  SELECT RAISE(ABORT, 'ledger: this event is recorded already')
   WHERE EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.credit_id AND seq = NEW.seq);
  SELECT RAISE(ABORT, 'ledger: the first event of a credit must be CREATED with seq 1')
   WHERE NOT EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.credit_id)
     AND NOT (NEW.seq IS 1 AND NEW.type IS 'CREATED' AND NEW.prev_hash IS '0000000000000000000000000000000000000000000000000000000000000000');
  SELECT RAISE(ABORT, 'ledger: this event may not follow the last one of its credit')
   WHERE EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.credit_id)
     AND NOT EXISTS (
       SELECT 1 FROM events AS last
        WHERE last.credit_id = NEW.credit_id
          AND last.seq = (SELECT max(seq) FROM events WHERE credit_id = NEW.credit_id)
          AND NEW.seq = last.seq + 1
          AND NEW.prev_hash = last.hash
          AND NEW.recorded_at >= last.recorded_at
          AND (last.type, NEW.type) IN (VALUES ('CREATED', 'SOLD'), ('CREATED', 'RETIRED'), ('CREATED', 'SPLIT'), ('CREATED', 'CANCELLED'), ('SOLD', 'RETIRED'), ('SOLD', 'SPLIT')));
  SELECT RAISE(ABORT, 'ledger: a split and its lots are recorded by a row of splits')
   WHERE (NEW.type = 'SPLIT' OR json_extract(NEW.body, '$.data.parent') IS NOT NULL)
     AND NOT EXISTS (
       SELECT 1 FROM splits, json_each(splits.envelope) AS sealed
        WHERE splits.credit_id = coalesce(json_extract(NEW.body, '$.data.parent'), NEW.credit_id)
          AND json_extract(sealed.value, '$.hash') = NEW.hash);
  SELECT RAISE(ABORT, 'ledger: a lot cannot be cancelled by itself')
   WHERE NEW.type = 'CANCELLED'
     AND EXISTS (SELECT 1 FROM credits WHERE id = NEW.credit_id AND parent IS NOT NULL);
  SELECT RAISE(ABORT, 'ledger: only a cancelled credit can be replaced')
   WHERE NEW.type = 'CREATED' AND json_extract(NEW.body, '$.data.replaces') IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM events WHERE type = 'CANCELLED'
                     AND credit_id = json_extract(NEW.body, '$.data.replaces'));
END
--;
CREATE TRIGGER events_make_credit AFTER INSERT ON events WHEN NEW.type = 'CREATED'
BEGIN
  INSERT INTO credits (id, project_name, registry, vintage, quantity_e4, serial_number,
                       parent, offset_e4, replaces)
  SELECT NEW.credit_id, json_extract(NEW.body, '$.data.project_name'),
         json_extract(NEW.body, '$.data.registry'), json_extract(NEW.body, '$.data.vintage'),
         quantity_e4, json_extract(NEW.body, '$.data.serial_number'),
         json_extract(NEW.body, '$.data.parent'), offset_e4,
         json_extract(NEW.body, '$.data.replaces')
    FROM (SELECT quantity, CAST(substr(quantity, 1, instr(quantity || '.', '.') - 1) AS INTEGER) * 10000 + CAST(substr(substr(quantity, instr(quantity || '.', '.') + 1) || '0000', 1, 4) AS INTEGER) AS quantity_e4,
                 place, CAST(substr(place, 1, instr(place || '.', '.') - 1) AS INTEGER) * 10000 + CAST(substr(substr(place, instr(place || '.', '.') + 1) || '0000', 1, 4) AS INTEGER) AS offset_e4
            FROM (SELECT json_extract(NEW.body, '$.data.quantity') AS quantity,
                         json_extract(NEW.body, '$.data.offset') AS place))
   WHERE json_type(NEW.body, '$.data.project_name') = 'text'
     AND json_type(NEW.body, '$.data.registry') = 'text'
     AND json_type(NEW.body, '$.data.vintage') = 'integer'
     AND json_extract(NEW.body, '$.data.vintage') BETWEEN 1990 AND 2100
     AND json_type(NEW.body, '$.data.quantity') = 'text'
     AND coalesce(json_type(NEW.body, '$.data.serial_number'), 'text') = 'text'
     AND coalesce(json_type(NEW.body, '$.data.replaces'), 'text') = 'text'
     AND json_type(NEW.body, '$.data.parent') IS json_type(NEW.body, '$.data.offset')
     AND coalesce(json_type(NEW.body, '$.data.parent'), 'text') = 'text'
     AND quantity = (quantity_e4 / 10000) || rtrim(rtrim(printf('.%04d', quantity_e4 % 10000), '0'), '.')
     AND quantity_e4 BETWEEN 1 AND 1000000000000
     AND (place IS NULL OR place = (offset_e4 / 10000) || rtrim(rtrim(printf('.%04d', offset_e4 % 10000), '0'), '.'));
  SELECT RAISE(ABORT, 'ledger: a CREATED event must state its credit')
   WHERE NOT EXISTS (SELECT 1 FROM credits WHERE id = NEW.credit_id);
END
--;
CREATE TRIGGER splits_guard_insert BEFORE INSERT ON splits
BEGIN
  SELECT RAISE(ABORT, 'ledger: this credit is split already')
   WHERE EXISTS (SELECT 1 FROM splits WHERE credit_id = NEW.credit_id);
END
--;
CREATE TRIGGER splits_make_lots AFTER INSERT ON splits
BEGIN
  INSERT INTO events (credit_id, seq, type, actor, recorded_at, prev_hash, hash, body)
  SELECT json_extract(body, '$.credit'), json_extract(body, '$.seq'), json_extract(body, '$.type'),
         json_extract(body, '$.actor'), json_extract(body, '$.recorded_at'),
         json_extract(body, '$.prev_hash'), hash, body
    FROM (SELECT key, json_extract(value, '$.hash') AS hash, json_extract(value, '$.body') AS body
            FROM json_each(NEW.envelope))
   ORDER BY key;
  SELECT RAISE(ABORT, 'ledger: the lots must partition their parent')
   WHERE NOT EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.credit_id AND type = 'SPLIT')
      OR (SELECT count(*) FROM credits WHERE parent = NEW.credit_id) < 2
      OR (SELECT sum(quantity_e4) FROM credits WHERE parent = NEW.credit_id)
         IS NOT (SELECT quantity_e4 FROM credits WHERE id = NEW.credit_id)
      OR EXISTS (SELECT 1 FROM credits AS lot JOIN credits AS whole ON whole.id = lot.parent
                  WHERE lot.parent = NEW.credit_id
                    AND ((lot.project_name, lot.registry, lot.vintage)
                         <> (whole.project_name, whole.registry, whole.vintage)
                         OR lot.offset_e4
                            <> (SELECT coalesce(sum(before.quantity_e4), 0) FROM credits AS before
                                 WHERE before.parent = NEW.credit_id
                                   AND before.offset_e4 < lot.offset_e4)))
      OR (SELECT count(*) FROM events JOIN credits ON id = credit_id
           WHERE parent = NEW.credit_id AND seq = 2 AND type = 'SOLD')
         IS NOT (SELECT count(*) FROM credits WHERE parent = NEW.credit_id AND EXISTS (
                   SELECT 1 FROM events WHERE credit_id = NEW.credit_id AND type = 'SOLD'));
END
--;
CREATE TRIGGER credits_guard_insert BEFORE INSERT ON credits
BEGIN
  SELECT RAISE(ABORT, 'ledger: this credit is recorded already')
   WHERE EXISTS (SELECT 1 FROM credits WHERE id = NEW.id)
      OR EXISTS (SELECT 1 FROM credits WHERE parent = NEW.parent AND offset_e4 = NEW.offset_e4);
  SELECT RAISE(ABORT, 'ledger: a credit is made by its CREATED event')
   WHERE NOT EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.id AND seq = 1);
END
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
