-- The schema of revision 0007 on SQLite. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
DROP INDEX ix_credits_replaces
--;
CREATE UNIQUE INDEX uq_credits_replaces ON credits (replaces)
--;
DROP TRIGGER credits_guard_insert
--;
CREATE TRIGGER credits_guard_insert BEFORE INSERT ON credits
BEGIN
  SELECT RAISE(ABORT, 'ledger: this credit is recorded already')
   WHERE EXISTS (SELECT 1 FROM credits WHERE id = NEW.id)
      OR EXISTS (SELECT 1 FROM credits WHERE parent = NEW.parent AND offset_e4 = NEW.offset_e4);
  SELECT RAISE(ABORT, 'ledger: this credit is replaced already')
   WHERE EXISTS (SELECT 1 FROM credits WHERE replaces = NEW.replaces);
  SELECT RAISE(ABORT, 'ledger: a credit is made by its CREATED event')
   WHERE NOT EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.id AND seq = 1);
END
