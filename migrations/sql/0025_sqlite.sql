-- The schema of revision 0025 on SQLite. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
ALTER TABLE credit_states RENAME TO credit_states_0024
--;
CREATE TABLE credit_states (
	created_position INTEGER NOT NULL,
	credit BIGINT NOT NULL,
	status TEXT NOT NULL,
	vintage INTEGER NOT NULL,
	quantity_e4 BIGINT NOT NULL,
	project_key TEXT NOT NULL,
	registry_key TEXT NOT NULL,
	serial_key TEXT,
	search_text TEXT NOT NULL,
	created_at TEXT NOT NULL,
	changed_at TEXT NOT NULL,
	buyer TEXT,
	beneficiary TEXT,
	party_key TEXT,
	happened_on TEXT,
	CONSTRAINT pk_credit_states PRIMARY KEY (created_position),
	CONSTRAINT uq_credit_states_credit UNIQUE (credit)
)
--;
INSERT INTO credit_states (created_position, credit, status, vintage, quantity_e4, project_key, registry_key, serial_key, search_text, created_at, changed_at, buyer, beneficiary)
SELECT created_position, credit, status, vintage, quantity_e4, project_key, registry_key, serial_key, search_text, created_at, changed_at, buyer, beneficiary FROM credit_states_0024
--;
DROP TABLE credit_states_0024
--;
CREATE INDEX ix_credit_states_group ON credit_states (registry_key, vintage, status, created_position)
--;
CREATE INDEX ix_credit_states_group_project ON credit_states (registry_key, vintage, status, project_key, created_position)
--;
CREATE INDEX ix_credit_states_group_quantity ON credit_states (registry_key, vintage, status, quantity_e4, created_position)
--;
CREATE INDEX ix_credit_states_happened_on ON credit_states (happened_on, created_position, registry_key, vintage, status, quantity_e4, party_key) WHERE happened_on IS NOT NULL
--;
CREATE INDEX ix_credit_states_party_key ON credit_states (party_key, created_position, registry_key, vintage, status, quantity_e4) WHERE party_key IS NOT NULL
--;
CREATE INDEX ix_credit_states_status ON credit_states (status, created_position)
--;
CREATE INDEX ix_credit_states_status_project ON credit_states (status, project_key, created_position)
--;
CREATE INDEX ix_credit_states_status_quantity ON credit_states (status, quantity_e4, created_position)
--;
CREATE INDEX ix_credit_states_unnumbered ON credit_states (project_key, registry_key) WHERE serial_key IS NULL
--;
CREATE TABLE feed_runs (
	first_position INTEGER NOT NULL,
	last_position BIGINT NOT NULL,
	import_number BIGINT,
	credits BIGINT NOT NULL,
	quantity_e4 BIGINT NOT NULL,
	CONSTRAINT pk_feed_runs PRIMARY KEY (first_position)
)
