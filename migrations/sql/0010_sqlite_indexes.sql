-- Revision 0010 on SQLite, the indexes, after the rows were copied. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
DROP TABLE credit_states_0009
--;
CREATE INDEX ix_credit_states_group ON credit_states (registry_key, vintage, status, created_position)
--;
CREATE INDEX ix_credit_states_group_project ON credit_states (registry_key, vintage, status, project_key, created_position)
--;
CREATE INDEX ix_credit_states_group_quantity ON credit_states (registry_key, vintage, status, quantity_e4, created_position)
--;
CREATE INDEX ix_credit_states_status ON credit_states (status, created_position)
--;
CREATE INDEX ix_credit_states_status_project ON credit_states (status, project_key, created_position)
--;
CREATE INDEX ix_credit_states_status_quantity ON credit_states (status, quantity_e4, created_position)
--;
CREATE VIRTUAL TABLE credit_search USING fts5(search_text, tokenize = 'trigram case_sensitive 1', detail = none, content = 'credit_states', content_rowid = 'created_position')
--;
INSERT INTO credit_search (credit_search) VALUES ('rebuild')
