-- Revision 0010 on SQLite, the table beside that of revision 0009. Frozen: change it in another migration.
-- A line of `--;` stands between two statements.
DROP TABLE credit_search
--;
ALTER TABLE credit_states RENAME TO credit_states_0009
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
    CONSTRAINT pk_credit_states PRIMARY KEY (created_position),
    CONSTRAINT uq_credit_states_credit UNIQUE (credit)
)
