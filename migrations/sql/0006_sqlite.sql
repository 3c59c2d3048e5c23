ALTER TABLE import_problems ADD COLUMN first BIGINT
--;
ALTER TABLE import_problems ADD COLUMN last BIGINT
