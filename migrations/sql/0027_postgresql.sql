-- The schema of revision 0027 on PostgreSQL. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
ALTER TABLE users ADD COLUMN name_salt TEXT COLLATE "C"
--;
ALTER TABLE sessions ADD COLUMN mac TEXT COLLATE "C"
--;
ALTER TABLE tokens ADD COLUMN mac TEXT COLLATE "C"
