-- The schema of revision 0003 on SQLite. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
DROP TRIGGER events_guard_insert
--;
DROP TRIGGER splits_make_lots
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
  SELECT RAISE(ABORT, 'ledger: only a cancelled credit can be replaced')
   WHERE NEW.type = 'CREATED' AND json_extract(NEW.body, '$.data.replaces') IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM events WHERE type = 'CANCELLED'
                     AND credit_id = json_extract(NEW.body, '$.data.replaces'));
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
  SELECT RAISE(ABORT, 'ledger: a split must state the quantities of its lots')
   WHERE (SELECT json_array_length(body, '$.data.quantities') FROM events
           WHERE credit_id = NEW.credit_id AND type = 'SPLIT')
         IS NOT (SELECT count(*) FROM credits WHERE parent = NEW.credit_id)
      OR EXISTS (
        SELECT 1
          FROM (SELECT row_number() OVER (ORDER BY offset_e4) - 1 AS place,
                       json_extract(body, '$.data.quantity') AS quantity
                  FROM credits JOIN events ON credit_id = id AND seq = 1
                 WHERE parent = NEW.credit_id) AS lot
          LEFT JOIN (SELECT stated.key, stated.type, stated.value
                       FROM events, json_each(events.body, '$.data.quantities') AS stated
                      WHERE events.credit_id = NEW.credit_id AND events.type = 'SPLIT') AS stated
            ON stated.key = lot.place
         WHERE stated.type IS NOT 'text' OR stated.value IS NOT lot.quantity);
END
