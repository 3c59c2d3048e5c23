-- The schema of revision 0007 on PostgreSQL. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
DROP INDEX ix_credits_replaces
--;
CREATE UNIQUE INDEX uq_credits_replaces ON credits (replaces)
