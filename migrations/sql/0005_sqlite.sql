CREATE TABLE idempotency_keys (
    actor TEXT NOT NULL,
    "key" TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    made_at TEXT NOT NULL,
    status INTEGER,
    headers TEXT,
    body BLOB,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (actor, "key")
)
--;
CREATE INDEX ix_idempotency_keys_made_at ON idempotency_keys (made_at)
