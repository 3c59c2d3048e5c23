-- The schema of revision 0025 on PostgreSQL. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
ALTER TABLE credit_states ADD COLUMN party_key TEXT COLLATE "C", ADD COLUMN happened_on TEXT COLLATE "C"
--;
CREATE INDEX ix_credit_states_party_key ON credit_states (party_key, created_position, registry_key, vintage, status, quantity_e4) WHERE party_key IS NOT NULL
--;
CREATE INDEX ix_credit_states_happened_on ON credit_states (happened_on, created_position, registry_key, vintage, status, quantity_e4, party_key) WHERE happened_on IS NOT NULL
--;
CREATE TABLE feed_runs (
	first_position BIGINT NOT NULL,
	last_position BIGINT NOT NULL,
	import_number BIGINT,
	credits BIGINT NOT NULL,
	quantity_e4 BIGINT NOT NULL,
	CONSTRAINT pk_feed_runs PRIMARY KEY (first_position)
)
