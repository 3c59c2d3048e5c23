-- The schema of revision 0008 on SQLite. Frozen: change it in another migration.
ALTER TABLE users ADD COLUMN password_given_at TEXT
