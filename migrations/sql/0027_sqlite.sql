-- The schema of revision 0027 on SQLite. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
ALTER TABLE users ADD COLUMN name_salt TEXT
--;
ALTER TABLE sessions ADD COLUMN mac TEXT
--;
ALTER TABLE tokens ADD COLUMN mac TEXT
