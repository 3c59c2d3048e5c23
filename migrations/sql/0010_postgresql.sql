-- The schema of revision 0010 on PostgreSQL. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
LOCK TABLE credits, events, feed, credit_states, serial_claims, serial_blocks IN ACCESS EXCLUSIVE MODE
--;
ALTER TABLE credit_states ALTER COLUMN search_text DROP EXPRESSION
